# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A rollout with late samples or lost actions reaches the learner but for what nobody can know."""

from dataclasses import replace

from configured_node import configured, written
from inril_ros.msg import ActionChunk, EpisodeEvent, EpisodeRequest, Transition
import pytest
from rclpy.serialization import deserialize_message
from small_arm import (
    CONTRACT,
    DESCRIPTION,
    executed,
    executed_message,
    observations,
    outcome_message,
    serialised,
    START,
    TICK,
)

from inril_ros.data.record_files import read_json_lines
from inril_ros.learning.joining import join_transitions
from inril_ros.nodes.learner.transition_messages import to_experience
from inril_ros.nodes.recorder_node import RecorderNode
from inril_ros.robot.messages.codecs import stamp_ns
from inril_ros.transport.journal.journal import read_journal

TICKS = 6
SAVED, DISCARDED = EpisodeEvent.SAVED, EpisodeEvent.DISCARDED


class Lab:
    """A recorder in real time, given messages by the test, and its journal."""

    def __init__(self, node, journal):
        self.node, self.journal, self.verdicts = node, journal, []
        node._report._events.publish = self.verdicts.append

    def event(self, kind, tick=0, **changed):
        message = EpisodeEvent(**{
            'run_id': 'r', 'contract_hash': self.node.contract.hash, 'episode_id': 'e1',
            'event': kind, 'purpose': EpisodeRequest.ROLLOUT, 'tick': tick, **changed})
        message.header.stamp.sec = (START + tick * TICK) // 10 ** 9
        message.header.stamp.nanosec = (START + tick * TICK) % 10 ** 9
        self.node._on_event(message)

    def play(self, missing=(), lost=(), outcome=EpisodeEvent.SUCCESS, waits=True,
             behind=None):
        """Play an episode; return its verdict.

        Args:
            missing: (topic, tick) of samples that don't come.
            lost: Ticks whose executed action doesn't come.
            outcome: Its outcome.
            waits: Whether the next episode waits for the verdict.
            behind: Reward of a verdict on it that comes behind its end.
        """
        self.event(EpisodeEvent.RESETTING)
        self.event(EpisodeEvent.STARTED)
        for tick in range(TICKS + 1):
            for topic, message in observations(START + tick * TICK):
                if (topic, tick) not in missing:
                    self.node._on_message(topic, message.__msgtype__, serialised(message))
            if tick < TICKS:
                self.node._on_chunk(ActionChunk(episode_id='e1', first_tick=tick))
            if tick < TICKS and tick not in lost:
                action = executed(tick)
                message = executed_message(replace(action, executed=action.executed / TICKS))
                self.node._on_message('executed_action', message.__msgtype__, serialised(message))
        self.event(EpisodeEvent.ENDED, TICKS, outcome=outcome)
        if behind is not None:
            message = outcome_message(START + TICKS * TICK, outcome, behind)
            self.node._on_message('outcome', message.__msgtype__, serialised(message))
            self.node._check_progress()
        if not waits:
            self.event(EpisodeEvent.RESETTING, episode_id='e2')
        elif self.node._episode is not None:  # it waits for the rest, until it gives up
            self.node._episode.silence = lambda: 1e9
            self.node._check_progress()
        return self.verdicts[-1]

    @property
    def journaled(self):
        return [deserialize_message(bytes(record), Transition)
                for _, record in read_journal(self.journal)]


@pytest.fixture(params=[{}])
def lab(tmp_path, request):
    journal = tmp_path / 'journal'
    contract = {**DESCRIPTION, 'episode': {**DESCRIPTION['episode'], **request.param}}
    with configured(RecorderNode, written(contract, tmp_path), run_id='r', lockstep=False,
                    settle=0.0, journal=str(journal)) as node:
        yield Lab(node, journal)


def test_on_time_every_tick_is_sent_and_the_reason_says_nothing_else(lab):
    verdict = lab.play()
    assert (verdict.event, verdict.reason) == (SAVED, 'journaled')
    episode = join_transitions([to_experience(each, CONTRACT) for each in lab.journaled])
    assert episode.steps == TICKS and episode.observed is None and episode.success


def test_what_the_gate_did_is_noted_for_each_episode_by_kind_of_reason(lab):
    lab.play()
    lab.play(outcome=EpisodeEvent.ABORTED)
    rows = read_json_lines(lab.journal / 'gate.jsonl')
    assert [(row['episode_id'], row['outcome'], row['ticks']) for row in rows] == [
        ('e1', 'success', TICKS), ('e1', 'aborted', TICKS)]
    assert rows[0]['held'] + rows[0]['changed'] <= TICKS and rows[0]['reasons'] == {}


def test_a_late_sample_costs_its_tick_and_is_named(lab):
    # Two samples in a row don't come: the second tick is without a valid observation.
    verdict = lab.play(missing=[('joint_states', 2), ('joint_states', 3)])
    assert verdict.event == SAVED
    assert verdict.reason == (
        'journaled; of 6 ticks: 1 tick without a valid observation (joint_states: angle is '
        '0.200 s old, 0.1 s allowed)')
    episode = join_transitions([to_experience(each, CONTRACT) for each in lab.journaled])
    assert episode.observed.tolist() == [tick != 3 for tick in range(TICKS + 1)]
    assert episode.terminated and episode.success
    details = lab.node.health().details
    assert (details['episodes kept'], details['kept but for some ticks'],
            details['episodes discarded']) == ('1', '1', '0')
    assert 'joint_states' in details['last reason']


def test_the_first_ticks_are_left_out_until_there_is_an_observation(lab):
    verdict = lab.play(missing=[('joint_states', 0), ('joint_states', 1)])
    assert verdict.event == SAVED and '2 ticks left out (joint_states: no ' in verdict.reason
    assert [each.first_tick for each in lab.journaled] == [2, 3, 4, 5]


def test_an_episode_without_any_observation_is_discarded_with_the_reason(lab):
    verdict = lab.play(missing=[('hand', tick) for tick in range(TICKS + 1)])
    assert verdict.event == DISCARDED and lab.journaled == []
    assert verdict.reason.startswith('of 6 ticks: 6 ticks left out (hand: no ')
    assert lab.node.health().details['episodes discarded'] == '1'


def test_a_lost_action_cuts_the_episode_in_two(lab):
    verdict = lab.play(lost=[3])
    assert verdict.event == SAVED
    assert '2 ticks left out (executed action 3 never came)' in verdict.reason
    first, second = lab.journaled[:2], lab.journaled[2:]
    assert [each.first_tick for each in first] == [0, 1]
    assert [each.first_tick for each in second] == [4, 5]
    assert not any(each.terminated or each.truncated for each in first)
    assert second[-1].terminated and second[-1].outcome == EpisodeEvent.SUCCESS
    assert stamp_ns(first[-1]) == START + 2 * TICK


def test_an_episode_that_the_next_one_does_not_wait_for_is_cut_as_well(lab):
    verdict = lab.play(lost=[3], waits=False)
    assert (verdict.event, verdict.episode_id) == (SAVED, 'e1')
    assert [each.first_tick for each in lab.journaled] == [0, 1, 4, 5]
    assert lab.node._episode.event.episode_id == 'e2'


def test_an_episode_whose_last_action_is_lost_ends_as_at_a_time_out(lab):
    verdict = lab.play(lost=[4, 5])
    assert verdict.event == SAVED and verdict.sequence == 4
    assert '3 ticks left out (executed action 4 never came)' in verdict.reason
    *pieces, end = lab.journaled
    assert [each.first_tick for each in pieces] == [0, 1, 2]
    assert (end.steps, end.truncated, end.outcome) == (0, True, EpisodeEvent.TIME_LIMIT)


def test_an_aborted_episode_is_never_learned_from(lab):
    verdict = lab.play(outcome=EpisodeEvent.ABORTED)
    assert verdict.event == DISCARDED and verdict.reason.startswith('aborted')
    assert lab.journaled[-1].outcome == EpisodeEvent.ABORTED


VETO = pytest.mark.parametrize('lab', [{'judge': 'vision_node', 'veto': 3.0}], indirect=True)


@VETO
@pytest.mark.parametrize(('outcome', 'reward'), [
    (EpisodeEvent.SUCCESS, 1.0), (EpisodeEvent.FAILURE, 0.0)])
def test_where_the_judge_may_be_overruled_the_verdict_that_counted_is_waited_for(
        lab, outcome, reward):
    """By the end all else came long ago, and the verdict may come behind it."""
    assert lab.play(outcome=outcome, behind=reward).event == SAVED
    last = lab.journaled[-1]
    assert (last.outcome, last.terminated, list(last.rewards)) == (outcome, True, [reward])


@VETO
def test_an_episode_whose_verdict_never_comes_is_not_learned_from(lab):
    verdict = lab.play()
    assert verdict.event == DISCARDED and 'the verdict' in verdict.reason


@VETO
def test_at_the_time_limit_no_verdict_is_waited_for(lab):
    assert lab.play(outcome=EpisodeEvent.TIME_LIMIT).event == SAVED
