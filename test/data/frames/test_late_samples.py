# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Samples that are late or lost cost no more than the ticks that they belong to.

What is kept equals the truth: it is made here from the streams without the code under test.
"""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
from small_arm import CONTRACT, executed, observed, START, TICK, TOPICS

from inril_ros.data.frames.assembly import TransitionAssembler
from inril_ros.data.frames.observation_builder import ObservationBuilder
from inril_ros.data.frames.sync import FrameAligner

LIMITS = {entry.topic: round(1e9 * entry.max_age) for entry in CONTRACT.observations.values()}


class LateEpisode:
    """An episode whose samples have the given times, and some of whose actions are lost.

    Attributes:
        samples: By topic, (time [ns], value) of each sample in order.
        lost: Ticks whose executed action never comes.
    """

    def __init__(self, ticks, samples, lost=frozenset()):
        self.ticks, self.samples, self.lost = ticks, samples, lost
        self.end = START + ticks * TICK

    def aligner(self):
        aligner = FrameAligner(CONTRACT)
        for topic, samples in self.samples.items():
            for time, value in samples:
                aligner.add(topic, observed(topic, time, value))
        return aligner

    def assembler(self, aligner=None, chunk_source=None):
        assembler = TransitionAssembler(
            CONTRACT, aligner or self.aligner(), lockstep=False, chunk_source=chunk_source)
        for tick in range(self.ticks):
            assembler.add_reward(START + (tick + 1) * TICK, float(tick + 1))
            if tick not in self.lost:
                assembler.add_executed(executed(tick))
        assembler.end(self.ticks, self.end)
        return assembler

    def newest(self, topic, tick):
        """The newest sample (time, value) at or before a tick; None if there is none."""
        before = [each for each in self.samples[topic] if each[0] <= START + tick * TICK]
        return before[-1] if before else None

    def valid(self, tick):
        """Whether each stream has a sample at a tick that isn't too old."""
        return all(found is not None and START + tick * TICK - found[0] <= LIMITS[topic]
                   for topic in TOPICS for found in [self.newest(topic, tick)])

    def rows(self):
        """The policy observations of all ticks from the first one on that has all samples."""
        builder, rows = ObservationBuilder(CONTRACT), {}
        for tick in range(self.ticks + 1):
            found = {topic: self.newest(topic, tick) for topic in TOPICS}
            if None not in found.values():
                rows[tick] = builder.build({
                    name: np.array([found[entry.topic][1]] if entry.topic == 'joint_states'
                                   else [found[entry.topic][1], 0.0, 0.0])
                    for name, entry in CONTRACT.observations.items()})
        return rows

    def kept(self):
        """The ticks that are kept: of each run of known actions, from the first valid one on.

        What followed from the last action before a gap isn't known.
        """
        kept = []
        for tick in range(self.ticks):
            if tick in self.lost or (tick + 1 < self.ticks and tick + 1 in self.lost):
                continue
            goes_on = tick and tick - 1 in kept
            if goes_on or self.valid(tick):
                kept.append(tick)
        return kept


@st.composite
def late_episodes(draw, losses=False):
    ticks = draw(st.integers(1, 12))
    samples = {}
    for topic in TOPICS:
        late = st.one_of(st.just(0), st.integers(0, TICK - 1), st.none())  # [ns]; None: lost
        times = [START - LIMITS[topic] // 2] if draw(st.booleans()) else []
        times += [START + tick * TICK + delay for tick in range(ticks + 1)
                  for delay in [draw(late)] if delay is not None]
        samples[topic] = [(time, 1000.0 * TOPICS.index(topic) + place)
                          for place, time in enumerate(times)]
    lost = draw(st.frozensets(st.integers(0, ticks - 1), max_size=3)) if losses else frozenset()
    return LateEpisode(ticks, samples, lost)


def check_truth(episode, decisions, assembler):
    rows, kept = episode.rows(), episode.kept()
    found = [tick for decision in decisions for tick in range(
        decision.first_tick, decision.first_tick + len(decision.executed))]
    assert found == kept
    seen = {}
    for decision in decisions:
        for place, row in enumerate(decision.observations):
            tick = decision.first_tick + place
            assert decision.seen[place] == episode.valid(tick)
            seen[tick] = decision.seen[place]
            if decision.seen[place]:
                np.testing.assert_array_equal(row, rows[tick])
        for place, (action, reward) in enumerate(
                zip(decision.executed, decision.rewards, strict=True)):
            tick = decision.first_tick + place
            np.testing.assert_array_equal(action, executed(tick).executed)
            assert reward == tick + 1
    # Nothing is lost without a word.
    account = assembler.account
    assert account.left_out == episode.ticks - len(kept)
    assert account.unseen == sum(not valid for valid in seen.values())
    assert bool(str(account)) == bool(account.unseen or account.left_out)


def test_the_last_sample_of_a_tick_may_be_late_without_a_loss():
    on_time = {topic: [(START + tick * TICK, float(tick)) for tick in range(6)]
               for topic in TOPICS}
    late = {**on_time, 'joint_states': [
        (time + (17_000_000 if tick == 3 else 0), value)
        for tick, (time, value) in enumerate(on_time['joint_states'])]}
    late['joint_states'][2] = (START + 2 * TICK - 2_000_000, 2.0)
    episode = LateEpisode(5, late)
    assembler = episode.assembler()
    decisions = assembler.ready()
    assert [decision.seen.tolist() for decision in decisions] == [
        [True, True], [True, True], [True, False], [False, True], [True, True]]
    assert str(assembler.account) == ('1 tick without a valid observation (joint_states: angle is '
                                      '0.102 s old, 0.1 s allowed)')
    check_truth(episode, decisions, assembler)
    assert assembler.finished and assembler.ended


@given(late_episodes())
def test_what_is_kept_equals_the_truth_and_nothing_else_is_lost(episode):
    assembler = episode.assembler()
    decisions = assembler.ready()
    assert assembler.finished
    check_truth(episode, decisions, assembler)
    steps = sum(len(decision.executed) for decision in decisions)
    assert len(assembler.audit) == (steps + 1 if steps else 0)
    assert assembler.ended == bool(decisions) and all(
        decision.last == (decision is decisions[-1]) for decision in decisions)


@given(late_episodes(losses=True))
def test_an_episode_is_cut_where_an_action_is_lost(episode):
    assembler = episode.assembler()
    decisions = assembler.ready()
    assert assembler.finished == (not episode.lost)
    decisions += assembler.cut()
    assert assembler.finished and not assembler.missing()
    check_truth(episode, decisions, assembler)
    assert assembler.ended == (bool(decisions) and decisions[-1].last)
    assert all('never came' in str(assembler.account) for _ in episode.lost)
    assert assembler.cut() == []


@given(late_episodes(), st.integers(0, 3 * TICK))
def test_live_and_at_once_give_the_same(episode, settle):
    at_once = episode.assembler()
    expected = at_once.ready()
    aligner = FrameAligner(CONTRACT)
    messages = sorted((time, topic, value) for topic, samples in episode.samples.items()
                      for time, value in samples)
    live, found = episode.assembler(aligner), []
    for now in range(START - TICK, episode.end + settle + TICK, TICK // 2):
        while messages and messages[0][0] <= now:
            time, topic, value = messages.pop(0)
            aligner.add(topic, observed(topic, time, value))
        found += live.ready(now - settle)
    assert live.finished
    assert (live.account.unseen, live.account.left_out) == (
        at_once.account.unseen, at_once.account.left_out)
    assert live.audit == at_once.audit
    for one, other in zip(found, expected, strict=True):
        for name, value in vars(one).items():
            np.testing.assert_array_equal(value, getattr(other, name))


def test_a_chunk_that_never_came_costs_its_own_steps():
    times = {topic: [(START + tick * TICK, float(tick)) for tick in range(7)] for topic in TOPICS}
    episode = LateEpisode(6, times)
    assembler = TransitionAssembler(
        CONTRACT, episode.aligner(), lockstep=False, chunk_source=1)
    for tick in range(6):
        assembler.add_executed(executed(tick, tick - tick % 2))
    for first in (0, 4):
        assembler.add_extras(first, np.array([first], np.float32))
    assembler.end(6, episode.end)
    assert [each.first_tick for each in assembler.ready()] == [0]
    after = assembler.cut()
    assert [(each.first_tick, each.last, each.extras.tolist()) for each in after] == [
        (4, True, [4.0])]
    assert str(assembler.account) == '2 ticks left out (the action chunk of tick 2 never came)'


def test_in_lockstep_nothing_is_cut():
    episode = LateEpisode(3, {topic: [(START, 0.0)] for topic in TOPICS})
    assembler = TransitionAssembler(CONTRACT, episode.aligner(), lockstep=True)
    assembler.end(3, episode.end)
    assert assembler.cut() == [] and not assembler.finished and assembler.missing()


def test_a_stream_without_any_sample_leaves_nothing_and_says_why():
    episode = LateEpisode(4, {topic: [] for topic in TOPICS})
    assembler = episode.assembler()
    assert assembler.ready() == [] and assembler.finished and not assembler.ended
    assert str(assembler.account).startswith('4 ticks left out (hand: no sample at or before')


def test_a_tick_at_which_nothing_is_known_is_marked_and_has_the_values_before():
    """Time went back in the middle, so that all samples were forgotten."""
    aligner = FrameAligner(CONTRACT)
    assembler = TransitionAssembler(CONTRACT, aligner, lockstep=False)
    decisions = []
    for tick in range(5):
        if tick == 2:
            aligner.clear()
        else:
            for topic in TOPICS:
                aligner.add(topic, observed(topic, START + tick * TICK, float(tick)))
        if tick < 4:
            assembler.add_executed(executed(tick))
        decisions += assembler.ready(START + tick * TICK)
    assembler.end(4, START + 4 * TICK)
    decisions += assembler.ready()
    assert [decision.seen.tolist() for decision in decisions] == [
        [True, True], [True, False], [False, True], [True, True]]
    np.testing.assert_array_equal(decisions[1].observations[1], decisions[1].observations[0])
    assert str(assembler.account).startswith('1 tick without a valid observation (')
    assert assembler.account.left_out == 0 and len(assembler.audit) == 5
