# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The clock of the stamps as a function of the time in a bag.

A bag says when each message was received; the stamps say when it was made. The two clocks are the
same, or a constant time apart, or, in a simulation, run at different rates. A command has no
stamp, so its time is found from when it was received.
"""

from bisect import bisect_right

import numpy as np

#: [ns] Stamps and receive times that differ by less are of one clock: messages take some time.
SAME_CLOCK = 200_000_000
_NOTABLE = 20_000_000  # [ns] A clock that is farther off is worth a sentence
_STEADY = 50_000_000  # [ns] An offset that varies by less is constant
_JUMP = 1_000_000_000  # [ns] Stamps that jump by more in no time are of another clock
_FASTEST = 20.0  # times its usual rate: no simulation is faster
_PARTS = 8  # of an episode, in which the offset is measured
_FEW = 10  # samples at each end, in which it is measured too
_FAST = 80  # [%]
_WIDTH = 5  # samples in the filter of a simulation's clock


class ClockMap:
    """A rising, piecewise linear function from the bag's time to the clock of the stamps.

    Args:
        received: Times in the bag (N,) int64 [ns], strictly rising; N >= 1.
        stamped: The clock at those times (N,) int64 [ns], strictly rising.
        rate: The usual rate of the clock.

    Attributes:
        fault: Why it can't be used; empty if it can.
    """

    def __init__(self, received: np.ndarray, stamped: np.ndarray, rate: float = 1.0) -> None:
        self._received, self._stamped = received.tolist(), stamped.tolist()
        # Before the first time and after the last one it goes on as there.
        self._begin = _slope(received[:_FEW], stamped[:_FEW])
        self._end = _slope(received[-_FEW:], stamped[-_FEW:])
        self.rate = rate
        self.fault = ''

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
        if len(self._received) == 1:
            return time + self._stamped[0] - self._received[0]
        right = bisect_right(self._received, time)
        if right in (0, len(self._received)):
            end, rate = (0, self._begin) if right == 0 else (-1, self._end)
            return self._stamped[end] + round((time - self._received[end]) * rate)
        before, after = self._received[right - 1], self._received[right]
        start, end = self._stamped[right - 1], self._stamped[right]
        return start + (time - before) * (end - start) // (after - before)

    def notes(self) -> list[str]:
        """Return a sentence on how times in the bag were brought to this clock, if it differs."""
        if self.offset is None:
            return [f'time was simulated, mostly at {self.rate:.2f} of real time: commands and '
                    'topics with clock: receive have the simulated time at which they came']
        if abs(self.offset) <= _NOTABLE:
            return []
        side = 'ahead of' if self.offset > 0 else 'behind'
        return [f'the stamps are {abs(self.offset) / 1e9:.3f} s {side} the times in the bag: '
                'commands and topics with clock: receive were shifted by that']


def _slope(times: np.ndarray, clock: np.ndarray) -> float:
    return float((clock[-1] - clock[0]) / max(1, times[-1] - times[0]))


def fit_clock(received: np.ndarray, stamped: np.ndarray) -> ClockMap:
    """Return the clock of stamps, from when the messages of one stream were received.

    Stray stamps are left out: the most that rise count, and where they jump, the longest part.

    Args:
        received: When each message was received (N,) int64 [ns], rising.
        stamped: Its stamp (N,) int64 [ns]; 0 if it has none.
    """
    chosen = _longest_clock(received, stamped)
    received, stamped = received[chosen], stamped[chosen]
    if not len(received):
        return ClockMap.shifted(0)
    offsets = stamped - received
    # Messages that are slower than most say less. The ends show a simulation that stood there.
    parts = np.array([np.percentile(part, _FAST) for part in (
        offsets[:_FEW], offsets[-_FEW:], *np.array_split(offsets, _PARTS)) if len(part)])
    if np.ptp(parts) <= _STEADY or (abs(parts) <= SAME_CLOCK).all():
        offset = round(float(np.median(parts)))
        # A message is received after its stamp, if both are of the same clock.
        return ClockMap.shifted(0 if -SAME_CLOCK <= offset <= 0 else offset)
    return _varying(received, stamped)


def _varying(received: np.ndarray, stamped: np.ndarray) -> ClockMap:
    """Return the clock of a simulation through its samples, whose stamps never fall."""
    rising = stamped
    if len(stamped) > 2 * _WIDTH:  # the medians of the windows around each sample but the ends
        windows = np.lib.stride_tricks.sliding_window_view(stamped, _WIDTH)
        rising = np.partition(windows, _WIDTH // 2, axis=1)[:, _WIDTH // 2]
        received = received[_WIDTH // 2:-(_WIDTH // 2)]
    # Of the samples with one time or one stamp the first: then the stamp was reached.
    kept = np.flatnonzero(np.diff(rising, prepend=rising[0] - 1))
    kept = kept[np.flatnonzero(np.diff(received[kept], prepend=received[kept[0]] - 1))]
    times, clock = received[kept], rising[kept]
    return ClockMap(times, clock, _usual_rate(times, clock))


def _longest_clock(received: np.ndarray, stamped: np.ndarray) -> np.ndarray:
    """Return the indices of the most samples whose stamps can be of one clock."""
    indices = np.flatnonzero(stamped)
    indices = indices[_longest_rise(stamped[indices])]
    times, stamps = received[indices], stamped[indices]
    fastest = _FASTEST * _usual_rate(times, stamps)
    jumps = np.flatnonzero(np.diff(stamps) > fastest * np.diff(times) + _JUMP) + 1
    return max(np.split(indices, jumps), key=len)


def _usual_rate(times: np.ndarray, stamps: np.ndarray) -> float:
    """Return the rate of a clock in most of its samples, thus not in its pauses."""
    lag = 1 + len(times) // 20
    steps, gains = times[lag:] - times[:-lag], stamps[lag:] - stamps[:-lag]
    rates = gains[steps > 0] / steps[steps > 0]
    return float(np.median(rates)) if len(rates) else 1.0


def _longest_rise(values: np.ndarray) -> np.ndarray:
    """Return the indices of the most values (N,), in order, of which none is below another."""
    if (np.diff(values) >= 0).all():
        return np.arange(len(values))
    # Of the runs of each length, the one that ends lowest: its last value and index.
    ends: list[int] = []
    at: list[int] = []
    before = np.full(len(values), -1)
    for index, value in enumerate(values.tolist()):
        length = bisect_right(ends, value)
        before[index] = at[length - 1] if length else -1
        ends[length:length + 1] = [value]
        at[length:length + 1] = [index]
    chain = [at[-1]]
    while before[chain[-1]] >= 0:
        chain.append(int(before[chain[-1]]))
    return np.array(chain[::-1])
