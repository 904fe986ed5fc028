# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Camera images of a replay: one per observation, uint8, and in memory once.

Episodes own their images and never change them, so a replay only refers to them. Several
memories that hold the same episode share its images, and the images of the next observation are
those of the next row. Two cameras of 128x128 pixels cost 98 kB per step.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]


class Frames:
    """Rows of images (C, H, W, 3), named by their index in the order in which they came."""

    def __init__(self, shape: Sequence[int]) -> None:
        """Begin without rows; shape is (C, H, W, 3)."""
        self.shape = tuple(shape)
        self._rows: list[Images] = []

    def __len__(self) -> int:
        return len(self._rows)

    def check(self, images: Images | None) -> None:
        """Raise a ValueError if images are missing or of another shape."""
        if images is None or images.shape[1:] != self.shape:
            found = 'missing' if images is None else str(images.shape[1:])
            raise ValueError(f'images of the episode are {found}, expected {self.shape}')

    def extend(self, images: Images) -> None:
        """Refer to images (N, C, H, W, 3), which must not change from now on."""
        self.check(images)
        self._rows.extend(images)

    def gather(self, rows: NDArray[np.int64]) -> Images:
        """Return a copy of the images of these rows, (B, C, H, W, 3)."""
        if len(rows) == 0:
            return np.empty((0, *self.shape), np.uint8)
        return np.stack([self._rows[row] for row in rows.tolist()])

    def joined(self) -> Images:
        """Return a copy of all images, in order: to be saved."""
        return self.gather(np.arange(len(self._rows)))
