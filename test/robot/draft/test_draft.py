# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Any draft can be loaded, names every topic, and has small limits where nothing was recorded."""

from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
import yaml

from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.contract.fields import OBSERVATION_TYPES
from inril_ros.robot.draft.draft import draft_contract, DraftError
from inril_ros.robot.draft.image_look import depth_seen, image_size
from inril_ros.robot.draft.stand_ins import stand_ins
from inril_ros.robot.draft.topic_seen import TopicSeen

JOINTS = 'sensor_msgs/msg/JointState'
TRAJECTORY = 'trajectory_msgs/msg/JointTrajectory'
TWIST = 'geometry_msgs/msg/TwistStamped'
IMAGE = 'sensor_msgs/msg/Image'


def joint_state(names=('a', 'b'), position=(0.5, -0.5), velocity=(), effort=()):
    return SimpleNamespace(name=list(names), position=list(position), velocity=list(velocity),
                           effort=list(effort))


def seen(name, kind, message=None, **more):
    return TopicSeen(name, kind, () if message is None else ((0.0, message),), **more)


def drafted(*topics, **options):
    draft = draft_contract(topics, **options)
    return parse_contract(yaml.safe_load(draft.contract)), draft.contract


def test_joints_are_observed_and_commanded_around_their_positions():
    contract, text = drafted(
        seen('/arm/joint_states', JOINTS, joint_state(velocity=(0, 0)), rate=100.0),
        seen('/arm/controller/joint_trajectory', TRAJECTORY, published=False, awaited=True),
        namespace='/arm')
    assert list(contract.observations) == ['joint_states_position', 'joint_states_velocity']
    assert contract.observations['joint_states_position'].topic == 'joint_states'
    assert contract.observations['joint_states_position'].joints == ('a', 'b')
    [action] = contract.actions.values()
    assert action.topic == 'controller/joint_trajectory'
    assert action.minimum == (0.4, -0.6)
    assert action.maximum == (0.6, -0.4)
    assert action.max_velocity == (0.1,)
    assert 'TO DO: keep those that this controller has' in ' '.join(text.replace('#', '').split())


def test_a_draft_proposes_a_box_that_is_right_without_its_hashes():
    _, text = drafted(seen('/joint_states', JOINTS, joint_state()))
    assert 'TO DO: a box that the tool must not leave' in ' '.join(text.replace('#', '').split())
    for key in ('kinematics', 'workspace'):
        text = text.replace(f'# {key}:', f'{key}:')
    contract = parse_contract(yaml.safe_load(text))
    assert contract.kinematics.urdf == 'arm.urdf' and contract.workspace.links == ('tool0',)


def test_an_image_and_its_compressed_twin_give_one_camera():
    contract, _ = drafted(
        seen('/joint_states', JOINTS, joint_state()),
        seen('/front/image_raw', IMAGE, size=(320, 240)),
        seen('/front/image_raw/compressed', 'sensor_msgs/msg/CompressedImage', size=(320, 240),
             rate=29.97),
        seen('/side/image_raw', IMAGE, size=(64, 48)))
    assert {name: (camera.topic, camera.width, camera.rate)
            for name, camera in contract.cameras.items()} == {
        'front': ('front/image_raw/compressed', 320, 30.0), 'side': ('side/image_raw', 64, 30.0)}
    assert contract.policy_images.cameras == ('front', 'side')


def test_a_camera_whose_image_could_not_be_read_waits_for_its_size():
    contract, text = drafted(seen('/joint_states', JOINTS, joint_state()),
                             seen('/front/image_raw', IMAGE))
    assert not contract.cameras
    assert contract.policy_images is None
    assert 'TO DO: /front/image_raw: no image of it could be read' in text


def test_a_depth_camera_gets_a_range_and_is_not_shown_as_colour():
    contract, text = drafted(
        seen('/joint_states', JOINTS, joint_state()),
        seen('/depth/image_raw', IMAGE, size=(64, 48), depth=(0.31, 1.24)))
    assert contract.cameras['depth'].depth_range == (0.3, 1.3)
    assert contract.policy_images is None
    assert 'one image had 0.31 to 1.24 m' in text


def test_video_in_a_recording_is_a_camera_that_an_import_decodes():
    packets = 'ffmpeg_image_transport_msgs/msg/FFMPEGPacket'
    contract, text = drafted(
        seen('/joint_states', JOINTS, joint_state()),
        seen('/front/image_raw/ffmpeg', packets, size=(640, 480), rate=30.0),
        seen('/side/image_raw/ffmpeg', packets, size=(640, 480)),
        seen('/side/image_raw', IMAGE, size=(640, 480)))
    assert {name: (camera.topic, camera.type) for name, camera in contract.cameras.items()} == {
        'front': ('front/image_raw/ffmpeg', 'sensor_msgs/msg/CompressedImage'),
        'side': ('side/image_raw', IMAGE)}
    assert '/side/image_raw/ffmpeg: the same images as /side/image_raw' in text


def test_topics_that_only_go_to_the_robot_are_not_observed():
    contract, _ = drafted(
        seen('/joint_states', JOINTS, joint_state()),
        seen('/servo/twist', TWIST, awaited=True))
    assert list(contract.observations) == ['joint_states_position']
    assert contract.actions['servo_twist'].hold == 'zero'


def test_a_measured_twist_is_observed_and_never_sent():
    contract, _ = drafted(
        seen('/joint_states', JOINTS, joint_state()),
        seen('/tcp_twist_broadcaster/twist', TWIST, awaited=True), recorded=True)
    assert contract.observations['tcp_twist_broadcaster_twist'].field == 'twist'
    assert [action.topic for action in contract.actions.values()] == [
        'fill_in/arm/joint_trajectory']


def test_equal_lists_are_written_out_without_anchors():
    _, text = drafted(
        seen('/joint_states', JOINTS, joint_state(velocity=(0, 0))),
        *(seen(f'/{side}/twist_cmd', TWIST, awaited=True) for side in ('left', 'right')))
    assert text.count('minimum: [-0.1, -0.1, -0.1]') == 2
    assert text.count('joints: [a, b]') == 3
    assert '&' not in text
    assert '*' not in text


def test_without_a_command_topic_the_draft_says_what_to_fill_in():
    contract, text = drafted(seen('/joint_states', JOINTS, joint_state()))
    [missing] = stand_ins(contract)
    assert 'fill_in/arm/joint_trajectory is a stand-in' in missing
    assert 'TO DO: /joint_states: no command to its joints was seen' in text


@pytest.mark.parametrize('topics', [
    [], [seen('/scan', 'sensor_msgs/msg/LaserScan')], [seen('/joint_states', JOINTS)],
    [seen('/joint_states', JOINTS, joint_state((), ()))],
    [seen('/pose', 'geometry_msgs/msg/PoseStamped', published=False, awaited=True)]])
def test_without_observations_the_error_lists_the_topics(topics):
    with pytest.raises(DraftError, match='no topic can be observed') as caught:
        draft_contract(topics)
    for topic in topics:
        assert topic.name in str(caught.value)


def test_frames_odometry_and_devices_are_proposed_in_comments():
    transform = SimpleNamespace(
        header=SimpleNamespace(frame_id='base_link'), child_frame_id='tool0')
    _, text = drafted(
        seen('/joint_states', JOINTS, joint_state()),
        seen('/tf', 'tf2_msgs/msg/TFMessage', SimpleNamespace(transforms=[transform])),
        seen('/tf_static', 'tf2_msgs/msg/TFMessage', SimpleNamespace(transforms=[transform])),
        seen('/odom', 'nav_msgs/msg/Odometry'), seen('/joy', 'sensor_msgs/msg/Joy'),
        seen('/rosout', 'rcl_interfaces/msg/Log'), seen('/two', 'more than one'))
    words = ' '.join(text.replace('#', ' ').split())
    assert words.count('parent: base_link, child: tool0') == 1
    assert '/tf_static: poses of 1 frames that never change. They are read together' in words
    assert 'field: pose.pose, size: 7' in words
    assert 'teleoperation: {joy_topic: joy}' in words
    assert 'of ROS itself: /rosout' in words
    assert '/two: more than one' in words


topic_names = st.lists(
    st.text('abcXYZ019_-', min_size=1, max_size=6), min_size=1, max_size=3).map(
    lambda parts: '/' + '/'.join(f'x{part}' for part in parts))
kinds = st.sampled_from([
    *OBSERVATION_TYPES, TRAJECTORY, 'control_msgs/msg/JointJog', IMAGE,
    'sensor_msgs/msg/CompressedImage', 'sensor_msgs/msg/LaserScan', 'arm_msgs/msg/JointCommand',
    'foxglove_msgs/msg/CompressedVideo', 'control_msgs/msg/JointTrajectoryControllerState',
    'control_msgs/action/GripperCommand_FeedbackMessage', 'more than one'])
numbers = st.floats(allow_nan=True, allow_infinity=True)
joint_names = st.lists(st.sampled_from(['a', 'b', 'left_finger', 'right_finger', '', '\n']) |
                       st.text(max_size=4), max_size=5)


@st.composite
def messages(draw, kind):
    names = draw(joint_names)
    values = st.lists(numbers, min_size=len(names), max_size=len(names)) | st.lists(numbers)
    if kind == JOINTS:
        return joint_state(names, draw(values), draw(values), draw(values))
    if kind == TRAJECTORY:
        points = [SimpleNamespace(positions=draw(values), velocities=draw(values), effort=[])
                  for _ in range(draw(st.integers(0, 2)))]
        return SimpleNamespace(joint_names=names, points=points)
    if kind.endswith('JointJog'):
        return SimpleNamespace(joint_names=names, velocities=draw(values))
    if kind.startswith('arm_msgs'):
        return SimpleNamespace(name='arm', cmd=draw(values))
    return SimpleNamespace(data=draw(values), format='jpeg', twist=None, transforms=[])


@st.composite
def topics_seen(draw):
    kind = draw(kinds)
    count = draw(st.sampled_from([0, 1, 2, 9]))
    return TopicSeen(
        draw(topic_names | st.sampled_from(['/follower/joint_states', '/leader/joint_states'])),
        kind, tuple((0.1 * index, draw(messages(kind))) for index in range(count)),
        draw(st.booleans()), draw(st.booleans()), draw(st.sampled_from([0.0, 0.2, 29.97, 1000.0])),
        draw(st.none() | st.just((640, 480))), draw(st.none() | st.just((0.0, 0.0))),
        tuple(draw(joint_names)), draw(st.sampled_from(['', 'position', 'velocity'])))


@settings(max_examples=150)
@given(st.lists(topics_seen(), max_size=6, unique_by=lambda topic: topic.name), st.booleans())
def test_any_draft_can_be_loaded_and_names_every_topic(topics, recorded):
    try:
        draft = draft_contract(topics, recorded=recorded)
    except DraftError:
        return
    contract = parse_contract(yaml.safe_load(draft.contract))
    for action in contract.actions.values():
        span = np.subtract(action.maximum, action.minimum)
        assert recorded or (span <= 0.2 + 1e-9).all()
    for topic in topics:
        assert topic.name.lstrip('/') in draft.contract
    leaders = {topic.name.lstrip('/') for topic in topics if 'leader' in topic.name}
    assert not leaders & {entry.topic for entry in contract.observations.values()}


def test_sizes_of_images_are_read():
    import cv2
    content = cv2.imencode('.png', np.zeros((3, 5), np.uint8))[1].tobytes()
    assert image_size(SimpleNamespace(format='png', data=content)) == (5, 3)
    assert image_size(SimpleNamespace(format='png', data=b'nothing')) is None
    assert image_size(SimpleNamespace(width=7, height=2, encoding='rgb8')) == (7, 2)
    assert image_size(SimpleNamespace()) is None


def test_the_depth_in_an_image_is_read():
    import cv2
    depth = np.full((4, 4), 1500, np.uint16)
    depth[0, 0] = 0  # not measured
    image = SimpleNamespace(width=4, height=4, encoding='16UC1', is_bigendian=0,
                            data=depth.tobytes())
    packed = SimpleNamespace(format='16UC1; compressedDepth png',
                             data=bytes(12) + cv2.imencode('.png', depth)[1].tobytes())
    for message in (image, packed):
        assert depth_seen(message) == pytest.approx((1.5, 1.5))
        assert image_size(message) == (4, 4)
    assert depth_seen(SimpleNamespace(format='jpeg', data=b'')) is None
