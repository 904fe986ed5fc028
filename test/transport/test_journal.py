# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the journal took it gives back: after a restart, a torn end, or the death of its writer."""

import os
from pathlib import Path
import signal
import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
import pytest
from rosbags.highlevel import AnyReader

from inril_ros.data.typestore import ros_typestore
from inril_ros.transport.journal import Journal, read_journal

TYPE = 'std_msgs/msg/String'
TEXT = ros_typestore().generate_msgdef(TYPE)[0]


def record(text):
    message = ros_typestore().types[TYPE](text)
    return bytes(ros_typestore().serialize_cdr(message, TYPE))


def opened(folder):
    return Journal(folder, TYPE, TEXT)


def fill(journal, records):
    for content in records:
        journal.append(journal.last_sequence + 1, 1000 + journal.last_sequence, content)


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
    with pytest.raises(ValueError, match=f'record {sequence} after 2: numbers have no gaps'):
        journal.append(sequence, 0, b'c')
    journal.append(3, 0, b'c')
    assert [number for number, _ in journal.after(0)] == [1, 2, 3]
    journal.close()


def test_numbers_go_on_in_a_new_segment(folder):
    first = opened(folder)
    fill(first, [b'a', b'b'])
    first.close()
    second = opened(folder)
    with pytest.raises(ValueError, match='record 1 after 2'):
        second.append(1, 0, b'again')
    fill(second, [b'c'])
    second.close()
    assert sorted(path.name for path in folder.iterdir()) == ['000001.mcap', '000002.mcap']
    assert list(read_journal(folder)) == [(1, b'a'), (2, b'b'), (3, b'c')]


def test_files_that_are_no_segments_are_left_alone(folder):
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
def segments(tmp_path_factory):
    """A journal as it is while it is written, and when it is closed: folder and bytes."""
    folder = tmp_path_factory.mktemp('torn')
    journal = opened(folder)
    fill(journal, RECORDS)
    running = (folder / '000001.mcap').read_bytes()
    journal.close()
    return folder, running, (folder / '000001.mcap').read_bytes()


@settings(max_examples=300)
@given(closed=st.booleans(), share=st.floats(0.0, 1.0), garbage=st.binary(max_size=30))
def test_a_torn_end_leaves_whole_records_and_the_journal_goes_on(segments, closed, share, garbage):
    folder, running, finished = segments
    for path in folder.iterdir():
        path.unlink()
    content = finished if closed else running
    cut = round(share * len(content))
    (folder / '000001.mcap').write_bytes(content[:cut])
    kept = list(read_journal(folder))
    assert kept == numbered(RECORDS)[:len(kept)]
    assert len(kept) == len(RECORDS) or cut < len(running)

    journal = opened(folder)
    assert journal.last_sequence == len(kept)
    fill(journal, [garbage, b'last'])
    assert list(journal.after(0)) == numbered([*RECORDS[:len(kept)], garbage, b'last'])
    journal.close()
    assert list(read_journal(folder)) == numbered([*RECORDS[:len(kept)], garbage, b'last'])


def test_no_record_before_the_cut_is_lost(segments):
    """Byte by byte: the number of readable records only ever grows, up to all of them."""
    folder, running, _ = segments
    for path in folder.iterdir():
        path.unlink()
    counts = []
    for cut in range(len(running) + 1):
        (folder / '000001.mcap').write_bytes(running[:cut])
        counts.append(len(list(read_journal(folder))))
    assert counts == sorted(counts)
    assert set(counts) == set(range(len(RECORDS) + 1))
    # A record is 31 bytes and its content: readable from its last byte on, and not before.
    ends = [counts.index(number) for number in range(1, len(RECORDS) + 1)]
    assert [late - early for early, late in zip(ends, ends[1:], strict=False)] == [
        31 + len(content) for content in RECORDS[1:]]


WRITER = """
import sys
from pathlib import Path
from inril_ros.transport.journal import Journal

journal = Journal(Path(sys.argv[1]), 'std_msgs/msg/String', 'string data')
while True:
    number = journal.last_sequence + 1
    journal.append(number, number, b'%d' % number * 500)
    print(number, flush=True)
"""


def test_a_killed_writer_loses_nothing_that_it_had_appended(folder):
    """The writer says each number when ``append`` has returned; then it is killed at once."""
    root = Path(__file__).parents[2]
    said = 0
    for _ in range(2):  # the second one goes on where the first was killed
        process = subprocess.Popen([sys.executable, '-c', WRITER, str(folder)], cwd=root,
                                   stdout=subprocess.PIPE, text=True)
        first = int(process.stdout.readline())
        for _ in range(200):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().splitlines(keepends=True)
        process.wait()
        process.stdout.close()
        # Everything up to here was said; of the last line maybe not all.
        heard = max([first + 200, *(int(line) for line in rest if line.endswith('\n'))])
        assert first > said
        said = heard
        found = list(read_journal(folder))
        assert [number for number, _ in found] == list(range(1, len(found) + 1))
        assert len(found) >= said
        assert all(content == b'%d' % number * 500 for number, content in found)


def test_a_closed_segment_is_a_plain_mcap_file(folder):
    journal = opened(folder)
    fill(journal, [record('one'), record('two')])
    journal.sync()
    journal.close()
    [path] = folder.iterdir()
    with open(path, 'rb') as file:
        reader = make_reader(file)
        assert reader.get_summary().statistics.message_count == 2
        found = [(schema.name, channel.topic, channel.message_encoding, message.sequence,
                  message.log_time) for schema, channel, message in reader.iter_messages()]
    assert found == [(TYPE, 'transition', 'cdr', 1, 1000), (TYPE, 'transition', 'cdr', 2, 1001)]
    with AnyReader([path]) as reader:
        texts = [reader.deserialize(raw, link.msgtype).data for link, _, raw in reader.messages()]
    assert texts == ['one', 'two']
