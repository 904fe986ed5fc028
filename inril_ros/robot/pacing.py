# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How regularly the ticks came: wall-clock gaps between them, counted in a histogram."""

from bisect import bisect_left


class GapHistogram:
    """Gaps between consecutive ticks of an episode.

    Args:
        period: [s] Nominal gap.
        paced: Ticks are meant to be one period apart (real time). If not (lockstep, which runs as
            fast as it can) no gap is a miss.
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
        """Count a tick at ``now`` [s] of a steady clock."""
        if self._last is not None:
            gap = now - self._last
            self.counts[bisect_left(self.edges, gap)] += 1
            self.worst = max(self.worst, gap)
            if self._paced and gap > 1.5 * self._period:
                self.misses += 1
        self._last = now
