# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Episodes in files, each written once: the checkpoints of a run refer to them by number and hash.

An episode has `<number>.safetensors` and, if there are cameras, `<number>.images`: the bytes of
its images, which are mapped into memory and not read before they are used. So images take memory
only as long as the system has some to spare. A file never changes. The numbers only count up, also
across restarts, and a file is removed when no kept checkpoint refers to it any more.
"""
from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
import hashlib
import os
from pathlib import Path
import re

import numpy as np
from numpy.typing import NDArray
import torch

from inril_ros.learning.experience import Episode
from inril_ros.learning.frames import Images
from inril_ros.learning.policies.artifact import from_bytes, to_bytes
from inril_ros.learning.replay import Origin
from inril_ros.learning.synced_files import sync, write_synced

HASHES = 64
"""Bytes of the hashes of an episode: SHA-256 of its arrays, SHA-256 of its images (or zeros)."""

_ARRAYS = ('observations', 'actions', 'rewards', 'intervened')
_NAME = re.compile(r'^(\d{8,18})\.(safetensors|images)$')


class ExperienceFiles:
    """The episodes of one run in a folder, for one process at a time.

    `add` belongs to the thread that learns, the other methods to the one that writes checkpoints;
    `read` comes before both. What `read` returns is checked except for the images, of which there
    may be gigabytes: `check_images` does that.
    """

    def __init__(self, folder: Path) -> None:
        """Open or create the folder; files of an interrupted process are left as they are."""
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self.next_number = 1 + max(self._present(), default=0)
        self._unwritten: dict[int, tuple[Episode, Origin]] = {}
        self._hashes: dict[int, bytes] = {}
        self._unchecked: dict[int, Images] = {}

    def add(self, episode: Episode, origin: Origin) -> Episode:
        """Return the episode with a number, to be remembered instead of the one given.

        Images go to their file at once, so that the returned ones take no memory of this process;
        if the disk is full they stay in memory. The rest is written by `write`. Images of
        demonstrations are mapped files already.
        """
        number, self.next_number = self.next_number, self.next_number + 1
        images = episode.images
        if images is not None and origin is not Origin.DEMONSTRATION:
            try:
                self._write_images(number, images)
                images = _mapped(self._path(number, 'images'), images.shape)
            except OSError:
                self._path(number, 'images').unlink(missing_ok=True)
        numbered = replace(episode, number=number, images=images)
        self._unwritten[number] = numbered, origin
        return numbered

    def write(self, numbers: Sequence[int]) -> NDArray[np.uint8]:
        """Force the episodes with these numbers to the disk; return their hashes, (n, HASHES).

        Raises:
            OSError: The disk is full or failed; a later call tries again.
        """
        written = [number for number in numbers if number not in self._hashes]
        for number in written:
            episode, origin = self._unwritten[number]
            self._hashes[number] = self._write(number, episode, origin)
        if written:
            sync(self._folder)
        for number in written:
            del self._unwritten[number]
        joined = b''.join(self._hashes[number] for number in numbers)
        return np.frombuffer(bytearray(joined), np.uint8).reshape(-1, HASHES)

    def read(self, number: int, hashes: bytes) -> tuple[Episode, Origin]:
        """Return an episode; its images are mapped, and not read yet.

        Raises:
            ValueError: It is missing or damaged.
            OSError: The disk can't be read.
        """
        path = self._path(number, 'safetensors')
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise ValueError(f'{path} is missing') from error
        if hashlib.sha256(data).digest() != hashes[:32]:
            raise ValueError(f'{path} does not match its hash: it is damaged')
        try:
            arrays = {name: tensor.numpy() for name, tensor in from_bytes(data).items()}
            terminated, success, origin = (int(value) for value in arrays['facts'])
            shape = tuple(arrays['image_shape'].tolist())
            images = self._map_images(number, shape) if shape else None
            episode = Episode(**{name: arrays[name] for name in _ARRAYS}, number=number,
                              observed=arrays.get('observed'),
                              terminated=bool(terminated), success=bool(success), images=images)
            found = episode, Origin(origin)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f'{path} is no episode: {error}') from error
        self._hashes[number] = hashes
        if images is not None:
            self._unchecked[number] = images
        return found

    def check_images(self) -> dict[int, str]:
        """Check the images of the episodes that were read; return what is wrong with some."""
        damaged = {}
        for number, images in self._unchecked.items():
            if hashlib.sha256(images).digest() != self._hashes[number][32:]:
                damaged[number] = (f'{self._path(number, "images")} does not match its hash: it '
                                   'is damaged')
        self._unchecked = {}
        return damaged

    def release(self, kept: Collection[int], below: int) -> None:
        """Remove the files of numbers less than `below` that aren't kept."""
        for number in self._present():
            if number < below and number not in kept:
                for kind in ('safetensors', 'images'):
                    self._path(number, kind).unlink(missing_ok=True)
                self._hashes.pop(number, None)
        for number in list(self._unwritten):
            if number < below and number not in kept:
                del self._unwritten[number]

    def _write(self, number: int, episode: Episode, origin: Origin) -> bytes:
        arrays = {name: getattr(episode, name) for name in _ARRAYS}
        images = episode.images
        if episode.observed is not None:
            arrays['observed'] = episode.observed
        arrays['facts'] = np.array([episode.terminated, episode.success, origin], np.int64)
        arrays['image_shape'] = np.array(() if images is None else images.shape, np.int64)
        data = to_bytes({name: torch.from_numpy(array.copy()) for name, array in arrays.items()})
        write_synced(self._path(number, 'safetensors'), data)
        image_hash = bytes(32)
        if images is not None:
            if not self._path(number, 'images').exists():
                self._write_images(number, images)
            sync(self._path(number, 'images'))
            image_hash = hashlib.sha256(np.ascontiguousarray(images)).digest()
        return hashlib.sha256(data).digest() + image_hash

    def _write_images(self, number: int, images: Images) -> None:
        with open(self._path(number, 'images'), 'wb') as file:
            file.write(np.ascontiguousarray(images).data.cast('B'))

    def _map_images(self, number: int, shape: tuple[int, ...]) -> Images:
        path = self._path(number, 'images')
        if len(shape) != 5 or min(shape) < 1 or not path.is_file() \
                or path.stat().st_size != np.prod(shape, dtype=object):
            raise ValueError(f'{path} is missing or has another size than {shape}')
        return _mapped(path, shape)

    def _path(self, number: int, kind: str) -> Path:
        return self._folder / f'{number:08d}.{kind}'

    def _present(self) -> set[int]:
        """Return the numbers of the files in the folder."""
        found = (_NAME.match(entry.name) for entry in os.scandir(self._folder))
        return {int(match[1]) for match in found if match}


def _mapped(path: Path, shape: Sequence[int]) -> Images:
    """Return the bytes of a file as read-only images that take no memory of this process."""
    return np.asarray(np.memmap(path, np.uint8, 'r', shape=tuple(shape)))
