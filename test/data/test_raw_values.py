# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Numbers read from where they lie are those of the decoded message, or nothing is read."""

from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.data.raw.messages import blank_message, serialised
from inril_ros.data.raw.raw_values import RawReader, RawValues
from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.robot.contract.contract import Observation
from inril_ros.robot.messages.codecs import CodecError, decode, put_stamp, stamp_ns

JOINTS, POSE = 'sensor_msgs/msg/JointState', 'geometry_msgs/msg/PoseStamped'
ARRAY, TRAJECTORY = 'std_msgs/msg/Float32MultiArray', 'trajectory_msgs/msg/JointTrajectory'
ENTRIES = {
    JOINTS: Observation('joints', JOINTS, joints=('a', 'b')),
    POSE: Observation('hand', POSE, field='pose'),
    ARRAY: Observation('array', ARRAY, field='data[1]', size=2, clock='receive'),
    TRAJECTORY: Observation('command', TRAJECTORY, joints=('a', 'b'))}
numbers = st.floats(allow_nan=True, allow_infinity=True, width=32)


@st.composite
def joint_state(draw):
    message = blank_message(JOINTS)
    # Joints in any order, others between them, and now and then one that is missing.
    message.name.extend(draw(st.lists(
        st.sampled_from(['a', 'b', 'c', 'joint', '']), unique=True, max_size=5)))
    for values in (message.position, message.velocity, message.effort):
        count = draw(st.sampled_from([len(message.name), 0, len(message.name) + 1]))
        values.extend(draw(st.lists(numbers, min_size=count, max_size=count)))
    return message


@st.composite
def pose(draw):
    message = blank_message(POSE)
    for part, names in ((message.pose.position, 'xyz'), (message.pose.orientation, 'xyzw')):
        for name in names:
            setattr(part, name, draw(numbers))
    return message


@st.composite
def array_of_numbers(draw):
    message = blank_message(ARRAY)
    message.data.extend(draw(st.lists(numbers, max_size=5)))
    return message


@st.composite
def trajectory(draw):
    message = blank_message(TRAJECTORY)
    message.joint_names.extend(draw(st.permutations(['a', 'b', 'c']))[:draw(st.integers(0, 3))])
    for _ in range(draw(st.integers(0, 2))):
        point = blank_message('trajectory_msgs/msg/JointTrajectoryPoint')
        point.positions.extend(draw(st.lists(numbers, max_size=4)))
        message.points.append(point)
    return message


@st.composite
def messages(draw):
    """Some messages of one type, as bytes; now and then the same bytes twice, or cut off."""
    kind = draw(st.sampled_from(sorted(ENTRIES)))
    make = {JOINTS: joint_state, POSE: pose, ARRAY: array_of_numbers, TRAJECTORY: trajectory}[kind]
    rows = []
    for message in draw(st.lists(make(), min_size=1, max_size=4)):
        put_stamp(message, draw(st.integers(0, 2**31 * 10**9 - 1)),
                  draw(st.sampled_from(['', 'base', 'a longer frame'])))
        rows += [serialised(message)] * draw(st.integers(1, 3))
    if draw(st.booleans()):
        cut = draw(st.integers(0, len(rows[-1])))
        rows.append(rows[-1][:cut])
    return kind, rows


def reader(kind):
    return RawReader(kind, ros_typestore(), {'value': partial(decode, observation=ENTRIES[kind])})


def decoded(kind, raw):
    """(stamp, values) of a message by way of the library; None: it is no message, or not ours."""
    try:
        message = ros_typestore().deserialize_cdr(raw, kind)
        values = decode(message, ENTRIES[kind])
    except Exception:  # the library raises what it likes
        return None
    return (stamp_ns(message) if hasattr(message, 'header') else 0), values


def assert_same(found, kind, raw):
    stamp, values = decoded(kind, raw)
    assert found.stamp == stamp
    assert found.values['value'].dtype == np.float64
    assert found.values['value'].tobytes() == values.tobytes()


@settings(max_examples=150, deadline=None)
@given(messages())
def test_what_is_read_is_what_is_decoded_and_what_cannot_be_decoded_is_not_read(case):
    kind, rows = case
    one = reader(kind)
    for raw in rows:
        found = one.read(raw)
        if found is not None:
            assert_same(found, kind, raw)


@settings(max_examples=150, deadline=None)
@given(messages(), st.integers(0, 40))
def test_many_are_read_at_once_as_one_by_one_or_not_at_all(case, lead):
    kind, rows = case
    one = reader(kind)
    for raw in rows:
        one.read(raw)
    # Not aligned to anything, as in a bag.
    content = np.frombuffer(bytes(lead) + b''.join(raw + b'gap' for raw in rows), np.uint8)
    sizes = np.array([len(raw) for raw in rows])
    begins = lead + np.cumsum(sizes + 3) - sizes - 3
    columns = one.read_many(content, begins, sizes)
    if columns is None:
        return
    for row, raw in enumerate(rows):
        assert_same(RawValues(int(columns.stamps[row]), {'value': columns.values['value'][row]}),
                    kind, raw)


@pytest.mark.parametrize('kind', [JOINTS, POSE, ARRAY, TRAJECTORY])
def test_messages_of_a_stream_are_read_at_once_after_the_first(kind):
    """Otherwise the tests above might hold since nothing is ever read."""
    rows = []
    for index in range(3):
        message = blank_message(kind)
        put_stamp(message, 1_000_000_000 + index, 'base')
        if kind == JOINTS:
            message.name.extend(['b', 'c', 'a'])
            message.position.extend([1.0 + index, 2.0, 3.0])
        elif kind == POSE:
            message.pose.position.x = float(index)
        elif kind == ARRAY:
            message.data.extend([1.0, 2.0 + index, 3.0])
        else:
            message.joint_names.extend(['b', 'a'])
            point = blank_message('trajectory_msgs/msg/JointTrajectoryPoint')
            point.positions.extend([1.0, float(index)])
            message.points.append(point)
        rows.append(serialised(message))
    one = reader(kind)
    assert one.read(rows[0]) is None, 'its layout is not known yet'
    sizes = np.array([len(raw) for raw in rows])
    columns = one.read_many(np.frombuffer(b''.join(rows), np.uint8),
                            np.cumsum(sizes) - sizes, sizes)
    assert columns.values['value'].tolist() == [decoded(kind, raw)[1].tolist() for raw in rows]
    assert one.read(rows[1]).values['value'].tolist() == decoded(kind, rows[1])[1].tolist()


def test_a_message_in_the_other_byte_order_is_left_to_the_library():
    message = blank_message(POSE)
    message.pose.position.x = 3.0
    raw = bytes(ros_typestore().serialize_cdr(message, POSE, little_endian=False))
    one = reader(POSE)
    assert [one.read(raw) for _ in range(3)] == [None] * 3
    assert decoded(POSE, raw)[1][0] == 3.0


def test_a_value_that_is_not_finite_is_left_to_who_can_say_so():
    one, message = reader(POSE), blank_message(POSE)
    message.pose.position.x = 1.0
    one.read(serialised(message))
    assert one.read(serialised(message)) is not None
    message.pose.position.x = float('nan')
    raw = serialised(message)
    assert one.read(raw) is None
    assert one.read_many(np.frombuffer(raw, np.uint8), np.array([0]), np.array([len(raw)])) is None
    with pytest.raises(CodecError, match='not finite'):
        decode(ros_typestore().deserialize_cdr(raw, POSE), ENTRIES[POSE])


def test_joints_in_another_order_are_another_layout_of_the_same_size():
    rows = []
    for names in (['a', 'b'], ['a', 'b'], ['b', 'a']):
        message = blank_message(JOINTS)
        message.name.extend(names)
        message.position.extend([1.0, 2.0])
        rows.append(serialised(message))
    one = reader(JOINTS)
    assert [one.read(raw) for raw in rows[:1]] == [None]
    sizes = np.array([len(raw) for raw in rows])
    assert len(set(sizes.tolist())) == 1
    content, begins = np.frombuffer(b''.join(rows), np.uint8), np.cumsum(sizes) - sizes
    assert one.read_many(content, begins, sizes) is None
    assert one.read_many(content, begins[:2], sizes[:2]).values['value'].tolist() == [[1, 2]] * 2
    assert one.read(rows[2]) is None, 'and now it is known, too'
    assert one.read(rows[2]).values['value'].tolist() == [2, 1]
