# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recordings of an arm with commands of a test's own, and their import."""


from foreign_bags import ARM, BEGIN, CONTRACT, recording, ros2_bag, SECOND

from inril_ros.data.bags.reading import read_episode
from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.episode_cuts import CutRule
from inril_ros.data.importing.import_mapping import ImportMapping
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.data.raw.messages import blank_message
from inril_ros.robot.messages.codecs import put_stamp

FIRST = 0.001  # [s] First tick of the recordings
FORWARD = {**ARM, 'actions': {'arm': {
    **ARM['actions']['arm'], 'type': 'std_msgs/msg/Float64MultiArray'}}}


def goal(names, *points, stamp=0, **derivatives):
    """A JointTrajectory with points (time_from_start [s], positions)."""
    message = blank_message('trajectory_msgs/msg/JointTrajectory')
    message.joint_names.extend(names)
    put_stamp(message, stamp, '')
    for index, (seconds, positions) in enumerate(points):
        point = blank_message('trajectory_msgs/msg/JointTrajectoryPoint')
        point.positions.extend(map(float, positions))
        for name, values in derivatives.items():
            getattr(point, name).extend(map(float, values[index]))
        point.time_from_start.sec, point.time_from_start.nanosec = divmod(
            round(seconds * SECOND), SECOND)
        message.points.append(point)
    return message


def array(*values):
    message = blank_message('std_msgs/msg/Float64MultiArray')
    message.data.extend(values)
    return message


def at(seconds, message, topic='/command'):
    return topic, BEGIN + round(seconds * SECOND), message


def states(seconds=2.0, still=False):
    """The arm's streams: joint a moves at 1 rad/s and b at 2 rad/s, or both stand at 0."""
    rows = [row for row in recording(seconds) if row[0] != '/command']
    if still:
        for _, _, message in rows:
            if hasattr(message, 'position'):
                message.position[:] = type(message.position)('d', [0.0, 0.0])
    return rows


def imported(tmp_path, rows, contract=CONTRACT, cut='whole', **mapping):
    source = ros2_bag(tmp_path / 'bag', sorted(rows, key=lambda row: row[1]))
    done = import_bag([source], contract, tmp_path / 'demos', ImportOptions(
        mapping=ImportMapping(**mapping), cut=CutRule.parse(cut)))
    return done, [read_episode(path, contract)
                  for path in sorted((tmp_path / 'demos').glob('[0-9]*'))]


def stream(make, seconds=2.0, rate=10):
    """Commands at a rate; ``make`` gets the time [s] and returns the message."""
    return [at(index / rate + 0.03, make(index / rate)) for index in range(round(seconds * rate))]
