# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Episodes are found where a recording marks them, by each rule."""

from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.data.importing.episode_cuts import (
    Cut,
    cut_by_gaps,
    cut_by_table,
    cut_by_topic,
    CutError,
    CutRule,
)

SECOND = 1_000_000_000


@given(st.lists(st.integers(0, 400), min_size=1, max_size=40).map(sorted),
       st.sampled_from([0.5, 3.0, 20.0]))
def test_pauses_are_between_parts_and_not_within_them(times, pause):
    cuts = cut_by_gaps((time * SECOND for time in times), pause)
    inside = [(cut.start // SECOND, cut.end // SECOND) for cut in cuts]
    for start, end in inside:
        part = [time for time in times if start <= time <= end]
        assert max(np.diff(part)) <= pause
    for (_, end), (start, _) in zip(inside, inside[1:]):
        assert start - end > pause
    lonely = [time for time in times if not any(s <= time <= e for s, e in inside)]
    for time in lonely:
        assert all(other == time or abs(other - time) > pause for other in times)


def test_too_many_pauses_are_a_mistake():
    with pytest.raises(CutError, match='more than 5 pauses; take a longer one'):
        cut_by_gaps(range(0, 100 * SECOND, SECOND), 0.5, most=5)


@given(st.lists(st.booleans(), max_size=30))
def test_a_switch_marks_the_times_at_which_it_is_on(values):
    messages = [(index, SimpleNamespace(data=value)) for index, value in enumerate(values)]
    cuts = cut_by_topic(messages, len(values))
    inside = {tick for cut in cuts for tick in range(cut.start, cut.end)}
    assert inside == {index for index, value in enumerate(values) if value}


words = st.sampled_from(['start', ' BEGIN ', 'stop', 'success', 'Failure', 'discard'])


@given(st.lists(words, max_size=20))
def test_words_begin_end_and_discard(said):
    cuts = cut_by_topic(
        [(index, SimpleNamespace(data=word)) for index, word in enumerate(said)], len(said))
    expected, start = [], None
    for index, word in enumerate(word.strip().lower() for word in said):
        if start is not None and word != 'discard':
            expected.append((start, index, word))
        start = index if word in ('start', 'begin') else None
    if start is not None:
        expected.append((start, len(said), 'end'))
    assert [(cut.start, cut.end) for cut in cuts] == [row[:2] for row in expected]
    assert [cut.outcome and cut.outcome.name.lower() for cut in cuts] == [
        row[2] if row[2] in ('success', 'failure') else None for row in expected]


def test_any_other_message_begins_the_next_episode():
    messages = [(time, SimpleNamespace()) for time in (3, 7)]
    assert cut_by_topic(messages, 9) == [Cut(3, 7), Cut(7, 9)]


def test_an_unknown_word_is_reported():
    with pytest.raises(CutError, match="says 'go': allowed are .*'start'.*'success'.*'discard'"):
        cut_by_topic([(0, SimpleNamespace(data='go'))], 1)


@pytest.mark.parametrize(('text', 'words'), [
    ('start,finish\n1,2\n', 'needs the columns start and end'), ('', 'needs the columns'),
    ('start,end\n2,1\n', 'line 2: the end is not after the start'),
    ('start,end\n1,soon\n', "line 2, end: 'soon' is no time"),
    ('start,end\n1,nan\n', 'is no time'), ('start,end\n-1,2\n', 'is no time'),
    ('start,end,outcome\n1,2,great\n', "line 2: outcome 'great': allowed"),
    ('start,end\n1\n', "line 2, end: '' is no time"),
    ('start,end\n1,3\n2,4\n', 'line 3: begins before the episode above it ends')])
def test_a_wrong_table_names_the_line(tmp_path, text, words):
    path = tmp_path / 'times.csv'
    path.write_text(text)
    with pytest.raises(CutError, match=words) as caught:
        cut_by_table(path, 0)
    assert str(path) in str(caught.value)


def test_times_since_1970_are_exact(tmp_path):
    path = tmp_path / 'times.csv'
    path.write_text('start,end\n1700000000.123456789,1700000001\n')
    assert cut_by_table(path, 5) == [
        Cut(1_700_000_000_123_456_789, 1_700_000_001 * SECOND)]


@settings(max_examples=200)
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_table_is_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp('cuts') / 'times.csv'
    path.write_bytes(content)
    try:
        for cut in cut_by_table(path, 0):
            assert cut.start < cut.end
    except CutError as error:
        assert str(path) in str(error)


@pytest.mark.parametrize('text', ['', 'all', 'gaps', 'gaps:', 'gaps:-1', 'gaps:0', 'gaps:x',
                                  'whole:1', 'topic:', 'csv'])
def test_a_wrong_rule_says_what_is_allowed(text):
    with pytest.raises(CutError, match='allowed are whole, gaps|is no time|longer than 0'):
        CutRule.parse(text)


def test_rules_are_read():
    assert CutRule.parse('whole') == CutRule('whole')
    assert CutRule.parse('gaps:2.5').seconds == 2.5
    assert CutRule.parse('topic:/a:b') == CutRule('topic', '/a:b')
