# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A journal with a torn end or changed bytes gives the records that are whole."""

import struct

from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.writer import MCAP0_MAGIC
import pytest
from small_journal import fill, numbered, opened, segments_in

from inril_ros.transport.journal.journal import (
    read_journal,
    SKIPPED,
)

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
