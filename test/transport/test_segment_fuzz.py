# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whatever bytes a journal's segments hold, it opens, says what it can't read, and goes on."""

from pathlib import Path
import shutil
import struct
import tempfile
import tracemalloc
import zlib

from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.writer import MCAP0_MAGIC
import pytest
from run_length import LONG

from inril_ros.transport.journal.journal import HIGHEST, Journal, read_journal
from inril_ros.transport.journal.segments import read_segment

EXAMPLES = 100_000 if LONG else 60
MEMORY = 4_000_000  # [byte] far more than reading files of some kB takes
RECORDS = [b'x' * size for size in (0, 1, 5, 300, 40)]


def opened(folder):
    return Journal(folder, 'std_msgs/msg/String', 'string data')


@pytest.fixture(scope='module')
def genuine(tmp_path_factory):
    """The bytes of a closed segment."""
    folder = tmp_path_factory.mktemp('genuine')
    journal = opened(folder)
    for record in RECORDS:
        journal.append(journal.next_sequence, 1, record)
    journal.close()
    return (folder / '000001-1.mcap').read_bytes()


numbers = st.one_of(st.sampled_from([0, 1, 2 ** 31, 2 ** 32, 2 ** 63, 2 ** 64 - 1]),
                    st.integers(0, 2 ** 64 - 1))


@st.composite
def mcap_records(draw):
    """Return records as MCAP frames them, with any opcode, length and content."""
    parts = []
    for _ in range(draw(st.integers(0, 4))):
        content = draw(st.one_of(st.binary(max_size=60), st.builds(
            lambda channel, sequence, times, data: struct.pack('<HIQQ', channel, sequence, *times)
            + data, st.integers(0, 3), st.integers(0, 2 ** 32 - 1), st.tuples(numbers, numbers),
            st.binary(max_size=20))))
        length = draw(st.one_of(st.just(len(content)), numbers))
        parts.append(struct.pack('<BQ', draw(st.integers(0, 20)), length) + content)
    return b''.join(parts)


@st.composite
def chunks(draw):
    """Return a chunk whose checksum is right, whatever is in it."""
    inner = draw(st.one_of(mcap_records(), st.binary(max_size=60)))
    content = struct.pack('<QQQII', *draw(st.tuples(numbers, numbers)), len(inner),
                          zlib.crc32(inner), 0) + struct.pack('<Q', len(inner)) + inner
    return struct.pack('<BQ', 6, len(content)) + content


pieces = st.lists(st.one_of(
    chunks(), mcap_records(), st.binary(max_size=40),
    st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)).map(sorted)), max_size=5)


def segment_of(genuine, parts):
    """Return a segment of parts; a pair of shares stands for a stretch of the genuine one."""
    return MCAP0_MAGIC + b''.join(
        part if isinstance(part, bytes) else genuine[
            round(part[0] * len(genuine)):round(part[1] * len(genuine))] for part in parts)


def check(folder):
    """Open a journal of any content, and use it."""
    damages = []
    before = list(read_journal(folder, damages))
    assert all(damage.reason and len(str(damage)) < 400 for damage in damages)
    for path in folder.glob('*.mcap'):
        first = int(path.stem.partition('-')[2])
        read = [record.sequence for record in read_segment(path, first)]
        assert read == sorted(set(read)) and all(number >= first for number in read)
    tracemalloc.start()
    journal = opened(folder)
    try:
        assert tracemalloc.get_traced_memory()[1] < MEMORY
        assert journal.last_sequence < journal.next_sequence <= HIGHEST + 2 ** 40
        written = journal.next_sequence
        journal.append(written, 1, b'after it')
        assert list(journal.after(written - 1)) == [(written, b'after it')]
    finally:
        tracemalloc.stop()
        journal.close()
    assert list(read_journal(folder))[:len(before)] == before or journal.damages
    again = opened(folder)
    assert again.last_sequence == written
    again.close()


@settings(max_examples=EXAMPLES)
@given(contents=st.lists(pieces, min_size=1, max_size=2),
       firsts=st.tuples(st.one_of(st.just(1), numbers), st.one_of(st.just(6), numbers)))
def test_segments_of_any_bytes(genuine, contents, firsts):
    folder = Path(tempfile.mkdtemp())
    try:
        for index, parts in enumerate(contents):
            (folder / f'{index + 1:06d}-{firsts[index]}.mcap').write_bytes(
                segment_of(genuine, parts))
        check(folder)
    finally:
        shutil.rmtree(folder)


@settings(max_examples=EXAMPLES)
@given(changes=st.lists(st.tuples(st.floats(0.0, 1.0), st.binary(max_size=12),
                                  st.integers(0, 12)), max_size=4))
def test_a_segment_in_which_bytes_were_replaced_inserted_or_removed(genuine, changes):
    content = bytearray(genuine)
    for share, put, removed in changes:
        place = round(share * len(content))
        content[place:place + removed] = put
    folder = Path(tempfile.mkdtemp())
    try:
        (folder / '000001-1.mcap').write_bytes(bytes(content))
        damages = []
        found = list(read_journal(folder, damages))
        if bytes(content) == genuine:
            assert [record for _, record in found] == RECORDS and not damages
        check(folder)
    finally:
        shutil.rmtree(folder)
