# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The message fields that a contract may name, with their numbers of values.

A type that isn't listed is read by the path of a field and its size: a robot with its own message
type needs one line in its contract and no code.
"""

import re
from typing import Annotated

from pydantic import Field

MessageType = Annotated[str, Field(pattern=r'^[a-z][a-z0-9_]*/msg/[A-Z][A-Za-z0-9]*$')]

JOINT_STATE = 'sensor_msgs/msg/JointState'
TRAJECTORY = 'trajectory_msgs/msg/JointTrajectory'
#: TF: the value is the pose of one frame in another, along the chain between them.
TRANSFORMS = 'tf2_msgs/msg/TFMessage'

_POSE = {'pose': 7, 'pose.position': 3, 'pose.orientation': 4}
_TRANSFORM = {'transform': 7, 'transform.translation': 3, 'transform.rotation': 4}

#: Number of values of each field, by message type; 0 if the contract gives it. ``[i]`` stands for
#: an index.
_FIELDS: dict[str, dict[str, int]] = {
    'geometry_msgs/msg/PoseStamped': _POSE,
    'geometry_msgs/msg/PoseArray': {
        'poses[i]': 7, 'poses[i].position': 3, 'poses[i].orientation': 4},
    'geometry_msgs/msg/PointStamped': {'point': 3},
    'geometry_msgs/msg/TransformStamped': _TRANSFORM,
    'geometry_msgs/msg/TwistStamped': {'twist': 6, 'twist.linear': 3, 'twist.angular': 3},
    'geometry_msgs/msg/WrenchStamped': {'wrench': 6, 'wrench.force': 3, 'wrench.torque': 3},
    'sensor_msgs/msg/Joy': {'axes': 0, 'buttons': 0, 'axes[i]': 1, 'buttons[i]': 1},
    'std_msgs/msg/Bool': {'data': 1},
    'std_msgs/msg/Float32': {'data': 1},
    'std_msgs/msg/Float64': {'data': 1},
    'std_msgs/msg/Float32MultiArray': {'data': 0, 'data[i]': 1},
    'std_msgs/msg/Float64MultiArray': {'data': 0, 'data[i]': 1},
    TRANSFORMS: _TRANSFORM,
    JOINT_STATE: {},
    TRAJECTORY: {},
    'control_msgs/msg/JointJog': {},
    'control_msgs/action/GripperCommand': {},
}
#: Message types an observation can be read from without giving its size.
OBSERVATION_TYPES = tuple(kind for kind in _FIELDS if not kind.startswith('control_msgs'))
_BY_JOINT = (JOINT_STATE, TRAJECTORY, 'control_msgs/msg/JointJog',
             'control_msgs/action/GripperCommand')

#: Types a command can be sent as. control_msgs is needed only by contracts that name it.
ACTION_TYPES = (
    'geometry_msgs/msg/TwistStamped',
    'trajectory_msgs/msg/JointTrajectory',
    'std_msgs/msg/Float64MultiArray',
    'control_msgs/msg/JointJog',
    'control_msgs/action/GripperCommand',
)


def field_size(message_type: str, field: str, joints: tuple[str, ...], size: int) -> int:
    """Return the number of values of a field.

    Args:
        message_type: ROS message type, for example ``geometry_msgs/msg/PoseStamped``.
        field: Path of the field, for example ``pose.position`` or ``poses[2].position``.
        joints: Joint names, for types with joint names.
        size: Length of an array whose length the type doesn't fix.

    Raises:
        ValueError: The type has no such field, or joints are missing or not applicable.
    """
    if message_type in _BY_JOINT:
        if not joints or field:
            raise ValueError(f'{message_type} needs joints (a list of names) and no field')
        if len(set(joints)) != len(joints):
            raise ValueError(f'joints names one twice: {list(joints)}')
        return len(joints)
    if joints and message_type == 'std_msgs/msg/Float64MultiArray':
        # A forward controller: the message has no names, so the order is the controller's.
        if field not in ('', 'data') or len(joints) != size or len(set(joints)) != size:
            raise ValueError(f'joints must name each of the {size} values once: {list(joints)}')
        return size
    if joints:
        raise ValueError(f'{message_type} has no joints; name a field instead')
    if message_type not in _FIELDS:
        return _size_of_other(message_type, field, size)
    allowed = _FIELDS[message_type]
    known = None if '[i]' in field else allowed.get(re.sub(r'\[\d+\]', '[i]', field))
    if known is None:
        raise ValueError(f'field {field!r} is not allowed for {message_type}: '
                         f'allowed are {sorted(allowed)}')
    if known == 0 and size < 1:
        raise ValueError(f'{message_type} {field} needs a size of at least 1')
    return known or size


def _size_of_other(message_type: str, field: str, size: int) -> int:
    if not re.fullmatch(r'\w+(\[\d+\])?(\.\w+(\[\d+\])?)*', field) or size < 1:
        raise ValueError(
            f'type {message_type!r} is not known; known are {sorted(OBSERVATION_TYPES)}. '
            'Another type needs field (a path such as state.force) and size (number of values)')
    return size


def has_no_header(message_type: str) -> bool:
    """Return whether messages of a type have no header, and thus no time of their own."""
    return message_type.startswith('std_msgs/msg/')


def is_known(message_type: str) -> bool:
    """Return whether the fields of a type are listed here."""
    return message_type in _FIELDS


def holds_rotation(message_type: str, field: str, length: int) -> bool:
    """Return whether a field is a pose or a quaternion, by its name."""
    name = re.sub(r'\[\d+\]$', '', field.rpartition('.')[2])
    known = {4: ('orientation', 'rotation', 'quaternion'), 7: ('pose', 'poses', 'transform')}
    return message_type not in _BY_JOINT and name in known.get(length, ())


def check_alignment(message_type: str, field: str, align: str, rotation: bool) -> None:
    """Check that a field can be aligned in a way.

    Raises:
        ValueError: It can't: neither rotations nor switches can be interpolated linearly.
    """
    if align == 'slerp' and not rotation:
        raise ValueError(f'align: slerp is for orientations and poses, which {message_type} '
                         f'{field} is not: use interpolate, or write quaternion: true if its '
                         'last four values are x y z w')
    if align == 'interpolate' and rotation:
        raise ValueError(f'align: interpolate gives no unit quaternions: use slerp for '
                         f'{message_type} {field}')
    if align != 'hold' and (message_type == 'std_msgs/msg/Bool' or field.startswith('buttons')):
        raise ValueError(f'align: a switch has no values between on and off: use hold for '
                         f'{message_type} {field}')
