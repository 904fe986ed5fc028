# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Moving averages of weights: of actors, and of critics as their targets."""
from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def move_average(average: nn.Module, moving: nn.Module, share: float) -> None:
    """Move the average of the weights by a share of the way to those of the moving network."""
    for slow, fast in zip(average.parameters(), moving.parameters(), strict=True):
        slow.lerp_(fast.detach(), share)
