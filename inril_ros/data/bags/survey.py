# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The topics of a bag: types, rates, and the first message of each."""

from pathlib import Path
from typing import Any

from inril_ros.data.bags.bags import BagError
from inril_ros.data.bags.connection import Connection
from inril_ros.data.bags.recording import open_recording, Recording
from inril_ros.robot.contract.draft import image_size, TopicSeen

# Types of commands to a robot; a bag doesn't say who sent a message.
_COMMANDS = ('trajectory_msgs/msg/JointTrajectory', 'std_msgs/msg/Float64MultiArray',
             'geometry_msgs/msg/TwistStamped')


def survey_bag(path: Path) -> list[TopicSeen]:
    """Return the topics of a bag of ROS 1 or 2 with the first message of each.

    Raises:
        BagError: It can't be read.
    """
    with open_recording(path) as reader:
        seconds = max(1e-9, (reader.end_time - reader.start_time) / 1e9)
        samples = {name: _first(reader, found) for name, found in reader.topics.items()}
        return [TopicSeen(
            name, ' and '.join(kinds), samples[name], published=True,
            awaited=not kinds.isdisjoint(_COMMANDS),
            rate=sum(each.msgcount for each in found) / seconds,
            size=None if samples[name] is None else image_size(samples[name]))
            for name, found in reader.topics.items()
            for kinds in [{each.msgtype: None for each in found}.keys()]]


def _first(reader: Recording, connections: list[Connection]) -> Any:
    """Return the first readable message of a topic; None if there is none."""
    for connection, _, raw in reader.messages(connections):
        try:
            return reader.deserialize(raw, connection)
        except BagError:  # an unreadable topic must not hide the others
            return None
    return None
