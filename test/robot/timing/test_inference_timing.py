# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Chunks follow each other without a gap, unless inferences would have to overlap."""

from hypothesis import assume, given
from hypothesis import strategies as st
import pytest

from inril_ros.robot.timing.inference_timing import InferenceTiming

PERIOD = 0.02


def covered(timing, lead, steps, delay, ticks, paced=True):
    """Play ticks; return those that had a step in time, and the number of chunks.

    delay: Duration of an inference [ticks], in which nothing else is done.
    """
    usable, chunks, free_at = set(), 0, 0
    for tick in range(ticks):
        if tick < free_at or not timing.is_due(tick):
            continue
        timing.inferred(tick, steps, delay * PERIOD)
        chunks += 1
        arrived = tick + (delay if paced else 0)
        free_at = arrived if paced else tick
        usable |= {at for at in range(tick + lead, tick + lead + steps) if at >= arrived}
    return usable, chunks


@given(steps=st.integers(2, 30), delay=st.integers(0, 20), lead=st.integers(0, 5))
def test_after_the_first_chunk_no_tick_is_without_a_step(steps, delay, lead):
    # Inferences don't overlap, so a longer one leaves gaps in any case.
    assume(delay < steps and 2 * delay <= steps + lead)
    timing = InferenceTiming(PERIOD, lead, paced=True)
    ticks = 40 * steps
    usable, chunks = covered(timing, lead, steps, delay, ticks)
    first = min(usable)
    # The first chunk is inferred before any delay was measured.
    begun = first + steps if delay > lead else first
    assert usable.issuperset(range(begun, ticks - steps))
    # No more inferences than are needed.
    assert chunks <= 2 + ticks / max(1, steps + lead - max(delay, lead))


def test_in_lockstep_each_chunk_is_used_to_its_end():
    timing = InferenceTiming(PERIOD, 0, paced=False)
    usable, chunks = covered(timing, 0, 8, delay=100, ticks=80, paced=False)
    assert chunks == 10
    assert usable == set(range(80))


@pytest.mark.parametrize('delay', [0.3, 1.0, 2.5])
def test_the_next_inference_ends_together_with_the_chunk(delay):
    timing = InferenceTiming(PERIOD, 1, paced=True)
    timing.inferred(10, 8, delay * PERIOD)
    due = next(tick for tick in range(11, 40) if timing.is_due(tick))
    arrives = due + delay
    assert arrives <= 10 + 1 + 8 < arrives + 1 + 1


def test_planning_pauses_while_a_person_drives_and_resumes_at_once():
    timing = InferenceTiming(PERIOD, 1, paced=True)
    timing.inferred(0, 50, 0.01)
    assert not timing.is_due(7)
    timing.pause()
    assert not timing.is_due(100)
    timing.replan(8)
    assert not timing.is_due(7)
    assert timing.is_due(8)
