# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a topic is for, by its type and by the words in its name."""

import re

from inril_ros.robot.contract.fields import JOINT_STATE, TRAJECTORY
from inril_ros.robot.draft.topic_seen import TopicSeen

MULTI_ARRAY = 'std_msgs/msg/Float64MultiArray'
JOINT_JOG = 'control_msgs/msg/JointJog'
TWIST = 'geometry_msgs/msg/TwistStamped'
IMAGES = ('sensor_msgs/msg/CompressedImage', 'sensor_msgs/msg/Image')
#: Types that an import turns into images.
IMPORTED_IMAGES = ('ffmpeg_image_transport_msgs/msg/FFMPEGPacket',
                   'foxglove_msgs/msg/CompressedImage', 'foxglove_msgs/msg/CompressedVideo',
                   'foxglove_msgs/msg/RawImage')
#: Types that a contract can command joints with, as messages.
JOINT_COMMANDS = (TRAJECTORY, MULTI_ARRAY, JOINT_JOG)
#: Observed types that need no more than a field.
FIELDS = {
    'geometry_msgs/msg/PoseStamped': 'pose',
    'geometry_msgs/msg/PointStamped': 'point',
    'geometry_msgs/msg/TransformStamped': 'transform',
    'geometry_msgs/msg/WrenchStamped': 'wrench',
    TWIST: 'twist',
}
_LEADER = ('leader', 'master', 'gello', 'teleop', 'operator', 'expert')
_COMMAND = ('command', 'cmd', 'target', 'desired', 'goal', 'reference', 'setpoint')
_OF_ROS = ('/rosout', '/parameter_events', '/clock', '/diagnostics', '/robot_description',
           '/bond', '/statistics')
_TYPES_OF_ROS = ('rcl_interfaces/', 'diagnostic_msgs/', 'rosgraph_msgs/', 'lifecycle_msgs/',
                 'visualization_msgs/', 'bond/', 'action_msgs/', 'statistics_msgs/',
                 'sensor_msgs/msg/CameraInfo', 'inril_ros/')


def words(name: str) -> list[str]:
    """Return the words of a topic's name or of a type's, in lower case."""
    return [word for part in re.split(r'[/_]+', name)
            for word in re.sub(r'(?<=[a-z0-9])(?=[A-Z])', ' ', part).lower().split()]


def is_leader(topic: TopicSeen) -> bool:
    """Return whether a topic is named as that of a person's device, or of a leader arm."""
    return any(word.startswith(_LEADER) for word in words(topic.name))


def is_named_command(topic: TopicSeen) -> bool:
    """Return whether the name of a topic, or of its type, says that it commands."""
    kind = topic.type.split('/')[-1]
    found = [*words(topic.name), *words(kind)]
    return any(word.startswith(_COMMAND) for word in found) or (
        topic.type == TWIST and 'servo' in found)


def is_joint_state(topic: TopicSeen) -> bool:
    """Return whether a topic has joint states that were published."""
    return topic.type == JOINT_STATE and topic.published


def is_of_ros(topic: TopicSeen) -> bool:
    """Return whether a topic is about the graph, its nodes or its display, not the robot."""
    return (topic.name in _OF_ROS or topic.name.startswith(('/_', '/rosbag2'))
            or topic.name.endswith(_OF_ROS) or topic.type.startswith(_TYPES_OF_ROS))


def segments(name: str) -> list[str]:
    """Return the parts of a topic's name."""
    return [part for part in name.split('/') if part]


def shared_segments(name: str, other: str) -> int:
    """Return how many of their first parts, their namespace, two topics share."""
    count = 0
    for one, two in zip(segments(name)[:-1], segments(other)[:-1]):
        if one != two:
            break
        count += 1
    return count
