# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Statistics of the times between commands, and the causes of late ones.

A block is a period in which one process sent commands at one rate; gaps are taken within blocks
only. The cause of a late command is estimated from counters of the kernel and of the garbage
collector: it must explain half of the excess.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: A longer gap, in periods, is a miss.
MISS = 1.5
#: Causes of misses, in the order of checking.
CAUSES = ('collector', 'stolen', 'scheduler', 'own work', 'unknown')


@dataclass(frozen=True)
class Sent:
    """The commands of one block, N of them.

    Attributes:
        stamps: (N,) Times of sending [ns], by the sender's clock.
        ran: (N,) Time that the sending thread had run on a core at receipt [ns].
        waited: (N,) Time that it had been ready and waiting for a core [ns].
        stolen: (N,) Time that the hypervisor had taken from all cores [ns].
        lost: Commands that were sent and not received.
    """

    stamps: np.ndarray
    ran: np.ndarray
    waited: np.ndarray
    stolen: np.ndarray
    lost: int = 0

    def between(self, begin: int, end: int) -> 'Sent':
        """Return the commands from ``begin`` to ``end`` [ns]."""
        inside = (self.stamps >= begin) & (self.stamps <= end)
        return Sent(self.stamps[inside], self.ran[inside], self.waited[inside],
                    self.stolen[inside], self.lost)


@dataclass(frozen=True)
class TickStatistics:
    """Times between commands [s]; errors are |time between two - period|.

    Attributes:
        gaps: Number of gaps.
        missed_periods: Periods without a command, over all gaps.
    """

    gaps: int
    mean: float
    p50: float
    p99: float
    p999: float
    worst: float
    error_p50: float
    error_p99: float
    error_worst: float
    misses: int
    missed_periods: int


def gaps_of(blocks: Sequence[np.ndarray]) -> np.ndarray:
    """Return the times between commands [s] of all blocks of stamps [ns], in their order."""
    return np.concatenate([np.zeros(0), *(np.diff(np.sort(stamps)) / 1e9 for stamps in blocks)])


def tick_statistics(gaps: np.ndarray, period: float) -> TickStatistics:
    """Return the statistics of gaps [s].

    Args:
        gaps: (N,) Gaps [s], at least one.
        period: Nominal period [s].

    Raises:
        ValueError: There are no gaps.
    """
    if not len(gaps):
        raise ValueError('fewer than two commands: there is no time between them')
    errors = np.abs(gaps - period)
    p50, p99, p999 = np.percentile(gaps, (50.0, 99.0, 99.9))
    return TickStatistics(
        gaps=len(gaps), mean=float(gaps.mean()), p50=float(p50), p99=float(p99), p999=float(p999),
        worst=float(gaps.max()), error_p50=float(np.percentile(errors, 50.0)),
        error_p99=float(np.percentile(errors, 99.0)), error_worst=float(errors.max()),
        misses=int((gaps > MISS * period).sum()),
        missed_periods=int(np.maximum(np.rint(gaps / period) - 1, 0).sum()))


def causes_of_misses(
    sent: Sent, period: float, pauses: Sequence[tuple[int, int]],
) -> Counter[str]:
    """Return the number of misses of a block by cause.

    ``collector``: Python's garbage collection ran in the sending process. ``stolen``: the
    hypervisor gave the cores to others. ``scheduler``: the thread was ready, other processes ran.
    ``own work``: the thread itself ran for most of the gap, as an inference does. ``unknown``:
    none of these, such as a late wake-up, or a lock.

    Args:
        sent: The block.
        period: Nominal period [s].
        pauses: Begin and end [ns] of each collection in the sending process.
    """
    causes: Counter[str] = Counter()
    gaps = np.diff(sent.stamps) / 1e9
    for index in np.flatnonzero(gaps > MISS * period):
        begin, end = int(sent.stamps[index]), int(sent.stamps[index + 1])
        excess = (end - begin) - 1e9 * period
        collected = sum(max(0, min(end, stop) - max(begin, start)) for start, stop in pauses)
        # Counters are read on receipt, maybe some time after sending: time of this gap may have
        # been counted in the one before.
        first = max(0, index - 1)
        grown = {name: int(getattr(sent, name)[index + 1] - getattr(sent, name)[first])
                 for name in ('ran', 'waited', 'stolen')}
        if collected >= 0.5 * excess:
            causes['collector'] += 1
        elif grown['stolen'] >= 0.5 * excess:
            causes['stolen'] += 1
        elif grown['waited'] >= 0.5 * excess:
            causes['scheduler'] += 1
        elif grown['ran'] >= 0.5 * (end - begin):
            causes['own work'] += 1
        else:
            causes['unknown'] += 1
    return causes


def misses_after(
    sent: Sent, period: float, events: Sequence[int], seconds: float,
) -> tuple[int, float]:
    """Return the misses within ``seconds`` after an event, and the number expected by chance.

    Args:
        sent: The block.
        period: Nominal period [s].
        events: Times of events [ns], such as sending weights.
        seconds: Length of the time after each event [s].
    """
    gaps = np.diff(sent.stamps) / 1e9
    late = sent.stamps[1:][gaps > MISS * period]
    if not len(late) or not len(events):
        return 0, 0.0
    length = round(1e9 * seconds)
    near = np.zeros(len(late), bool)
    covered, last = 0, int(sent.stamps[0])
    for event in sorted(events):
        near |= (late >= event) & (late <= event + length)
        begin = max(last, event)
        end = min(int(sent.stamps[-1]), event + length)
        covered += max(0, end - begin)
        last = max(last, end)
    whole = max(1, int(sent.stamps[-1] - sent.stamps[0]))
    return int(near.sum()), len(late) * covered / whole
