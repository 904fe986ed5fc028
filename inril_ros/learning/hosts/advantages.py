# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How much better a decision was than expected, and on which scale rewards are learned.

Generalised advantage estimation (Schulman et al. 2016) over decisions: one decision may be a
chunk of steps or a single step, the discount is per decision.
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
    """Return the advantages (M,) of decisions that follow each other, segment after segment.

    No trace crosses the end of a segment. Advantage + value is what a critic should learn.

    :param rewards: (M,) sum of the rewards during each decision
    :param values: (M,) value of the observation that each decision was made from
    :param ends: (M,) the decision is the last of its segment
    :param bootstraps: (M,) read at ends only: the value of the observation that follows, which
        is not that of the next decision (another episode's); 0 after a terminal observation
    :param gamma: discount per decision
    :param trace: lambda
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
    """Rewards over the running standard deviation of their discounted sum, within +-10.

    The sums run forwards in time, as in DPPO and the PPO of Engstrom et al. 2020: returns are
    not known yet, and these have about the same spread. Without it the size of the value loss,
    and how long the critic takes, depend on the unit of the reward.
    """

    def __init__(self, gamma: float) -> None:
        """Begin with nothing seen."""
        self._gamma = gamma
        self._count = 0
        self._mean = 0.0
        self._squares = 0.0

    @property
    def std(self) -> float:
        """Return the standard deviation of all discounted sums so far; 1 before there are two."""
        return math.sqrt(self._squares / (self._count - 1)) if self._count > 1 else 1.0

    def update(self, rewards: FloatArray, ends: NDArray[np.bool_]) -> None:
        """Take in the rewards (M,) of one rollout."""
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
        """Return what is remembered."""
        return {'count': self._count, 'mean': self._mean, 'squares': self._squares}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Continue from what `state_dict` returned."""
        self._count = int(state['count'])
        self._mean = float(state['mean'])
        self._squares = float(state['squares'])
