# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The clock of the stamps as a function of the time in a bag.

A bag says when each message was received; the stamps say when it was made. The two clocks are the
same, or a constant time apart, or, in a simulation, run at different rates. A command has no
stamp, so its time is found from when it was received.
"""

from bisect import bisect_right

import numpy as np
from scipy.signal import medfilt

#: [ns] Stamps and receive times that differ by less are of one clock: messages take some time.
SAME_CLOCK = 200_000_000
_STEADY = 50_000_000  # [ns] An offset that varies by less is constant
_JUMP = 1_000_000_000  # [ns] Stamps that jump by more in no time are of another clock
_FASTEST = 100.0  # times real time: no simulation is faster
_PARTS = 8  # of an episode, in which the offset is measured
_FEW = 5  # samples at each end, and the width of the filter
_MOST_PARTS = 300


class ClockMap:
    """A rising, piecewise linear function from the bag's time to the clock of the stamps.

    Args:
        received: Times in the bag (N,) int64 [ns], strictly rising; N >= 1.
        stamped: The clock at those times (N,) int64 [ns], strictly rising.
        rate: Rate of the clock before the first time and after the last one.
    """

    def __init__(self, received: np.ndarray, stamped: np.ndarray, rate: float = 1.0) -> None:
        self._received, self._stamped = received.tolist(), stamped.tolist()
        self.rate = rate

    @classmethod
    def shifted(cls, offset: int) -> 'ClockMap':
        """Return the clock that is always ``offset`` [ns] ahead of the bag's time."""
        return cls(np.zeros(1, np.int64), np.full(1, offset, np.int64))

    @property
    def offset(self) -> int | None:
        """How far the clock is ahead of the bag's time [ns]; None if that isn't constant."""
        return self._stamped[0] - self._received[0] if len(self._received) == 1 else None

    def __call__(self, time: int) -> int:
        """Return the clock of the stamps [ns] at a time in the bag [ns]."""
        right = bisect_right(self._received, time)
        if len(self._received) == 1:
            return time + self._stamped[0] - self._received[0]
        if right in (0, len(self._received)):
            end = 0 if right == 0 else -1
            return self._stamped[end] + round((time - self._received[end]) * self.rate)
        before, after = self._received[right - 1], self._received[right]
        start, end = self._stamped[right - 1], self._stamped[right]
        return start + (time - before) * (end - start) // (after - before)


def fit_clock(received: np.ndarray, stamped: np.ndarray) -> ClockMap:
    """Return the clock of stamps, from when the messages of one stream were received.

    Stray stamps are left out: where the clock jumps, the longest part that fits together counts.

    Args:
        received: When each message was received (N,) int64 [ns], rising.
        stamped: Its stamp (N,) int64 [ns]; 0 if it has none.
    """
    chosen = _longest_clock(received, stamped)
    received, stamped = received[chosen], stamped[chosen]
    if not len(received):
        return ClockMap.shifted(0)
    offsets = stamped - received
    parts = np.array([np.median(offsets[:_FEW]), np.median(offsets[-_FEW:]), *(
        np.percentile(part, 90) for part in np.array_split(offsets, _PARTS) if len(part))])
    if np.ptp(parts) <= _STEADY or (abs(parts) <= SAME_CLOCK).all():
        offset = round(float(np.median(parts)))
        # A message is received after its stamp, if both are of the same clock.
        return ClockMap.shifted(0 if -SAME_CLOCK <= offset <= 0 else offset)
    return _varying(received, stamped)


def _varying(received: np.ndarray, stamped: np.ndarray) -> ClockMap:
    """Return the clock of a simulation through its samples, whose stamps nearly all rise."""
    base = stamped[0]
    smooth = medfilt((stamped - base).astype(np.float64), _FEW)
    smooth[[0, 1, -2, -1]] = (stamped - base)[[0, 1, -2, -1]]  # the filter adds zeros there
    rising = np.maximum.accumulate(smooth.astype(np.int64))
    # Of the samples with one time or one stamp the first: then the stamp was reached.
    kept = np.flatnonzero(np.diff(rising, prepend=rising[0] - 1))
    kept = kept[np.flatnonzero(np.diff(received[kept], prepend=received[kept[0]] - 1))]
    times, clock = received[kept], rising[kept] + base
    rate = (clock[-1] - clock[0]) / max(1, times[-1] - times[0])
    return ClockMap(times, clock, float(rate))


def _longest_clock(received: np.ndarray, stamped: np.ndarray) -> np.ndarray:
    """Return the indices of the most samples whose stamps can be of one clock."""
    indices = np.flatnonzero(stamped)
    if not len(indices):
        return indices
    times, stamps = received[indices], stamped[indices]
    breaks = np.flatnonzero(~_continues(np.diff(times), np.diff(stamps))) + 1
    parts = np.split(np.arange(len(indices)), breaks)
    if len(parts) > _MOST_PARTS:
        parts = sorted(sorted(parts, key=len)[-_MOST_PARTS:], key=lambda part: part[0])
    first, last = (np.array([part[end] for part in parts]) for end in (0, -1))
    sizes = np.array([len(part) for part in parts])
    before = np.full(len(parts), -1)
    for index in range(1, len(parts)):  # the longest chain of parts that ends with each
        fits = _continues(times[first[index]] - times[last[:index]],
                          stamps[first[index]] - stamps[last[:index]])
        best = int(np.argmax(np.where(fits, sizes[:index], 0)))
        if fits[best]:
            before[index] = best
            sizes[index] += sizes[best]
    chain = [int(np.argmax(sizes))]
    while before[chain[-1]] >= 0:
        chain.append(int(before[chain[-1]]))
    return indices[np.concatenate([parts[index] for index in reversed(chain)])]


def _continues(time: np.ndarray, stamp: np.ndarray) -> np.ndarray:
    """Return whether stamps that differ so much after these times [ns] can be of one clock."""
    return (stamp > -_JUMP) & (stamp <= _FASTEST * time + _JUMP)
