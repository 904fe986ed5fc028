# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Camera images of a replay: one per observation, and in memory once.

Episodes own their images and never change them, so a replay only refers to them. Memories with
the same episode share its images, and the images of the next observation are those of the next
row. Two cameras of 128x128 pixels cost 98 kB per step; what frozen image networks made of them is
remembered instead of them (see `remembered_images`), and costs 2 kB.
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

Images = NDArray[Any]
"""Pixels (..., C, H, W, 3) uint8, or what frozen networks made of them, (..., C, P) float32."""

_MOST = 4  # Batches whose memory is kept: images and next images of two replays


class ImageBatches:
    """Makes batches of images in the memory of batches that nobody refers to any more.

    A batch of 256 rows with two cameras of 128x128 pixels takes 25 MB. The system clears new
    memory first, which takes about as long as copying the images: with new memory for each batch
    a replay gave 54 batches a second instead of 102 (benchmarks/replay_benchmark.py).
    """

    def __init__(self) -> None:
        self._made: list[Images] = []

    def stacked(self, rows: Sequence[Images], shape: Sequence[int]) -> Images:
        """Return a copy of B images of a shape, (B, *shape)."""
        if not rows:
            return np.empty((0, *shape), np.uint8)
        return np.stack(rows, out=self._memory((len(rows), *shape), rows[0].dtype))

    def _memory(self, shape: tuple[int, ...], dtype: np.dtype) -> Images:
        """Return an array that nobody refers to; views and tensors on it count as references."""
        free = [index for index, references in enumerate(_references(self._made))
                if references == _UNUSED]
        for index in free:
            if self._made[index].shape == shape and self._made[index].dtype == dtype:
                return self._made[index]
        for index in reversed(free):  # other sizes are requested now
            del self._made[index]
        made = np.empty(shape, dtype)
        if len(self._made) < _MOST:
            self._made.append(made)
        return made


def _references(arrays: list[Images]) -> list[int]:
    return [sys.getrefcount(array) for array in arrays]


#: The result of `_references` if only the list refers to an array: it counts some of its own.
_UNUSED = _references([np.empty(0, np.uint8)])[0]


def check_images(images: Images | None, shape: Sequence[int]) -> None:
    """Raise a ValueError if images are missing or of another shape."""
    if images is None or images.shape[1:] != tuple(shape):
        found = 'missing' if images is None else str(images.shape[1:])
        raise ValueError(f'images of the episode are {found}, expected {tuple(shape)}')


class Frames:
    """Rows of images of one shape, indexed in the order in which they were added."""

    def __init__(self, shape: Sequence[int]) -> None:
        """Begin without rows."""
        self.shape = tuple(shape)
        self._rows: list[Images] = []
        self._batches = ImageBatches()

    def __len__(self) -> int:
        return len(self._rows)

    def extend(self, images: Iterable[Images]) -> None:
        """Add images, which must not change from now on."""
        self._rows.extend(images)

    def keep(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Keep only these rows, (first, end) of each range in rising order."""
        self._rows = [image for first, end in ranges for image in self._rows[first:end]]

    def gather(self, rows: NDArray[np.int64]) -> Images:
        """Return a copy of the images of these rows, (B, *shape)."""
        return self._batches.stacked([self._rows[row] for row in rows.tolist()], self.shape)

    def joined(self) -> Images:
        """Return a copy of all images in order, to be saved."""
        return np.stack(self._rows) if self._rows else np.empty((0, *self.shape), np.uint8)
