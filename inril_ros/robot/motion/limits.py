# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How fast and how far joints may move, from the contract; stopping distances."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
import math

import numpy as np

from inril_ros.robot.contract.contract import Action

#: Limits of position commands if the contract gives none; slow. [per s, s^2, s^3]
DEFAULT_VELOCITY, DEFAULT_ACCELERATION, DEFAULT_JERK = 0.5, 2.0, 20.0


@dataclass(frozen=True)
class JointLimits:
    """Limits of n joints, (n,) float64 each: rad or m, per s, s^2, s^3.

    Attributes:
        minimum: Lowest position.
        maximum: Highest position.
        velocity: Highest speed.
        acceleration: Highest rate of change of the velocity.
        jerk: Highest rate of change of the acceleration; infinite if unlimited.
    """

    minimum: np.ndarray
    maximum: np.ndarray
    velocity: np.ndarray
    acceleration: np.ndarray
    jerk: np.ndarray

    @property
    def size(self) -> int:
        """Number of joints."""
        return self.minimum.size

    def tightened(self, other: 'JointLimits') -> 'JointLimits':
        """Return the tighter limits of two, joint by joint.

        Raises:
            ValueError: No position is left that both allow.
        """
        low = np.maximum(self.minimum, other.minimum)
        high = np.minimum(self.maximum, other.maximum)
        if (low >= high).any():
            raise ValueError(f'position limits {low.tolist()}..{high.tolist()} leave no room: '
                             'the contract and the URDF contradict each other')
        return JointLimits(low, high, np.minimum(self.velocity, other.velocity),
                           np.minimum(self.acceleration, other.acceleration),
                           np.minimum(self.jerk, other.jerk))

    def scaled(self, share: float) -> 'JointLimits':
        """Return limits with velocity, acceleration and jerk times a share (0..1]."""
        return replace(self, velocity=share * self.velocity,
                       acceleration=share * self.acceleration, jerk=share * self.jerk)

    def stopping_distance(self, velocity: np.ndarray) -> np.ndarray:
        """Return how far the joints move (n,) while they stop from a constant velocity (n,).

        That is v sqrt(v / j) if the acceleration limit isn't reached, else v^2 / 2a + v a / 2j.
        """
        speed = np.abs(velocity)
        lag = self.acceleration / self.jerk
        return speed * np.where(speed < self.acceleration * lag, np.sqrt(speed / self.jerk),
                                0.5 * (speed / self.acceleration + lag))

    @property
    def longest_stop(self) -> float:
        """Upper bound of the time that braking takes [s], from any velocity and acceleration."""
        return float((self.velocity / self.acceleration
                      + 3.0 * self.acceleration / self.jerk).max())

    def stoppable_velocity(self, distance: np.ndarray) -> np.ndarray:
        """Return the highest speed (n,) from which the joints stop within a distance (n,)."""
        room = np.maximum(distance, 0.0)
        lag = self.acceleration / self.jerk
        # The inverse of the two cases above; the root avoids cancellation.
        half = 0.5 * self.acceleration * lag
        root = 2.0 * self.acceleration * room / (
            half + np.sqrt(half * half + 2.0 * self.acceleration * room) + 1e-300)
        short = room < self.acceleration * lag * lag
        soft = np.cbrt(room * room * np.where(short, self.jerk, 0.0))
        return np.minimum(self.velocity, np.where(short, soft, root))


def joined(parts: Sequence[JointLimits]) -> JointLimits:
    """Return the limits of several groups of joints, one after the other."""
    return JointLimits(*(np.concatenate([getattr(part, field.name) for part in parts])
                         for field in fields(JointLimits)))


def limits_of(action: Action) -> JointLimits:
    """Return the limits of an action; position commands have defaults if the contract has none.

    For a velocity command they limit the velocity (by its minimum and maximum), acceleration and
    jerk.
    """
    def values(given: tuple[float, ...], default: float) -> np.ndarray:
        return np.broadcast_to(np.array(given or (default,), np.float64), action.length).copy()

    low, high = np.array(action.minimum, np.float64), np.array(action.maximum, np.float64)
    if action.commands_positions:
        return JointLimits(low, high, values(action.max_velocity, DEFAULT_VELOCITY),
                           values(action.max_acceleration, DEFAULT_ACCELERATION),
                           values(action.max_jerk, DEFAULT_JERK))
    return JointLimits(low, high, np.maximum(np.abs(low), np.abs(high)),
                       values(action.max_acceleration, math.inf),
                       values(action.max_jerk, math.inf))
