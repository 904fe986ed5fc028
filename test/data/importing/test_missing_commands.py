# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A bag without the commands' topic says where its commands may be, and they are read there."""

import re

from foreign_bags import BEGIN, CONTRACT, recording, SECOND
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_types_from_msg, get_typestore, Stores

from inril_ros.data.bags.bags import BagError
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.import_mapping import load_mapping
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.data.raw.messages import serialised
from inril_ros.data.raw.typestore import ros_typestore

CONTROLLER_STATE = 'control_msgs/msg/JointTrajectoryControllerState'


def controller_state(store, t):
    """What a joint_trajectory_controller says of itself, in its own order of joints."""
    types = store.types
    point = types['trajectory_msgs/msg/JointTrajectoryPoint'](
        positions=np.array([9.0, 2 * t, t]), velocities=np.zeros(0), accelerations=np.zeros(0),
        effort=np.zeros(0), time_from_start=types['builtin_interfaces/msg/Duration'](0, 0))
    header = types['std_msgs/msg/Header'](types['builtin_interfaces/msg/Time'](0, 0), '')
    return types[CONTROLLER_STATE](header, ['x', 'b', 'a'], point)


def test_the_state_of_a_controller_has_the_commands_that_a_bag_of_action_goals_lacks(tmp_path):
    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(get_types_from_msg(
        'std_msgs/Header header\nstring[] joint_names\n'
        'trajectory_msgs/JointTrajectoryPoint reference', CONTROLLER_STATE))
    rows = [row for row in recording() if row[0] != '/command']
    with Writer(tmp_path / 'bag', version=9, storage_plugin=StoragePlugin.MCAP) as bag:
        links = {topic: bag.add_connection(topic, kind, typestore=ros_typestore())
                 for topic, kind in {row[0]: row[2].__msgtype__ for row in rows}.items()}
        links['/c/state'] = bag.add_connection('/c/state', CONTROLLER_STATE, typestore=store)
        links['/c/_action/status'] = bag.add_connection(
            '/c/_action/status', 'std_msgs/msg/String', typestore=store)
        messages = [(topic, time, serialised(message)) for topic, time, message in rows]
        messages += [('/c/state', BEGIN + round((t + 0.03) * SECOND), bytes(store.serialize_cdr(
            controller_state(store, t), CONTROLLER_STATE))) for t in np.arange(20) / 10]
        for topic, time, raw in sorted(messages, key=lambda row: row[1]):
            bag.write(links[topic], time, raw)
    with pytest.raises(BagError) as error:
        import_bag([tmp_path / 'bag'], CONTRACT, tmp_path / 'demos', ImportOptions())
    assert '/c is an action: its goals are in no topic.' in str(error.value)
    [said] = re.findall(r'may be in  (actions: .*)', str(error.value))
    mapping = tmp_path / 'mapping.yaml'
    mapping.write_text(said)
    [report] = import_bag([tmp_path / 'bag'], CONTRACT, tmp_path / 'demos', ImportOptions(
        mapping=load_mapping(mapping)))
    episode = read_episode(tmp_path / 'demos' / report.name, CONTRACT)
    assert episode.actions == pytest.approx(
        np.outer(np.arange(report.ticks) / 10, [1.0, 2.0]), abs=1e-6)
