# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Bytes that are no message of a topic are refused, counted and reported, whatever they are."""

from builtin_interfaces.msg import Time
from hypothesis import example, given
from hypothesis import strategies as st
from inril_ros.msg import ActionChunk, ExecutedAction, Transition
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.serialization import serialize_message
from sensor_msgs.msg import JointState
from std_msgs.msg import Empty, String

from inril_ros.nodes.base.guarded_node import GuardedNode
from inril_ros.nodes.base.refused_messages import AT_ONCE, PERIOD, RefusedMessages
from inril_ros.nodes.base.serialised_messages import (
    check_serialised,
    MessageRefused,
    read_message,
    serialised_stamp,
)

KINDS = [ActionChunk, Empty, ExecutedAction, JointState, String, Time, Transition]
GARBAGE = [b'', b'\0', b'\0\1', b'\0\1\0\0', b'abcd', b'\0\0\0\1' * 3, b'\0\7\0\0' * 50,
           b'\0\1\0\0' + b'\xff' * 200]


@pytest.mark.parametrize('kind', KINDS)
def test_a_message_is_read_as_it_was_written(kind):
    raw = serialize_message(kind())
    check_serialised(raw, kind)
    assert read_message(raw, kind) == kind()


def test_a_message_of_a_big_endian_machine_is_read():
    assert read_message(b'\0\0\0\0\0\0\0\2\x80\0\0\1', Time) == Time(sec=2, nanosec=2**31 + 1)
    assert read_message(b'\0\0\0\0\0\0\0\4abc\0', String).data == 'abc'


@pytest.mark.parametrize('kind', [ExecutedAction, Transition, JointState])
@pytest.mark.parametrize('raw', GARBAGE)
def test_what_is_no_message_is_refused_with_the_reason(kind, raw):
    with pytest.raises(MessageRefused, match=f'{len(raw)} bytes are no {kind.__name__}'):
        read_message(raw, kind)


@pytest.mark.parametrize('encoding', range(2, 16))
def test_no_other_encoding_reaches_the_middleware(encoding):
    raw = bytes([0, encoding]) + serialize_message(Time(sec=1))[2:]
    for check in (check_serialised, read_message):
        with pytest.raises(MessageRefused, match='plain CDR with 00 00 or 00 01'):
            check(raw, Time)


@given(st.sampled_from(KINDS), st.binary(max_size=400))
@example(Transition, b'\0\1\0\0' + b'\xff\xff\xff\x7f' * 50)
def test_any_bytes_are_a_message_or_refused(kind, raw):
    for prefix in (b'', b'\0\1\0\0', b'\0\0\0\0'):
        try:
            assert isinstance(read_message(prefix + raw, kind), kind)
        except MessageRefused as error:
            assert str(error)


@given(st.binary(max_size=20))
def test_a_stamp_is_read_from_whole_headers_only(raw):
    if len(raw) < 12:
        with pytest.raises(MessageRefused):
            serialised_stamp(raw)
    else:
        assert isinstance(serialised_stamp(raw), int)


def test_refusals_are_counted_and_reported_at_a_bounded_rate():
    now, reports = [0.0], []
    refused = RefusedMessages(reports.append, lambda: now[0])
    assert refused.details() == {}
    for step in range(10_000):
        now[0] = step / 1000
        refused.add('joints', f'reason {step}')
    refused.add('camera', 'another')
    assert refused.count('joints') == 10_000
    assert len(reports) <= AT_ONCE + 10 / PERIOD + 1
    assert reports[0] == 'joints refused (1 so far): reason 0'
    assert reports[-1] == 'camera refused (1 so far): another'
    assert refused.details() == {'refused messages': 'camera: 1, joints: 10000',
                                 'last refusal': 'camera: another'}


class Listener(GuardedNode):
    """Takes strings, but not empty ones."""

    def __init__(self, context):
        super().__init__('listener', context=context, enable_rosout=False)
        self.heard, self.raw = [], []
        self.create_subscription(String, 'said', self._take, 10)
        self.create_subscription(String, 'said_raw', self.raw.append, 10, raw=True)

    def _take(self, message):
        if not message.data:
            raise MessageRefused('nothing was said')
        self.heard.append(message.data)


def test_a_node_outlives_whatever_is_published():
    context = rclpy.Context()
    rclpy.init(context=context)
    node = Listener(context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    said, said_raw = (node.create_publisher(String, topic, 10) for topic in ('said', 'said_raw'))
    while not (said.get_subscription_count() and said_raw.get_subscription_count()):
        executor.spin_once(timeout_sec=0.01)
    # No byte at all is nothing that Fast DDS brings from one process to another.
    for number, raw in enumerate([*filter(None, GARBAGE), serialize_message(String())], 1):
        said.publish(raw)
        while node.refused.count('said') < number:
            executor.spin_once(timeout_sec=1.0)
    said.publish(String(data='goodbye'))
    said_raw.publish(b'abcd')
    while not (node.heard and node.raw):
        executor.spin_once(timeout_sec=1.0)
    assert node.heard == ['goodbye'] and node.raw[0][:4] == b'abcd'
    assert node.refused.details()['last refusal'] == 'said: nothing was said'
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)
