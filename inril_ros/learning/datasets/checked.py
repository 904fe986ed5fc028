# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One demonstration from a data set, checked."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from inril_ros.learning.experience import FloatArray
from inril_ros.learning.library.demonstrations import Demonstration

REMEDY = 'mend the file, or leave this episode out of it'
"""What to do about a broken episode."""


class DatasetError(ValueError):
    """A data set that can't be read; the message says file, episode and what to do."""


def checked(demonstration: Demonstration) -> Demonstration:
    """Return a demonstration with rewards, its arrays as float32 that can't be changed.

    Raises:
        DatasetError: There are no steps, or an array has another shape or values that aren't
            finite; source and array are named.
    """
    where, steps = demonstration.source, len(demonstration.actions)
    if not steps:
        raise DatasetError(f'{where}: has no steps: leave this episode out of the file')
    actions = _array(where, 'actions', demonstration.actions, (steps, None))
    rewards = _array(where, 'rewards', demonstration.rewards, (steps,))
    observations = _array(where, 'observations', demonstration.observations, (steps, None))
    final = demonstration.final_observation
    if final is not None:
        final = _array(where, 'final_observation', final, (observations.shape[1],))
    return replace(demonstration, observations=observations, actions=actions, rewards=rewards,
                   final_observation=final)


def _array(where: str, name: str, values: ArrayLike, shape: tuple[int | None, ...]) -> FloatArray:
    """Return an array of a shape, in which None is any length but 0."""
    with np.errstate(over='ignore'):  # beyond float32 it becomes infinite, which is refused
        array = np.array(values, dtype=np.float32, order='C')
    fits = array.ndim == len(shape) and array.size and all(
        wanted in (None, found) for found, wanted in zip(array.shape, shape))
    if not fits:
        wanted = ', '.join('*' if each is None else str(each) for each in shape)
        raise DatasetError(f'{where}: {name} has the shape {array.shape}, expected ({wanted}): '
                           f'{REMEDY}')
    if not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0][0])
        raise DatasetError(f'{where}: {name} is not finite in row {row}: {REMEDY}')
    array.setflags(write=False)
    return array
