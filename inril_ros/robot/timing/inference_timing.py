# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From which tick's observation the next chunk is inferred.

A chunk that is inferred too late leaves ticks without an action; one that is inferred too early
discards steps of the chunk before it, and sees less. Therefore the delay from an observation to
its chunk is measured, and the next inference begins when its first usable step will be the one
after the running chunk's last. An inference may thus take longer than a period, and nothing waits
for it.
"""

from bisect import bisect_left, insort
from collections import deque
import math


class DelayEstimate:
    """A running quantile of delays; exact over a window.

    Args:
        period: [s] One tick.
        quantile: Quantile of the delays in the window; high, because too late is worse than too
            early.
        window: Number of delays that count.
    """

    def __init__(self, period: float, quantile: float = 0.95, window: int = 64) -> None:
        if not 0.0 < quantile <= 1.0 or window < 1 or not period > 0.0:
            raise ValueError(f'quantile {quantile}, window {window}, period {period}: allowed are '
                             '(0, 1], at least 1, more than 0')
        self._period = period
        self._quantile = quantile
        self._recent: deque[float] = deque(maxlen=window)
        self._sorted: list[float] = []

    def add(self, seconds: float) -> None:
        """Add a delay; one that is negative or not finite (a clock was set) doesn't count."""
        if not math.isfinite(seconds) or seconds < 0.0:
            return
        if len(self._recent) == self._recent.maxlen:
            del self._sorted[bisect_left(self._sorted, self._recent[0])]
        self._recent.append(seconds)
        insort(self._sorted, seconds)

    @property
    def seconds(self) -> float:
        """The quantile [s]; 0 before the first delay."""
        if not self._sorted:
            return 0.0
        return self._sorted[math.ceil(self._quantile * len(self._sorted)) - 1]

    @property
    def ticks(self) -> int:
        """Number of ticks that pass before the first step of a chunk can be executed."""
        return math.ceil(self.seconds / self._period - 1e-9)


class InferenceTiming:
    """When to infer in one episode.

    Args:
        period: [s] One tick.
        lead: [ticks] From the observation to the first step of its chunk.
        paced: Ticks follow a clock. In lockstep they wait, so that no delay counts.
    """

    def __init__(self, period: float, lead: int, paced: bool) -> None:
        self._lead = lead
        self._paced = paced
        self.delay = DelayEstimate(period)
        self.begin()

    def begin(self) -> None:
        """Start an episode: the first inference is from its first observation."""
        self._due = 0
        self._paused = False

    def is_due(self, tick: int) -> bool:
        """Return whether to infer from the observation of a tick."""
        return not self._paused and tick >= self._due

    def inferred(self, tick: int, steps: int, seconds: float) -> None:
        """Record a chunk; if the delay is longer than a chunk, inferences follow at once.

        Args:
            tick: Tick of the observation it was inferred from; its first step is ``lead`` ticks
                later.
            steps: Length of the chunk.
            seconds: [s] From the time of that tick until the chunk was sent.
        """
        needed = self._lead
        if self._paced:
            self.delay.add(seconds)
            needed = max(needed, self.delay.ticks)
        self._due = max(tick + 1, tick + self._lead + steps - needed)

    def pause(self) -> None:
        """Stop inferring while a person drives: the plan would be void when they let go."""
        self._paused = True

    def replan(self, tick: int) -> None:
        """Infer again after a person let go, from the observation of ``tick`` or the next one.

        An earlier one shows what the person was doing, and its chunk would be refused.
        """
        self._due, self._paused = tick, False
