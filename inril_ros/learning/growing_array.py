# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An array that grows at its end at amortised constant cost, for replay memories."""
from __future__ import annotations

from collections.abc import Sequence

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
        """Return the rows in use; valid until the next `extend`."""
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
