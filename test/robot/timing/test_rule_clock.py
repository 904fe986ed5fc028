# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rules count simulated time where ticks follow it; a steady clock watches that it moves."""

from hypothesis import given
from hypothesis import strategies as st

from inril_ros.robot.timing.rule_clock import RuleClock


class Times:
    def __init__(self):
        self.simulated = self.steady = 0.0

    def clock(self):
        return RuleClock(lambda: self.simulated, lambda: self.steady)


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.01]), st.floats(0.0, 3.0)), max_size=30))
def test_simulated_time_counts_and_its_standstill_is_that_since_it_moved_last(steps):
    times, still = Times(), 0.0
    clock = times.clock()
    for forward, steady in steps:
        times.simulated += forward
        times.steady += steady
        still = 0.0 if forward else still + steady
        assert clock.now() == times.simulated
        assert abs(clock.stopped() - still) < 1e-9


def test_a_standstill_longer_than_the_limit_is_named():
    times = Times()
    clock = times.clock()
    times.steady = 2.0
    assert clock.why_stopped(2.0) == ''
    times.steady = 2.5
    assert clock.why_stopped(2.0).startswith('/clock has stood still for 2.5 s')
    times.simulated = -1.0  # a reset of the world turns it back, which is no standstill
    assert clock.why_stopped(2.0) == ''


def test_without_simulated_time_a_steady_clock_counts_which_never_stands_still():
    times = Times()
    clock = RuleClock(None, lambda: times.steady)
    times.steady = 7.0
    assert (clock.now(), clock.stopped(), clock.why_stopped(0.0)) == (7.0, 0.0, '')
