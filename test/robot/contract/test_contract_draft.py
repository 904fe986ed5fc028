# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Any draft is a contract that can be loaded, and its action ranges are small."""

from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
import yaml

from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.contract.draft import draft_contract, DraftError, image_size, TopicSeen
from inril_ros.robot.contract.fields import OBSERVATION_TYPES

JOINTS = 'sensor_msgs/msg/JointState'
TRAJECTORY = 'trajectory_msgs/msg/JointTrajectory'


def joint_state(names=('a', 'b'), position=(0.5, -0.5), velocity=()):
    return SimpleNamespace(name=list(names), position=list(position), velocity=list(velocity))


def drafted(*topics, **options):
    return parse_contract(yaml.safe_load(draft_contract(topics, **options)))


def test_joints_are_observed_and_commanded_around_their_positions():
    contract = drafted(
        TopicSeen('/arm/joint_states', JOINTS, joint_state(velocity=(0, 0)), rate=100.0),
        TopicSeen('/arm/controller/joint_trajectory', TRAJECTORY, published=False, awaited=True),
        namespace='/arm')
    assert list(contract.observations) == ['joint_states_position', 'joint_states_velocity']
    assert contract.observations['joint_states_position'].topic == 'joint_states'
    assert contract.observations['joint_states_position'].joints == ('a', 'b')
    [action] = contract.actions.values()
    assert action.topic == 'controller/joint_trajectory'
    assert action.minimum == (0.4, -0.6)
    assert action.maximum == (0.6, -0.4)
    assert action.max_velocity == (0.1,)


def test_an_image_and_its_compressed_twin_give_one_camera():
    contract = drafted(
        TopicSeen('/joint_states', JOINTS, joint_state()),
        TopicSeen('/front/image_raw', 'sensor_msgs/msg/Image', size=(320, 240)),
        TopicSeen('/front/image_raw/compressed', 'sensor_msgs/msg/CompressedImage',
                  size=(320, 240), rate=29.97),
        TopicSeen('/side/image_raw', 'sensor_msgs/msg/Image', size=(64, 48)))
    assert {name: (camera.topic, camera.width, camera.rate)
            for name, camera in contract.cameras.items()} == {
        'front': ('front/image_raw/compressed', 320, 30.0), 'side': ('side/image_raw', 64, 30.0)}


def test_topics_that_only_go_to_the_robot_are_not_observed():
    contract = drafted(
        TopicSeen('/joint_states', JOINTS, joint_state()),
        TopicSeen('/servo/twist', 'geometry_msgs/msg/TwistStamped', awaited=True))
    assert list(contract.observations) == ['joint_states_position']
    assert contract.actions['servo_twist'].hold == 'zero'


def test_similar_actions_are_written_out():
    text = draft_contract([
        TopicSeen('/joint_states', JOINTS, joint_state()),
        *(TopicSeen(f'/{side}/twist', 'geometry_msgs/msg/TwistStamped', awaited=True)
          for side in ('left', 'right'))])
    assert list(parse_contract(yaml.safe_load(text)).actions) == ['left_twist', 'right_twist']
    assert text.count('minimum: [-0.1, -0.1, -0.1]') == 2


@pytest.mark.parametrize('topics', [
    [], [TopicSeen('/scan', 'sensor_msgs/msg/LaserScan')],
    [TopicSeen('/joint_states', JOINTS)],
    [TopicSeen('/joint_states', JOINTS, joint_state((), ()))],
    [TopicSeen('/pose', 'geometry_msgs/msg/PoseStamped', published=False, awaited=True)]])
def test_without_observations_the_error_lists_the_topics(topics):
    with pytest.raises(DraftError, match='no topic can be observed') as caught:
        draft_contract(topics)
    for topic in topics:
        assert topic.name in str(caught.value)


names = st.lists(st.text('abcXYZ019_-', min_size=1, max_size=6), min_size=1, max_size=3).map(
    lambda parts: '/' + '/'.join(f'x{part}'.replace('-', '_') for part in parts))
kinds = st.sampled_from([
    *OBSERVATION_TYPES, TRAJECTORY, 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage',
    'sensor_msgs/msg/LaserScan'])
numbers = st.floats(allow_nan=True, allow_infinity=True)


@st.composite
def seen(draw):
    kind = draw(kinds)
    sample = None
    if kind == JOINTS and draw(st.booleans()):
        joints = draw(st.lists(st.text(max_size=4), max_size=4))
        sample = joint_state(joints, draw(st.lists(numbers, max_size=5)),
                             draw(st.lists(numbers, max_size=5)))
    return TopicSeen(
        draw(names), kind, sample, draw(st.booleans()), draw(st.booleans()),
        draw(st.sampled_from([0.0, 0.2, 29.97, 1000.0])),
        draw(st.none() | st.just((640, 480))))


@settings(max_examples=200)
@given(st.lists(seen(), max_size=8, unique_by=lambda topic: topic.name))
def test_any_draft_can_be_loaded(topics):
    try:
        text = draft_contract(topics)
    except DraftError:
        return
    contract = parse_contract(yaml.safe_load(text))
    for action in contract.actions.values():
        span = np.subtract(action.maximum, action.minimum)
        assert (span <= 0.2 + 1e-9).all()


def test_sizes_of_images_are_read():
    import cv2
    content = cv2.imencode('.png', np.zeros((3, 5), np.uint8))[1].tobytes()
    assert image_size(SimpleNamespace(format='png', data=content)) == (5, 3)
    assert image_size(SimpleNamespace(format='png', data=b'nothing')) is None
    assert image_size(SimpleNamespace(width=7, height=2, encoding='rgb8')) == (7, 2)
    assert image_size(SimpleNamespace()) is None
