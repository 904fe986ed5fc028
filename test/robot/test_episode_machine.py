# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""For requests in any order, the episode machine agrees_with_model with a simple model."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, RuleBasedStateMachine
import pytest

from inril_ros.robot.episode import (
    EpisodeMachine,
    EpisodeOutcome,
    IllegalTransition,
    Phase,
    Purpose,
    Request,
)

LIMIT = 4


def request(episode_id='e1'):
    return Request('run', episode_id, Purpose.ROLLOUT)


class EpisodeModel(RuleBasedStateMachine):
    """Steps in any order, compared with a model of a few plain values."""

    def __init__(self):
        super().__init__()
        self.machine = EpisodeMachine(LIMIT)
        self.phase = Phase.IDLE
        self.seen = set()
        self.running = ''
        self.ticks = 0

    @rule(name=st.sampled_from(['', 'a', 'b', 'c', 'd', 'e', 'f']))
    def ask(self, name):
        refusal = self.machine.refusal(request(name))
        if not name:
            assert refusal == "episode_id '' is no UUID"
        elif name in self.seen:
            assert refusal == f'episode {name} was requested before'
        elif self.phase is not Phase.IDLE:
            assert refusal == f'busy: episode {self.running} is {self.phase.value}'
        else:
            assert refusal == ''
        if refusal:
            with pytest.raises(IllegalTransition):
                self.machine.begin_reset(request(name))
            return
        self.machine.begin_reset(request(name))
        self.seen.add(name)
        self.running, self.ticks, self.phase = name, 0, Phase.RESETTING

    @rule()
    def reset_done(self):
        self._step(self.machine.reset_done, Phase.RESETTING, Phase.WAITING)

    @rule(stamp=st.integers(1, 10**12))
    def start(self, stamp):
        if self._step(lambda: self.machine.start(stamp), Phase.WAITING, Phase.RUNNING):
            assert self.machine.start_stamp == stamp

    @rule()
    def execute(self):
        if self.phase is Phase.RUNNING:
            assert self.machine.executed() == self.ticks
            self.ticks += 1
        else:
            with pytest.raises(IllegalTransition, match='needs running'):
                self.machine.executed()

    @precondition(lambda self: self.phase is Phase.RUNNING)
    @rule(judged=st.sampled_from(EpisodeOutcome))
    def judge(self, judged):
        expected = judged
        if judged is EpisodeOutcome.UNKNOWN and self.ticks >= LIMIT:
            expected = EpisodeOutcome.TIME_LIMIT
        assert self.machine.outcome_now(judged) is expected

    @rule()
    def wait_for_a_veto(self):
        self._step(self.machine.judge, Phase.RUNNING, Phase.JUDGED)

    @rule()
    def end(self):
        if self.phase is Phase.IDLE:
            with pytest.raises(IllegalTransition, match='no episode to end'):
                self.machine.end()
            return
        assert self.machine.end().episode_id == self.running
        self.running, self.phase = '', Phase.IDLE

    def _step(self, action, needed, after):
        if self.phase is not needed:
            story = f'needs {needed.value}, is {self.phase.value}'
            with pytest.raises(IllegalTransition, match=story):
                action()
            return False
        action()
        self.phase = after
        return True

    @invariant()
    def agrees_with_model(self):
        assert self.machine.phase is self.phase
        assert self.machine.tick == self.ticks
        current = self.machine.request
        assert (current.episode_id if current else '') == self.running


TestEpisodeStory = EpisodeModel.TestCase
TestEpisodeStory.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_judgement_outside_a_running_episode_is_an_error():
    machine = EpisodeMachine(LIMIT)
    with pytest.raises(IllegalTransition, match='needs running, is idle'):
        machine.outcome_now(EpisodeOutcome.SUCCESS)


def test_success_at_the_time_limit_is_success():
    machine = EpisodeMachine(1)
    machine.begin_reset(request())
    machine.reset_done()
    machine.start(1)
    assert machine.outcome_now(EpisodeOutcome.UNKNOWN) is EpisodeOutcome.UNKNOWN
    machine.executed()
    assert machine.outcome_now(EpisodeOutcome.SUCCESS) is EpisodeOutcome.SUCCESS
    assert machine.outcome_now(EpisodeOutcome.UNKNOWN) is EpisodeOutcome.TIME_LIMIT


@pytest.mark.parametrize(('held', 'outcome'), [
    (1, EpisodeOutcome.TIME_LIMIT), (2, EpisodeOutcome.ABORTED)])
def test_a_time_limit_that_a_hold_used_up_is_no_failure_of_the_policy(held, outcome):
    machine = EpisodeMachine(10)
    for name, ticks, expected in (('a', held, outcome), ('b', 0, EpisodeOutcome.TIME_LIMIT)):
        machine.begin_reset(request(name))
        machine.reset_done()
        machine.start(1)
        for tick in range(10):
            assert machine.outcome_now(EpisodeOutcome.UNKNOWN) is EpisodeOutcome.UNKNOWN
            machine.executed(held=tick < ticks)
        assert machine.outcome_now(EpisodeOutcome.SUCCESS) is EpisodeOutcome.SUCCESS
        assert machine.outcome_now(EpisodeOutcome.UNKNOWN) is expected
        machine.end()


@pytest.mark.parametrize(('cut', 'limit'), [(0, LIMIT), (2, 2), (LIMIT + 1, LIMIT)])
def test_an_episode_may_be_cut_before_the_time_limit_but_not_after_it(cut, limit):
    machine = EpisodeMachine(LIMIT)
    for name, given, expected in (('a', cut, limit), ('b', 0, LIMIT)):
        machine.begin_reset(request(name), given)
        machine.reset_done()
        machine.start(1)
        while machine.outcome_now(EpisodeOutcome.UNKNOWN) is EpisodeOutcome.UNKNOWN:
            machine.executed()
        assert machine.tick == expected
        assert machine.outcome_now(EpisodeOutcome.UNKNOWN) is EpisodeOutcome.TIME_LIMIT
        machine.end()
