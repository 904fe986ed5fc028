# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Aligned episodes, kept beside their bags so that a bag is decoded once and not at each start.

The key covers what the contract reads of the bag, and the contract's hash: an episode made from
other content, or for another contract, is never used, and is removed when the new one is kept.
Arrays are memory-mapped: an episode takes memory only where it is read.
"""

import os
from pathlib import Path
import shutil

import numpy as np

from inril_ros.data.bags.bags import BagError, EVENT_TOPIC, EXECUTED_TOPIC
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.demonstrations.demonstration_set import ALIGNED
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.data.raw.content_hash import content_hash
from inril_ros.data.record_files import read_json, RecordError, write_json
from inril_ros.robot.contract.contract import Contract

#: Increased when the kept arrays, or their computation, change.
FORMAT = 5
_INDEX = 'index.json'
_ARRAYS = ('observations', 'actions', 'source', 'rewards', 'age', 'skew', 'gap', 'images',
           'observed')


def aligned_episode(path: Path, contract: Contract) -> RecordedEpisode:
    """Return a bag's episode from the cache, or read it and keep it; arrays are read-only.

    If the folder can't be written to, the episode is read each time.

    Raises:
        BagError: As for ``read_episode``.
    """
    key = cache_key(path, contract)
    folder = _folder(path, key)
    episode = _load(folder, key)
    if episode is not None:
        return episode
    episode = read_episode(path, contract)
    _keep(folder, key, path.name, episode)
    return _load(folder, key) or episode


def keep_aligned(path: Path, contract: Contract, episode: RecordedEpisode) -> None:
    """Keep an episode that was aligned while its bag was written, equal to ``read_episode``'s.

    Raises:
        BagError: The bag can't be read.
    """
    key = cache_key(path, contract)
    _keep(_folder(path, key), key, path.name, episode)


def read_topics(contract: Contract) -> set[str]:
    """Return the topics that an aligned episode depends on."""
    return {*contract.observation_topics(), EXECUTED_TOPIC, EVENT_TOPIC,
            contract.episode.outcome_topic,
            *(camera.topic for camera in contract.policy_cameras.values())}


def cache_key(path: Path, contract: Contract) -> str:
    """Return the SHA-256 of everything that an aligned episode depends on.

    Raises:
        BagError: The bag can't be read.
    """
    try:
        return content_hash(path, read_topics(contract), f'{FORMAT} {contract.hash}')
    except OSError as error:
        raise BagError(f'{path}: cannot be read: {error.strerror}') from error


def _folder(path: Path, key: str) -> Path:
    return path.parent / ALIGNED / f'{path.name}-{key[:16]}'


def _keep(folder: Path, key: str, name: str, episode: RecordedEpisode) -> None:
    """Keep an episode if the folder can be written to."""
    try:
        _store(folder, key, episode)
        _forget_others(folder, name)
    except OSError:
        return


def _load(folder: Path, key: str) -> RecordedEpisode | None:
    """Return a kept episode; None if there is none, or it isn't whole."""
    try:
        index = read_json(folder / _INDEX)
        if index['key'] != key:
            return None
        arrays = {name: np.load(folder / f'{name}.npy', mmap_mode='r', allow_pickle=False)
                  for name in index['arrays']}
        if any(list(array.shape) != index['arrays'][name] for name, array in arrays.items()):
            return None
        return RecordedEpisode(
            episode_id=index['episode_id'], outcome=index['outcome'],
            account=index.get('account'), **arrays)
    except (RecordError, OSError, EOFError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _store(folder: Path, key: str, episode: RecordedEpisode) -> None:
    """Write an episode's files, all or none."""
    partial = folder.with_name(f'{folder.name}.{os.getpid()}.tmp')
    partial.mkdir(parents=True, exist_ok=True)
    try:
        shapes = {}
        for name in _ARRAYS:
            array = getattr(episode, name)
            if array is not None:
                np.save(partial / f'{name}.npy', array, allow_pickle=False)
                shapes[name] = list(array.shape)
        write_json(partial / _INDEX, {
            'key': key, 'episode_id': episode.episode_id, 'outcome': int(episode.outcome),
            'arrays': shapes, **({'account': episode.account} if episode.account else {})})
        shutil.rmtree(folder, ignore_errors=True)  # made by another process, or damaged
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _forget_others(folder: Path, name: str) -> None:
    """Remove the same bag's episodes of other content or for another contract."""
    for other in folder.parent.glob(f'{name}-*'):
        if other != folder and other.suffix != '.tmp':
            shutil.rmtree(other, ignore_errors=True)
