# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The doctor tells which teleop devices send, how often, and whether they fit the contract."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from inril_ros.doctor.teleoperation import (
    check_teleoperation,
    teleop_topics,
    TeleopRecord,
    why_not,
)
from inril_ros.robot.contract.contract import load_contract

ROBOTS = Path(__file__).parents[2] / 'config' / 'robots'
ARM = load_contract(ROBOTS / 'ur5e_joint_trajectory.yaml')  # a leader arm, and a joystick
LEADER, JOY = 'leader/joint_states', 'joy'
DEVICE = 'leader:/teleop_node:7'


def sends(kind, rate=50.0, source=DEVICE, **more):
    times = tuple(np.arange(0.0, 3.0, 1.0 / rate))
    return TeleopRecord(**{'types': (kind,), 'publishers': 1, 'received': {source: times}, **more})


def found(joy, leader=None):
    records = {LEADER: leader or sends('sensor_msgs/msg/JointState'), JOY: joy}
    return [(each.level, each.what) for each in check_teleoperation(ARM, records, 3.0)
            if each.what.startswith(f'{JOY}:')]


def test_the_topics_are_those_that_the_contract_needs():
    assert teleop_topics(ARM) == {LEADER: 'sensor_msgs/msg/JointState',
                                  JOY: 'sensor_msgs/msg/Joy'}
    spacenav = load_contract(ROBOTS / 'servo_twist.yaml')  # moving the device takes over
    assert teleop_topics(spacenav) == {
        'spacenav/twist_stamped': 'geometry_msgs/msg/TwistStamped'}
    assert teleop_topics(load_contract(ROBOTS / 'aloha.yaml')) == {}, 'a person moves nothing'


KIND = 'sensor_msgs/msg/Joy'
SEVERAL = {DEVICE: tuple(np.arange(0.0, 3.0, 0.02)), 'keyboard:/keys/teleop_node:2': tuple(
    np.arange(0.0, 3.0, 0.05)), 'other': (1.0,)}


@pytest.mark.parametrize(('record', 'expected'), [
    (sends(KIND), [('ok', 'joy: leader of /teleop_node, 50.0 Hz, longest gap 0.020 s')]),
    (TeleopRecord(), [('warning', 'joy: no device sends there: nobody can demonstrate')]),
    (sends('std_msgs/msg/Bool'), [('error', 'joy: is std_msgs/msg/Bool, and sensor_msgs/msg/Joy')
                                  ]),
    (sends(KIND, received={}), [('warning', 'joy: a device is there, and sent nothing in 3 s')]),
    (sends(KIND, rate=5.0), [('warning', 'joy: leader of /teleop_node, 5.0 Hz, longest gap 0.200 '
                              's: after 0.1 s a command counts as released')]),
    (sends(KIND, received={DEVICE: (1.0,)}), [('warning', 'joy: leader of /teleop_node sent 1 '
                                               'messages in 3 s: it counts as released')]),
    (sends(KIND, errors=('has 2 buttons, and teleoperation.deadman_button is 4',)),
     [('error', 'joy: has 2 buttons, and'), ('ok', 'joy: leader of')]),
    (sends(KIND, received=SEVERAL), [
        ('ok', 'joy: keyboard of /keys/teleop_node, 20.0 Hz'),
        ('ok', 'joy: leader of /teleop_node, 50.0 Hz'), ('warning', 'joy: other sent 1')])],
    ids=['sound', 'none', 'type', 'silent', 'slow', 'once', 'buttons', 'several'])
def test_each_device_is_told_with_its_rate(record, expected):
    told = found(record)
    assert [level for level, _ in told] == [level for level, _ in expected]
    for (_, what), (_, words) in zip(told, expected, strict=True):
        assert what.startswith(words)


@pytest.mark.parametrize(('topic', 'message', 'reason'), [
    (JOY, {'buttons': [0] * 8, 'axes': [0.0] * 6}, ''),
    (JOY, {'buttons': [0] * 4, 'axes': [0.0] * 6},
     'has 4 buttons, and teleoperation.deadman_button is 4'),
    (JOY, {'buttons': [0] * 8, 'axes': [0.0] * 2},
     'has 2 axes, and teleoperation.gripper_axis is 2'),
    (LEADER, {'name': list(ARM.actions['arm'].joints)}, ''),
    (LEADER, {'name': ['elbow_joint']}, "lacks the joints ['shoulder_pan_joint'")])
def test_a_message_that_cannot_drive_the_robot_is_told(topic, message, reason):
    told = why_not(ARM, topic, SimpleNamespace(**message))
    assert told.startswith(reason) and bool(told) is bool(reason)
