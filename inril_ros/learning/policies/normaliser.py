# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Observations to zero mean and unit variance, with statistics that are part of the weights."""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
import torch
from torch import nn, Tensor


class Normaliser(nn.Module):
    """(x - mean) / std, which grows only logarithmically beyond +-knee; identity until `fit`.

    In a few demonstrations many dimensions are constant (an object that never moved). The floor
    under the standard deviation keeps them from exploding at the first small change. Far outside
    the demonstrations, where failures are, inputs are compressed: with a constant bound the
    critic could not tell two thirds of the states of failed episodes from others. Models that
    were saved with the bound (`hard`) keep it.
    """

    def __init__(self, size: int, floor: float, knee: float, hard: bool = False) -> None:
        super().__init__()
        self.floor = floor
        self.knee = knee
        self.hard = hard
        self.register_buffer('mean', torch.zeros(size))
        self.register_buffer('std', torch.ones(size))

    def fit(self, observations: NDArray[np.float32]) -> None:
        """Set the statistics to those of observations (N, O)."""
        mean = observations.mean(axis=0, dtype=np.float64)
        std = np.maximum(observations.std(axis=0, dtype=np.float64), self.floor)
        self.mean.copy_(torch.from_numpy(mean))
        self.std.copy_(torch.from_numpy(std))

    def forward(self, observations: Tensor) -> Tensor:
        """Normalise observations (..., O)."""
        scaled = (observations - self.mean) / self.std
        inside = scaled.clamp(-self.knee, self.knee)
        if self.hard:
            return inside
        beyond = scaled - inside
        return inside + beyond.sign() * beyond.abs().log1p()
