# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The one place where serialised messages (CDR) are read: from topics, and from the journal.

The bytes may come from a peer with another version of a message, or from anyone else in the
domain. What isn't plain CDR never reaches the middleware's reader, because that has crashed on
other encodings; whatever it refuses comes out of here as one kind of error.
"""

from functools import cache
import struct
from typing import Any

from rclpy.serialization import deserialize_message, serialize_message

#: First two bytes of plain CDR, little and big endian; ROS 2 uses no other encoding.
LITTLE_ENDIAN, BIG_ENDIAN = b'\x00\x01', b'\x00\x00'
#: [byte] Names the encoding; alignment counts from its end.
ENCAPSULATION = 4
_STAMPED = ENCAPSULATION + 8  # [byte] with the stamp of a header
_PADDING = 3  # [byte] most that a middleware adds at the end


class MessageRefused(ValueError):  # noqa: N818 it is the message that is refused
    """A message that can't be taken; the text says why."""


def read_message(raw: bytes, kind: type) -> Any:
    """Return the message in serialised bytes.

    Args:
        raw: The bytes.
        kind: Class of the message.

    Raises:
        MessageRefused: The bytes are no such message.
    """
    check_serialised(raw, kind)
    try:
        return deserialize_message(bytes(raw), kind)
    except Exception as error:  # rclpy's errors have no common class, and one is MemoryError
        raise MessageRefused(
            f'{len(raw)} bytes are no {kind.__name__}: is its sender of another version? '
            f'({error})') from error


def check_serialised(raw: bytes, kind: type) -> None:
    """Check the encoding and the length of a serialised message that isn't read.

    Raises:
        MessageRefused: They are not those of such a message.
    """
    if bytes(raw[:2]) not in (LITTLE_ENDIAN, BIG_ENDIAN):
        raise MessageRefused(f'{len(raw)} bytes are no {kind.__name__}: they begin with '
                             f'{bytes(raw[:ENCAPSULATION]).hex(" ") or "nothing"}, and plain CDR '
                             'with 00 00 or 00 01')
    if len(raw) < _shortest(kind):
        raise MessageRefused(f'{len(raw)} bytes are no {kind.__name__}: an empty one has '
                             f'{_shortest(kind)}')


def serialised_stamp(raw: bytes) -> int:
    """Return the stamp [ns] of a serialised message that begins with a header.

    Raises:
        MessageRefused: The bytes end before it.
    """
    if len(raw) < _STAMPED:
        raise MessageRefused(f'{len(raw)} bytes are no message with a stamp')
    order = '<' if raw[1] & 1 else '>'
    seconds, nanoseconds = struct.unpack_from(order + 'iI', raw, ENCAPSULATION)
    return seconds * 1_000_000_000 + nanoseconds


@cache
def _shortest(kind: type) -> int:
    """Return the fewest bytes [byte] that a message of a class has."""
    return max(ENCAPSULATION, len(serialize_message(kind())) - _PADDING)
