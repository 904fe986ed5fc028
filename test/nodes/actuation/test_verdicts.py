# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Verdicts count if they can be, are on the running episode, and of the contract's judge."""

from driven_hand import driven_hand
from inril_ros.msg import EpisodeEvent, Outcome
import pytest

BEGUN = [EpisodeEvent.RESETTING, EpisodeEvent.STARTED]
SUCCESS, ABORTED = EpisodeEvent.SUCCESS, EpisodeEvent.ABORTED


def last_refusal(hand):
    return hand.node.refused.details().get('last refusal', '')


def test_a_verdict_on_the_running_episode_ends_it(tmp_path):
    with driven_hand(tmp_path) as hand:
        assert hand.begin('e1') == BEGUN
        hand.judge()
        assert hand.ended() == (SUCCESS, '')
        assert not last_refusal(hand)


def test_the_first_verdict_decides_though_the_episode_has_not_ended_yet(tmp_path):
    """As when the arm is held without a valid observation."""
    with driven_hand(tmp_path) as hand:
        assert hand.begin('e1') == BEGUN
        hand.judge(ticks=0)
        assert hand.call('failure') == (
            False, 'it is a success already, and ends when there is an observation')
        for _ in range(150):  # more than are remembered
            hand.judge(reward=0.0, outcome=Outcome.FAILURE, ticks=0)
        hand.tick()
        assert hand.ended() == (SUCCESS, '')


@pytest.mark.parametrize(('verdict', 'reason'), [
    ({'reward': 1.5}, 'its reward is 1.5, the contract allows 0 to 1'),
    ({'reward': -0.5, 'outcome': Outcome.RUNNING}, 'its reward is -0.5'),
    ({'reward': float('nan')}, 'reward is nan'),
    ({'seconds': 5.0}, 'in the future'),
    ({'seconds': -100.0}, 'before the first one of the episode'),
])
def test_a_verdict_that_cannot_be_is_refused_and_the_episode_goes_on(tmp_path, verdict, reason):
    with driven_hand(tmp_path, {'reward': [0.0, 1.0]}) as hand:
        assert hand.begin('e1') == BEGUN
        hand.judge(**verdict)
        assert hand.ended() is None
        assert reason in last_refusal(hand)
        hand.judge()
        assert hand.ended() == (SUCCESS, '')


def test_a_verdict_between_episodes_judges_none(tmp_path):
    with driven_hand(tmp_path) as hand:
        hand.judge()
        assert 'no episode runs' in last_refusal(hand)
        assert hand.begin('e1') == BEGUN
        hand.tick()
        assert hand.ended() is None


def test_while_another_than_the_judge_publishes_verdicts_none_is_believed(tmp_path):
    with driven_hand(tmp_path, {'judge': 'vision_node'}) as hand, \
            hand.another_node('vision_node', Outcome, 'outcome'):
        assert hand.begin('e1') == BEGUN
        with hand.another_node('forger', Outcome, 'outcome'):
            hand.judge()  # whoever sent it
            outcome, reason = hand.ended()
            assert outcome == ABORTED and reason.startswith('/forger publishes verdicts on /outco')
            assert hand.begin('e2') == [EpisodeEvent.REFUSED]
            assert '/forger' in hand.events[-1].reason
        assert hand.begin('e3') == BEGUN
        hand.judge()
        assert hand.ended() == (SUCCESS, '')


def test_where_a_person_judges_no_other_node_does(tmp_path):
    with driven_hand(tmp_path, {'judge': 'person'}) as hand:
        assert hand.begin('e1') == BEGUN
        with hand.another_node('vision_node', Outcome, 'outcome'):
            hand.look()
            assert hand.ended()[0] == ABORTED


def test_without_a_named_judge_any_node_judges(tmp_path):
    with driven_hand(tmp_path) as hand, hand.another_node('anyone', Outcome, 'outcome'):
        assert hand.begin('e1') == BEGUN
        hand.judge()
        assert hand.ended() == (SUCCESS, '')
