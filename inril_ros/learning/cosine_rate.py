# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A learning rate that falls along half a cosine, from its first value to its last."""
from __future__ import annotations

import math
from typing import Protocol

from torch.optim import Optimizer


class CosineRate(Protocol):
    """The settings of a training with such a rate."""

    steps: int
    learning_rate: float
    final_learning_rate: float


def set_cosine_rate(optimiser: Optimizer, training: CosineRate, step: int) -> None:
    """Set the learning rate of a gradient step, 0 for the first."""
    cosine = 0.5 + 0.5 * math.cos(math.pi * step / training.steps)
    for group in optimiser.param_groups:
        group['lr'] = training.final_learning_rate + cosine * (
            training.learning_rate - training.final_learning_rate)


def check_cosine_rate(training: CosineRate) -> None:
    """Raise a ValueError if the rate does not fall, or is not positive."""
    if not 0.0 < training.final_learning_rate <= training.learning_rate:
        raise ValueError(
            f'{type(training).__name__}: 0 < final_learning_rate <= learning_rate is needed')
