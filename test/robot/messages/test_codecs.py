# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Values survive encoding and decoding: ROS classes, rosbags classes, and CDR between them.

Live topics give messages of the first kind and bags those of the second; a value that differed
between the two would differ between training and acting.
"""

from functools import cache
import importlib
from pathlib import Path
import re

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.serde import SerdeError
from scipy.spatial.transform import Rotation
import yaml

from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.robot.contract.contract import Camera, ContractError, Observation, parse_contract
from inril_ros.robot.contract.fields import ACTION_TYPES, OBSERVATION_TYPES, TRANSFORMS
from inril_ros.robot.messages.codecs import CodecError, decode, encode_observations, stamp_ns
from inril_ros.robot.messages.commands import decode_command, encode_command
from inril_ros.robot.messages.images import decode_image, encode_image, encoded_image

STAMP = 12_345_678_901
SAWYER = yaml.safe_load(
    (Path(__file__).parents[3] / 'config' / 'robots' / 'metaworld_sawyer.yaml').read_text())
JOINTS = ['left', 'right']
BOOL = 'std_msgs/msg/Bool'

# Every field of every type that a contract can name, with its number of values.
OBSERVED = [
    ('geometry_msgs/msg/PoseStamped', 'pose', 7),
    ('geometry_msgs/msg/PoseStamped', 'pose.position', 3),
    ('geometry_msgs/msg/PoseStamped', 'pose.orientation', 4),
    ('geometry_msgs/msg/PoseArray', 'poses[2]', 7),
    ('geometry_msgs/msg/PoseArray', 'poses[0].position', 3),
    ('geometry_msgs/msg/PoseArray', 'poses[1].orientation', 4),
    ('geometry_msgs/msg/PointStamped', 'point', 3),
    ('geometry_msgs/msg/TransformStamped', 'transform', 7),
    ('geometry_msgs/msg/TransformStamped', 'transform.translation', 3),
    ('geometry_msgs/msg/TransformStamped', 'transform.rotation', 4),
    ('geometry_msgs/msg/TwistStamped', 'twist', 6),
    ('geometry_msgs/msg/TwistStamped', 'twist.linear', 3),
    ('geometry_msgs/msg/TwistStamped', 'twist.angular', 3),
    ('geometry_msgs/msg/WrenchStamped', 'wrench', 6),
    ('geometry_msgs/msg/WrenchStamped', 'wrench.force', 3),
    ('geometry_msgs/msg/WrenchStamped', 'wrench.torque', 3),
    ('sensor_msgs/msg/JointState', 'position', 2),
    ('sensor_msgs/msg/JointState', 'velocity', 2),
    ('sensor_msgs/msg/JointState', 'effort', 2),
    ('sensor_msgs/msg/Joy', 'axes', 3),
    ('sensor_msgs/msg/Joy', 'axes[2]', 1),
    ('sensor_msgs/msg/Joy', 'buttons', 3),
    ('sensor_msgs/msg/Joy', 'buttons[1]', 1),
    ('std_msgs/msg/Bool', 'data', 1),
    ('std_msgs/msg/Float32', 'data', 1),
    ('std_msgs/msg/Float64', 'data', 1),
    ('std_msgs/msg/Float32MultiArray', 'data', 4),
    ('std_msgs/msg/Float64MultiArray', 'data', 4),
    ('std_msgs/msg/Float64MultiArray', 'data[3]', 1),
    ('trajectory_msgs/msg/JointTrajectory', 'position', 2),
    ('trajectory_msgs/msg/JointTrajectory', 'velocity', 2),
    ('trajectory_msgs/msg/JointTrajectory', 'effort', 2),
]
# Read by path and size, because they are in no table.
OTHERS = [
    ('sensor_msgs/msg/Imu', 'linear_acceleration', 3),
    ('sensor_msgs/msg/Imu', 'orientation', 4),
    ('sensor_msgs/msg/Imu', 'angular_velocity.z', 1),
    ('sensor_msgs/msg/Range', 'range', 1),
    ('nav_msgs/msg/Odometry', 'pose.pose', 7),
    ('geometry_msgs/msg/AccelStamped', 'accel.linear', 3),
    ('geometry_msgs/msg/Twist', 'linear', 3),
]
COMMANDED = [
    ('geometry_msgs/msg/TwistStamped', 'twist', 6),
    ('geometry_msgs/msg/TwistStamped', 'twist.linear', 3),
    ('geometry_msgs/msg/TwistStamped', 'twist.angular', 3),
    ('std_msgs/msg/Float64MultiArray', 'data', 5),
    ('trajectory_msgs/msg/JointTrajectory', 'position', 2),
    ('trajectory_msgs/msg/JointTrajectory', 'velocity', 2),
    ('trajectory_msgs/msg/JointTrajectory', 'effort', 2),
]


@cache
def ros_type(name):
    package, _, message = name.split('/')
    return getattr(importlib.import_module(f'{package}.msg'), message)


def as_rosbags(message, type_name):
    """Return the message as a bag reader gets it, from its serialised form.

    After an empty sequence, serialize_message returns more bytes than the message has; published
    messages have the exact size. Bytes are cut off until rosbags accepts the message.
    """
    raw = serialize_message(message)
    while True:
        try:
            return ros_typestore().deserialize_cdr(raw, type_name)
        except SerdeError as error:
            if 'size mismatch' not in str(error):
                raise
            raw = raw[:-1]


def as_ros(message, type_name):
    """Return the message as a subscriber gets it, from its serialised form."""
    return deserialize_message(serialize_message(message), ros_type(type_name))


def entry(type_name, field, **more):
    by_joint = type_name.endswith(('JointState', 'JointTrajectory'))
    part = {'joints': JOINTS, 'quantity': field} if by_joint else {'field': field}
    return {'topic': 'topic', 'type': type_name, **part, **more}


def observed_entry(type_name, field, size):
    """Return a contract entry with all that this type needs."""
    more = {'clock': 'receive'} if type_name.startswith('std_msgs') else {}
    if field in ('axes', 'buttons', 'data') or (type_name, field, size) in OTHERS:
        more['size'] = size
    return entry(type_name, field, **more)


def observed_values(type_name, field, size):
    """Return values that a field can hold exactly."""
    if type_name.endswith('Bool'):
        return st.sampled_from([0.0, 1.0]).map(lambda value: np.array([value]))
    if field.startswith('buttons'):
        return st.lists(st.integers(0, 2 ** 31 - 1), min_size=size, max_size=size).map(
            lambda values: np.array(values, float))
    narrow = type_name.endswith(('Float32', 'Float32MultiArray', 'Joy', 'Range'))
    values = values_of(size, width=32 if narrow else 64)
    if not Observation(**observed_entry(type_name, field, size)).has_quaternion:
        return values
    return st.tuples(values, st.integers(0, 2 ** 32)).map(lambda drawn: np.concatenate(
        [drawn[0][:-4], Rotation.random(rng=drawn[1]).as_quat()]))


def contract_of(observations=None, actions=None):
    data = {**SAWYER, 'derived': {}, 'cameras': {}}
    del data['workspace'], data['teleoperation']
    if observations:
        data.update(observations=observations, policy_observations=list(observations))
    else:
        data['policy_observations'] = ['hand_position']
    if actions:
        # Positions can be commanded only if they are measured.
        seen = {**entry('sensor_msgs/msg/JointState', 'position'), 'topic': 'seen'}
        data.update(actions=actions, observations={**data['observations'], 'joints_seen': seen})
    return parse_contract(data)


def command(type_name, field, size, **more):
    limits = {'minimum': [-9.0] * size, 'maximum': [9.0] * size}
    return entry(type_name, field, hold='last', **limits, **more)


def values_of(size, width=64):
    return st.lists(st.floats(allow_nan=False, allow_infinity=False, width=width),
                    min_size=size, max_size=size).map(np.array)


def test_the_tables_above_contain_every_type():
    # TF is in test_transform_tree: a chain of frames is no field of one message.
    assert {row[0] for row in OBSERVED} == set(OBSERVATION_TYPES) - {TRANSFORMS}
    # control_msgs is optional; its types are in test_commands.
    assert {row[0] for row in COMMANDED} == {
        name for name in ACTION_TYPES if not name.startswith('control_msgs')}


@pytest.mark.parametrize(('type_name', 'field', 'size'), [*OBSERVED, *OTHERS])
@settings(max_examples=30)
@given(data=st.data())
def test_an_observation_is_decoded_from_either_kind_of_message(type_name, field, size, data):
    values = data.draw(observed_values(type_name, field, size))
    contract = contract_of({'seen': observed_entry(type_name, field, size)})
    [(topic, message)] = encode_observations(contract, {'seen': values}, STAMP, ros_type)
    assert topic == 'topic'
    for received in (message, as_ros(message, type_name), as_rosbags(message, type_name)):
        assert decode(received, contract.observations['seen']).tolist() == values.tolist()
        assert not hasattr(received, 'header') or stamp_ns(received) == STAMP


@pytest.mark.parametrize(('type_name', 'field', 'size'), COMMANDED)
@given(data=st.data())
def test_a_command_is_decoded_from_either_kind_of_message(type_name, field, size, data):
    action = data.draw(values_of(size, width=32)).astype(np.float32)
    contract = contract_of(actions={'arm': command(type_name, field, size, frame_id='base')})
    [(_, message)] = encode_command(contract, action, STAMP, ros_type)
    if hasattr(message, 'header'):
        assert (stamp_ns(message), message.header.frame_id) == (STAMP, 'base')
    for received in (message, as_ros(message, type_name), as_rosbags(message, type_name)):
        assert decode_command(received, contract.actions['arm']).tolist() == action.tolist()


def test_actions_of_one_topic_share_a_message():
    twist, joints = 'geometry_msgs/msg/TwistStamped', 'trajectory_msgs/msg/JointTrajectory'
    contract = contract_of(actions={
        'angular': command(twist, 'twist.angular', 3),
        'arm': command(joints, 'velocity', 2) | {'topic': 'joints'},
        'linear': command(twist, 'twist.linear', 3),
        'hand': command(joints, 'velocity', 1) | {'topic': 'joints', 'joints': ['hand']}})
    action = np.arange(9, dtype=np.float32)
    messages = dict(encode_command(contract, action, STAMP, ros_type))
    assert set(messages) == {'topic', 'joints'}
    assert messages['joints'].joint_names == [*JOINTS, 'hand']
    assert list(messages['joints'].points[0].velocities) == [3.0, 4.0, 8.0]
    read = [decode_command(messages[one.topic], one) for one in contract.actions.values()]
    assert np.concatenate(read).tolist() == action.tolist()


def test_observations_of_one_topic_share_a_message():
    kind = 'sensor_msgs/msg/JointState'
    contract = contract_of({
        'angle': entry(kind, 'position'), 'speed': entry(kind, 'velocity'),
        'hand': entry(kind, 'position') | {'joints': ['hand']}})
    values = {'angle': np.array([1.0, 2.0]), 'speed': np.array([3.0, 4.0]),
              'hand': np.array([5.0])}
    [(_, message)] = encode_observations(contract, values, STAMP, ros_type)
    assert message.name == [*JOINTS, 'hand']
    for name, expected in values.items():
        assert decode(message, contract.observations[name]).tolist() == expected.tolist()


def joint_state(names, **quantities):
    return ros_type('sensor_msgs/msg/JointState')(name=names, **quantities)


@given(st.permutations(['a', 'b', 'c', 'd']),
       st.permutations(['a', 'b', 'c', 'd']).flatmap(
           lambda names: st.integers(1, 4).map(lambda count: names[:count])))
def test_joints_are_found_by_name_in_any_order(sent, wanted):
    positions = {'a': 1.0, 'b': 2.0, 'c': 3.0, 'd': 4.0}
    message = joint_state(list(sent), position=[positions[name] for name in sent])
    observation = Observation(
        topic='joint_states', type='sensor_msgs/msg/JointState', joints=tuple(wanted))
    expected = [positions[name] for name in wanted]
    for received in (message, as_rosbags(message, 'sensor_msgs/msg/JointState')):
        assert decode(received, observation).tolist() == expected


@pytest.mark.parametrize(('message', 'words'), [
    (joint_state(['left'], position=[1.0]),
     r"joint_states: position of the joints \['right'\] is missing.*names \['left'\]"),
    (joint_state([], position=[]), r"joints \['left', 'right'\] is missing"),
    (joint_state(JOINTS, position=[1.0]), '1 values of position for 2 joints'),
    (joint_state(JOINTS, velocity=[1.0, 2.0]), r"joints \['left', 'right'\] is missing"),
    (joint_state(JOINTS, position=[1.0, float('nan')]), 'joint_states: a value is not finite'),
    (joint_state(JOINTS, position=[float('-inf'), 0.0]), 'a value is not finite')])
def test_a_joint_state_without_the_joints_is_refused_with_their_names(message, words):
    observation = Observation(topic='joint_states', type='sensor_msgs/msg/JointState',
                              joints=tuple(JOINTS))
    for received in (message, as_rosbags(message, 'sensor_msgs/msg/JointState')):
        with pytest.raises(CodecError, match=words):
            decode(received, observation)


@pytest.mark.parametrize(('type_name', 'field', 'size'), [
    row for row in OBSERVED if not row[1].startswith('buttons') and row[0] != BOOL])
@pytest.mark.parametrize('wrong', [float('nan'), float('inf'), float('-inf')])
def test_a_value_that_is_not_finite_is_refused_in_any_field(type_name, field, size, wrong):
    contract = contract_of({'seen': observed_entry(type_name, field, size)})
    for index in range(size):
        values = np.zeros(size)
        values[index] = wrong
        [(_, message)] = encode_observations(contract, {'seen': values}, STAMP, ros_type)
        with pytest.raises(CodecError, match='topic: a value is not finite'):
            decode(message, contract.observations['seen'])


@pytest.mark.parametrize(('change', 'words'), [
    ({'field': 'axes'}, 'sensor_msgs/msg/Joy axes needs a size'),
    ({'field': 'axis', 'size': 1}, "field 'axis' is not allowed.*axes"),
    ({'type': 'my_msgs/msg/Hand', 'field': 'width'}, "'my_msgs/msg/Hand' is not known.*size"),
    ({'type': 'my_msgs/msg/Hand', 'size': 3}, 'needs field'),
    ({'type': 'my_msgs/msg/Hand', 'size': 3, 'field': 'a..b'}, 'needs field'),
    ({'type': 'my_msgs/Hand', 'size': 3, 'field': 'a'}, 'type.*pattern'),
    ({'type': BOOL, 'field': 'data'}, 'has no header.*clock: receive'),
    ({'type': BOOL, 'field': 'data', 'clock': 'receive', 'align': 'interpolate'}, 'a switch has'),
    ({'field': 'buttons', 'size': 2, 'align': 'interpolate'}, 'a switch has no values between'),
    ({'field': 'axes', 'size': 2, 'align': 'slerp'}, 'slerp is for orientations.*interpolate'),
    ({'type': 'geometry_msgs/msg/PoseStamped', 'field': 'pose', 'align': 'interpolate'},
     'no unit quaternions: use slerp'),
    ({'field': 'axes', 'size': 3, 'quaternion': True}, 'for 4 values, or 7 of a pose'),
    ({'type': 'sensor_msgs/msg/JointState', 'joints': ['a', 'b', 'c', 'd'], 'quaternion': True},
     'quaternion: true .* here are 4 of joints'),
    ({'type': 'geometry_msgs/msg/PoseStamped', 'field': 'pose', 'quaternion': False},
     'pose has a quaternion'),
    ({'type': TRANSFORMS, 'field': 'transform'}, 'parent and child'),
    ({'type': TRANSFORMS, 'field': 'transform', 'parent': 'a', 'child': 'a'}, 'same frame'),
    ({'field': 'axes', 'size': 2, 'parent': 'a', 'child': 'b'}, 'parent and child'),
])
def test_an_invalid_observation_is_refused(change, words):
    with pytest.raises(ContractError, match=words):
        contract_of({'seen': {'topic': 'topic', 'type': 'sensor_msgs/msg/Joy', **change}})


QUATERNIONS = [row for row in [*OBSERVED, *OTHERS] if Observation(
    **observed_entry(*row)).has_quaternion]


def test_every_field_with_a_quaternion_is_known_by_its_name():
    assert [field for _, field, _ in QUATERNIONS] == [
        'pose', 'pose.orientation', 'poses[2]', 'poses[1].orientation', 'transform',
        'transform.rotation', 'orientation', 'pose.pose']


@pytest.mark.parametrize(('type_name', 'field', 'size'), QUATERNIONS)
@pytest.mark.parametrize(('quaternion', 'words'), [
    ([0.0, 0.0, 0.0, 0.0], 'its length is 0, not 1, as of a pose that was not set'),
    ([0.0, 0.0, 0.0, 0.9], 'its length is 0.9, not 1'),
    ([1.0, 1.0, 1.0, 1.0], 'its length is 2, not 1'),
    ([1e200, 0.0, 0.0, 0.0], 'its length is 1e[+]200, not 1')])
def test_a_quaternion_of_another_length_than_1_is_refused(
        type_name, field, size, quaternion, words):
    contract = contract_of({'seen': observed_entry(type_name, field, size)})
    values = np.array([0.0, 0.0, 0.0, *quaternion])[-size:]
    [(_, message)] = encode_observations(contract, {'seen': values}, STAMP, ros_type)
    for received in (message, as_rosbags(message, type_name)):
        with pytest.raises(CodecError, match=f'topic: {re.escape(field)}: .* {words}'):
            decode(received, contract.observations['seen'])


@pytest.mark.parametrize('quaternion', [
    [0.707, 0.0, 0.0, 0.707], [0.02, -0.028, -0.004, 0.999],
    [-0.018815, 0.013563, -1.000259, 0.046847],  # of a filter without a last normalisation
    np.float32([0.1, 0.2, 0.3, 0.9273618]).tolist()])
def test_a_rounded_quaternion_is_taken_as_it_was_sent(quaternion):
    contract = contract_of({'seen': observed_entry(*OBSERVED[0])})
    values = np.array([0.0, 0.0, 0.0, *quaternion])
    [(_, message)] = encode_observations(contract, {'seen': values}, STAMP, ros_type)
    assert decode(message, contract.observations['seen']).tolist() == values.tolist()


def test_a_quaternion_in_a_field_of_another_name_is_refused_until_the_contract_says_it():
    # The type stands for a robot's own one; only its structure counts.
    class Message:
        tool = ros_type('geometry_msgs/msg/Pose')()

    entry = {'topic': 'state', 'type': 'my_msgs/msg/State', 'field': 'tool', 'size': 7}
    with pytest.raises(CodecError, match='state: tool ends with a quaternion.*quaternion: true'):
        decode(Message(), Observation(**entry))
    known = Observation(**entry, quaternion=True)
    assert known.is_pose
    assert decode(Message(), known).tolist() == [0.0] * 6 + [1.0]


def test_numbers_named_as_a_pose_are_read_without_a_quaternion_if_the_contract_says_so():
    class Message:
        pose = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]

    entry = {'topic': 'state', 'type': 'my_msgs/msg/State', 'field': 'pose', 'size': 7}
    with pytest.raises(CodecError, match='state: pose: .* is no rotation'):
        decode(Message(), Observation(**entry))
    assert decode(Message(), Observation(**entry, quaternion=False)).tolist() == Message.pose


def test_too_few_poses_are_refused():
    pose = ros_type('geometry_msgs/msg/Pose')()
    message = ros_type('geometry_msgs/msg/PoseArray')(poses=[pose, pose])
    observation = Observation(
        topic='objects', type='geometry_msgs/msg/PoseArray', field='poses[2].position')
    for received in (message, as_rosbags(message, 'geometry_msgs/msg/PoseArray')):
        with pytest.raises(CodecError, match='poses has 2 elements, index 2 is needed'):
            decode(received, observation)


@pytest.mark.parametrize('change', ['no points', 'other joints', 'too short'])
def test_a_trajectory_without_the_action_is_refused(change):
    type_name = 'trajectory_msgs/msg/JointTrajectory'
    contract = contract_of(actions={'arm': command(type_name, 'velocity', 2)})
    [(_, message)] = encode_command(contract, np.ones(2, np.float32), STAMP, ros_type)
    if change == 'no points':
        message.points = []
    elif change == 'other joints':
        message.joint_names = ['left', 'wheel']
    else:
        message.points[0].velocities = [1.0]
    for received in (message, as_rosbags(message, type_name)):
        with pytest.raises(CodecError, match="topic: no velocity for .'left', 'right'"):
            decode_command(received, contract.actions['arm'])


def test_an_image_keeps_its_size_and_its_colours():
    import cv2
    camera = Camera(topic='front/image/compressed', width=64, height=32)
    image = np.zeros((32, 64, 3), np.uint8)
    image[:, :32] = (200, 40, 10)  # red on the left, blue on the right
    image[:, 32:] = (10, 40, 200)
    message = encode_image(camera, image, STAMP, ros_type)
    received = as_rosbags(message, camera.type)
    assert (stamp_ns(received), received.format) == (STAMP, 'jpeg')
    decoded = cv2.imdecode(np.frombuffer(received.data, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    assert decoded.shape == image.shape
    difference = np.abs(decoded.astype(int) - image)
    assert np.median(difference) <= 3  # the edge between the colours is blurred by JPEG
    assert difference[:, :24].max() <= 12


@pytest.mark.parametrize('kind', ['sensor_msgs/msg/CompressedImage', 'sensor_msgs/msg/Image'])
def test_a_simulated_camera_sends_the_contract_s_format(kind):
    camera = Camera(topic='front', width=6, height=4, type=kind)
    image = np.arange(72, dtype=np.uint8).reshape(4, 6, 3)
    message = encode_image(camera, image, STAMP, ros_type)
    seen = decode_image(encoded_image(as_rosbags(message, kind), camera), camera)
    assert stamp_ns(message) == STAMP
    error = np.abs(seen.astype(int) - image).max()
    assert error == 0 if kind.endswith('/Image') else error <= 40
