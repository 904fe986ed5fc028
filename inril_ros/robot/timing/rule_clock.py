# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The one clock by which the rules of a robot measure time.

A rule that compares a duration with the contract (silence, the gap between ticks, a reset that
takes too long) must count as its streams do. Where ticks follow simulated time, that is
``/clock``: by a steady clock everything in a simulation at a tenth of real time would be ten
times too old. Otherwise it is a steady clock, which nobody can set.

Simulated time may stand still; then no rule that follows it ever applies. That it moves at all is
watched by a steady clock (docs/explanation/time.md).
"""

from collections.abc import Callable
import time


class RuleClock:
    """Time for rules.

    Args:
        simulated: Returns simulated time [s]; None where ticks don't follow it.
        steady: Returns the time [s] of a steady clock.
    """

    def __init__(
        self, simulated: Callable[[], float] | None = None,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._simulated = simulated
        self._steady = steady
        self._last, self._moved = self.now(), steady()

    def now(self) -> float:
        """Return the present time [s]; only differences count."""
        return self._steady() if self._simulated is None else self._simulated()

    def stopped(self) -> float:
        """Return for how long [s], by a steady clock, simulated time has stood still.

        It is as exact as this is called often. Without simulated time it is 0.
        """
        if self._simulated is None:
            return 0.0
        steady, now = self._steady(), self._simulated()
        if now != self._last:
            self._last, self._moved = now, steady
        return steady - self._moved

    def why_stopped(self, limit: float) -> str:
        """Return that simulated time has stood still for longer than ``limit`` [s], or ''."""
        stopped = self.stopped()
        return f'/clock has stood still for {stopped:.1f} s: is the simulation paused, and does ' \
            'its bridge run?' if stopped > limit else ''
