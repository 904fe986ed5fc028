# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The journal returns its records after a restart, a torn end, or its writer's death."""

import os
from pathlib import Path
import signal
import struct
import subprocess
import sys

from full_disk import full_disk
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.writer import MCAP0_MAGIC
import pytest
from rosbags.highlevel import AnyReader

from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.transport import folder_lock
from inril_ros.transport.folder_lock import FolderInUseError
from inril_ros.transport.journal import segments
from inril_ros.transport.journal.journal import (
    HIGHEST,
    Journal,
    read_journal,
    segments_begun,
    SKIPPED,
)

TYPE = 'std_msgs/msg/String'
TEXT = ros_typestore().generate_msgdef(TYPE)[0]


def record(text):
    message = ros_typestore().types[TYPE](text)
    return bytes(ros_typestore().serialize_cdr(message, TYPE))


def opened(folder):
    return Journal(folder, TYPE, TEXT)


def fill(journal, records):
    for content in records:
        journal.append(journal.next_sequence, 999 + journal.next_sequence, content)


def segments_in(folder):
    return sorted(folder.glob('*.mcap'))


def numbered(records):
    return list(enumerate(records, start=1))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / 'run' / 'journal'


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


RECORDS = [b'x' * size for size in (0, 1, 5, 300, 40)]


@pytest.fixture(scope='module')
def contents(tmp_path_factory):
    """A segment's bytes as it is while it is written, and when it is closed."""
    folder = tmp_path_factory.mktemp('torn')
    journal = opened(folder)
    fill(journal, RECORDS)
    [path] = segments_in(folder)
    running = path.read_bytes()
    journal.close()
    return running, path.read_bytes()


def placed(folder, content):
    """Write a segment as found after a crash."""
    folder.mkdir()
    (folder / '000001-1.mcap').write_bytes(content)
    return folder


@settings(max_examples=200)
@given(closed=st.booleans(), share=st.floats(0.0, 1.0), garbage=st.binary(max_size=30))
def test_after_a_torn_end_whole_records_remain_and_the_journal_continues(
        contents, tmp_path_factory, closed, share, garbage):
    content = contents[closed]
    cut = round(share * len(content))
    folder = placed(tmp_path_factory.mktemp('torn') / 'journal', content[:cut])
    kept = list(read_journal(folder))
    assert kept == numbered(RECORDS)[:len(kept)]
    assert len(kept) == len(RECORDS) or cut < len(contents[0])

    journal = opened(folder)
    assert journal.last_sequence == len(kept)
    # The cut-off record was never sent: its number is used again.
    following = 1 + len(kept)
    assert all(damage.cut_off for damage in journal.damages)
    fill(journal, [garbage, b'last'])
    everything = [*kept, (following, garbage), (following + 1, b'last')]
    assert list(journal.after(0)) == everything
    journal.close()
    assert list(read_journal(folder)) == everything
    again = opened(folder)  # the end was cut: no damage is left
    assert (again.damages, again.next_sequence) == ((), following + 2)
    again.close()


def test_no_record_before_the_cut_is_lost(contents, tmp_path):
    """With each further byte, the number of readable records never falls, up to all of them."""
    running, _ = contents
    path = placed(tmp_path / 'journal', b'') / '000001-1.mcap'
    counts = []
    for cut in range(len(running) + 1):
        path.write_bytes(running[:cut])
        counts.append(len(list(read_journal(path.parent))))
    assert counts == sorted(counts)
    assert set(counts) == set(range(len(RECORDS) + 1))


def test_a_record_that_was_damaged_into_another_kind_is_found(contents, tmp_path):
    closed = contents[1]
    path = placed(tmp_path / 'journal', closed) / '000001-1.mcap'
    place, lengths = len(MCAP0_MAGIC), []
    while place < len(closed) - len(MCAP0_MAGIC):
        opcode, length = struct.unpack_from('<BQ', closed, place)
        for other in {*range(17), 128, 255} - {opcode}:  # MCAP defines 1 to 15
            path.write_bytes(closed[:place] + bytes([other]) + closed[place + 1:])
            damages = []
            found = list(read_journal(path.parent, damages))
            assert set(found) <= set(numbered(RECORDS))
            assert len(found) == len(RECORDS) or damages, (place, opcode, other)
        lengths.append(length)
        place += 9 + length
    assert len(lengths) > 2 * len(RECORDS)


@settings(max_examples=200)
@given(data=st.data())
def test_a_changed_byte_is_found_and_costs_only_the_records_it_hit(
        contents, tmp_path_factory, data):
    content = bytearray(contents[0])
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    folder = placed(tmp_path_factory.mktemp('flipped') / 'journal', bytes(content))
    damages = []
    found = list(read_journal(folder, damages))
    assert set(found) <= set(numbered(RECORDS))  # the records that are read are correct
    assert found == sorted(found)
    if len(found) < len(RECORDS):
        assert damages and all(str(damage) for damage in damages)
        if not damages[-1].rest:
            assert len(found) == len(RECORDS) - 1
    journal = opened(folder)
    if len(found) < len(RECORDS):
        assert journal.damages
    if found != numbered(RECORDS)[:len(found)] or len(found) == len(RECORDS):
        assert journal.next_sequence > len(RECORDS)
    else:  # its end is gone, and the size of it unknown
        assert journal.next_sequence > SKIPPED
    fill(journal, [b'after it'])
    assert list(journal.after(0)) == [*found, (journal.last_sequence, b'after it')]
    journal.close()


def test_a_segment_with_a_foreign_beginning_is_set_aside_and_kept(tmp_path):
    folder = placed(tmp_path / 'journal', b'\x80\x04\x95 a pickle, say')
    journal = opened(folder)
    assert 'does not begin as an MCAP file' in str(journal.damages[0])
    journal.close()
    assert (folder / '000001-1.damaged').read_bytes().startswith(b'\x80\x04')


@settings(max_examples=30)
@given(begins=st.lists(st.integers(0, HIGHEST - 1000), max_size=3).map(sorted))
def test_numbers_of_64_bits_come_back_after_a_restart(tmp_path_factory, begins):
    """An empty segment says where numbers continue, as it does after damage."""
    folder = tmp_path_factory.mktemp('journal')
    written = []
    for begin in begins:
        number = max(begin, written[-1][0] if written else 0) + 1
        (folder / f'{1 + segments_begun(folder):06d}-{number}.mcap').touch()
        journal = opened(folder)
        assert journal.next_sequence == number
        fill(journal, [b'a', b'b'])
        written += [(number, b'a'), (number + 1, b'b')]
        journal.close()
    assert list(read_journal(folder)) == written
    journal = opened(folder)
    assert journal.last_sequence == (written[-1][0] if written else 0)
    for number, _ in written:
        assert list(journal.after(number)) == [pair for pair in written if pair[0] > number]
    journal.close()


def test_what_follows_the_highest_number_comes_back_after_a_restart(tmp_path):
    folder = tmp_path / 'journal'
    folder.mkdir()
    (folder / f'000001-{HIGHEST}.mcap').touch()
    for number in (HIGHEST, HIGHEST + 1, HIGHEST + 2):
        journal = opened(folder)
        assert journal.next_sequence == number
        fill(journal, [b'a'])
        journal.close()
    assert [number for number, _ in read_journal(folder)] == [
        HIGHEST, HIGHEST + 1, HIGHEST + 2]


def test_a_segment_whose_name_and_records_disagree_is_damaged(folder):
    journal = opened(folder)
    fill(journal, [b'a', b'b', b'c'])
    journal.close()
    (folder / '000001-1.mcap').rename(folder / '000001-3.mcap')
    damages = []
    assert list(read_journal(folder, damages)) == [(3, b'c')]
    assert len(damages) == 2
    assert all('where 3 or a later one is expected' in str(damage) for damage in damages)


def test_a_number_that_no_message_can_count_on_from_is_set_aside(folder):
    journal = opened(folder)
    fill(journal, [b'a'])
    journal.close()
    for number in (2 ** 62 + 1, 2 ** 64, 10 ** 40):
        (folder / f'000002-{number}.mcap').touch()
    journal = opened(folder)
    assert [damage.reason for damage in journal.damages] == [
        'no journal has the number in its name'] * 3
    assert journal.next_sequence < 2 ** 32 and len(list(folder.glob('*.damaged'))) == 3
    fill(journal, [b'b'])
    assert [record for _, record in journal.after(0)] == [b'a', b'b']
    journal.close()


def test_what_no_reader_accepts_is_refused_and_leaves_the_journal_as_it_is(folder, monkeypatch):
    monkeypatch.setattr(segments, 'RECORD_LIMIT', segments._ROOM + 100)
    journal = opened(folder)
    fill(journal, [b'a'])
    with pytest.raises(ValueError, match='record 2 has 101 bytes, 100 are allowed'):
        fill(journal, [b'x' * 101])
    for stamp in (-1, 2 ** 64):
        with pytest.raises(ValueError, match=f'time {stamp} ns'):
            journal.append(2, stamp, b'b')
    fill(journal, [b'x' * 100])
    journal.close()
    assert list(read_journal(folder)) == [(1, b'a'), (2, b'x' * 100)]


def test_after_a_reboot_numbers_continue_beyond_those_possibly_lost(folder, monkeypatch):
    journal = opened(folder)
    fill(journal, [b'a', b'b'])
    lock = (folder / '.lock').read_text()
    journal.close()
    (folder / '.lock').write_text(lock.replace('"boot": "', '"boot": "of yesterday, '))
    journal = opened(folder)
    assert journal.next_sequence == 3 + SKIPPED
    journal.close()  # without a record
    journal = opened(folder)
    assert journal.next_sequence == 3 + SKIPPED
    fill(journal, [b'c'])
    assert list(journal.after(0)) == [(1, b'a'), (2, b'b'), (3 + SKIPPED, b'c')]
    journal.close()


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
