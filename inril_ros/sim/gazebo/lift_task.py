# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Lifting an object, told from its pose alone: where an episode starts and what is a success.

Gazebo's judge (``gazebo_node``) and the MuJoCo simulation of the same arm decide by this code.
"""

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra='forbid', strict=False)
_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


@dataclass(frozen=True, config=_STRICT)
class StartRegion:
    """Where the object lies at the start, uniformly drawn.

    Attributes:
        x: [m] Lowest and highest.
        y: [m] Likewise.
        z: [m] Height of its origin when it lies.
        yaw: [rad] Lowest and highest.
    """

    x: tuple[_Finite, _Finite]
    y: tuple[_Finite, _Finite]
    z: _Finite
    yaw: tuple[_Finite, _Finite] = (0.0, 0.0)

    def __post_init__(self) -> None:
        for name in ('x', 'y', 'yaw'):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f'{name} is {low}..{high}: the lowest comes first')

    def draw(self, seed: int) -> np.ndarray:
        """Return a pose (7,): x y z [m], quaternion x y z w; the same for the same seed."""
        generator = np.random.default_rng(seed)
        x, y, yaw = (generator.uniform(*limits) for limits in (self.x, self.y, self.yaw))
        return np.array([x, y, self.z, 0.0, 0.0, math.sin(0.5 * yaw), math.cos(0.5 * yaw)])


@dataclass(frozen=True, config=_STRICT)
class LiftTask:
    """An object is to be lifted.

    Attributes:
        object: Its model in the world.
        height: [m] Its origin has to be at least as high
        duration: [s] for so long.
        start: Where it lies at the start.
        operator: ``scripted``: there is a scripted operator for it.
        time_limit: [s] Instead of the contract's.
    """

    object: Annotated[str, Field(min_length=1)]
    height: _Finite
    duration: _Positive
    start: StartRegion
    operator: Literal['scripted', 'none'] = 'none'
    time_limit: _Positive | None = None

    def __post_init__(self) -> None:
        if self.height <= self.start.z:
            raise ValueError(f'height {self.height} is not above the start, z {self.start.z}: the '
                             'task would be done from the beginning')


class LiftJudge:
    """Says whether the task is done; once it is, it stays so until the next episode."""

    def __init__(self, task: LiftTask) -> None:
        self._task = task
        self.begin()

    def begin(self) -> None:
        """Begin an episode."""
        self._since: float | None = None
        self.success = False

    def observe(self, time: float, height: float) -> bool:
        """Take the object's height [m] at a time [s]; return whether the task is done.

        A time before the last one starts the count again: a simulation was reset.
        """
        if not height >= self._task.height:  # not a number is not high
            self._since = None
        elif self._since is None or time < self._since:
            self._since = time
        # The tolerance is for stamps, which are rounded to nanoseconds.
        elif time - self._since >= self._task.duration - 1e-6:
            self.success = True
        return self.success
