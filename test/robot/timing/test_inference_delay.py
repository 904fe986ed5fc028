# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The delay is a quantile of the measured ones, and a slow inference leaves no gap."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.robot.motion.chunks import ChunkSchedule
from inril_ros.robot.timing.inference_timing import DelayEstimate, InferenceTiming

delays = st.lists(st.floats(0.0, 10.0), min_size=1, max_size=80)


@given(delays, st.floats(0.01, 1.0), st.integers(1, 20))
def test_the_delay_is_the_quantile_of_the_window(measured, quantile, window):
    estimate = DelayEstimate(0.1, quantile, window)
    for seconds in measured:
        estimate.add(seconds)
    expected = np.quantile(measured[-window:], quantile, method='inverted_cdf')
    assert estimate.seconds == expected


@pytest.mark.parametrize(('seconds', 'ticks'), [
    (0.0, 0), (0.001, 1), (0.02, 1), (0.0201, 2), (0.06, 3)])
def test_delays_are_counted_in_whole_ticks(seconds, ticks):
    estimate = DelayEstimate(0.02)
    estimate.add(seconds)
    assert estimate.ticks == ticks


@pytest.mark.parametrize('strange', [float('nan'), float('inf'), -1.0])
def test_a_clock_jump_is_not_counted_as_a_delay(strange):
    estimate = DelayEstimate(0.02)
    estimate.add(0.05)
    estimate.add(strange)
    assert estimate.seconds == 0.05


@pytest.mark.parametrize('wrong', [
    {'quantile': 0.0}, {'quantile': 1.1}, {'window': 0}, {'period': 0.0}])
def test_contradictory_settings_are_refused(wrong):
    with pytest.raises(ValueError, match='allowed are'):
        DelayEstimate(**{'period': 0.1, **wrong})


@given(st.integers(1, 6), st.integers(12, 20))
def test_a_slow_chunk_is_ready_when_the_previous_one_ends(delay, length):
    """One inference at a time, of up to half a chunk: after the first chunk each tick has an
    action, and each step is executed at its own tick.
    """
    timing, schedule = InferenceTiming(1.0, 0, paced=True), ChunkSchedule()
    running, missing = None, []
    for tick in range(100):
        if running and tick >= running[1]:
            first = running[0]
            schedule.accept(first, np.arange(first, first + length, dtype=np.float32)[:, None], 1)
            timing.inferred(first, length, float(tick - first))
            running = None
        if running is None and timing.is_due(tick):
            running = (tick, tick + delay)
        step = schedule.take(tick)
        if step is None:
            missing.append(tick)
        else:
            assert step.action[0] == tick
    assert missing == list(range(delay))
