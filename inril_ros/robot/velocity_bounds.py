# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Velocities that end at a limit: of the workspace, or of joints that are commanded by velocity.

Positions are the measured ones: nobody but the robot knows where a velocity has led.
"""

from collections.abc import Mapping

import numpy as np

from inril_ros.robot.contract import Contract
from inril_ros.robot.joint_group import where_measured
from inril_ros.robot.kinematics import limits_from_urdf, URDF
from inril_ros.robot.limits import JointLimits

_FAR = 1e6  # [rad or m] where there is no limit


def bounded(
    velocity: np.ndarray, position: np.ndarray, minimum: np.ndarray, maximum: np.ndarray,
    limits: JointLimits | None, period: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return velocities (n,) that don't lead out, and which of them (n,) were changed.

    Args:
        velocity: (n,) Requested, per s.
        position: (n,) Measured.
        minimum: (n,) Lowest position.
        maximum: (n,) Highest position.
        limits: Of the change of the velocity, which so must begin in time; None: it may stop at
            once.
        period: [s] One tick.
    """
    if limits is None:
        reached = position + velocity * period
        leaving = ((reached > maximum) & (velocity > 0)) | ((reached < minimum) & (velocity < 0))
        return np.where(leaving, 0.0, velocity), leaving
    # Until it brakes with all it has: one tick, and the build-up of the deceleration.
    late = period + limits.acceleration / limits.jerk
    down = limits.stoppable_velocity(position - minimum - late * limits.velocity)
    up = limits.stoppable_velocity(maximum - position - late * limits.velocity)
    return np.clip(velocity, -down, up), (velocity > up) | (velocity < -down)


class JointBounds:
    """The position limits, from the URDF, of one action that commands joint velocities.

    Args:
        contract: Of the robot.
        name: Of the action.
        robot: The URDF.
        limits: Of the change of the velocity; None: it may stop at once.
    """

    def __init__(
        self, contract: Contract, name: str, robot: URDF, limits: JointLimits | None,
    ) -> None:
        joints = contract.actions[name].joints
        known = limits_from_urdf(robot, joints)
        self._minimum = np.maximum(known.minimum, -_FAR)
        self._maximum = np.minimum(known.maximum, _FAR)
        self._sources = where_measured(contract, joints)
        self._limits = limits
        self._period = contract.period

    @classmethod
    def apply_to(cls, contract: Contract, name: str, robot: URDF | None) -> bool:
        """Say whether an action has such limits: joints of the URDF that are measured."""
        entry = contract.actions[name]
        measured = {joint for other in contract.observations.values()
                    if other.quantity == 'position' for joint in other.joints}
        return (robot is not None and bool(entry.joints) and entry.quantity == 'velocity'
                and all(joint in robot.joint_map for joint in entry.joints)
                and measured.issuperset(entry.joints))

    def bound(
        self, velocity: np.ndarray, values: Mapping[str, np.ndarray],
    ) -> tuple[np.ndarray, bool]:
        """Return the velocities (n,) that may be commanded, and whether they were cut."""
        position = np.array([values[name][element] for name, element in self._sources])
        allowed, leaving = bounded(velocity, position, self._minimum, self._maximum,
                                   self._limits, self._period)
        return allowed, bool(leaving.any())
