# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What all memories share: the origin of an episode, and the drawing of rows."""
from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Origin(IntEnum):
    """The origin of an episode."""

    DEMONSTRATION = 0
    ONLINE = 1


def draw(rows: NDArray[np.int64], number: int,
         random: np.random.Generator) -> NDArray[np.int64]:
    """Return `number` rows, uniformly and with replacement."""
    if len(rows) == 0:
        raise ValueError('there are no rows to draw from')
    return rows[random.integers(len(rows), size=number)]
