# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Decisions are the same in any order of arrival, and together they are the episode."""

from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from small_arm import CONTRACT, executed, observations, START, TICK

from inril_ros.data.frames.assembly import TransitionAssembler
from inril_ros.data.frames.observation_builder import ObservationBuilder
from inril_ros.data.frames.sync import FrameAligner

CHUNK = 1  # the source of steps that follow a chunk, in these episodes


def drawn(first_tick):
    """The extras of a chunk: how it was drawn."""
    return np.array([first_tick, -1.0], np.float32)


class Episode:
    """An episode as its events, and the expected decisions."""

    def __init__(self, ticks, rewards):
        """Args: executed ticks, rewards of the steps."""
        self.ticks = ticks
        self.rewards = rewards
        self.end = START + len(ticks) * TICK
        self.streams = {'executed': [('executed', tick) for tick in ticks]}
        self.streams['verdict'] = [
            ('verdict', (START + k * TICK, reward)) for k, reward in enumerate([0.0, *rewards])]
        for k in range(len(ticks) + 1):
            for topic, message in observations(START + k * TICK):
                self.streams.setdefault(topic, []).append(('observed', (topic, message)))
        chunks = sorted({tick.chunk_first_tick for tick in ticks if tick.source == CHUNK})
        self.streams['drawn'] = [('drawn', (first, drawn(first))) for first in chunks]
        self.streams['end'] = [('end', (len(ticks), self.end))]

    def in_order(self):
        """Each observation and its reward, then the action that follows it."""
        names = ('goal', 'hand', 'joint_states', 'verdict', 'executed')
        events = [event for k in range(len(self.ticks) + 1)
                  for name in names for event in self.streams[name][k:k + 1]]
        return self.streams['drawn'] + events + self.streams['end']

    def rows(self):
        """Policy observations (N + 1, O) made without the assembler."""
        aligner, builder = FrameAligner(CONTRACT), ObservationBuilder(CONTRACT)
        rows = []
        for k in range(len(self.ticks) + 1):
            for topic, message in observations(START + k * TICK):
                aligner.add(topic, message)
            rows.append(builder.build(aligner.frame(START + k * TICK).values))
        return np.stack(rows)


def assemble(events, lockstep=True, chunk_source=None):
    """The decisions after each event, and the assembler."""
    aligner = FrameAligner(CONTRACT)
    assembler = TransitionAssembler(CONTRACT, aligner, lockstep, chunk_source)
    decisions = []
    for kind, content in events:
        if kind == 'executed':
            assembler.add_executed(content)
        elif kind == 'verdict':
            assembler.add_reward(*content)
        elif kind == 'drawn':
            assembler.add_extras(*content)
        elif kind == 'observed':
            aligner.add(*content)
        else:
            assembler.end(*content)
        decisions += assembler.ready()
    return decisions, assembler


def same(left, right):
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        for field in fields(one):
            np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


@st.composite
def episodes(draw):
    ticks = []
    for _ in range(draw(st.integers(1, 5))):
        first, source = len(ticks), draw(st.sampled_from([0, 1, 1, 2]))
        for _ in range(draw(st.integers(1, 4))):
            chunk = first if source == 1 else len(ticks)
            ticks.append(executed(len(ticks), chunk, source, asked=draw(st.booleans())))
    rewards = draw(st.lists(st.sampled_from([0.0, 1.0, -0.5]), min_size=len(ticks),
                            max_size=len(ticks)))
    return Episode(ticks, rewards)


@st.composite
def shuffled(draw, episode):
    """Each stream keeps its own order, but streams are merged at random."""
    waiting = [list(stream) for name, stream in episode.streams.items() if name != 'executed']
    waiting += [[event] for event in episode.streams['executed']]  # in any order at all
    events = []
    while any(waiting):
        stream = draw(st.sampled_from([stream for stream in waiting if stream]))
        events.append(stream.pop(0))
    return events


@given(st.data())
def test_any_order_of_arrival_gives_the_same_decisions(data):
    episode = data.draw(episodes())
    expected, assembler = assemble(episode.in_order(), chunk_source=CHUNK)
    assert assembler.finished
    decisions, assembler = assemble(data.draw(shuffled(episode)), chunk_source=CHUNK)
    assert assembler.finished
    assert assembler.missing() == ''
    same(decisions, expected)


@given(episodes())
def test_decisions_are_the_episode_step_by_step(episode):
    decisions, assembler = assemble(episode.in_order(), chunk_source=CHUNK)
    rows = episode.rows()
    tick = 0
    for decision in decisions:
        steps = len(decision.executed)
        assert decision.first_tick == tick
        assert steps > 0
        assert decision.stamp == START + (tick + steps) * TICK
        np.testing.assert_array_equal(decision.observations, rows[tick:tick + steps + 1])
        taken = episode.ticks[tick:tick + steps]
        np.testing.assert_array_equal(decision.executed, [one.executed for one in taken])
        np.testing.assert_array_equal(decision.requested, [
            one.requested if one.requested.size else [np.nan] * 3 for one in taken])
        assert decision.source.tolist() == [one.source for one in taken]
        assert decision.rewards.tolist() == episode.rewards[tick:tick + steps]
        assert len({(one.source, one.chunk_first_tick) for one in taken}) == 1
        whole = taken[0].source == CHUNK and taken[0].chunk_first_tick == tick
        assert decision.extras.tolist() == (drawn(tick).tolist() if whole else [])
        tick += steps
        assert decision.last == (tick == len(episode.ticks))
    assert tick == len(episode.ticks)
    for one, following in zip(decisions, decisions[1:], strict=False):
        assert (one.source[-1], one.first_tick) != (following.source[0], following.first_tick)
        np.testing.assert_array_equal(one.observations[-1], following.observations[0])
    assert assembler.audit == [(0.0, 0.0, 0.0)] + [(0.0, 0.0, 0.1)] * len(episode.ticks)


def test_consecutive_ticks_of_one_chunk_are_one_decision():
    ticks = [executed(k, chunk_first_tick=0) for k in range(3)] + [executed(3), executed(4, 4, 2)]
    decisions, _ = assemble(Episode(ticks, [0.0] * 5).in_order())
    assert [(one.first_tick, len(one.executed)) for one in decisions] == [(0, 3), (3, 1), (4, 1)]


def test_the_final_reward_is_waited_for():
    """The verdict that ends an episode may come after the end event."""
    episode = Episode([executed(0), executed(1)], [0.0, 1.0])
    events = episode.in_order()
    late = events.index(episode.streams['verdict'][-1])
    verdict = events.pop(late)
    decisions, assembler = assemble(events)
    assert not assembler.finished
    assert 'verdict' in assembler.missing()
    decisions, assembler = assemble([*events, verdict])
    assert assembler.finished
    assert [one.rewards.tolist() for one in decisions] == [[0.0], [1.0]]


@pytest.mark.parametrize('lockstep', [True, False])
def test_an_episode_is_decided_once(lockstep):
    """There can be several final verdicts while the arm is held without an observation."""
    episode = Episode([executed(0, 0), executed(1, 1), executed(2, 2)], [0.0] * 3)
    events = [event for event in episode.in_order() if event[0] != 'verdict']
    verdicts = [(START, 1.0, True), (START + 1, 0.5, False), (START + TICK + 1, 1.0, True),
                (START + TICK + 2, 1.0, True), (episode.end - 1, 0.25, False),
                (episode.end, 1.0, True)]
    decisions, _ = assemble(
        [('verdict', verdict) for verdict in verdicts] + events, lockstep)
    assert [one.rewards.tolist() for one in decisions] == [[0.5], [1.0], [0.25]]


def test_a_reward_between_ticks_belongs_to_the_step_it_came_in():
    """In real time a verdict has the time of its own observation, not that of a tick."""
    episode = Episode([executed(0, 0), executed(1, 0), executed(2, 0)], [0.0] * 3)
    events = [event for event in episode.in_order() if event[0] != 'verdict']
    verdicts = [(START - 1, 8.0), (START, 16.0), (START + 1, 1.0), (START + TICK, 2.0),
                (START + TICK + 5, 4.0), (episode.end, 0.5), (episode.end + 1, 32.0)]
    decisions, _ = assemble(
        [('verdict', verdict) for verdict in verdicts] + events, lockstep=False)
    assert [one.rewards.tolist() for one in decisions] == [[3.0, 4.0, 0.5]]


def test_an_executed_action_that_comes_twice_counts_once():
    episode = Episode([executed(0), executed(1)], [0.0, 0.0])
    decisions, _ = assemble(episode.streams['executed'] + episode.in_order())
    assert [one.first_tick for one in decisions] == [0, 1]


def test_nothing_is_decided_before_the_observation_after_it():
    episode = Episode([executed(0), executed(1)], [0.0, 0.0])
    events = episode.in_order()
    del events[events.index(episode.streams['hand'][2])]
    decisions, assembler = assemble(events)
    assert [one.first_tick for one in decisions] == [0]
    assert assembler.missing().startswith('executed action 2 of 2')


def test_a_lost_action_is_named():
    episode = Episode([executed(0), executed(1), executed(2)], [0.0] * 3)
    events = [event for event in episode.in_order() if event != episode.streams['executed'][1]]
    decisions, assembler = assemble(events)
    assert not decisions
    assert assembler.missing().startswith('executed action 1 of 3')


def test_an_episode_without_actions_has_no_decisions():
    decisions, assembler = assemble(Episode([], []).in_order())
    assert decisions == []
    assert assembler.finished


def test_in_real_time_a_tick_whose_observation_is_too_old_is_marked():
    episode = Episode([executed(0), executed(1)], [0.0, 0.0])
    events = episode.in_order()
    del events[events.index(episode.streams['joint_states'][1])]
    del events[events.index(episode.streams['joint_states'][2])]
    decisions, assembler = assemble(events, lockstep=False)
    assert [decision.seen.tolist() for decision in decisions] == [[True, True], [True, False]]
    assert 'joint_states: angle is 0.200 s old, 0.1 s allowed' in str(assembler.account)


def test_a_decision_waits_for_its_chunk_to_tell_how_it_was_drawn():
    ticks = [executed(0, 0, CHUNK), executed(1, 0, CHUNK), executed(2, 2, CHUNK),
             executed(3, 3, 0), executed(4, 2, CHUNK)]
    episode = Episode(ticks, [0.0] * 5)
    silent = [event for event in episode.in_order() if event[0] != 'drawn']
    decisions, assembler = assemble(silent, chunk_source=CHUNK)
    assert decisions == [] and 'action chunk' in assembler.missing()
    assembler.add_extras(2, drawn(2))
    assert assembler.ready() == []
    assembler.add_extras(0, drawn(0))
    # A chunk that goes on after a hold was drawn for what was seen two ticks before.
    assert [decision.extras.tolist() for decision in assembler.ready()] == [
        [0.0, -1.0], [2.0, -1.0], [], []]
    assert assembler.finished
    assert len(assemble(silent)[0]) == 4  # where chunks tell nothing, nobody waits
