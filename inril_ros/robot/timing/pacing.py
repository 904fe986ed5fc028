# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""When ticks are due, and how regularly they came.

Deadlines are absolute: the k-th tick is due at start + k periods, whatever the ticks before it
took. Waiting a period after the work of each tick would add that work to every period.
"""

from bisect import bisect_left


class GapHistogram:
    """Gaps between consecutive ticks of an episode.

    Args:
        period: [s] Nominal gap.
        paced: Ticks are meant to be one period apart. In lockstep, which runs as fast as it can,
            no gap is a miss.
    """

    #: Upper edges of the bins in periods; the last bin is open.
    EDGES = (0.25, 0.5, 0.75, 0.9, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)

    def __init__(self, period: float, paced: bool) -> None:
        self.edges = tuple(edge * period for edge in self.EDGES)
        self.counts = [0] * (len(self.edges) + 1)
        self.worst = 0.0
        self.misses = 0
        self._period = period
        self._paced = paced
        self._last: float | None = None

    def begin(self) -> None:
        """Start an episode: the gap before its first tick isn't counted."""
        self._last = None

    def tick(self, now: float) -> None:
        """Count a tick at ``now`` [s] of the clock of rules."""
        if self._last is not None:
            gap = now - self._last
            self.counts[bisect_left(self.edges, gap)] += 1
            self.worst = max(self.worst, gap)
            if self._paced and gap > 1.5 * self._period:
                self.misses += 1
        self._last = now


class Deadlines:
    """The deadlines of one paced loop, in whole nanoseconds: sums of floats would drift.

    Args:
        period: [ns] Between two ticks.
        start: [ns] Present time; the first tick is due one period later.
    """

    def __init__(self, period: int, start: int) -> None:
        self._period = period
        self._next = start + period

    def take(self, now: int) -> int:
        """Return how many periods have become due at ``now`` [ns] since the last call.

        More than 1 means that all but one passed without a tick; they are not made up for in a
        burst.
        """
        if self._next - now > self._period:  # the clock went back: start again from now
            self._next = now + self._period
            return 0
        if now < self._next:
            return 0
        due = 1 + (now - self._next) // self._period
        self._next += due * self._period
        return due

    def left(self, now: int) -> int:
        """Return how long [ns] it is at ``now`` [ns] until the next one is due; 0 if it is."""
        return min(max(0, self._next - now), self._period)


class ClockWatch:
    """Detects that a clock was set, by comparing it with a steady one."""

    def __init__(self) -> None:
        self._offset: int | None = None

    def jump(self, clock: int, steady: int) -> float:
        """Return how far [s] the clock has moved relative to the steady one since the last call.

        Args:
            clock: [ns] Its present time.
            steady: [ns] The present time of the steady clock.
        """
        before, self._offset = self._offset, clock - steady
        return 0.0 if before is None else (self._offset - before) / 1e9
