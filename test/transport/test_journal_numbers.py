# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The numbers of a journal's records: up to the highest one, and after a reboot."""

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
from small_journal import fill, opened

from inril_ros.transport.journal import segments
from inril_ros.transport.journal.journal import (
    HIGHEST,
    read_journal,
    segments_begun,
    SKIPPED,
)


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
