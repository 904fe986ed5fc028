# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From the frames of an episode to what the policy sees."""

import numpy as np

from inril_ros.data.frames.derived import DerivedQuantities
from inril_ros.data.frames.streams import FrameError
from inril_ros.robot.contract.contract import Contract


class ObservationBuilder:
    """Turns the frames of one episode, in order, into policy observations (O,) float32.

    It holds earlier frames, which derived observations such as a change need. Start a new one,
    or call ``begin``, at each episode's first tick.
    """

    def __init__(self, contract: Contract) -> None:
        self._quantities = DerivedQuantities(contract)

    def begin(self) -> None:
        """Forget earlier frames: the next one is the first of an episode."""
        self._quantities.begin()

    def build(self, values: dict[str, np.ndarray]) -> np.ndarray:
        """Return the policy observation (O,) of the next frame.

        Raises:
            FrameError: A value is too large for float32.
        """
        with np.errstate(over='ignore'):
            observation = np.concatenate(self._quantities.next(values)).astype(np.float32)
        if not np.isfinite(observation).all():
            raise FrameError('a value of the policy observation is too large: '
                             f'{np.flatnonzero(~np.isfinite(observation)).tolist()}')
        return observation
