# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A journal removes only acknowledged records, oldest first, and only beyond a limit."""

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from inril_ros.transport.journal.journal import Journal, read_journal, segments_begun
from inril_ros.transport.journal.retention import removable, Retention, SegmentFacts

NOW = 1e9
SEGMENT_BYTES = 400


def facts(firsts, sizes, ages):
    """Return segments; each one holds the numbers up to the next one's first."""
    return [SegmentFacts(first, size, NOW - age) for first, size, age in zip(firsts, sizes, ages)]


@st.composite
def journals(draw):
    number = draw(st.integers(0, 8))
    lists = [draw(st.lists(values, min_size=number, max_size=number)) for values in (
        st.integers(0, 5), st.integers(1, 10 ** 9), st.integers(0, 10 ** 5))]
    firsts = [1 + sum(lists[0][:index]) for index in range(number)]
    return facts(firsts, lists[1], lists[2]), sum(lists[0])


limits = st.builds(Retention, st.sampled_from([0.0, 0.1, 1.0, 3.0]),
                   st.sampled_from([0.0, 0.5, 10.0]))


@given(journals(), st.integers(0, 50), limits)
def test_only_covered_records_beyond_a_limit_are_removed(journal, covered, retention):
    segments, last = journal
    number = removable(segments, covered, last, retention, NOW)
    gone, kept = segments[:number], segments[number:]
    if gone:
        assert kept and not retention.keeps_all
        # Everything in them is covered, and the last record is not among them.
        assert kept[0].first - 1 <= covered and kept[0].first <= last

    def size_from(index):
        return sum(each.size for each in segments[index:]) / 1e9

    for index, segment in enumerate(gone):
        assert (0.0 < retention.gigabytes < size_from(index)
                or 0.0 < retention.hours < (NOW - segment.written_at) / 3600)
    # Nothing that had to be removed is left.
    if len(kept) > 1 and kept[1].first <= min(covered + 1, last):
        assert not 0.0 < retention.gigabytes < size_from(number)
        assert not 0.0 < retention.hours < (NOW - kept[0].written_at) / 3600


@pytest.mark.parametrize(('gigabytes', 'hours'), [(-1.0, 0.0), (0.0, -1.0), (float('nan'), 0.0)])
def test_an_invalid_limit_is_refused(gigabytes, hours):
    with pytest.raises(ValueError, match='limits are not negative'):
        Retention(gigabytes, hours)


def opened(folder):
    return Journal(folder, 'std_msgs/msg/String', 'string data', segment_bytes=SEGMENT_BYTES)


steps = st.lists(st.one_of(
    st.tuples(st.just('append'), st.integers(1, 6)), st.tuples(st.just('reopen'), st.just(0)),
    st.tuples(st.just('prune'), st.integers(0, 60))), max_size=12)


@settings(max_examples=40, deadline=None)
@given(steps)
def test_uncovered_records_are_kept_and_numbers_continue_after_removals(
        tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp('journal')
    journal, written, highest = opened(folder), [], 0
    for kind, value in steps:
        begun = segments_begun(folder)
        if kind == 'append':
            for _ in range(value):
                record = b'%d' % journal.next_sequence * 20
                written.append((journal.next_sequence, record))
                journal.append(journal.next_sequence, 0, record)
        elif kind == 'reopen':
            last, following = journal.last_sequence, journal.next_sequence
            journal.close()
            journal = opened(folder)
            assert journal.last_sequence == last and not journal.damages
            assert journal.next_sequence == following
        else:
            highest = max(highest, value)
            size = sum(path.stat().st_size for path in folder.glob('*.mcap'))
            removed = journal.prune(value, Retention(gigabytes=1e-12), NOW)
            assert bool(removed) == (sum(
                path.stat().st_size for path in folder.glob('*.mcap')) < size)
        assert segments_begun(folder) >= begun
        present = list(read_journal(folder))
        assert present == written[len(written) - len(present):]
        assert [each for each in written if each[0] > highest] == [
            each for each in present if each[0] > highest] == list(journal.after(highest))
        assert not written or present[-1] == written[-1]
    journal.close()


def test_a_journal_without_a_limit_keeps_everything(tmp_path):
    journal = opened(tmp_path)
    for number in range(1, 40):
        journal.append(number, 0, b'x' * 100)
    assert journal.prune(39, Retention(), NOW * 2) == []
    assert journal.prune(39, Retention(gigabytes=1.0), NOW * 2) == []
    assert [number for number, _ in read_journal(tmp_path)] == list(range(1, 40))
    removed = journal.prune(20, Retention(hours=1.0), NOW * 3)
    assert removed and next(read_journal(tmp_path))[0] in range(2, 22)
    journal.close()
