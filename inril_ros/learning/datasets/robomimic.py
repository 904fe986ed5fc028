# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""robomimic's HDF5 files, also those of MimicGen: ``data/demo_N/{obs, actions, rewards, dones}``.

The layout: https://robomimic.github.io/docs/datasets/overview.html.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
import json
from pathlib import Path
import re
from typing import TYPE_CHECKING

import numpy as np

from inril_ros.learning.datasets.checked import checked, DatasetError
from inril_ros.learning.datasets.hdf5_file import (
    actions_in,
    check_lengths,
    column,
    flags_in,
    group_in,
    numbers_in,
    opened,
    texts_in,
    vectors_in,
)
from inril_ros.learning.library.demonstrations import Demonstration

if TYPE_CHECKING:
    import h5py

_ROBOSUITE = 1  # robomimic's number for this kind of environment


def read_robomimic(path: str | Path, keys: Sequence[str],
                   filter_key: str | None = None,
                   progress: Callable[[int, int], None] | None = None) -> list[Demonstration]:
    """Return the demonstrations of a file, by their numbers.

    Success is known for robosuite without reward shaping, whose reward reaches ``reward_scale``
    at success and at no other time.

    Args:
        path: The file, after robomimic's ``dataset_states_to_obs.py``.
        keys: Names of observations in ``obs``, such as ``robot0_eef_pos`` and ``object``; their
            vectors are put beside each other in this order.
        filter_key: Name of a list of demonstrations in ``mask``, such as ``train``; None: all.
        progress: Called after each demonstration with the numbers of those read and of all.

    Raises:
        DatasetError: The file can't be read, something is missing, or an episode is broken.
    """
    path = Path(path).expanduser()
    with opened(path) as file:
        data = group_in(file, 'data', str(path))
        success_reward = _success_reward(data, str(path))
        names = _chosen(file, data, filter_key, str(path))
        read: list[Demonstration] = []
        for name in names:
            read.append(_demonstration(group_in(data, name, str(path)), f'{path}: {name}', keys,
                                       success_reward))
            if progress is not None:
                progress(len(read), len(names))
    return read


def _chosen(file: h5py.File, data: h5py.Group, filter_key: str | None, where: str) -> list[str]:
    """Return the names of the demonstrations, by their numbers."""
    names = list(data)
    odd = sorted(name for name in names if not re.fullmatch(r'demo_\d+', name))
    if odd or not names:
        raise DatasetError(f'{where}: data must hold demo_0, demo_1 and so on, and holds '
                           f'{odd[:5] or "nothing"}')
    if filter_key is not None:
        masks = group_in(file, 'mask', where) if 'mask' in file else {}
        if filter_key not in masks:
            raise DatasetError(f'{where}: has no filter key {filter_key}; '
                               f'it has {", ".join(sorted(masks)) or "none"}')
        names = list(dict.fromkeys(texts_in(masks, filter_key, where)))
        unknown = [name for name in names if name not in data]
        if unknown or not names:
            raise DatasetError(f'{where}: the filter key {filter_key} names '
                               f'{unknown[:5] or "no demonstration"}, not in data: make it again')
    return sorted(names, key=lambda name: int(name.removeprefix('demo_')))


def _success_reward(data: h5py.Group, where: str) -> float | None:
    """Return the reward at success and at no other time, or None if that isn't known."""
    try:
        environment = json.loads(data.attrs['env_args'])
        settings = dict(environment.get('env_kwargs') or {})
        scale = settings.get('reward_scale', 1.0)
        sparse = environment.get('type') == _ROBOSUITE and settings.get('reward_shaping') is False
        return float(scale) if sparse and scale else None
    except KeyError:
        return None
    except (TypeError, ValueError, AttributeError) as error:
        raise DatasetError(f"{where}: data's attribute env_args is not robomimic's JSON: {error}"
                           ) from error


def _demonstration(group: h5py.Group, where: str, keys: Sequence[str],
                   success_reward: float | None) -> Demonstration:
    if 'obs' not in group:
        raise DatasetError(f'{where}: has no obs, only what a simulator needs to make them: run '
                           "robomimic's dataset_states_to_obs.py")
    actions = actions_in(group, where)
    rewards = column(numbers_in(group, 'rewards', where))
    dones = flags_in(group, 'dones', where)
    observations = vectors_in(group_in(group, 'obs', where), keys, f'{where}/obs')
    lengths = {'actions': len(actions), 'rewards': len(rewards), 'dones': len(dones),
               'obs': len(observations)}
    if 'num_samples' in group.attrs:
        lengths['num_samples'] = np.asarray(group.attrs['num_samples']).item()
    following = None
    if 'next_obs' in group:
        following = vectors_in(group_in(group, 'next_obs', where), keys, f'{where}/next_obs')
        lengths['next_obs'] = len(following)
    check_lengths(lengths, where)
    success = None
    if success_reward is not None and len(rewards):
        success = bool(np.max(rewards) >= success_reward * (1.0 - 1e-6))
    return checked(Demonstration(
        observations, actions, rewards, success=success, terminated=bool(dones[-1:].any()),
        final_observation=following[-1] if following is not None and len(following) else None,
        source=where))
