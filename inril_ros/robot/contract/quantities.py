# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What an observed or derived quantity is: its length, its quaternion, its angles."""

from collections.abc import Mapping
import math

import numpy as np

from inril_ros.robot.angles import Angles
from inril_ros.robot.contract.actions import Action
from inril_ros.robot.contract.streams import Derived, Observation

# A joint that is commanded beyond two turns is no angle that begins again: it has another unit.
_FARTHEST = 4.0 * math.pi


def quantity_length(
    name: str, observations: Mapping[str, Observation], derived: Mapping[str, Derived],
) -> int:
    """Return the number of values of a quantity."""
    if name in observations:
        return observations[name].length
    entry = derived[name]
    if entry.part:
        return len(entry.indices)
    length = quantity_length(entry.inputs[0], observations, derived)
    if entry.rotation_6d:
        return length + 2
    if entry.cos_sin:
        return 2 * length
    return length * (entry.ticks if entry.history else 1)


def has_quaternion(
    name: str, observations: Mapping[str, Observation], derived: Mapping[str, Derived],
) -> bool:
    """Return whether a quantity is an orientation or a pose, which end with a quaternion."""
    if name in observations:
        return observations[name].has_quaternion
    entry = derived[name]
    if entry.previous:
        return entry.scale == 1.0 and has_quaternion(entry.previous, observations, derived)
    return entry.relative is not None


def depends_on_sign(
    name: str, observations: Mapping[str, Observation], derived: Mapping[str, Derived],
) -> bool:
    """Return whether values of a quantity depend on which of the two quaternions is taken."""
    if name in observations:
        return observations[name].has_quaternion
    entry = derived[name]
    if entry.part or entry.rotation_6d:  # a part has nothing of a quaternion
        return False
    return any(
        depends_on_sign(source, observations, derived) for source in entry.inputs)


def joint_angles(
    name: str, observations: Mapping[str, Observation], derived: Mapping[str, Derived],
    actions: Mapping[str, Action],
) -> Angles | None:
    """Return which values of a quantity are angles of joints; None if none is."""
    if name in derived:
        entry = derived[name]
        if entry.previous and entry.scale == 1.0:
            return joint_angles(entry.previous, observations, derived, actions)
        if entry.part and entry.scale == 1.0:
            return _chosen(joint_angles(entry.part, observations, derived, actions),
                           list(entry.indices))
        return None
    observed = observations[name]
    if not observed.comes_by_joint or observed.quantity != 'position':
        return None
    if observed.continuous is not None:
        endless = np.array([joint in observed.continuous for joint in observed.joints])
        return Angles(np.zeros(len(endless), bool), endless) if endless.any() else None
    far = {joint for action in actions.values() if action.commands_positions
           for joint, low, high in zip(action.joints, action.minimum, action.maximum)
           if max(abs(low), abs(high)) > _FARTHEST}
    near = np.array([joint not in far for joint in observed.joints])
    return Angles(near, np.zeros(len(near), bool)) if near.any() else None


def _chosen(angles: Angles | None, indices: list[int]) -> Angles | None:
    if angles is None or not (angles.jumping | angles.endless)[indices].any():
        return None
    return Angles(angles.jumping[indices], angles.endless[indices])
