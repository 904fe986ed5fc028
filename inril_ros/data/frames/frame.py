# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is known at one tick, and how well it fits together: the sync audit."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Frame:
    """The observations at one tick, and how well they fit together: the sync audit.

    Attributes:
        stamp: [ns] The tick.
        values: Each observation of the contract by name, (size,) float64.
        age: [s] Age of the oldest of them at the instant that the frame shows.
        images: Of each policy camera, encoded; empty where none were asked for.
        skew: [s] From the oldest to the newest sample that a value or an image comes from.
        gap: [s] Longest pause of a stream next to the samples that were used.
    """

    stamp: int
    values: dict[str, np.ndarray]
    age: float
    images: tuple[bytes, ...] = ()
    skew: float = 0.0
    gap: float = 0.0


class FrameFit:
    """How well the samples of one frame fit together."""

    def __init__(self, instant: int) -> None:
        """Begin with the instant [ns] that the frame shows, without samples."""
        self._instant = instant
        self._oldest = self._newest = None
        self.gap = 0
        self.values_age = 0.0

    def add(self, at: int, gap: int) -> float:
        """Add a sample by its time and gap [ns]; return its age [s]."""
        self._oldest = at if self._oldest is None else min(self._oldest, at)
        self._newest = at if self._newest is None else max(self._newest, at)
        self.gap = max(self.gap, gap)
        return max(0, self._instant - at) / 1e9

    @property
    def skew(self) -> float:
        """[s] From the oldest sample to the newest."""
        return 0.0 if self._newest is None else (self._newest - self._oldest) / 1e9
