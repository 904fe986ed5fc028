# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The frame of one tick, and how well its samples fit together in time."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Frame:
    """The observations at one tick, and how well they fit together in time.

    Attributes:
        stamp: Time of the tick [ns].
        values: Each observation of the contract by name, (size,) float64.
        age: Age of the oldest value at the instant that the frame shows [s].
        images: The encoded image of each policy camera; empty unless images were asked for.
        skew: Time from the oldest to the newest sample of values and images [s].
        gap: Longest pause of a stream next to the samples used [s].
        late: Why it isn't valid: a sample is older than the contract allows; empty if none is.
    """

    stamp: int
    values: dict[str, np.ndarray]
    age: float
    images: tuple[bytes, ...] = ()
    skew: float = 0.0
    gap: float = 0.0
    late: str = ''


class FrameFit:
    """How well the samples of one frame fit together.

    Args:
        instant: The instant that the frame shows [ns].

    Attributes:
        gap: Longest pause of a stream next to the samples [ns].
        values_age: Age of the oldest value [s], set by whoever makes the frame.
        late: Why the first sample that is too old is that; empty if none is.
    """

    def __init__(self, instant: int) -> None:
        self._instant = instant
        self._times: list[int] = []
        self.gap = 0
        self.values_age = 0.0
        self.late = ''

    def add(self, at: int, gap: int) -> float:
        """Add a sample by its time and gap [ns]; return its age [s]."""
        self._times.append(at)
        self.gap = max(self.gap, gap)
        return max(0, self._instant - at) / 1e9

    @property
    def skew(self) -> float:
        """Time from the oldest sample to the newest [s]."""
        return (max(self._times) - min(self._times)) / 1e9 if self._times else 0.0
