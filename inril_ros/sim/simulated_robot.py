# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What all simulated robots have in common: their state, their interface, what they accept.

A simulated robot speaks the contract's language: observations by name, actions in the contract's
units, one step per control tick. Code that steps it need not know which simulator it is.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import numpy as np

from inril_ros.robot.contract.contract import Contract
from inril_ros.sim.mapping import MappingError

Outcome = Literal['none', 'success', 'failure']


@dataclass(frozen=True)
class SimulatedState:
    """A simulated robot at one tick.

    Attributes:
        values: Each observation of the contract by name, (size,) float64.
        outcome: The simulator's verdict on this state; it knows no time limit.
        reward: Reward of the step that led here.
        done: Whether the task is done at this tick, even if that is no success yet.
    """

    values: dict[str, np.ndarray]
    outcome: Outcome
    reward: float
    done: bool = False


class SimulatedRobot(ABC):
    """A robot in a simulator, stepped tick by tick; to be used from one thread.

    Args:
        contract: The robot's contract.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._ready = False

    @property
    def period(self) -> float:
        """Simulated time of one step [s]; equal to the contract's."""
        return self._contract.period

    def reset(self, seed: int) -> SimulatedState:
        """Begin an episode; the same seed gives the same state, whatever happened before."""
        state = self._begin(seed)
        self._ready = True
        return state

    def step(self, action: np.ndarray) -> SimulatedState:
        """Apply an action (A,) in contract units, cut to the limits, for one tick.

        Raises:
            ValueError: The action has another shape, or isn't finite.
            RuntimeError: There was no reset yet.
        """
        if not self._ready:
            raise RuntimeError('reset the simulation before the first step')
        return self._apply(admissible_action(self._contract, action))

    def image(self, camera: str) -> np.ndarray:
        """Return the present image (height, width, 3) uint8 RGB of a camera of the contract.

        Raises:
            MappingError: The mapping or the contract has no such camera, or its images have
                another size.
            RenderingError: There is no OpenGL to draw with.
            RuntimeError: The image is part of an observation, and there was no reset yet.
        """
        cameras = self._contract.cameras
        if camera not in cameras:
            raise MappingError(f'contract {self._contract.name!r} has no camera {camera!r}; '
                               f'cameras are {sorted(cameras)}')
        return self._draw(camera, cameras[camera].height, cameras[camera].width)

    def close(self) -> None:
        """Release the simulator."""
        self._ready = False

    @abstractmethod
    def _begin(self, seed: int) -> SimulatedState:
        """Begin an episode."""

    @abstractmethod
    def _apply(self, action: np.ndarray) -> SimulatedState:
        """Apply an admissible action (A,) float64 for one tick."""

    @abstractmethod
    def _draw(self, camera: str, height: int, width: int) -> np.ndarray:
        """Return the image (height, width, 3) of a camera of the contract."""


def admissible_action(contract: Contract, action: np.ndarray) -> np.ndarray:
    """Return an action (A,) float64 cut to the contract's limits.

    Raises:
        ValueError: It has another shape, or isn't finite.
    """
    action = np.asarray(action, dtype=np.float64)
    if action.shape != (contract.action_size,):
        raise ValueError(f'an action of shape {action.shape}, ({contract.action_size},) is needed')
    if not np.isfinite(action).all():
        raise ValueError(f'an action that is not finite: {action.tolist()}')
    return np.clip(action, contract.action_minimum, contract.action_maximum)
