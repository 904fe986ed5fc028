# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The pose of one frame in another along any chain of transforms, against products of matrices."""

import re

from hypothesis import assume, given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from small_arm import header, SECOND, START, TYPES

from inril_ros.data.frames.streams import FrameError
from inril_ros.data.frames.sync import FrameAligner
from inril_ros.data.frames.transform_tree import ALWAYS, TransformTree
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.messages.codecs import CodecError

TF = 'tf2_msgs/msg/TFMessage'


def transform(parent, child, stamp, pose):
    numbers = [float(number) for number in pose]
    stamped = header(stamp)
    stamped.frame_id = parent
    return TYPES['geometry_msgs/msg/TransformStamped'](
        stamped, child, TYPES['geometry_msgs/msg/Transform'](
            TYPES['geometry_msgs/msg/Vector3'](*numbers[:3]),
            TYPES['geometry_msgs/msg/Quaternion'](*numbers[3:])))


def message(*transforms):
    return TYPES[TF](list(transforms))


def pose_of(x, angle=0.0):
    """A pose x along the x axis, turned about z."""
    return np.array([x, 0, 0, 0, 0, np.sin(angle / 2), np.cos(angle / 2)])


def as_matrix(pose):
    whole = np.eye(4)
    whole[:3, :3], whole[:3, 3] = Rotation.from_quat(pose[3:]).as_matrix(), pose[:3]
    return whole


numbers = st.floats(-1.0, 1.0, allow_subnormal=False)


@st.composite
def poses(draw):
    turn = np.array([draw(numbers) for _ in range(4)])
    assume(np.linalg.norm(turn) > 0.1)
    return np.array([*(draw(numbers) for _ in range(3)), *(turn / np.linalg.norm(turn))])


@st.composite
def trees(draw):
    """The parent of each frame by number, in any shape; frame 0 is the root."""
    parents = [draw(st.integers(0, child - 1)) for child in range(1, draw(st.integers(2, 7)))]
    return parents, [draw(poses()) for _ in parents]


@settings(max_examples=100)
@given(trees(), st.data())
def test_any_pose_is_the_product_along_the_chain(tree, data):
    parents, links = tree
    static = data.draw(st.lists(st.booleans(), min_size=len(links), max_size=len(links)))
    known = TransformTree('/tf', 10)
    world = {0: np.eye(4)}
    for child, (parent, link) in enumerate(zip(parents, links, strict=True), start=1):
        world[child] = world[parent] @ as_matrix(link)
        one = message(transform(f'f{parent}', f'f{child}', START, link))
        known.add_static(one) if static[child - 1] else known.add(one)
    frames = st.integers(0, len(links))
    first, second = data.draw(frames), data.draw(frames)
    assume(first != second)
    pose, oldest, gap = known.pose(f'f{first}', f'f{second}', START + 5, START + 5, 'hold')
    np.testing.assert_allclose(
        as_matrix(pose), np.linalg.inv(world[first]) @ world[second], atol=1e-7)
    assert oldest in (START, START + 5)
    assert gap == 0


def test_each_link_is_interpolated_by_itself():
    tree = TransformTree('/tf', 10)
    for at, x in ((0, 0.0), (SECOND // 2, 1.0)):
        tree.add(message(transform('base', 'arm', START + at, pose_of(x))))
    for at, angle in ((0, 0.0), (SECOND // 4, 1.0), (SECOND // 2, 2.0)):
        tree.add(message(transform('arm', 'tool', START + at, pose_of(1.0, angle))))
    instant = START + SECOND // 8
    pose, oldest, gap = tree.pose('base', 'tool', instant, START + SECOND, 'slerp')
    assert pose[:3].tolist() == [1.25, 0.0, 0.0]
    assert Rotation.from_quat(pose[3:]).as_euler('xyz')[2] == pytest.approx(0.5)
    assert (oldest, gap) == (START, SECOND // 2)
    held, _, _ = tree.pose('base', 'tool', instant, START + SECOND, 'hold')
    assert held.tolist() == pose_of(1.0).tolist()
    unknown, _, _ = tree.pose('base', 'tool', instant, instant, 'slerp')
    assert unknown.tolist() == held.tolist(), 'what is stamped later has not come yet'


def test_the_newest_time_is_that_of_the_slowest_link():
    tree = TransformTree('/tf', 10)
    assert tree.newest('base', 'tool') == 0
    tree.add_static(message(transform('arm', 'tool', 0, pose_of(1.0))))
    assert tree.newest('base', 'tool') == 0
    tree.add(message(transform('base', 'arm', START, pose_of(1.0))))
    assert tree.newest('base', 'tool') == START
    assert tree.newest('arm', 'tool') == ALWAYS


@pytest.mark.parametrize(('wrong', 'words'), [
    (transform('base', 'arm', 0, pose_of(1.0)), "to 'arm': its stamp is 0"),
    (transform('base', 'arm', START, [0] * 7), "to 'arm': .* is no rotation"),
    (transform('base', 'arm', START, [0, 0, 0, 0, 0, 0, 1.1]), "to 'arm': .* is no rotation"),
    (transform('base', 'arm', START, [np.nan] * 7), "to 'arm': /tf: a value is not finite")])
def test_a_wrong_transform_is_refused_and_does_not_spoil_the_others_of_its_message(wrong, words):
    aligner = FrameAligner(contract())
    with pytest.raises(CodecError, match=words):
        aligner.add('/tf', message(wrong))
    aligner.add('/tf', message(transform('base', 'tool', START, pose_of(1.0)), wrong))
    assert aligner.rejections.counts == {'/tf': 2}
    assert re.search(words, aligner.rejections.reasons['/tf'])
    assert aligner.frame(START).values['tool'][0] == 1.0


def test_a_static_transform_that_is_no_rotation_is_refused():
    aligner = FrameAligner(contract())
    with pytest.raises(CodecError, match="to 'tool': .* is no rotation: its length is 0"):
        aligner.add('/tf_static', message(transform('base', 'tool', 0, [0] * 7)))
    assert aligner.missing() == {'/tf': '/tf: no usable transform has come'}


def test_frames_that_are_not_joined_are_named_with_those_there_are():
    tree = TransformTree('/tf', 10)
    tree.add(message(transform('base', 'arm', START, pose_of(1.0))))
    with pytest.raises(FrameError, match="'camera' and 'base' are not joined.*'arm', 'base'"):
        tree.pose('base', 'camera', START, START, 'hold')


def test_transforms_in_a_circle_are_refused():
    tree = TransformTree('/tf', 10)
    tree.add(message(transform('a', 'b', START, pose_of(1.0)),
                     transform('b', 'a', START, pose_of(1.0))))
    with pytest.raises(FrameError, match='in a circle'):
        tree.pose('c', 'a', START, START, 'hold')


def contract(**more):
    entry = {'topic': '/tf', 'type': TF, 'field': 'transform', 'parent': 'base', 'child': 'tool',
             **more}
    return parse_contract({
        'name': 'arm', 'control_rate': 10, 'observations': {'tool': entry},
        'policy_observations': ['tool'], 'episode': {'time_limit': 5},
        'actions': {'velocity': {
            'topic': 'command', 'type': 'geometry_msgs/msg/TwistStamped',
            'field': 'twist.linear', 'minimum': [-1, -1, -1], 'maximum': [1, 1, 1]}}})


def test_a_contract_observes_a_frame_through_tf():
    aligner = FrameAligner(contract())
    assert aligner.topics == {'/tf': TF, '/tf_static': TF}
    assert contract().latched_topics() == {'/tf_static'}
    assert list(aligner.missing()) == ['/tf']
    aligner.add('/tf_static', message(transform('arm', 'tool', 0, pose_of(1.0))))
    aligner.add('/tf', message(transform('base', 'arm', START, pose_of(2.0))))
    assert aligner.newest_complete() == START
    frame = aligner.frame(START + SECOND // 20)
    assert frame.values['tool'].tolist() == pose_of(3.0).tolist()
    assert frame.age == 0.05
    with pytest.raises(FrameError, match='/tf: tool is 0.200 s old, 0.1 s allowed'):
        aligner.frame(START + SECOND // 5)


@pytest.mark.parametrize(('field', 'size'), [
    ('transform', 7), ('transform.translation', 3), ('transform.rotation', 4)])
def test_part_of_a_transform_may_be_observed(field, size):
    aligner = FrameAligner(contract(field=field))
    aligner.add('/tf', message(transform('base', 'tool', START, pose_of(2.0))))
    value = aligner.frame(START).values['tool'].tolist()
    assert value == {7: [2, 0, 0, 0, 0, 0, 1], 3: [2, 0, 0], 4: [0, 0, 0, 1]}[size]


def test_a_moving_link_that_goes_back_in_time_makes_the_past_be_forgotten():
    aligner = FrameAligner(contract())
    aligner.add('/tf_static', message(transform('arm', 'tool', 0, pose_of(1.0))))
    for stamp in (START, START + 1, START - 2 * SECOND):
        aligner.add('/tf', message(transform('base', 'arm', stamp, pose_of(2.0))))
    assert aligner.restarts == 1
    assert aligner.newest_complete() == START - 2 * SECOND
    aligner.add('/tf', message(transform('base', 'arm', START - 2 * SECOND - 1, pose_of(9.0))))
    assert aligner.rejections.total == 1
    assert aligner.frame(START - 2 * SECOND).values['tool'][0] == 3.0
