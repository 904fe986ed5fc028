# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Demonstrations as arrays in an environment's units, and as what cloning and RL learn from."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inril_ros.learning.experience import Episode, FloatArray

_ROUNDING = 1e-4
"""Share of half the range by which actions may leave their bounds, for rounding."""


@dataclass(frozen=True)
class Demonstration:
    """One demonstration; any object with these attributes will do, the optional ones may lack."""

    observations: ArrayLike
    """(T, O), or (T + 1, O) with the one after the last action, in the environment's units."""
    actions: ArrayLike
    """(T, A) in the environment's units."""
    rewards: ArrayLike | None = None
    """(T,) the environment's; not used where the reward is 1 at success."""
    success: bool = True
    """Whether it shows how the task is done."""
    terminated: bool | None = None
    """Whether the environment ended after the last action; None: if it is a success."""


@dataclass(frozen=True)
class ActionBounds:
    """The range of each action, which policies see as -1..1."""

    low: FloatArray
    """(A,)"""
    high: FloatArray
    """(A,)"""

    @classmethod
    def of(cls, space: Any) -> ActionBounds:
        """Return the bounds of a Gymnasium Box, or of anything with `low` and `high`.

        Raises:
            ValueError: They aren't there, not finite, not of one axis, or empty.
        """
        low, high = (np.asarray(getattr(space, name, np.nan), np.float64)
                     for name in ('low', 'high'))
        if low.ndim != 1 or low.shape != high.shape or not (
                np.isfinite([low, high]).all() and (low < high).all()):
            raise ValueError(f'the action space is {space}; a Box with one axis and finite '
                             'bounds low < high is needed')
        return cls(low, high)

    def normalised(self, actions: ArrayLike) -> NDArray[np.float64]:
        """Return actions (..., A) as -1..1."""
        return 2.0 * (np.asarray(actions, np.float64) - self.low) / (self.high - self.low) - 1.0

    def scaled(self, actions: ArrayLike) -> NDArray[np.float64]:
        """Return actions (..., A) of -1..1 in the environment's units, within the bounds."""
        shares = 0.5 * (np.asarray(actions, np.float64) + 1.0)
        return np.clip(self.low + shares * (self.high - self.low), self.low, self.high)


def learning_episodes(demonstrations: Iterable[Any], bounds: ActionBounds,
                      reward: str = 'success') -> list[Episode]:
    """Return demonstrations as episodes.

    Without an observation after the last action nothing is learned about the state there.

    Args:
        demonstrations: Objects with the attributes of Demonstration.
        bounds: The range of the actions.
        reward: 'success': 1 at the end of a success, else 0. 'environment': as they have it.

    Raises:
        ValueError: There are none, or one has arrays that don't fit; it is named by its index.
    """
    episodes: list[Episode] = []
    for index, each in enumerate(demonstrations):
        try:
            episodes.append(_episode(each, bounds, reward))
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError(f'demonstration {index}: {error}') from error
        size, first = (found.observations.shape[1] for found in (episodes[-1], episodes[0]))
        if size != first:
            raise ValueError(f'demonstration {index}: observations have {size} values, those of '
                             f'demonstration 0 have {first}')
    if not episodes:
        raise ValueError('there are no demonstrations')
    return episodes


def _episode(demonstration: Any, bounds: ActionBounds, reward: str) -> Episode:
    observations = np.asarray(demonstration.observations, np.float32)
    actions = np.asarray(demonstration.actions, np.float64)
    size = len(bounds.low)
    if actions.ndim != 2 or actions.shape[1] != size:
        raise ValueError(f'actions has shape {actions.shape}, expected (T, {size})')
    normalised = bounds.normalised(actions)
    if np.abs(normalised).max(initial=0.0) > 1.0 + _ROUNDING:
        raise ValueError(f'actions reach from {actions.min(axis=0)} to {actions.max(axis=0)}, '
                         f'beyond the bounds {bounds.low} to {bounds.high}')
    observed = None
    if len(observations) == len(actions) > 0:
        observations = np.concatenate([observations, observations[-1:]])
        observed = np.append(np.ones(len(actions), np.bool_), False)
    success = bool(getattr(demonstration, 'success', True))
    terminated = getattr(demonstration, 'terminated', None)
    rewards = _rewards(demonstration, len(actions), success, reward)
    return Episode(observations, normalised, rewards,
                   success if terminated is None else bool(terminated), success, observed=observed)


def _rewards(demonstration: Any, steps: int, success: bool, reward: str) -> NDArray:
    if reward == 'success':
        rewards = np.zeros(steps)
        rewards[-1:] = success
        return rewards
    given = getattr(demonstration, 'rewards', None)
    if given is None:
        raise ValueError("it has no rewards, and reward 'environment' needs them")
    return np.asarray(given)
