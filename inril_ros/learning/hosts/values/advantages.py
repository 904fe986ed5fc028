# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Advantages of decisions, and the scale of rewards.

Generalised advantage estimation (Schulman et al. 2016) over decisions: a decision may be a chunk
of steps or a single step, and the discount is per decision.
"""
from __future__ import annotations

from collections.abc import Mapping
import math

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_LARGEST_REWARD = 10.0


def generalised_advantages(
    rewards: FloatArray, values: FloatArray, ends: NDArray[np.bool_], bootstraps: FloatArray,
    gamma: float, trace: float,
) -> FloatArray:
    """Return the advantages (M,) of successive decisions, segment after segment.

    No trace crosses the end of a segment. A critic learns advantage + value.

    Args:
        rewards: (M,) sum of the rewards of each decision.
        values: (M,) value of the observation of each decision.
        ends: (M,) whether the decision is the last of its segment.
        bootstraps: (M,) used at ends only: the value of the observation that follows, which is not
            that of the next decision (another episode's); 0 if that observation is terminal.
        gamma: Discount per decision.
        trace: Lambda of the estimation.
    """
    following = np.append(values[1:], 0.0)
    errors = rewards + gamma * np.where(ends, bootstraps, following) - values
    advantages = np.zeros(len(rewards))
    carried = 0.0
    for index in range(len(rewards) - 1, -1, -1):
        if ends[index]:
            carried = 0.0
        carried = errors[index] + gamma * trace * carried
        advantages[index] = carried
    return advantages


def discounted_sums(rewards: FloatArray, ends: NDArray[np.bool_], gamma: float) -> FloatArray:
    """Return R_t = r_t + gamma R_(t-1) within each segment, (M,)."""
    sums = np.zeros(len(rewards))
    carried = 0.0
    for index, (reward, end) in enumerate(zip(rewards, ends)):
        sums[index] = carried = reward + gamma * carried
        if end:
            carried = 0.0
    return sums


class RewardScale:
    """Divides rewards by the running standard deviation of their discounted sum, within +-10.

    The sums run forwards in time, as in DPPO and the PPO of Engstrom et al. 2020: returns are
    not known yet, and these sums have about the same spread. Without scaling, the value loss and
    the critic's speed of learning depend on the unit of the reward.
    """

    def __init__(self, gamma: float) -> None:
        self._gamma = gamma
        self._count = 0
        self._mean = 0.0
        self._squares = 0.0

    @property
    def std(self) -> float:
        """Return the standard deviation of all discounted sums so far; 1 with fewer than two."""
        return math.sqrt(self._squares / (self._count - 1)) if self._count > 1 else 1.0

    def update(self, rewards: FloatArray, ends: NDArray[np.bool_]) -> None:
        """Add the rewards (M,) of one rollout."""
        sums = discounted_sums(rewards, ends, self._gamma)
        count = self._count + len(sums)
        change = sums.mean() - self._mean
        self._squares += float(((sums - sums.mean()) ** 2).sum()
                               + change ** 2 * self._count * len(sums) / count)
        self._mean += float(change * len(sums) / count)
        self._count = count

    def scale(self, rewards: FloatArray) -> FloatArray:
        """Return scaled rewards (M,)."""
        return np.clip(rewards / (self.std + 1e-8), -_LARGEST_REWARD, _LARGEST_REWARD)

    def state_dict(self) -> dict[str, float]:
        """Return the running statistics."""
        return {'count': self._count, 'mean': self._mean, 'squares': self._squares}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Continue from what `state_dict` returned."""
        self._count = int(state['count'])
        self._mean = float(state['mean'])
        self._squares = float(state['squares'])
