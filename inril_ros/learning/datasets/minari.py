# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Minari's data sets: a folder with ``data/main_data.hdf5`` and ``data/metadata.json``.

The layout: https://minari.farama.org/content/dataset_standards; minari itself isn't needed.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
import json
from pathlib import Path
import re
from typing import Any, TYPE_CHECKING

import numpy as np

from inril_ros.learning.datasets.checked import checked, DatasetError
from inril_ros.learning.datasets.hdf5_file import (
    actions_in,
    check_lengths,
    contents,
    flags_in,
    group_in,
    numbers_in,
    opened,
    vectors_in,
)
from inril_ros.learning.library.demonstrations import Demonstration

if TYPE_CHECKING:
    import h5py

_SUCCESS = ('success', 'is_success')


def read_minari(folder: str | Path, keys: Sequence[str] = (),
                progress: Callable[[int, int], None] | None = None) -> list[Demonstration]:
    """Return the episodes of a data set, by their numbers.

    An episode succeeded if ``infos/success`` or ``infos/is_success`` was ever true; without
    either, success is not known.

    Args:
        folder: The data set's folder, such as ``~/.minari/datasets/D4RL/door/human-v2``.
        keys: If observations are a dictionary, the names of those that make up an observation,
            in their order; those of a dictionary within it as ``achieved_goal/kettle``.
        progress: Called after each episode with the numbers of those read and of all.

    Raises:
        DatasetError: The data set can't be read, is incomplete or in another format, something is
            missing, or an episode is broken.
    """
    data = Path(folder).expanduser() / 'data'
    metadata = _metadata(data / 'metadata.json')
    if metadata.get('data_format', 'hdf5') != 'hdf5':
        raise DatasetError(f'{folder}: has the format {metadata["data_format"]}, and only hdf5 is '
                           "read: make it with minari's data_format='hdf5'")
    path = data / 'main_data.hdf5'
    with opened(path) as file:
        names = sorted((name for name in file if re.fullmatch(r'episode_\d+', name)),
                       key=lambda name: int(name.removeprefix('episode_')))
        announced = metadata.get('total_episodes', file.attrs.get('total_episodes', len(names)))
        if not names or len(names) != announced:
            raise DatasetError(f'{path}: has {len(names)} episodes, and should have {announced}: '
                               'get the data set again')
        read: list[Demonstration] = []
        for name in names:
            read.append(_demonstration(group_in(file, name, str(path)), f'{path}: {name}', keys))
            if progress is not None:
                progress(len(read), len(names))
    return read


def _metadata(path: Path) -> dict[str, Any]:
    """Return the metadata; without the file, as before version 0.5, there are none."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise DatasetError(f'{path}: is no JSON: {error}: get the data set again') from error
    if not isinstance(found, dict):
        raise DatasetError(f'{path}: must be a JSON object: get the data set again')
    return found


def _demonstration(group: h5py.Group, where: str, keys: Sequence[str]) -> Demonstration:
    observations = _observations(group, where, keys)
    actions = actions_in(group, where)
    terminations = flags_in(group, 'terminations', where)
    rewards = numbers_in(group, 'rewards', where)
    check_lengths({
        'actions': len(actions), 'rewards': len(rewards), 'terminations': len(terminations),
        'truncations': len(flags_in(group, 'truncations', where)),
        'observations less the last': len(observations) - 1}, where)
    return checked(Demonstration(
        observations[:-1], actions, rewards, success=_success(group, where),
        terminated=bool(terminations[-1:].any()), final_observation=observations[-1],
        source=where))


def _observations(group: h5py.Group, where: str, keys: Sequence[str]) -> np.ndarray:
    """Return (T + 1, O)."""
    if isinstance(group.get('observations'), Mapping):
        return vectors_in(group['observations'], keys, f'{where}/observations')
    if keys:
        raise DatasetError(f'{where}: its observations are one array without keys: leave out '
                           f'{list(keys)}; it has {contents(group)}')
    return numbers_in(group, 'observations', where)


def _success(group: h5py.Group, where: str) -> bool | None:
    infos = group.get('infos')
    for name in _SUCCESS:
        if isinstance(infos, Mapping) and name in infos:
            return bool(flags_in(infos, name, f'{where}/infos').any())
    return None
