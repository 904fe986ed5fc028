# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How long a chunk takes from its observation to the robot, and what follows from it.

Steps belong to ticks (``chunks``), so the steps that a chunk loses on its way are those whose tick
has passed. What is measured here says how many they will be: the next inference starts so early
that its first usable step is there when the running chunk ends. An inference may thus take longer
than a period, and nothing waits for it.
"""

from bisect import bisect_left, insort
from collections import deque
import math


class DelayEstimate:
    """A running quantile of delays; exact over a window.

    Args:
        period: [s] One tick.
        quantile: Of the delays in the window. A high one: too late is worse than too early.
        window: Number of delays that count.
        initial: [s] Taken for the delay as long as none was measured.
    """

    def __init__(
        self, period: float, quantile: float = 0.95, window: int = 64, initial: float = 0.0,
    ) -> None:
        if not 0.0 < quantile <= 1.0 or window < 1 or not period > 0.0:
            raise ValueError(f'quantile {quantile}, window {window}, period {period}: allowed are '
                             '(0, 1], at least 1, more than 0')
        self._period = period
        self._quantile = quantile
        self._initial = initial
        self._recent: deque[float] = deque(maxlen=window)
        self._sorted: list[float] = []

    def add(self, seconds: float) -> None:
        """Take a measured delay; what isn't finite or is negative is no delay (a clock jumped)."""
        if not math.isfinite(seconds) or seconds < 0.0:
            return
        if len(self._recent) == self._recent.maxlen:
            del self._sorted[bisect_left(self._sorted, self._recent[0])]
        self._recent.append(seconds)
        insort(self._sorted, seconds)

    @property
    def seconds(self) -> float:
        """[s] The quantile."""
        if not self._sorted:
            return self._initial
        return self._sorted[math.ceil(self._quantile * len(self._sorted)) - 1]

    @property
    def ticks(self) -> int:
        """Ticks that pass before the first step of a chunk can be executed."""
        return math.ceil(self.seconds / self._period - 1e-9)

    def next_inference(self, first_tick: int, steps: int) -> int:
        """Return the tick whose observation the chunk after this one should be inferred from.

        Args:
            first_tick: First tick of the chunk that runs or was just made.
            steps: Its length. If the delay is longer, inferences follow each other at once.
        """
        return max(first_tick + 1, first_tick + steps - self.ticks)
