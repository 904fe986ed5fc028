# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Two arms that publish joints of the same names on one topic are told from one that moves."""

from copy import deepcopy

from foreign_bags import CONTRACT, recording, ros2_bag
import numpy as np
import pytest

from inril_ros.data.agreement.to_and_fro import jumps_to_and_fro
from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.import_options import ImportOptions

TIME = np.arange(100) / 5.0  # [s] A slow publisher, 5 Hz


@pytest.mark.parametrize(('values', 'two'), [
    (np.sin(TIME), False),
    (np.sin(2.0 * np.pi * TIME), False),  # five messages per turn
    ((TIME % 4.0 < 2.0) * 0.08, False),  # a gripper that opens and closes at once
    (1e-3 * (-1.0) ** np.arange(100), False),  # noise at rest
    (np.where(np.arange(100) % 2, 0.5, -0.5) + 0.01 * TIME, True),
    (np.where(np.arange(100) % 3, 0.5, -0.5), True),
    (np.where(np.random.default_rng(0).random(100) < 0.5, 0.5, -0.5), True)])
def test_only_alternating_messages_jump_to_and_fro(values, two):
    assert jumps_to_and_fro(values[:, None]).tolist() == [two]


def test_an_import_refuses_joint_states_of_two_arms_on_one_topic(tmp_path):
    rows = recording(3.0)
    for topic, time, message in list(rows):
        if topic == '/joint_states':
            other = deepcopy(message)
            other.position[0] += 0.7
            other.header.stamp.nanosec += 5_000_000
            rows.append((topic, time + 5_000_000, other))
    source = ros2_bag(tmp_path / 'bag', sorted(rows, key=lambda row: row[1]))
    [report] = import_bag([source], CONTRACT, tmp_path / 'demos', ImportOptions())
    assert 'joint_states: the positions of [' in report.reason
    assert 'jump to and fro' in report.reason and 'namespace' in report.reason
