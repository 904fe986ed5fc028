# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A step is executed at its own tick or never, and the newest chunk takes precedence."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np

from inril_ros.robot.motion.chunks import ChunkSchedule


def steps(first_tick, count, label=0.0):
    """Return a chunk whose actions contain their tick and the chunk's label."""
    return np.array([[first_tick + offset, label] for offset in range(count)], np.float32)


def test_each_step_is_returned_at_its_tick_with_its_origin():
    schedule = ChunkSchedule()
    schedule.accept(0, steps(0, 3), weights_version=7)
    for tick in range(3):
        assert schedule.has(tick)
        step = schedule.take(tick)
        assert (step.action[0], step.chunk_first_tick, step.weights_version) == (tick, 0, 7)
        assert not schedule.has(tick)
    assert schedule.take(3) is None
    assert schedule.dropped == 0


def test_a_late_chunk_is_dropped_and_not_replayed():
    schedule = ChunkSchedule()
    assert schedule.take(0) is schedule.take(1) is None
    schedule.accept(0, steps(0, 4), weights_version=1)
    assert schedule.dropped == 2
    assert [schedule.take(tick).action[0] for tick in (2, 3)] == [2, 3]


def test_skipped_steps_are_dropped_and_counted():
    schedule = ChunkSchedule()
    schedule.accept(0, steps(0, 5), weights_version=1)
    assert schedule.take(3).action[0] == 3
    assert schedule.dropped == 3
    assert [schedule.has(tick) for tick in range(5)] == [False, False, False, False, True]


def test_a_new_episode_forgets_the_steps_of_the_last():
    schedule = ChunkSchedule()
    schedule.accept(0, steps(0, 9), weights_version=1)
    schedule.take(4)
    schedule.begin()
    assert not any(schedule.has(tick) for tick in range(9))
    schedule.accept(0, steps(0, 1), weights_version=2)
    assert schedule.take(0).weights_version == 2


chunks = st.tuples(st.just('chunk'), st.integers(0, 20), st.integers(1, 6))
ticks = st.tuples(st.just('tick'), st.integers(0, 2), st.just(0))


@given(st.lists(chunks | ticks, max_size=30))
def test_a_tick_gets_the_newest_chunk_that_has_arrived(events):
    schedule = ChunkSchedule()
    due = {}  # by tick: first tick and number of the chunk in force
    now, dropped = 0, 0
    for number, (kind, first, count) in enumerate(events):
        if kind == 'chunk':
            schedule.accept(first, steps(first, count, number), weights_version=number)
            for tick in range(first, first + count):
                if tick < now:
                    dropped += 1
                elif tick not in due or due[tick][0] <= first:
                    due[tick] = (first, number)
        else:
            now += first  # ticks may be skipped
            step, expected = schedule.take(now), due.pop(now, None)
            passed = [tick for tick in due if tick < now]
            dropped += len(passed)
            for tick in passed:
                del due[tick]
            assert (step is None) == (expected is None)
            if step is not None:
                assert step.action.tolist() == [now, expected[1]]
                assert (step.chunk_first_tick, step.weights_version) == expected
            now += 1
        assert schedule.dropped == dropped
        assert {tick for tick in range(30) if schedule.has(tick)} == set(due)
