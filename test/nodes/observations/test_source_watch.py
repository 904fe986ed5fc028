# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The watch reads a serialised image's stamp and content as the message has them."""

from hypothesis import given
from hypothesis import strategies as st
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage, Image

from inril_ros.nodes.base.serialised_messages import serialised_stamp


@given(seconds=st.integers(0, 2 ** 31 - 1), nanoseconds=st.integers(0, 999_999_999),
       kind=st.sampled_from([CompressedImage, Image]), frame=st.text(max_size=20))
def test_the_stamp_of_a_serialised_picture(seconds, nanoseconds, kind, frame):
    message = kind()
    message.header.stamp.sec, message.header.stamp.nanosec = seconds, nanoseconds
    message.header.frame_id = frame.replace('\0', '')
    message.data.frombytes(b'1234')
    assert serialised_stamp(serialize_message(message)) == seconds * 10 ** 9 + nanoseconds


def test_two_pictures_that_differ_by_their_stamp_only_have_the_same_content():
    first, second = CompressedImage(format='jpeg'), CompressedImage(format='jpeg')
    second.header.stamp.sec = 7
    for message in (first, second):
        message.data.frombytes(b'the same')
    assert serialize_message(first)[12:] == serialize_message(second)[12:]
