# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A weights piece is read as ROS reads it; any other bytes are refused."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st
from inril_ros.msg import PolicyWeights
import pytest
from rclpy.serialization import deserialize_message, serialize_message

from inril_ros.nodes.base.serialised_messages import MessageRefused
from inril_ros.nodes.weights.piece_message import read_piece

MESSAGES = st.builds(
    dict, run_id=st.text(st.characters(codec='utf-8', exclude_characters='\0'), max_size=40),
    version=st.integers(0, 2**64 - 1), chunk_index=st.integers(0, 2**32 - 1),
    chunk_count=st.integers(0, 2**32 - 1), offset=st.integers(0, 2**64 - 1),
    data=st.binary(max_size=300))
FRAMES = st.text(st.characters(codec='ascii', exclude_characters='\0'), max_size=20)


def serialised(fields, frame=''):
    message = PolicyWeights(**{**fields, 'data': list(fields['data'])})
    message.header.frame_id = frame
    return serialize_message(message)


@given(MESSAGES, FRAMES)
def test_a_piece_is_read_as_ros_reads_it(fields, frame):
    piece = read_piece(serialised(fields, frame))
    assert (piece.run_id, piece.version, piece.index, piece.offset, bytes(piece.data)) == (
        fields['run_id'], fields['version'], fields['chunk_index'], fields['offset'],
        fields['data'])


@given(MESSAGES, st.integers(0, 2**32))
def test_truncated_bytes_are_refused(fields, cut):
    raw = serialised(fields)
    with pytest.raises(MessageRefused):
        read_piece(raw[:cut % len(raw)])


@given(MESSAGES, st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), min_size=1))
def test_damaged_bytes_are_refused_or_read_as_ros_reads_them(fields, changes):
    raw = bytearray(serialised(fields))
    for place, value in changes:
        raw[4 + place % (len(raw) - 4)] = value
    with suppress(MessageRefused):
        piece = read_piece(bytes(raw))
        assert len(piece.data) <= len(raw)
        with suppress(RuntimeError, UnicodeDecodeError):
            expected = deserialize_message(bytes(raw), PolicyWeights)
            assert (piece.version, piece.index, piece.offset, bytes(piece.data)) == (
                expected.version, expected.chunk_index, expected.offset, bytes(expected.data))


@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused(raw):
    with suppress(MessageRefused):
        assert len(read_piece(raw).data) <= len(raw)


def test_its_data_is_not_copied():
    raw = serialised({'run_id': 'r', 'version': 1, 'chunk_index': 0, 'chunk_count': 1, 'offset': 0,
                      'data': b'abc'})
    assert read_piece(raw).data.obj is raw
