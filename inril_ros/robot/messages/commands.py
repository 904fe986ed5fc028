# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Actions to command messages and back: the interfaces that arms are driven by.

| type in the contract | whom it drives |
|---|---|
| ``trajectory_msgs/msg/JointTrajectory`` | joint_trajectory_controller: one point, or a horizon |
| ``std_msgs/msg/Float64MultiArray`` | forward controllers; the last one stays for ever |
| ``control_msgs/msg/JointJog``, ``geometry_msgs/msg/TwistStamped`` | MoveIt Servo |
| ``control_msgs/action/GripperCommand`` | grippers, by an action: the goal is returned |

No ROS is imported here, control_msgs neither: whoever encodes passes in the message types.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from inril_ros.robot.contract.contract import Action, Contract
from inril_ros.robot.contract.fields import TRAJECTORY
from inril_ros.robot.messages.codecs import (
    CodecError,
    follow_path,
    MessageTypes,
    numbers_in,
    POINT_FIELDS,
    put_numbers,
    put_stamp,
    read_trajectory,
)

MULTI_ARRAY = 'std_msgs/msg/Float64MultiArray'
JOINT_JOG = 'control_msgs/msg/JointJog'
GRIPPER = 'control_msgs/action/GripperCommand'


def encode_command(
    contract: Contract, action: np.ndarray, stamp: int, types: MessageTypes,
    following: Mapping[str, np.ndarray] | None = None,
) -> list[tuple[str, Any]]:
    """Return the (topic, message) pairs that send an action (A,) in contract units.

    Several actions on one topic share a message. The first point of a trajectory is reached one
    period after the stamp.

    Args:
        contract: Of the robot.
        action: (A,) What is due now.
        stamp: [ns] Of the tick.
        types: Gives message classes. For a gripper action the message is the goal.
        following: By the name of an action with a horizon, the joint positions (R, n) of the
            periods that follow.
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
    values = _read(message, action)
    if values.size != action.length:
        raise CodecError(f'{action.topic}: {values.size} values, {action.length} needed')
    if not np.isfinite(values).all():
        raise CodecError(f'{action.topic}: a value is not finite: {values.tolist()}')
    return values


def _write(
    message: Any, action: Action, values: np.ndarray, period: int, types: MessageTypes,
) -> None:
    if action.type == TRAJECTORY:
        message.joint_names.extend(action.joints)
        if not message.points:
            _add_point(message, action, values, period, types)
        else:
            getattr(message.points[0], POINT_FIELDS[action.quantity]).extend(_floats(values))
    elif action.type == JOINT_JOG:
        message.joint_names.extend(action.joints)
        message.velocities.extend(_floats(values))
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
    getattr(point, POINT_FIELDS[action.quantity]).extend(_floats(values))
    # A controller refuses points at the same time, and one at time 0 is a jump.
    after = period * (len(message.points) + 1)
    point.time_from_start.sec, point.time_from_start.nanosec = divmod(after, 1_000_000_000)
    message.points.append(point)


def _read(message: Any, action: Action) -> np.ndarray:
    if action.type == GRIPPER:
        return np.array([message.command.position], np.float64)
    if action.type not in (TRAJECTORY, JOINT_JOG):
        return np.array(numbers_in(follow_path(message, action.field or 'data')), np.float64)
    if action.type == TRAJECTORY:
        return read_trajectory(message, action.joints, action.quantity, action.topic)
    values, names = list(message.velocities), list(message.joint_names)
    try:
        return np.array([values[names.index(joint)] for joint in action.joints])
    except (ValueError, IndexError) as error:
        raise CodecError(
            f'{action.topic}: no {action.quantity} for {action.joints}') from error


def _floats(values: np.ndarray) -> list[float]:
    return [float(value) for value in values]
