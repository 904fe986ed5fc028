# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a classifier saw of an episode is compared with what was true at that time."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.learning.judge.verdict_rule import VerdictRule
from inril_ros.nodes.reward.watched_episode import WatchedEpisode

RULE = VerdictRule(threshold=0.5, needed=2, of=3)


def watched(probabilities, done=(), told=True, rule=RULE):
    episode = WatchedEpisode(rule, told)
    for stamp, probability in enumerate(probabilities):
        if stamp < len(done):
            episode.note_truth(stamp, done[stamp])
        episode.note_image(stamp, probability)
    return episode


@given(st.lists(st.floats(0.0, 1.0), max_size=30), st.integers(1, 4), st.integers(0, 3),
       st.floats(0.0, 1.0, exclude_min=True))
def test_success_is_said_where_the_rule_says_it_of_the_whole_episode(values, needed, more, limit):
    rule = VerdictRule(limit, needed, needed + more)
    episode = watched(values, rule=rule)
    assert episode.said == (rule.first(np.array(values)) if values else None)
    if values:
        assert episode.highest == rule.agreed(np.array(values)).max()


def test_a_success_is_true_if_the_task_was_done_at_that_observation():
    assert watched([0, 1, 1], [False, True, True]).done is True
    assert watched([0, 1, 1], [False, True, False]).done is False
    assert watched([0, 1, 1]).done is False, 'the simulator has not said that it is done'


def test_a_success_that_lasted_for_as_many_images_as_are_looked_at_should_have_been_seen():
    assert watched([0, 0, 0, 0], [False, True, True, True]).done is True
    assert watched([0, 0, 0, 0], [False, True, True, False]).done is False
    assert watched([0, 0], [True, True]).done is False, 'there were too few images'


def test_where_nobody_tells_nothing_is_known():
    assert watched([1, 1, 1], told=False).done is None


def test_what_becomes_true_later_makes_no_earlier_word_right():
    episode = watched([1, 1], [False, False])
    episode.note_truth(2, True)
    assert episode.said == 1 and episode.done is False


@pytest.mark.parametrize('values', [[0.4, 0.4, 0.9, 0.4], [0.9], [0.9, 0.4, 0.4, 0.9]])
def test_single_images_say_nothing(values):
    assert watched(values).said is None
