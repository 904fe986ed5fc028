# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Exploration noise for the executed actions: correlated in time, of a new size per episode.

White noise averages out in incremental position control; an Ornstein-Uhlenbeck process with a
memory of a few ticks does move the arm. Numpy only: the acting process uses it.
"""
from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray

from inril_ros.learning.configuration import check_range


@dataclass(frozen=True)
class ExplorationConfig:
    """Size and memory of the noise, in units of normalised actions."""

    scale: float = 0.1
    """Stationary standard deviation at factor 1. 0 disables the noise. Our default: twice as much
    costs more successes, which are imitated, than it finds."""
    largest_factor: float = 1.5
    """The scale is multiplied by U(0, largest_factor), drawn once per episode. Our default."""
    reversion: float = 0.15
    """Share of the noise that decays per tick: a memory of about 1 / 0.15 = 7 ticks."""

    def __post_init__(self) -> None:
        check_range(self, 'scale', 0.0, 1.0)
        check_range(self, 'largest_factor', 0.0, 10.0)
        if not 0.0 < self.reversion <= 1.0:
            raise ValueError(f'ExplorationConfig.reversion: {self.reversion} is not in (0, 1]')


class ExplorationNoise:
    """The noise of one episode, chunk by chunk: x' = (1 - reversion) x + w, stationary from x_0.

    The same seed gives the same noise for every length of chunks.
    """

    def __init__(self, config: ExplorationConfig, action_size: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._decay = 1.0 - config.reversion
        self.standard_deviation = config.scale * self._random.uniform(0.0, config.largest_factor)
        self._kick = self.standard_deviation * math.sqrt(1.0 - self._decay ** 2)
        self._state = self.standard_deviation * self._random.standard_normal(action_size)

    def chunk(self, steps: int) -> NDArray[np.float32]:
        """Return the noise of the next `steps` ticks, (steps, A); clip the sum after adding it."""
        noise = np.empty((steps, len(self._state)), np.float32)
        for step in range(steps):
            noise[step] = self._state
            kick = self._kick * self._random.standard_normal(len(self._state))
            self._state = self._decay * self._state + kick
        return noise
