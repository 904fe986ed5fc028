# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The clipped surrogate loss of PPO (Schulman et al. 2017), and how far the policy has moved."""
from __future__ import annotations

from dataclasses import dataclass
import math

import torch
from torch import Tensor


@dataclass(frozen=True)
class Surrogate:
    """A loss, and the distance of the policy from the one that acted."""

    loss: Tensor
    divergence: float
    """Estimate of the KL divergence: mean of (ratio - 1) - log ratio, never negative."""
    clip_fraction: float
    """Share of the rows whose ratio is outside the clip range."""


def clipped_surrogate(log_probabilities: Tensor, old: Tensor, advantages: Tensor,
                      clip: Tensor | float) -> Surrogate:
    """Return the surrogate of B rows, to be minimised.

    Args:
        log_probabilities: (B,) log probabilities under the present policy, with gradient.
        old: (B,) log probabilities under the policy that acted.
        advantages: (B,) advantages.
        clip: Largest distance of the ratio from 1, one number or (B,).
    """
    log_ratio = log_probabilities - old
    ratio = log_ratio.exp()
    clipped = torch.minimum(torch.maximum(ratio, torch.as_tensor(1.0 - clip)),
                            torch.as_tensor(1.0 + clip))
    loss = -torch.minimum(advantages * ratio, advantages * clipped).mean()
    with torch.no_grad():
        divergence = float((ratio - 1.0 - log_ratio).mean())
        outside = float(((ratio - 1.0).abs() > clip).float().mean())
    return Surrogate(loss, divergence, outside)


def clip_range(indices: Tensor, chain_steps: int, first: float, last: float,
               growth: float) -> Tensor:
    """Return the clip ranges (B,) of denoising steps: exponential from `first` to `last`.

    Early steps move a chunk far, so their ratios are kept closer to 1 (DPPO, appendix). The only
    step of a chain of one counts as the last one.
    """
    if chain_steps == 1:
        return torch.full(indices.shape, last, device=indices.device)
    progress = indices.float() / (chain_steps - 1)
    return first + (last - first) * torch.expm1(growth * progress) / math.expm1(growth)


def normalised(advantages: Tensor) -> Tensor:
    """Return advantages (B,) with mean 0 and standard deviation 1."""
    if len(advantages) < 2:
        return advantages - advantages.mean()
    return (advantages - advantages.mean()) / (advantages.std() + 1e-8)
