# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A classifier's errors are counted, and too many of them end its authority."""

from dataclasses import asdict
import json

from hypothesis import given
from hypothesis import strategies as st
import pytest

from inril_ros.data.record_files import JsonLines, RecordError
from inril_ros.data.run.judge_record import (
    false_successes,
    JudgedByClassifier,
    LEAST,
    read_judged,
    why_distrusted,
    WINDOW,
)

JUDGE = 'a' * 64


def row(said, done=None, by='classifier', outcome='success'):
    return JudgedByClassifier(
        JUDGE, 'some-episode', 'rollout', 20, said, 12 if said else None, 0.5, outcome, by, done)


@pytest.mark.parametrize(('episode', 'false', 'missed'), [
    (row(True, done=True), False, False),
    (row(True, done=False), True, False),
    (row(True), False, False),  # nobody contradicted
    (row(True, by='person', outcome='failure'), True, False),
    (row(False, done=True, by='time limit', outcome='time_limit'), False, True),
    (row(False, done=False, by='time limit', outcome='time_limit'), False, False),
    (row(False, by='person'), False, True),
    (row(False, by='person', outcome='failure'), False, False),
    (row(False, by='time limit', outcome='time_limit'), False, False),
])
def test_an_error_is_what_the_simulator_or_a_person_contradicts(episode, false, missed):
    assert (episode.false, episode.missed) == (false, missed)


def test_a_classifier_that_always_says_success_is_distrusted_as_soon_as_it_can_be():
    rows = [row(True, done=False)] * LEAST
    assert not why_distrusted(rows[1:], 0.1)
    assert f'{LEAST} of the last {LEAST} episodes' in why_distrusted(rows, 0.1)


def test_errors_of_long_ago_do_not_count():
    rows = [row(True, done=False)] * 30 + [row(True, done=True)] * WINDOW
    assert false_successes(rows).value == 0.0 and not why_distrusted(rows, 0.1)


@given(st.lists(st.booleans(), max_size=120), st.floats(0.0, 1.0))
def test_it_is_distrusted_only_if_the_whole_interval_is_beyond_the_bound(wrong, bound):
    rows = [row(True, done=not each) for each in wrong]
    share = false_successes(rows)
    assert bool(why_distrusted(rows, bound)) == (
        len(rows) >= LEAST and share.low > bound)


def test_rows_are_read_as_they_were_written_and_damaged_ones_are_named(tmp_path):
    path, rows = tmp_path / 'episodes.jsonl', [row(True, done=False), row(False, by='person')]
    assert read_judged(path) == []
    with JsonLines(path) as file:
        for each in rows:
            file.append(asdict(each))
    assert read_judged(path) == rows
    with path.open('a') as file:
        file.write(json.dumps({**asdict(rows[0]), 'said': 'perhaps'}) + '\n')
    with pytest.raises(RecordError, match='line 3'):
        read_judged(path)
