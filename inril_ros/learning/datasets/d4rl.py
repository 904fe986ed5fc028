# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""D4RL's HDF5 files: all episodes one after another in flat arrays.

The layout: https://github.com/Farama-Foundation/D4RL, ``sequence_dataset``.
"""
from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from inril_ros.learning.datasets.checked import checked, DatasetError
from inril_ros.learning.datasets.hdf5_file import (
    actions_in,
    check_lengths,
    column,
    flags_in,
    numbers_in,
    opened,
)
from inril_ros.learning.library.demonstrations import Demonstration


def read_d4rl(path: str | Path,
              unfinished: Literal['keep', 'drop'] | None = None) -> list[Demonstration]:
    """Return the episodes of a file in their order: one ends at each terminal and each time-out.

    Success is not known. The observation after the last action is known if the file has
    ``next_observations``.

    Args:
        path: The file.
        unfinished: What to do with steps after the last end, which are no whole episode: keep
            them as one that ran out of time, or drop them. None: such a file is refused.

    Raises:
        DatasetError: The file can't be read, an array is missing or has another length, values
            aren't finite, no episode ends, or there are steps after the last end.
        ValueError: Another word for ``unfinished``.
    """
    if unfinished not in (None, 'keep', 'drop'):
        raise ValueError(f'unfinished: {unfinished!r} is none of None, keep, drop')
    path = Path(path).expanduser()
    where = str(path)
    with opened(path) as file:
        if 'terminals' in file and 'timeouts' not in file:
            raise DatasetError(f'{where}: has no timeouts, as the first versions of D4RL: where '
                               'episodes ended is not known. Take a newer version of the data set')
        arrays = {
            'observations': numbers_in(file, 'observations', where),
            'actions': actions_in(file, where),
            'rewards': column(numbers_in(file, 'rewards', where)),
            'terminals': flags_in(file, 'terminals', where),
            'timeouts': flags_in(file, 'timeouts', where)}
        if 'next_observations' in file:
            arrays['next_observations'] = numbers_in(file, 'next_observations', where)
    check_lengths({name: len(array) for name, array in arrays.items()}, where)
    return [_demonstration(arrays, slice(first, after), f'{where}: episode {number} (steps '
                           f'{first} to {after - 1})')
            for number, (first, after) in enumerate(_cuts(arrays, unfinished, where))]


def _cuts(arrays: dict[str, np.ndarray], unfinished: str | None,
          where: str) -> list[tuple[int, int]]:
    """Return (first step, step after the last) of each episode."""
    steps = len(arrays['actions'])
    ends = [int(step) + 1 for step in np.flatnonzero(arrays['terminals'] | arrays['timeouts'])]
    rest = steps - (ends[-1] if ends else 0)
    if rest and unfinished is None:
        raise DatasetError(f'{where}: the last {rest} of {steps} steps have no end (terminals, '
                           "timeouts): say unfinished='keep' or unfinished='drop'")
    if rest and unfinished == 'keep':
        ends.append(steps)
    if not ends:
        raise DatasetError(f'{where}: no step of {steps} ends an episode (terminals, timeouts): '
                           "unfinished='keep' takes all as one episode")
    return list(zip([0, *ends[:-1]], ends))


def _demonstration(arrays: dict[str, np.ndarray], steps: slice, where: str) -> Demonstration:
    following = arrays.get('next_observations')
    return checked(Demonstration(
        arrays['observations'][steps], arrays['actions'][steps], arrays['rewards'][steps],
        terminated=bool(arrays['terminals'][steps.stop - 1]),
        final_observation=None if following is None else following[steps.stop - 1],
        source=where))
