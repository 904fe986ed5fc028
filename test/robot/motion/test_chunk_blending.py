# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Overlapping chunks are blended as the contract says; late steps are not made up for."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.robot.contract.rules import ChunkRules
from inril_ros.robot.motion.chunks import ChunkSchedule


def chunk(value, count):
    return np.full((count, 1), value, np.float32)


def test_an_ensemble_is_the_weighted_mean_with_the_oldest_first():
    schedule = ChunkSchedule(ChunkRules(blend='ensemble', ensemble_decay=0.5))
    for first, value in ((0, 1.0), (2, 2.0), (1, 4.0)):  # the middle one arrives last
        schedule.accept(first, chunk(value, 5), first)
    weights = np.exp(-0.5 * np.arange(3))
    assert schedule.take(0).action[0] == 1.0
    assert schedule.take(1).action[0] == pytest.approx(np.average([1, 4], weights=weights[:2]))
    step = schedule.take(2)
    assert step.action[0] == pytest.approx(np.average([1, 4, 2], weights=weights))
    assert (step.chunk_first_tick, step.weights_version) == (2, 2)
    assert schedule.take(5).action[0] == pytest.approx(np.average([4, 2], weights=weights[:2]))


def test_a_cross_fade_ends_at_the_new_chunk_and_stays_there():
    schedule = ChunkSchedule(ChunkRules(blend='cross_fade', fade=0.3), period=0.1)
    schedule.accept(0, chunk(0.0, 12), 1)
    taken = [schedule.take(tick).action[0] for tick in range(4)]
    schedule.accept(2, chunk(1.0, 10), 2)  # two ticks late: the fade begins now
    taken += [schedule.take(tick).action[0] for tick in range(4, 12)]
    np.testing.assert_allclose(taken, [0, 0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1, 1, 1])
    assert schedule.dropped == 2


blends = st.sampled_from(['latest', 'ensemble', 'cross_fade'])
chunks = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 8), st.floats(-1, 1, width=32)),
                  min_size=1, max_size=8)


@given(blends, chunks, st.lists(st.integers(1, 3), max_size=12))
def test_the_executed_action_lies_between_those_planned_for_its_tick(blend, asked, gaps):
    schedule = ChunkSchedule(ChunkRules(blend=blend), period=0.05)
    tick, pending = 0, list(asked)
    values = {}
    for gap in [0, *gaps]:
        if pending:
            first, count, value = pending.pop()
            schedule.accept(first, chunk(value, count), 1)
            for at in range(max(first, tick), first + count):
                values.setdefault(at, []).append(value)
        tick += gap
        expected = values.get(tick)
        step = schedule.take(tick)
        assert (step is None) == (expected is None)
        if expected:
            assert min(expected) - 1e-6 <= step.action[0] <= max(expected) + 1e-6
        tick += 1


@given(blends, st.integers(0, 9), st.integers(0, 20))
def test_steps_planned_before_a_takeover_or_hand_back_are_not_executed(blend, tick, first):
    schedule = ChunkSchedule(ChunkRules(blend=blend))
    schedule.accept(0, chunk(1.0, 30), 1)
    for passed in range(tick):
        schedule.take(passed)
    schedule.forget(tick)
    assert schedule.take(tick) is None
    schedule.accept(first, chunk(2.0, 30), 2)
    step = schedule.take(max(first, tick + 1))
    assert (step is not None) == (first >= tick)
    assert step is None or step.action[0] == 2.0


def test_upcoming_steps_end_at_a_gap_and_stay_in_the_schedule():
    schedule = ChunkSchedule()
    schedule.accept(1, chunk(1.0, 2), 1)
    schedule.accept(4, chunk(2.0, 1), 1)
    assert [float(action[0]) for action in schedule.upcoming(1, 9)] == [1.0, 1.0]
    assert len(schedule.upcoming(1, 1)) == 1
    assert schedule.upcoming(0, 5) == []
    assert schedule.take(1) is not None


def test_a_slow_inference_gives_holds_and_no_burst():
    """The chunk for ticks 0..7 arrives at tick 5: ticks 0..4 are lost, 5..7 are on time."""
    schedule = ChunkSchedule()
    assert [schedule.take(tick) for tick in range(5)] == [None] * 5
    schedule.accept(0, np.arange(8, dtype=np.float32)[:, None], 1)
    assert [float(schedule.take(tick).action[0]) for tick in (5, 6, 7)] == [5.0, 6.0, 7.0]
    assert (schedule.dropped, schedule.take(8)) == (5, None)
