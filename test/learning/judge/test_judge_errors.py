# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Errors are counted by episodes, and the threshold keeps the false ones to what is allowed."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from small_scenes import episode

from inril_ros.learning.judge.judge_errors import (
    chosen_rule,
    curve,
    errors_at,
    judged_episode,
    JudgedEpisode,
    JudgeErrors,
)
from inril_ros.learning.judge.verdict_rule import VerdictRule

ONE = VerdictRule(0.5, 1, 1)


def judged(success, before, at_end):
    return JudgedEpisode('x', success, before, max(before, at_end), 0, 0)


def test_an_episode_counts_once_however_many_frames_err():
    success = episode('a', True, 0)
    values = np.full(16, 0.1)
    values[2:5] = 0.9
    values[-3:] = 0.6
    made = judged_episode(success, values, ONE)
    assert (made.before, made.at_end, made.worst, made.best) == (0.9, 0.9, 2, 2)
    assert errors_at(0.7, [made]) == JudgeErrors(0, 0, 1, 0, 1)
    assert errors_at(0.95, [made]) == JudgeErrors(0, 0, 0, 1, 1)


def test_a_frame_that_nobody_labelled_is_no_early_verdict():
    success = episode('a', True, 0)
    values = np.where(success.labels == 2, 0.9, 0.2)
    assert judged_episode(success, values, ONE).before == 0.2


def test_errors_of_each_kind():
    made = [judged(False, 0.2, 0.0), judged(False, 0.8, 0.0), judged(True, 0.1, 0.9),
            judged(True, 0.7, 0.9), judged(True, 0.1, 0.3)]
    assert errors_at(0.6, made) == JudgeErrors(
        false=1, failures=2, early=1, missed=1, successes=3)


def test_the_threshold_lies_between_what_must_be_told_apart():
    made = [judged(False, 0.8, 0.0), judged(True, 0.1, 0.99)]
    rule = chosen_rule(ONE, made, 0)
    odds = [value / (1 - value) for value in (0.8, rule.threshold, 0.99)]
    assert odds[1] == pytest.approx((odds[0] * odds[2]) ** 0.5)


def test_allowed_errors_lower_the_threshold():
    made = [judged(False, 0.9, 0.0), judged(False, 0.6, 0.0), *[judged(True, 0.1, 0.85)] * 2]
    assert chosen_rule(ONE, made, 0).threshold > 0.9
    assert 0.6 < chosen_rule(ONE, made, 1).threshold < 0.85
    assert chosen_rule(ONE, made, 4).threshold >= 0.5


def test_an_error_is_not_allowed_for_nothing():
    made = [judged(False, 0.9, 0.0), judged(True, 0.1, 0.85), *[judged(True, 0.1, 0.95)] * 2]
    assert chosen_rule(ONE, made, 1).threshold > 0.9


@given(st.lists(st.tuples(st.booleans(), st.floats(0.0, 0.999), st.floats(0.0, 1.0)), min_size=1),
       st.integers(0, 5))
def test_never_more_false_or_early_verdicts_than_allowed(values, allowed):
    made = [judged(*each) for each in values]
    rule = chosen_rule(ONE, made, allowed)
    errors = errors_at(rule.threshold, made)
    assert errors.false + errors.early <= allowed
    assert 0.5 <= rule.threshold <= 1.0


def test_no_episode_is_no_threshold():
    with pytest.raises(ValueError, match='no episode'):
        chosen_rule(ONE, [], 0)


def test_the_curve_runs_from_nothing_to_everything():
    made = [judged(False, 0.6, 0.0), judged(False, 0.2, 0.0), judged(True, 0.1, 0.9),
            judged(True, 0.1, 0.4)]
    thresholds, false, true = curve(made)
    assert thresholds.tolist() == [1.0, 0.9, 0.6, 0.4, 0.2]
    assert false.tolist() == [0.0, 0.0, 0.5, 0.5, 1.0]
    assert true.tolist() == [0.0, 0.5, 0.5, 1.0, 1.0]
