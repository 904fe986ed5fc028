# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Ticks come at their deadlines: the executor waits until the next one at most."""

import time

import pytest

from inril_ros.nodes.actuation.tick_timer import TickTimer

PERIOD = 10_000_000  # [ns]


class Run:
    """A clock that stands still unless the executor waits or a callback takes time."""

    def __init__(self, callbacks=(), period=PERIOD):
        self.now, self.ticks, self.waits = 0, [], []
        self.callbacks = list(callbacks)  # [ns] when a message comes, and how long it takes
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, 'monotonic_ns', lambda: self.now)
            self.timer = TickTimer(None, None, period, self.tick)

    def tick(self, due):
        self.ticks.append((self.now, due))

    def spin_once(self, timeout_sec):
        self.waits.append(timeout_sec)
        end = self.now + round(timeout_sec * 1e9)
        if self.callbacks and self.callbacks[0][0] <= end:
            comes, takes = self.callbacks.pop(0)
            self.now = max(self.now, comes) + takes
        else:
            self.now = end

    def until(self, end):
        while self.now < end:
            self.timer.spin_once(self)


def test_without_messages_a_tick_comes_at_each_deadline():
    run = Run()
    run.until(10 * PERIOD)
    assert run.ticks == [(number * PERIOD, 1) for number in range(1, 11)]
    assert run.waits == [pytest.approx(PERIOD / 1e9)] * 10


def test_messages_neither_delay_nor_repeat_a_tick():
    run = Run([(number * 3_000_000, 100_000) for number in range(1, 30)])
    run.until(8 * PERIOD)
    assert [due for _, due in run.ticks] == [1] * 8
    assert all(0 <= now - number * PERIOD <= 100_000
               for number, (now, _) in enumerate(run.ticks, start=1))


def test_a_tick_waits_for_one_message_of_many():
    run = Run([(PERIOD - 1, 200_000)] * 100)
    run.until(PERIOD + 1)
    assert run.ticks == [(PERIOD + 199_999, 1)]


def test_ticks_that_a_long_callback_missed_are_counted():
    run = Run([(PERIOD // 2, 3 * PERIOD)])
    run.until(4 * PERIOD)
    assert run.ticks == [(3 * PERIOD + PERIOD // 2, 3), (4 * PERIOD, 1)]


def test_a_slow_tick_is_no_reason_to_wait_past_a_signal():
    run = Run(period=60 * 10 ** 9)
    run.timer.spin_once(run)
    assert run.waits == [0.5]
