# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Frames at the contract's rate instead of the dataset's."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
import math
from typing import Any

import numpy as np

from inril_ros.robot.contract.contract import Contract, Observation
from inril_ros.robot.rotations import between, nearest

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
        share = np.clip(place - before, 0.0, 1.0)
        return cls(before, np.where((share < _AT) | (before == number - 1), 0.0, share))

    def states(self, states: np.ndarray, contract: Contract) -> np.ndarray:
        """Return states (N, S) at the ticks, (n, S): between the frames around each.

        Angles and rotations take the short way, and switches keep their value until the next
        frame.
        """
        result, start = states[self.before], 0
        for name, entry in contract.observations.items():
            part = slice(start, start + entry.length)
            start += entry.length
            way = _way(name, entry, contract)
            for tick in np.flatnonzero(self.share > 0.0) if way else ():
                before = self.before[tick]
                result[tick, part] = way(
                    states[before, part], states[before + 1, part], self.share[tick])
        return result

    def images(self, images: Iterator[Any]) -> Iterator[Any]:
        """Yield the image of the newest frame at or before each tick."""
        repeats = np.bincount(self.before)
        for image, repeat in zip(images, repeats, strict=False):
            yield from [image] * repeat


def _way(
    name: str, entry: Observation, contract: Contract,
) -> Callable[[np.ndarray, np.ndarray, float], np.ndarray] | None:
    """Return what gives the value between two of an observation; None if it keeps the first."""
    if entry.type == 'std_msgs/msg/Bool' or entry.field.startswith('buttons'):
        return None
    if entry.has_quaternion:
        return _turned
    angles = contract.joint_angles(name)
    return (lambda *pair: angles.between(*pair)[0]) if angles else _linear


def _turned(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    value = between(first, second, share)
    value[-4:] = nearest(value[-4:], first[-4:])  # the sign that the frames have
    return value


def _linear(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    return first + share * (second - first)
