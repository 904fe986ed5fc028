# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What all simulated robots have in common: their state, their interface, what they accept.

A simulated robot speaks the contract's language: observations by name, actions in the contract's
units, one step per control tick. Whoever steps it need not know which simulator is behind it.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from inril_ros.robot.contract.contract import Contract
from inril_ros.sim.mapping import MappingError

Outcome = Literal['none', 'success', 'failure']


@dataclass(frozen=True)
class SimulatedState:
    """A simulated robot at one tick.

    Attributes:
        values: Each observation of the contract by name, (size,) float64.
        outcome: The simulator's verdict on this state; a time limit isn't its affair.
        reward: Of the step that led here.
    """

    values: dict[str, np.ndarray]
    outcome: Outcome
    reward: float


class SimulatedRobot(Protocol):
    """A robot in a simulator, stepped tick by tick; to be used from one thread."""

    @property
    def period(self) -> float:
        """[s] Simulated time of one step; equal to the contract's."""

    def reset(self, seed: int) -> SimulatedState:
        """Begin an episode; the same seed gives the same state, whatever happened before."""

    def step(self, action: np.ndarray) -> SimulatedState:
        """Apply an action (A,) in contract units for one tick; it is kept to the limits.

        Raises:
            ValueError: The action has another shape, or isn't finite.
            RuntimeError: There was no reset yet.
        """

    def image(self, camera: str) -> np.ndarray:
        """Return the present image (height, width, 3) uint8 RGB of a camera of the contract.

        Raises:
            MappingError: The mapping or the contract has no such camera.
            RenderingError: There is no OpenGL to draw with.
        """

    def close(self) -> None:
        """Release the simulator."""


def admissible_action(contract: Contract, action: np.ndarray) -> np.ndarray:
    """Return an action (A,) float64 kept to the contract's limits.

    Raises:
        ValueError: It has another shape, or isn't finite.
    """
    action = np.asarray(action, dtype=np.float64)
    if action.shape != (contract.action_size,):
        raise ValueError(f'an action of shape {action.shape}, ({contract.action_size},) is needed')
    if not np.isfinite(action).all():
        raise ValueError(f'an action that is not finite: {action.tolist()}')
    return np.clip(action, contract.action_minimum, contract.action_maximum)


def camera_size(contract: Contract, camera: str) -> tuple[int, int]:
    """Return (height, width) of a camera of the contract.

    Raises:
        MappingError: The contract has no such camera.
    """
    if camera not in contract.cameras:
        raise MappingError(f'contract {contract.name!r} has no camera {camera!r}; '
                           f'cameras are {sorted(contract.cameras)}')
    entry = contract.cameras[camera]
    return entry.height, entry.width
