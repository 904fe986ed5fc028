# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One stream of samples in the order of time, and its value at an instant."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

import numpy as np

from inril_ros.robot.rotations import between

#: [ns] Going back by more than this is a restart: of a simulator, a bag that loops, a clock.
RESTART = 1_000_000_000


class FrameError(ValueError):
    """A frame that can't be made: a stream has no sample, or only one that is too old."""


@dataclass(frozen=True)
class Found:
    """What a stream holds at an instant.

    Attributes:
        value: Of the newest sample at or before the instant
        at: [ns] and when that is from.
        gap: [ns] From that sample to the next one, where that is known; else from the one before.
        after: Value of the next sample, if it is known; None: not yet.
        share: 0..1 How far the instant lies between the two.
    """

    value: Any
    at: int
    gap: int
    after: Any = None
    share: float = 0.0

    def aligned(self, align: str, value: np.ndarray, after: np.ndarray | None) -> np.ndarray:
        """Return a value at the instant, between this sample's and the next one's, if known."""
        if align == 'hold' or after is None:
            return value
        if align == 'slerp':
            return between(value, after, self.share)
        return value + self.share * (after - value)


class Stream:
    """Samples of one source, each with the time it is from.

    Args:
        history: Samples that are kept.
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
        """[ns] Time of the newest sample; 0: there is none."""
        return self._times[-1] if self._times else 0

    def is_late(self, time: int) -> bool:
        """Say whether a sample of this time [ns] comes after a newer one, and is ignored."""
        return bool(self._times) and 0 <= self._times[-1] - time < RESTART

    def restarts(self, time: int) -> bool:
        """Say whether this time [ns] is so far back that time itself must have begun anew."""
        return bool(self._times) and self._times[-1] - time >= RESTART

    def add(self, time: int, value: Any) -> None:
        """Take a sample that is newer than all others."""
        self._times.append(time)
        self._values.append(value)
        if len(self._times) > self._history:
            del self._times[0], self._values[0]

    def clear(self) -> None:
        """Forget all samples."""
        self._times.clear()
        self._values.clear()

    def at(self, instant: int, known: int) -> Found | None:
        """Return what there is at an instant; None: nothing yet.

        Args:
            instant: [ns]
            known: [ns] Samples that are newer than this count as not yet come, so that a frame
                doesn't depend on when it is asked for.
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
