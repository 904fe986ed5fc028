# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What to imitate: demonstrations, the policy's own successes, or a mixture of both.

Each source fills the same batch size, so arms that differ in their source take the same number of
equal steps. While there is no own success yet, demonstrations stand in for it.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inril_ros.learning.replay import draw, WindowReplay

SOURCES = ('demonstrations', 'own_successes', 'both')


class ImitationSource:
    """Draws the rows of an imitation batch."""

    def __init__(self, kind: str, demonstration_share: float) -> None:
        """
        Choose one of SOURCES; `demonstration_share` of a batch is demonstrations in `both`.

        :raises ValueError: an unknown kind, or a share outside [0, 1]
        """
        if kind not in SOURCES:
            raise ValueError(f'imitation source {kind!r} is unknown; allowed are {SOURCES}')
        if not 0.0 <= demonstration_share <= 1.0:
            raise ValueError(f'demonstration share {demonstration_share} is not in [0, 1]')
        self._share = {'demonstrations': 1.0, 'own_successes': 0.0,
                       'both': demonstration_share}[kind]

    def rows(self, replay: WindowReplay, number: int,
             random: np.random.Generator) -> NDArray[np.int64]:
        """Return `number` rows of the replay."""
        demonstrations = round(self._share * number)
        if len(replay.success_rows) == 0:
            demonstrations = number
        drawn = []
        if demonstrations:
            drawn.append(draw(replay.demonstration_rows, demonstrations, random))
        if demonstrations < number:
            drawn.append(draw(replay.success_rows, number - demonstrations, random))
        return np.concatenate(drawn)
