# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a bag holds, topic by topic: types, rates, one message of each."""

from pathlib import Path
from typing import Any

from rosbags.highlevel import AnyReader

from inril_ros.data.bags.bags import BagError
from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.robot.contract.draft import image_size, TopicSeen

# Sent to a robot, not by it; in a bag one can't see who sent what.
_COMMANDS = ('trajectory_msgs/msg/JointTrajectory', 'std_msgs/msg/Float64MultiArray',
             'geometry_msgs/msg/TwistStamped')


def survey_bag(path: Path) -> list[TopicSeen]:
    """Return the topics of a bag of ROS 1 or 2 with the first message of each.

    Raises:
        BagError: It can't be read.
    """
    try:
        with AnyReader([path], default_typestore=ros_typestore()) as reader:
            seconds = max(1e-9, (reader.end_time - reader.start_time) / 1e9)
            samples = {name: _first(reader, name) for name in reader.topics}
            return [TopicSeen(
                name, info.msgtype or 'more than one', samples[name], published=True,
                awaited=info.msgtype in _COMMANDS, rate=info.msgcount / seconds,
                size=None if samples[name] is None else image_size(samples[name]))
                for name, info in sorted(reader.topics.items())]
    except Exception as error:  # a damaged file makes the reader raise almost anything
        raise BagError(f'{path}: cannot be read: {error}') from error


def _first(reader: AnyReader, name: str) -> Any:
    """Return the first message of a topic; None if it has none, or of an unknown type."""
    links = [link for link in reader.connections if link.topic == name]
    for link, _, raw in reader.messages(links):
        try:
            return reader.deserialize(raw, link.msgtype)
        except Exception:  # one topic that can't be read doesn't keep the others back
            return None
    return None
