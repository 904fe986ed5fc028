# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Ticks at absolute deadlines, in the thread of the executor, between two callbacks.

The executor waits for messages until the next deadline and no longer, so nothing has to wake it.
The deadline is checked after each callback too, so that a tick waits for one message at most, not
for all that have come. Garbage is collected right after a tick, when most time is left, and only
among objects made since the start.
"""

from collections.abc import Callable
import gc
import os
import time

from rclpy.clock import Clock
from rclpy.executors import Executor
from rclpy.node import Node

from inril_ros.robot.timing.pacing import Deadlines

# Python's own thresholds per generation: objects, then collections of the one before.
_DUE = (700, 10, 10)
_LONGEST = 0.5  # [s] after which the executor looks for a signal to end


class TickTimer:
    """Calls a function once per period.

    Args:
        clock: The clock that ticks follow, if how long its period takes isn't known, as that of
            simulated time: a timer wakes the executor. None: the steady clock.
        period: [ns] Time between two ticks.
        tick: Called with the number of periods that have become due: more than 1 if some were
            missed.
    """

    def __init__(
        self, node: Node, clock: Clock | None, period: int, tick: Callable[[int], None],
    ) -> None:
        self._simulated = clock is not None
        self._now = time.monotonic_ns if clock is None else lambda: clock.now().nanoseconds
        self._tick = tick
        # Read before the timer is made, so that the timer never wakes too early.
        self._deadlines = Deadlines(period, self._now())
        if clock is not None:
            node.create_timer(period / 1e9, self.check, clock=clock)

    def check(self) -> None:
        """Tick if it is time."""
        due = self._deadlines.take(self._now())
        if due:
            self._tick(due)
            if not gc.isenabled():
                collect_if_due()

    def spin_once(self, executor: Executor) -> None:
        """Run one callback, or wait for one; tick if it is time afterwards."""
        left = _LONGEST if self._simulated else self._deadlines.left(self._now()) / 1e9
        executor.spin_once(timeout_sec=min(left, _LONGEST))
        self.check()


def quiet_collector() -> None:
    """Stop automatic garbage collection, and exempt all present objects from later ones."""
    gc.collect()
    gc.freeze()
    gc.disable()


def collect_if_due() -> int:
    """Collect what Python would have collected by now; return the generation, -1 for none.

    Objects from before the start are frozen, so even the oldest generation is small.
    """
    counts = gc.get_count()
    due = [generation for generation, limit in enumerate(_DUE) if counts[generation] > limit]
    if 0 not in due:
        return -1
    gc.collect(due[-1])
    return due[-1]


def usual_collector() -> None:
    """Undo ``quiet_collector``."""
    gc.enable()
    gc.unfreeze()


def request_priority(priority: int) -> None:
    """Have the kernel run this thread before all threads that aren't real-time (SCHED_FIFO).

    Raises:
        ValueError: This user may not; the message says what to do.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except PermissionError as error:
        raise ValueError(
            f'realtime_priority {priority} is not allowed: raise the limit rtprio of this user in '
            '/etc/security/limits.conf, or set it to 0') from error
