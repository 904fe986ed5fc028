# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Deadlines are absolute: no drift, no burst after a stall, no stop when a clock jumps back."""

from hypothesis import given
from hypothesis import strategies as st
import pytest

from inril_ros.robot.timing.pacing import ClockWatch, Deadlines

PERIOD = 20_000_000
waits = st.lists(st.integers(0, 7 * PERIOD), max_size=60)


@given(start=st.integers(0, 10 ** 15), sequence=waits)
def test_each_period_is_used_once_and_not_early(start, sequence):
    deadlines, now, taken = Deadlines(PERIOD, start), start, 0
    for wait in sequence:
        now += wait
        due = deadlines.take(now)
        taken += due
        # The k-th deadline is start + k periods, however late the earlier ones were met.
        assert taken == (now - start) // PERIOD
        assert deadlines.take(now) == 0
        assert deadlines._next == start + (taken + 1) * PERIOD


def test_work_between_ticks_is_not_added_to_the_period():
    deadlines, now, ticks = Deadlines(PERIOD, 0), 0, 0
    while now < 100 * PERIOD:
        now = max(now, deadlines._next)
        ticks += deadlines.take(now)
        now += PERIOD // 2  # the work
    assert ticks == 100


@given(back=st.integers(2 * PERIOD, 10 ** 12))
def test_a_clock_that_goes_back_stops_nothing(back):
    deadlines = Deadlines(PERIOD, 10 ** 13)
    now = 10 ** 13 - back
    assert deadlines.take(now) == 0
    assert deadlines._next == now + PERIOD
    assert deadlines.take(now + PERIOD) == 1


@pytest.mark.parametrize('jump', [-3.5, 3.5, 0.25])
def test_a_clock_that_was_set_is_noticed(jump):
    watch, steady = ClockWatch(), 10 ** 12
    for _ in range(5):
        steady += PERIOD
        assert watch.jump(10 ** 18 + steady, steady) == 0.0
    steady += PERIOD
    assert watch.jump(10 ** 18 + steady + round(jump * 1e9), steady) == pytest.approx(jump)
    steady += PERIOD
    assert watch.jump(10 ** 18 + steady + round(jump * 1e9), steady) == 0.0
