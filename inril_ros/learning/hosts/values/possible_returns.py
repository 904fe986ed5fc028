# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The range of returns that a host clips values to, and whether experience keeps to it.

Clipping stops over-estimation from feeding on itself, if the range is right. If rewards leave it,
values are wrong without a sign of it, so such rewards are refused.
"""
from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from inril_ros.learning.experience import Episode

_ROUNDING = 1e-5
"""Share of the largest value by which returns may leave the range: rewards are float32."""


class RewardsOutOfRangeError(ValueError):
    """Rewards make returns possible to which the host would clip values."""


class ValueRange(Protocol):
    """The settings of a host that say which returns are possible."""

    gamma: float
    lowest_value: float | None
    highest_value: float | None


def clip_values(values: Tensor, within: ValueRange) -> Tensor:
    """Return values within the range of possible returns."""
    low, high = within.lowest_value, within.highest_value
    return values if low is None and high is None else values.clamp(low, high)


def check_rewards(what: str, episode: Episode, within: ValueRange) -> None:
    """Raise an error if the rewards of an episode make returns outside of the range possible.

    The return of a step is the discounted sum of the rewards from there on. After the last
    observation it is 0 if that is terminal, else any value of the range.

    Raises:
        RewardsOutOfRangeError: It says what to set.
    """
    bounds = (within.lowest_value, -1.0), (within.highest_value, 1.0)
    for bound, side in bounds:
        if bound is None:
            continue
        returns = _returns(episode.rewards, within.gamma, 0.0 if episode.terminated else bound)
        farthest = float((side * returns).max()) * side
        if side * (farthest - bound) > _ROUNDING * max(abs(bound), 1.0):
            low, high = ('-inf' if within.lowest_value is None else f'{within.lowest_value:g}',
                         'inf' if within.highest_value is None else f'{within.highest_value:g}')
            raise RewardsOutOfRangeError(
                f'{what}: its rewards make a return of {farthest:.4g} possible (discount '
                f'{within.gamma:g} per step), but values are clipped to [{low}, {high}]. Set '
                'lowest_value and highest_value of the host to the range of possible returns, '
                'or to null: then nothing is clipped; or give a reward of 1 at success alone')


def _returns(rewards: NDArray[np.float32], gamma: float, after: float) -> NDArray[np.float64]:
    """Return (N,) the return of each step, if that after the last one is `after`."""
    returns = np.empty(len(rewards))
    for step in range(len(rewards) - 1, -1, -1):
        returns[step] = after = float(rewards[step]) + gamma * after
    return returns
