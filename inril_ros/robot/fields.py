# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which fields of which messages a contract may name, and how many values each has."""

import re

#: Number of values of each field that can be named, by message type. ``[i]`` stands for an index.
_FIELDS: dict[str, dict[str, int]] = {
    'geometry_msgs/msg/PoseStamped': {'pose': 7, 'pose.position': 3, 'pose.orientation': 4},
    'geometry_msgs/msg/PoseArray': {
        'poses[i]': 7, 'poses[i].position': 3, 'poses[i].orientation': 4},
    'geometry_msgs/msg/PointStamped': {'point': 3},
    'geometry_msgs/msg/TwistStamped': {'twist': 6, 'twist.linear': 3, 'twist.angular': 3},
    'geometry_msgs/msg/WrenchStamped': {'wrench': 6, 'wrench.force': 3, 'wrench.torque': 3},
    'std_msgs/msg/Float64MultiArray': {'data': 0},
    'sensor_msgs/msg/JointState': {},
    'trajectory_msgs/msg/JointTrajectory': {},
    'control_msgs/msg/JointJog': {},
    'control_msgs/action/GripperCommand': {},
}
_BY_JOINT = (
    'sensor_msgs/msg/JointState',
    'trajectory_msgs/msg/JointTrajectory',
    'control_msgs/msg/JointJog',
    'control_msgs/action/GripperCommand',
)

#: Message types an observation can be read from. All carry a header: a value has a time.
OBSERVATION_TYPES = (
    'geometry_msgs/msg/PoseStamped',
    'geometry_msgs/msg/PoseArray',
    'geometry_msgs/msg/PointStamped',
    'geometry_msgs/msg/TwistStamped',
    'geometry_msgs/msg/WrenchStamped',
    'sensor_msgs/msg/JointState',
)
#: Types a command can be sent as: topics, and one action. Those of control_msgs are needed only
#: by contracts that name them.
ACTION_TYPES = (
    'geometry_msgs/msg/TwistStamped',
    'trajectory_msgs/msg/JointTrajectory',
    'std_msgs/msg/Float64MultiArray',
    'control_msgs/msg/JointJog',
    'control_msgs/action/GripperCommand',
)


def field_size(message_type: str, field: str, joints: tuple[str, ...], size: int) -> int:
    """Return how many values a field has.

    Args:
        message_type: ROS message type, for example ``geometry_msgs/msg/PoseStamped``.
        field: Path of the field, for example ``pose.position`` or ``poses[2].position``.
        joints: Joint names, for the types that are read by joint.
        size: Length of an array, where the type doesn't tell.

    Raises:
        ValueError: The type has no such field, or joints are missing or not applicable.
    """
    if message_type in _BY_JOINT:
        if not joints or field:
            raise ValueError(f'{message_type} needs joints (a list of names) and no field')
        if len(set(joints)) != len(joints):
            raise ValueError(f'joints has a name twice: {list(joints)}')
        return len(joints)
    if joints and message_type == 'std_msgs/msg/Float64MultiArray':
        # A forward controller: the message has no names, so the order is the controller's.
        if field not in ('', 'data') or len(joints) != size or len(set(joints)) != size:
            raise ValueError(f'joints must name each of the {size} values once: {list(joints)}')
        return size
    if joints:
        raise ValueError(f'{message_type} has no joints; name a field instead')
    allowed = _FIELDS[message_type]
    known = None if '[i]' in field else allowed.get(re.sub(r'\[\d+\]', '[i]', field))
    if known is None:
        raise ValueError(f'field {field!r} is not allowed for {message_type}: '
                         f'allowed are {sorted(allowed)}')
    if known == 0 and size < 1:
        raise ValueError(f'{message_type} {field} needs a size of at least 1')
    return known or size
