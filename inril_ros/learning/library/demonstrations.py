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
    """One demonstration; any object with these attributes will do, and may lack the later ones."""

    observations: ArrayLike
    """(T, O) before each action, in the environment's units."""
    actions: ArrayLike
    """(T, A) in the environment's units."""
    rewards: ArrayLike | None = None
    """(T,) the environment's; not used where the reward is 1 at success."""
    success: bool | None = None
    """Whether it does the task; None: it shows how that is done, so it does."""
    terminated: bool | None = None
    """Whether the environment ended after the last action; None: if it is a success. Where the
    reward is 1 at success, a success always ends."""
    final_observation: ArrayLike | None = None
    """(O,) after the last action. None: nothing is learned about the state there."""
    source: str = ''
    """Where it is from, such as file and episode: errors name it."""


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

    Args:
        demonstrations: Objects with the attributes of Demonstration.
        bounds: The range of the actions.
        reward: 'success': 1 at the end of a success, else 0. 'environment': as they have it.

    Raises:
        ValueError: There are none, or one has arrays that don't fit; it is named by its source,
            or else by its index.
    """
    episodes: list[Episode] = []
    for index, each in enumerate(demonstrations):
        try:
            episodes.append(_episode(each, bounds, reward))
        except (AttributeError, TypeError, ValueError) as error:
            name = getattr(each, 'source', '') or f'demonstration {index}'
            raise ValueError(f'{name}: {error}') from error
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
    if observations.ndim != 2 or len(observations) != len(actions):
        raise ValueError(f'observations has shape {observations.shape}, expected '
                         f'({len(actions)}, O)')
    final = getattr(demonstration, 'final_observation', None)
    observed = np.append(np.ones(len(actions), np.bool_), final is not None)
    last = observations[-1:] if final is None else np.asarray(final, np.float32)[None]
    success = getattr(demonstration, 'success', None) in (None, True)
    terminated = getattr(demonstration, 'terminated', None)
    ends = success if terminated is None else bool(terminated)
    return Episode(
        np.concatenate([observations, last]), normalised,
        _rewards(demonstration, len(actions), success, reward),
        ends or (success and reward == 'success'), success, observed=observed)


def _rewards(demonstration: Any, steps: int, success: bool, reward: str) -> NDArray:
    if reward == 'success':
        rewards = np.zeros(steps)
        rewards[-1:] = success
        return rewards
    given = getattr(demonstration, 'rewards', None)
    if given is None:
        raise ValueError("it has no rewards, and reward 'environment' needs them")
    return np.asarray(given)
