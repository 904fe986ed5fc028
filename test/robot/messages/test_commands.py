# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Each command interface sends the contract's actions in the form its controller needs.

control_msgs is optional and may not be installed: its messages are made here from their published
definitions, by the same library that reads bags, and go through their serialised form.
"""

import importlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from rosbags.typesys import get_types_from_msg, get_typestore, Stores
import yaml

from inril_ros.robot.contract.contract import ContractError, parse_contract
from inril_ros.robot.messages.codecs import CodecError
from inril_ros.robot.messages.commands import decode_command, encode_command

STAMP = 12_345_678_901
JOINTS = ['left', 'right']
SAWYER = yaml.safe_load(
    (Path(__file__).parents[3] / 'config' / 'robots' / 'metaworld_sawyer.yaml').read_text())
JOINT_JOG = """std_msgs/Header header
string[] joint_names
float64[] displacements
float64[] velocities
float64 duration
"""
GRIPPER_GOAL = 'GripperCommand command\n'
GRIPPER = 'float64 position\nfloat64 max_effort\n'

STORE = get_typestore(Stores.ROS2_JAZZY)
for text, name in ((JOINT_JOG, 'control_msgs/msg/JointJog'),
                   (GRIPPER, 'control_msgs/msg/GripperCommand'),
                   (GRIPPER_GOAL, 'control_msgs/action/GripperCommand_Goal')):
    STORE.register({key: value for key, value in get_types_from_msg(
        text.replace('GripperCommand command', 'control_msgs/GripperCommand command'),
        name).items() if key not in STORE.types})


def jog():
    time = STORE.types['builtin_interfaces/msg/Time'](0, 0)
    header = STORE.types['std_msgs/msg/Header'](time, '')
    return STORE.types['control_msgs/msg/JointJog'](header, [], [], [], 0.0)


def goal():
    command = STORE.types['control_msgs/msg/GripperCommand'](0.0, 0.0)
    return STORE.types['control_msgs/action/GripperCommand_Goal'](command)


def types(name):
    if name == 'control_msgs/msg/JointJog':
        return jog
    if name == 'control_msgs/action/GripperCommand':
        return SimpleNamespace(Goal=goal)
    package, _, message = name.split('/')
    return getattr(importlib.import_module(f'{package}.msg'), message)


def on_the_wire(message):
    """Serialise and deserialise messages of the types above."""
    name = getattr(message, '__msgtype__', '')
    if not name.startswith('control_msgs'):
        return message
    for field in ('displacements', 'velocities'):
        if hasattr(message, field):
            setattr(message, field, np.array(getattr(message, field), np.float64))
    return STORE.deserialize_cdr(STORE.serialize_cdr(message, name), name)


def contract_of(**actions):
    seen = {'topic': 'seen', 'type': 'sensor_msgs/msg/JointState', 'joints': [*JOINTS, 'finger']}
    data = {**SAWYER, 'derived': {}, 'cameras': {}, 'policy_observations': ['seen'],
            'observations': {'seen': seen}, 'actions': actions}
    del data['workspace'], data['teleoperation']
    return parse_contract(data)


def arm(kind, quantity='position', **more):
    return {'topic': 'arm', 'type': kind, 'joints': JOINTS, 'quantity': quantity,
            'minimum': [-9.0] * 2, 'maximum': [9.0] * 2,
            'hold': 'last' if quantity == 'position' else 'zero', **more}


def sent(contract, action, following=None):
    [(topic, message)] = encode_command(
        contract, np.array(action, np.float32), STAMP, types, following)
    assert topic == next(iter(contract.actions.values())).topic
    return on_the_wire(message)


def test_a_trajectory_point_is_reached_one_period_after_its_stamp():
    message = sent(contract_of(arm=arm('trajectory_msgs/msg/JointTrajectory')), [1.0, 2.0])
    [point] = message.points
    assert list(point.positions) == [1.0, 2.0]
    assert list(message.joint_names) == JOINTS
    assert (point.time_from_start.sec, point.time_from_start.nanosec) == (0, 12_500_000)
    assert message.header.stamp.sec * 10 ** 9 + message.header.stamp.nanosec == STAMP


def test_a_horizon_is_sent_in_one_message_with_rising_times():
    contract = contract_of(arm=arm('trajectory_msgs/msg/JointTrajectory', horizon=3))
    following = np.array([[3.0, 4.0], [5.0, 6.0]])
    message = sent(contract, [1.0, 2.0], {'arm': following})
    assert [list(point.positions) for point in message.points] == [[1, 2], [3, 4], [5, 6]]
    times = [point.time_from_start.nanosec for point in message.points]
    assert times == [12_500_000, 25_000_000, 37_500_000]
    assert decode_command(message, contract.actions['arm']).tolist() == [1.0, 2.0]


def test_a_forward_controller_gets_its_numbers_in_its_own_order():
    contract = contract_of(arm=arm('std_msgs/msg/Float64MultiArray'))
    message = sent(contract, [1.0, -2.0])
    assert list(message.data) == [1.0, -2.0]
    assert contract.actions['arm'].commands_positions
    assert decode_command(message, contract.actions['arm']).tolist() == [1.0, -2.0]


def test_servo_gets_joint_velocities_by_name_with_a_fresh_stamp():
    contract = contract_of(arm=arm('control_msgs/msg/JointJog', 'velocity', frame_id='base'))
    message = sent(contract, [0.5, -0.25])
    assert (list(message.joint_names), message.duration) == (JOINTS, 1 / 80)
    assert list(message.velocities) == [0.5, -0.25]
    assert (message.header.stamp.sec, message.header.frame_id) == (12, 'base')
    assert decode_command(message, contract.actions['arm']).tolist() == [0.5, -0.25]
    message.joint_names.reverse()
    assert decode_command(message, contract.actions['arm']).tolist() == [-0.25, 0.5]


def test_a_gripper_action_gets_a_goal_with_position_and_effort():
    contract = contract_of(gripper={
        'topic': 'gripper', 'type': 'control_msgs/action/GripperCommand', 'joints': ['finger'],
        'hold': 'last', 'minimum': [0.0], 'maximum': [0.08], 'max_effort': 20.0})
    message = sent(contract, [0.04])
    assert message.command.position == pytest.approx(0.04)
    assert message.command.max_effort == 20.0
    np.testing.assert_allclose(decode_command(message, contract.actions['gripper']), [0.04])


@pytest.mark.parametrize('change', ['missing', 'short', 'nan'])
def test_a_jog_without_the_action_is_refused(change):
    contract = contract_of(arm=arm('control_msgs/msg/JointJog', 'velocity'))
    message = sent(contract, [1.0, 2.0])
    if change == 'missing':
        message.joint_names[0] = 'wheel'
    elif change == 'short':
        message.velocities = message.velocities[:1]
    else:
        message.velocities = np.array([1.0, np.nan])
    with pytest.raises(CodecError, match='no velocity|not finite'):
        decode_command(message, contract.actions['arm'])


def test_an_array_of_another_size_is_refused():
    contract = contract_of(arm=arm('std_msgs/msg/Float64MultiArray'))
    message = sent(contract, [1.0, 2.0])
    message.data = [1.0]
    with pytest.raises(CodecError, match='1 values, 2 needed'):
        decode_command(message, contract.actions['arm'])


@pytest.mark.parametrize(('actions', 'words'), [
    ({'arm': arm('control_msgs/msg/JointJog')}, 'commands the velocity of joints'),
    ({'arm': arm('control_msgs/action/GripperCommand')}, 'commands one joint'),
    ({'arm': arm('std_msgs/msg/Float64MultiArray', joints=['left'])}, 'name each of the 2'),
    ({'arm': arm('std_msgs/msg/Float64MultiArray', horizon=2)}, 'horizon is for joint positions'),
    ({'arm': arm('trajectory_msgs/msg/JointTrajectory', horizon=2),
      'other': arm('trajectory_msgs/msg/JointTrajectory', joints=['finger'], minimum=[-1.0],
                   maximum=[1.0])}, 'a horizon needs a topic of its own'),
    ({'arm': arm('trajectory_msgs/msg/JointTrajectory', max_velocity=[1.0] * 3)},
     'max_velocity has 3 values'),
    ({'arm': arm('trajectory_msgs/msg/JointTrajectory', 'velocity', max_velocity=[1.0])},
     'max_velocity is for joint positions'),
    ({'arm': arm('trajectory_msgs/msg/JointTrajectory', 'velocity', max_jerk=[1.0])},
     'max_jerk needs max_acceleration'),
    ({'arm': arm('trajectory_msgs/msg/JointTrajectory', 'effort', max_acceleration=[1.0])},
     'do not apply to efforts')])
def test_actions_that_an_interface_cannot_send_are_refused(actions, words):
    with pytest.raises(ContractError, match=words):
        contract_of(**actions)
