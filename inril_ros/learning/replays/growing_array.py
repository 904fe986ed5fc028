# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An array that grows at its end at amortised constant cost, for replay memories."""
from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray


class GrowingArray:
    """An array that doubles its capacity when it is full."""

    def __init__(self, shape: Sequence[int], dtype: type = np.float32) -> None:
        """Make an array without rows; each row has this shape."""
        self.shape = tuple(shape)
        self._array = np.empty((1024, *self.shape), dtype)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def view(self) -> NDArray:
        """Return the rows in use; valid until the next `extend` or `keep`."""
        return self._array[:self._length]

    def extend(self, values: NDArray) -> None:
        """Append rows."""
        length = self._length + len(values)
        if length > len(self._array):
            larger = np.empty((max(length, 2 * len(self._array)), *self.shape),
                              self._array.dtype)
            larger[:self._length] = self.view
            self._array = larger
        self._array[self._length:length] = values
        self._length = length

    def replace(self, values: NDArray) -> None:
        """Replace all rows by others, no more than there are."""
        self._length = len(values)
        self._array[:self._length] = values

    def keep(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Keep only these rows, (first, end) of each range in rising order, without a copy."""
        length = 0
        for first, end in ranges:
            if first != length:
                self._array[length:length + end - first] = self._array[first:end]
            length += end - first
        self._length = length


def renumbered(rows: NDArray[np.int64],
               ranges: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """Return the new numbers of the given rows of an array after `keep`.

    Args:
        rows: Numbers of rows; those that weren't kept are left out.
        ranges: What was kept, as for `keep`.
    """
    firsts = np.array([first for first, _ in ranges], np.int64)
    ends = np.array([end for _, end in ranges], np.int64)
    if not len(firsts):
        return rows[:0]
    owners = np.searchsorted(firsts, rows, side='right') - 1
    inside = (owners >= 0) & (rows < ends[owners])
    begins = np.append(0, (ends - firsts).cumsum()[:-1])
    return rows[inside] - (firsts - begins)[owners[inside]]
