# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Small files in the layouts of robomimic, D4RL and Minari, as their own programs write them."""
from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
import json
from pathlib import Path

import h5py
import numpy as np

ROBOSUITE = {'env_name': 'Lift', 'env_version': '1.4.1', 'type': 1,
             'env_kwargs': {'reward_shaping': False, 'control_freq': 20}}


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).uniform(-1.0, 1.0, shape)


def write_robomimic(path: Path, lengths: Sequence[int], environment: dict | None = ROBOSUITE,
                    masks: dict[str, list[str]] | None = None) -> Path:
    """Write episodes that succeed in their last step, where their number is even."""
    with h5py.File(path, 'w') as file:
        data = file.create_group('data')
        data.attrs['total'] = sum(lengths)
        if environment is not None:
            data.attrs['env_args'] = json.dumps(environment)
        for number, steps in enumerate(lengths):
            demo = data.create_group(f'demo_{number}')
            demo.attrs['num_samples'] = steps
            demo['states'] = numbers(steps, 7, seed=number)
            demo['actions'] = numbers(steps, 2, seed=number)
            ends = np.zeros(steps)
            ends[-1:] = 1.0
            demo['rewards'] = ends * (number % 2 == 0)
            demo['dones'] = ends.astype(np.int64)
            place, thing = numbers(steps + 1, 3, seed=number), numbers(steps + 1, 4, seed=number)
            for group, rows in (('obs', slice(0, steps)), ('next_obs', slice(1, steps + 1))):
                demo[f'{group}/robot0_eef_pos'] = place[rows]
                demo[f'{group}/object'] = thing[rows]
                demo[f'{group}/agentview_image'] = np.zeros((steps, 4, 4, 3), np.uint8)
        for name, demos in (masks or {}).items():
            file[f'mask/{name}'] = np.array(demos, dtype='S')
    return path


def write_d4rl(path: Path, lengths: Sequence[int], ends: Sequence[str],
               following: bool = True) -> Path:
    """Write episodes that end in ``terminals``, ``timeouts``, ``both`` or ``nothing``."""
    steps = sum(lengths)
    flags = {name: np.zeros(steps, np.bool_) for name in ('terminals', 'timeouts')}
    for after, end in zip(np.cumsum(lengths), ends, strict=True):
        for name, array in flags.items():
            array[after - 1] = end in (name, 'both')
    with h5py.File(path, 'w') as file:
        file['observations'] = numbers(steps, 3).astype(np.float32)
        file['actions'] = numbers(steps, 2).astype(np.float32)
        file['rewards'] = numbers(steps).astype(np.float32)
        for name, array in flags.items():
            file[name] = array
        if following:
            file['next_observations'] = numbers(steps, 3, seed=1).astype(np.float32)
        file['infos/qpos'] = numbers(steps, 5)
        file['metadata/algorithm'] = 'SAC'
    return path


def write_minari(folder: Path, lengths: Sequence[int], nested: bool = False,
                 success: bool = True, **metadata: object) -> Path:
    """Write a data set of version 0.5; with infos, episodes of even number succeed."""
    data = folder / 'data'
    data.mkdir(parents=True)
    (data / 'metadata.json').write_text(json.dumps({
        'total_episodes': len(lengths), 'total_steps': sum(lengths), 'data_format': 'hdf5',
        'dataset_id': 'test/small-v0', **metadata}), encoding='utf-8')
    with h5py.File(data / 'main_data.hdf5', 'w', track_order=True) as file:
        for number, steps in enumerate(lengths):
            episode = file.create_group(f'episode_{number}')
            episode.attrs.update(id=number, total_steps=steps, seed=str(number))
            if nested:
                episode['observations/observation'] = numbers(steps + 1, 3, seed=number)
                episode['observations/achieved_goal/kettle'] = numbers(steps + 1, 2, seed=number)
                episode['observations/picture'] = np.zeros((steps + 1, 40, 40, 3), np.uint8)
            else:
                episode['observations'] = numbers(steps + 1, 3, seed=number)
            episode['actions'] = numbers(steps, 2, seed=number).astype(np.float32)
            episode['rewards'] = numbers(steps, seed=number)
            ends = np.zeros(steps, np.bool_)
            ends[-1:] = True
            episode['terminations'] = ends & (number % 2 == 0)
            episode['truncations'] = ends & (number % 2 == 1)
            if success:
                reached = np.zeros(steps + 1, np.bool_)
                reached[steps // 2] = number % 2 == 0
                episode['infos/success'] = reached
    return folder


@contextmanager
def changed(path: Path):
    """Open a file to change it."""
    with h5py.File(path, 'r+') as file:
        yield file


def replace_array(group: h5py.Group, name: str, array: np.ndarray) -> None:
    del group[name]
    group[name] = array
