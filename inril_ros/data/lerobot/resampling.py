# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Frames at the contract's rate instead of the dataset's."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
import math
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from inril_ros.data.lerobot.names import Column
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.contract.fields import holds_rotation

# As a share of a frame: a tick this little before a frame is at the frame.
_AT = 1e-6


@dataclass(frozen=True)
class Resampling:
    """The ticks of an episode among its frames.

    Attributes:
        before: Number of the newest frame (n,) at or before each tick.
        share: How far (n,) each tick is on the way from that frame to the next.
    """

    before: np.ndarray
    share: np.ndarray

    @classmethod
    def of(cls, number: int, rate: float, wanted: float) -> 'Resampling':
        """Return the ticks of an episode.

        Args:
            number: Number of frames.
            rate: Frames per second.
            wanted: Ticks per second. The last tick is at or before the last frame.
        """
        last = math.floor((number - 1) * wanted / rate + _AT)
        place = np.arange(last + 1) * rate / wanted
        before = np.minimum(np.floor(place + _AT), number - 1).astype(int)
        return cls(before, np.clip(place - before, 0.0, 1.0))

    def states(self, states: np.ndarray, columns: Sequence[Column], contract: Contract,
               ) -> np.ndarray:
        """Return states (N, size) at the ticks, (n, size): between the frames around each.

        Angles turn the short way where they pass pi, rotations turn at a constant speed, and
        switches keep their value until the next frame.
        """
        after = np.minimum(self.before + 1, len(states) - 1)
        first, step = states[self.before], states[after] - states[self.before]
        result = first + self.share[:, None] * step
        for place, column in enumerate(columns):
            entry = contract.observations[column.entry]
            if column.quantity == 'position':  # no joint moves by more than pi within a frame
                jumps = np.abs(step[:, place]) > math.pi
                short = first[jumps, place] + self.share[jumps] * _short(step[jumps, place])
                result[jumps, place] = _short(short)
            elif entry.type == 'std_msgs/msg/Bool' or entry.field.startswith('buttons'):
                result[:, place] = first[:, place]
        for name, entry in contract.observations.items():
            if entry.align == 'slerp' or holds_rotation(
                    entry.type, entry.field, entry.length):
                places = [place for place, column in enumerate(columns) if column.entry == name]
                self._turn(states, result, places[-4:])
        return result

    def _turn(self, states: np.ndarray, result: np.ndarray, places: Sequence[int]) -> None:
        turns = Rotation.from_quat(states[:, places])
        if len(states) > 1:
            turned = Slerp(np.arange(len(states)), turns)(self.before + self.share).as_quat()
            first = states[np.ix_(self.before, places)]  # keep the sign that the frames have
            sign = np.where((turned * first).sum(1, keepdims=True) < 0.0, -1.0, 1.0)
            result[:, places] = sign * turned

    def images(self, images: Iterator[Any]) -> Iterator[Any]:
        """Yield the image of the newest frame at or before each tick."""
        repeats = np.bincount(self.before)
        for image, repeat in zip(images, repeats, strict=False):
            yield from [image] * repeat


def _short(angle: np.ndarray) -> np.ndarray:
    """Return angles in -pi..pi."""
    return (angle + math.pi) % (2 * math.pi) - math.pi
