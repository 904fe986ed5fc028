# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The decisions of a policy in its episodes, from which an on-policy host learns.

Steps that a person commanded were not drawn by the policy. A decision with such a step is left
out, and the segment before it ends there, as at a time-out. So are one that begins at a tick
without a valid observation, and the one before it, which would be bootstrapped from that tick.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from inril_ros.learning.experience import Episode
from inril_ros.learning.hosts.values.advantages import generalised_advantages
from inril_ros.learning.observations import joined, Observations


@dataclass(frozen=True)
class Decisions:
    """M decisions of a policy in segments of successive decisions."""

    observations: Observations
    """M, the observation of each decision."""
    extras: Tensor
    """(M, D) extras: how the decision was drawn."""
    rewards: Tensor
    """(M,) sum over the steps of the decision."""
    ends: Tensor
    """(M,) bool, whether the decision is the last of its segment."""
    episodes: Tensor
    """(M,) int64, number of the episode."""
    final_observations: Observations
    """One per segment: the observation after its last decision."""
    terminal: Tensor
    """(segments,) bool, whether that observation is terminal."""

    def __len__(self) -> int:
        return len(self.rewards)


def decisions_of(episode: Episode, extras_size: int) -> Decisions | None:
    """Return the decisions of an episode without intervened steps, or None if there are none.

    Raises:
        ValueError: The extras of its decisions have a different size.
    """
    starts = episode.decision_starts
    if episode.extras.shape[1] != extras_size:
        raise ValueError(f'decisions come with {episode.extras.shape[1]} extras, '
                         f'the policy gives {extras_size}: was it acting to explore?')
    after = np.append(starts[1:], episode.steps)
    own = np.array([not episode.intervened[first:last].any()
                    for first, last in zip(starts, after)], np.bool_)
    observed = episode.is_observed
    own &= observed[starts]
    terminal = (after == episode.steps) & episode.terminated
    own &= np.append(own[1:], False) | observed[after] | terminal
    if not own.any():
        return None
    ends = own & ~np.append(own[1:], False)

    def observations(steps: NDArray[np.int64]) -> Observations:
        images = None if episode.images is None else episode.images[steps]
        return Observations.from_arrays(episode.observations[steps], images, 'cpu')

    sums = np.add.reduceat(episode.rewards, starts)
    return Decisions(
        observations(starts[own]), torch.tensor(episode.extras[own]), torch.tensor(sums[own]),
        torch.tensor(ends[own]), torch.zeros(int(own.sum()), dtype=torch.int64),
        observations(after[ends]),
        torch.tensor(terminal[ends]))


def join_decisions(parts: Sequence[Decisions]) -> Decisions:
    """Return the decisions of several parts; episode numbers continue from part to part."""
    episodes, number = [], 0
    for part in parts:
        episodes.append(part.episodes + number)
        number += int(part.episodes.max()) + 1
    return Decisions(
        joined([part.observations for part in parts]), torch.cat([p.extras for p in parts]),
        torch.cat([p.rewards for p in parts]), torch.cat([p.ends for p in parts]),
        torch.cat(episodes), joined([part.final_observations for part in parts]),
        torch.cat([p.terminal for p in parts]))


def advantages_of(decisions: Decisions, rewards: NDArray[np.float64], values: Tensor,
                  final_values: Tensor, gamma: float, trace: float) -> tuple[Tensor, Tensor]:
    """Return advantages (M,) and the returns (M,) that a critic learns, float32.

    `rewards` (M,) may be scaled; `values` (M,) are those of the observations, `final_values`
    (segments,) those of the final observations, of which terminal ones count as 0.
    """
    ends = decisions.ends.numpy()
    bootstraps = np.zeros(len(decisions))
    bootstraps[ends] = np.where(decisions.terminal.numpy(), 0.0, final_values.numpy())
    before = values.numpy().astype(np.float64)
    advantages = generalised_advantages(rewards, before, ends, bootstraps, gamma, trace)
    return (torch.tensor(advantages, dtype=torch.float32),
            torch.tensor(advantages + before, dtype=torch.float32))


def explained_variance(values: Tensor, returns: Tensor) -> float:
    """Return 1 - var(error) / var(returns): 1 is a perfect critic, 0 a constant one."""
    spread = float(returns.var(unbiased=False))
    if spread == 0.0:
        return 0.0
    return 1.0 - float((returns - values).var(unbiased=False)) / spread


_TENSORS = ('extras', 'rewards', 'ends', 'episodes', 'terminal')
_OBSERVATIONS = ('observations', 'final_observations')


def packed(prefix: str, decisions: Decisions) -> dict[str, Tensor]:
    """Return the decisions as tensors whose names begin with 'prefix.'."""
    tensors = {f'{prefix}.{name}': getattr(decisions, name) for name in _TENSORS}
    for name in _OBSERVATIONS:
        observations = getattr(decisions, name)
        tensors[f'{prefix}.{name}.state'] = observations.state
        if observations.images is not None:
            tensors[f'{prefix}.{name}.images'] = observations.images
    return tensors


def unpacked(prefix: str, tensors: Mapping[str, Tensor]) -> Decisions | None:
    """Return the decisions that `packed` was given, or None if there are none with the prefix."""
    if f'{prefix}.rewards' not in tensors:
        return None
    fields: dict[str, Any] = {name: tensors[f'{prefix}.{name}'] for name in _TENSORS}
    for name in _OBSERVATIONS:
        fields[name] = Observations(tensors[f'{prefix}.{name}.state'],
                                    tensors.get(f'{prefix}.{name}.images'))
    return Decisions(**fields)
