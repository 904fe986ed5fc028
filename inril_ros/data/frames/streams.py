# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One stream of samples in order of time, and its value at an instant."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inril_ros.robot.rotations import between

#: [ns] Going back by more than this is a restart of a simulator, a looping bag, or a clock.
RESTART = 1_000_000_000


class FrameError(ValueError):
    """A frame that can't be made: no sample, one that is too old, or values of no use."""


@dataclass(frozen=True)
class Found:
    """The samples of a stream around an instant.

    Attributes:
        value: Value of the newest sample at or before the instant.
        at: Time of that sample [ns].
        gap: Time from that sample to the next known one, else from the one before [ns].
        after: Value of the next sample; None if it is not known yet.
        share: Position of the instant between the two samples, 0..1.
    """

    value: Any
    at: int
    gap: int
    after: Any = None
    share: float = 0.0

    def aligned(self, name: str, align: str) -> np.ndarray:
        """Return the value of an observation at the instant, where samples have several."""
        value = self.value[name]
        if align == 'hold' or self.after is None:
            return value
        return between_samples(value, self.after[name], self.share, align)


def between_samples(
    value: np.ndarray, after: np.ndarray, share: float, align: str,
) -> np.ndarray:
    """Return the value at a share 0..1 of the way from one sample to the next."""
    if align == 'slerp':
        return between(value, after, share)
    return value + share * (after - value)


class Stream:
    """Samples of one source with their times.

    Args:
        history: Number of samples kept.
    """

    def __init__(self, history: int) -> None:
        self._history = history
        self._times: list[int] = []
        self._values: list[Any] = []

    def __len__(self) -> int:
        """Return how many samples there are."""
        return len(self._times)

    @property
    def newest(self) -> int:
        """Time of the newest sample [ns]; 0 without samples."""
        return self._times[-1] if self._times else 0

    def is_late(self, time: int) -> bool:
        """Return whether a sample of this time [ns] comes after a newer one, and is ignored."""
        return bool(self._times) and 0 <= self._times[-1] - time < RESTART

    def why_late(self, time: int) -> str:
        """Return the reason for which a late sample of this time [ns] is ignored."""
        before = self.newest - time
        return (f'its time {time} ns was that of a message before it' if not before else
                f'its time {time} ns is {before / 1e9:.6f} s before that of a message that had '
                'come already')

    def restarts(self, time: int) -> bool:
        """Return whether this time [ns] is so far back that the clock must have restarted."""
        return bool(self._times) and self._times[-1] - time >= RESTART

    def add(self, time: int, value: Any) -> None:
        """Add a sample that is newer than all others."""
        self._times.append(time)
        self._values.append(value)
        if len(self._times) > self._history:
            del self._times[0], self._values[0]

    def clear(self) -> None:
        """Forget all samples."""
        self._times.clear()
        self._values.clear()

    def at(self, instant: int, known: int) -> Found | None:
        """Return the samples around an instant; None if the first sample is newer.

        Args:
            instant: The instant [ns].
            known: Samples newer than this [ns] are not used, so that a frame doesn't depend on
                when it is made.
        """
        index = bisect_right(self._times, min(instant, known)) - 1
        if index < 0:
            return None
        at, value = self._times[index], self._values[index]
        if index + 1 < len(self._times) and self._times[index + 1] <= known:
            gap = self._times[index + 1] - at
            share = (instant - at) / gap
            return Found(value, at, gap, self._values[index + 1], min(share, 1.0))
        return Found(value, at, at - self._times[index - 1] if index else 0)

    def around(
        self, instant: int, known: int,
    ) -> tuple[list[tuple[int, Any]], list[tuple[int, Any]]]:
        """Return the last two samples (time, value) up to an instant, and the next known one."""
        index = bisect_right(self._times, min(instant, known))
        samples = [list(zip(self._times[part], self._values[part], strict=True))
                   for part in (slice(max(0, index - 2), index), slice(index, index + 1))]
        return samples[0], [sample for sample in samples[1] if sample[0] <= known]


def merged(streams: Sequence[Stream], instant: int, known: int) -> Found | None:
    """Return the samples around an instant as if those of several streams had come by one.

    Args:
        streams: The streams; no two have a sample at the same time.
        instant: The instant [ns].
        known: Samples newer than this [ns] are not used.
    """
    earlier, later = [], []
    for stream in streams:
        before, after = stream.around(instant, known)
        earlier += before
        later += after
    if not earlier:
        return None
    *past, (at, value) = sorted(earlier, key=_time_of)
    if not later:
        return Found(value, at, at - past[-1][0] if past else 0)
    after_at, after_value = min(later, key=_time_of)
    return Found(value, at, after_at - at, after_value, min((instant - at) / (after_at - at), 1.0))


def _time_of(sample: tuple[int, Any]) -> int:
    return sample[0]
