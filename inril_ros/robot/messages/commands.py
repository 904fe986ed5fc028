# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Actions in command messages: the interfaces by which arms are driven.

| type in the contract | receiver |
|---|---|
| ``trajectory_msgs/msg/JointTrajectory`` | joint_trajectory_controller: one point, or a horizon |
| ``std_msgs/msg/Float64MultiArray`` | forward controllers, which hold the last one for ever |
| ``control_msgs/msg/JointJog``, ``geometry_msgs/msg/TwistStamped`` | MoveIt Servo |
| ``control_msgs/action/GripperCommand`` | grippers; the message is the action's goal |

Neither ROS nor control_msgs is imported: message types are passed in.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from inril_ros.robot.contract.contract import Action, Contract
from inril_ros.robot.contract.fields import TRAJECTORY
from inril_ros.robot.messages.codecs import (
    checked_values,
    follow_path,
    MessageTypes,
    named_values,
    numbers_in,
    POINT_FIELDS,
    put_numbers,
    put_stamp,
    read_trajectory,
)

MULTI_ARRAY = 'std_msgs/msg/Float64MultiArray'
JOINT_JOG = 'control_msgs/msg/JointJog'
TWIST = 'geometry_msgs/msg/TwistStamped'
GRIPPER = 'control_msgs/action/GripperCommand'


def encode_command(
    contract: Contract, action: np.ndarray, stamp: int, types: MessageTypes,
    following: Mapping[str, np.ndarray] | None = None,
) -> list[tuple[str, Any]]:
    """Return the (topic, message) pairs that send an action (A,) in contract units.

    Several actions on one topic share a message. The first point of a trajectory is reached one
    period after the stamp.

    Args:
        contract: The robot's contract.
        action: (A,) Action of the tick.
        stamp: [ns] Time of the tick.
        types: Returns message classes.
        following: Joint positions (R, n) of the next periods, by the name of an action with a
            horizon.
    """
    messages: dict[str, Any] = {}
    for name, entry in contract.actions.items():
        values = action[contract.action_slice(name)]
        message = messages.get(entry.topic)
        if message is None:
            kind = types(entry.type)
            message = messages[entry.topic] = kind.Goal() if entry.type == GRIPPER else kind()
            put_stamp(message, stamp, entry.frame_id)
        _write(message, entry, values, contract.period_ns, types)
        if following is not None and name in following:
            for row in following[name]:
                _add_point(message, entry, row, contract.period_ns, types)
    return list(messages.items())


def decode_command(message: Any, action: Action) -> np.ndarray:
    """Read one action (size,) from a command message, as the robot's side would.

    Raises:
        CodecError: The message doesn't hold the action.
    """
    if action.type == GRIPPER:
        values = [message.command.position]
    elif action.type == TRAJECTORY:
        values = read_trajectory(message, action)
    elif action.type == JOINT_JOG:
        values = named_values(message.joint_names, message.velocities, action)
    else:
        values = numbers_in(follow_path(message, action.field or 'data'))
    return checked_values(values, action)


def _write(
    message: Any, action: Action, values: np.ndarray, period: int, types: MessageTypes,
) -> None:
    if action.type == TRAJECTORY:
        message.joint_names.extend(action.joints)
        if not message.points:
            _add_point(message, action, values, period, types)
        else:
            getattr(message.points[0], POINT_FIELDS[action.quantity]).extend(map(float, values))
    elif action.type == JOINT_JOG:
        message.joint_names.extend(action.joints)
        message.velocities.extend(map(float, values))
        message.duration = period / 1e9
    elif action.type == GRIPPER:
        message.command.position = float(values[0])
        message.command.max_effort = action.max_effort
    else:
        put_numbers(follow_path(message, action.field or 'data', types), values)


def _add_point(
    message: Any, action: Action, values: np.ndarray, period: int, types: MessageTypes,
) -> None:
    point = types('trajectory_msgs/msg/JointTrajectoryPoint')()
    getattr(point, POINT_FIELDS[action.quantity]).extend(map(float, values))
    # A controller refuses two points at the same time; one at time 0 would be a jump.
    after = period * (len(message.points) + 1)
    point.time_from_start.sec, point.time_from_start.nanosec = divmod(after, 1_000_000_000)
    message.points.append(point)
