# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The journal returns its records after a restart, a torn end, or its writer's death."""

import os
from pathlib import Path
import signal
import subprocess
import sys

from full_disk import full_disk
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
import pytest
from rosbags.highlevel import AnyReader
from small_journal import fill, numbered, opened, record, segments_in, TEXT, TYPE

from inril_ros.transport import folder_lock
from inril_ros.transport.folder_lock import FolderInUseError
from inril_ros.transport.journal.journal import (
    Journal,
    read_journal,
    SKIPPED,
)


@settings(max_examples=30)
@given(st.lists(st.lists(st.binary(max_size=200), max_size=5), max_size=4), st.data())
def test_records_come_back_in_order_over_any_number_of_restarts(tmp_path_factory, parts, data):
    folder = tmp_path_factory.mktemp('journal')
    everything = [content for part in parts for content in part]
    for part in parts:
        journal = opened(folder)
        fill(journal, part)
        journal.close()
    assert list(read_journal(folder)) == numbered(everything)
    journal = opened(folder)
    assert journal.last_sequence == len(everything)
    after = data.draw(st.integers(0, len(everything) + 1))
    assert list(journal.after(after)) == numbered(everything)[after:]
    journal.close()


def test_a_record_can_be_read_as_soon_as_it_is_appended(folder):
    journal = opened(folder)
    for number in range(1, 4):
        journal.append(number, 0, b'record %d' % number)
        assert list(read_journal(folder))[-1] == (number, b'record %d' % number)
        assert list(journal.after(number - 1)) == [(number, b'record %d' % number)]
    journal.close()


@pytest.mark.parametrize('sequence', [0, 1, 2, 4, 10])
def test_a_number_that_is_not_the_next_is_refused(folder, sequence):
    journal = opened(folder)
    fill(journal, [b'a', b'b'])
    with pytest.raises(ValueError, match=f'record {sequence}: the next one is 3'):
        journal.append(sequence, 0, b'c')
    journal.append(3, 0, b'c')
    assert [number for number, _ in journal.after(0)] == [1, 2, 3]
    journal.close()


def test_numbers_continue_in_a_new_segment(folder):
    first = opened(folder)
    fill(first, [b'a', b'b'])
    first.close()
    second = opened(folder)
    with pytest.raises(ValueError, match='record 1: the next one is 3'):
        second.append(1, 0, b'again')
    fill(second, [b'c'])
    second.close()
    assert [path.name for path in segments_in(folder)] == ['000001-1.mcap', '000002-3.mcap']
    assert list(read_journal(folder)) == [(1, b'a'), (2, b'b'), (3, b'c')]


def test_files_that_are_no_segments_are_kept(folder):
    folder.mkdir(parents=True)
    (folder / 'notes.mcap').write_bytes(b'not a journal')
    journal = opened(folder)
    fill(journal, [b'a'])
    journal.close()
    assert list(read_journal(folder)) == [(1, b'a')]


def test_an_empty_or_absent_journal_has_no_records(folder):
    assert list(read_journal(folder)) == []
    journal = opened(folder)
    assert journal.last_sequence == 0
    journal.close()
    journal.close()  # closing twice is harmless
    assert list(read_journal(folder)) == []


def test_segments_are_closed_when_they_are_large(folder):
    journal = Journal(folder, TYPE, TEXT, segment_bytes=3000)
    records = [b'%d' % number * 100 for number in range(100)]
    fill(journal, records)
    assert len(segments_in(folder)) > 3
    assert all(path.stat().st_size < 6000 for path in segments_in(folder))
    for start in (0, 1, 37, 99, 100):
        assert list(journal.after(start)) == numbered(records)[start:]
    journal.close()


def test_a_second_process_cannot_write_to_a_journal(folder):
    journal = opened(folder)
    with pytest.raises(FolderInUseError, match=f'in use for the journal by process {os.getpid()}'):
        opened(folder)
    journal.close()
    opened(folder).close()


def test_a_full_disk_costs_the_record_and_not_the_journal(folder, monkeypatch):
    journal = opened(folder)
    fill(journal, [b'a'])
    write = os.pwrite

    def full(descriptor, data, offset):
        if len(data) > 10:
            return write(descriptor, data[:10], offset)  # some of it fits
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'pwrite', full)
    for _ in range(3):
        with pytest.raises(OSError, match='No space left'):
            fill(journal, [b'b'])
    monkeypatch.undo()
    assert [number for number, _ in journal.after(0)] == [1]
    fill(journal, [b'c'])
    assert list(journal.after(0)) == [(1, b'a'), (2, b'c')]
    journal.close()
    reopened = opened(folder)
    assert reopened.damages == ()
    reopened.close()


def test_on_a_full_disk_a_journal_opens_and_its_records_are_read(folder):
    journal = opened(folder)
    fill(journal, [b'a', b'b'])
    journal.close()
    with full_disk():
        journal = opened(folder)
        assert list(journal.after(0)) == [(1, b'a'), (2, b'b')]
        for _ in range(2):
            with pytest.raises(OSError):
                fill(journal, [b'c'])
    fill(journal, [b'd'])  # space was made
    assert list(journal.after(1)) == [(2, b'b'), (3, b'd')]
    journal.close()


def test_who_holds_a_journal_is_written_before_its_first_record(folder, monkeypatch):
    with full_disk():
        journal = opened(folder)
    assert (folder / '.lock').read_bytes() == b''
    fill(journal, [b'a'])
    os.close(journal._lock._descriptor)  # as the end of the machine does
    monkeypatch.setattr(folder_lock, '_boot_id', lambda: 'another')
    again = opened(folder)
    assert again.next_sequence > SKIPPED
    again.close()


WRITER = """
import sys
from pathlib import Path
from inril_ros.transport.journal.journal import Journal

journal = Journal(Path(sys.argv[1]), 'std_msgs/msg/String', 'string data')
while True:
    number = journal.next_sequence
    journal.append(number, number, b'%d' % number * 500)
    print(number, flush=True)
"""


def test_a_killed_writer_loses_no_appended_record(folder):
    """The writer prints each number when ``append`` has returned, until it is killed."""
    root = Path(__file__).parents[2]
    printed = 0
    for _ in range(2):  # the second one continues where the first was killed
        process = subprocess.Popen([sys.executable, '-c', WRITER, str(folder)], cwd=root,
                                   stdout=subprocess.PIPE, text=True)
        first = int(process.stdout.readline())
        for _ in range(200):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().splitlines(keepends=True)
        process.wait()
        process.stdout.close()
        # All numbers up to here were printed; the last line may be incomplete.
        last = max([first + 200, *(int(line) for line in rest if line.endswith('\n'))])
        assert first > printed
        printed = last
        found = list(read_journal(folder))
        assert [number for number, _ in found] == list(range(1, len(found) + 1))
        assert len(found) >= printed
        assert all(content == b'%d' % number * 500 for number, content in found)


def test_a_closed_segment_is_a_plain_mcap_file(folder):
    journal = opened(folder)
    fill(journal, [record('one'), record('two')])
    journal.sync()
    journal.close()
    [path] = segments_in(folder)
    with open(path, 'rb') as file:
        reader = make_reader(file)
        assert reader.get_summary().statistics.message_count == 2
        found = [(schema.name, channel.topic, channel.message_encoding, message.sequence,
                  message.log_time) for schema, channel, message in reader.iter_messages()]
    assert found == [(TYPE, 'transition', 'cdr', 1, 1000), (TYPE, 'transition', 'cdr', 2, 1001)]
    with AnyReader([path]) as reader:
        texts = [reader.deserialize(raw, connection.msgtype).data
                 for connection, _, raw in reader.messages()]
    assert texts == ['one', 'two']
