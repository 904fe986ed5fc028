# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The task of lifting an object: where it starts, and its success, from the object's pose alone.

Gazebo's judge (``gazebo_node``) and the MuJoCo simulation of the same arm both use this code.
"""

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from inril_ros.robot.contract.rules import STRICT

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


@dataclass(frozen=True, config=STRICT)
class StartRegion:
    """Where the object lies at the start, drawn uniformly.

    Attributes:
        x: [m] Lowest and highest x.
        y: [m] Lowest and highest y.
        z: [m] Height of the object's origin when it lies.
        yaw: [rad] Lowest and highest yaw.
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


@dataclass(frozen=True, config=STRICT)
class LiftTask:
    """An object is to be lifted.

    Attributes:
        object: Name of the object's model in the world.
        height: [m] Height that its origin must reach.
        duration: [s] Time for which it must stay there.
        start: Where it lies at the start.
        operator: ``scripted`` if there is a scripted operator for it.
        time_limit: [s] Time limit in place of the contract's.
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
    """Decides whether the task is done; once it is, it stays so until the next episode."""

    def __init__(self, task: LiftTask) -> None:
        self._task = task
        self.begin()

    def begin(self) -> None:
        """Begin an episode."""
        self._since: float | None = None
        self.success = False

    def observe(self, time: float, height: float) -> bool:
        """Return whether the task is done, given the object's height [m] at a time [s].

        A time before the last one (the simulation was reset) starts the count again.
        """
        if not height >= self._task.height:  # also for NaN
            self._since = None
        elif self._since is None or time < self._since:
            self._since = time
        # The tolerance is for stamps, which are rounded to nanoseconds.
        elif time - self._since >= self._task.duration - 1e-6:
            self.success = True
        return self.success
