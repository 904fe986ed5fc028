# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Reads pieces of weights from serialised messages (CDR) without copying their bytes.

Deserialising a message copies each byte three times, in the thread that infers: for 20 MB half the
cost of receiving.
"""

from dataclasses import dataclass
import struct

from inril_ros.msg import PolicyWeights
from inril_ros.nodes.base.serialised_messages import (
    ENCAPSULATION,
    LITTLE_ENDIAN,
    MessageRefused,
    read_message,
)

_STAMP = 8  # [byte]
_LENGTH = struct.Struct('<I')
_NUMBERS = struct.Struct('<QIIQI')  # version, index, number of pieces, offset, length of the data


@dataclass(frozen=True)
class Piece:
    """The fields of PolicyWeights.msg that a receiver needs."""

    run_id: str
    version: int
    index: int
    offset: int
    data: memoryview


def read_piece(raw: bytes) -> Piece:
    """Return the piece in a serialised PolicyWeights; its data refers to these bytes.

    Raises:
        MessageRefused: The bytes are no such message.
    """
    try:
        if raw[:2] != LITTLE_ENDIAN:
            return _deserialised(raw)
        body = memoryview(raw)[ENCAPSULATION:]
        _, place = _text(body, _STAMP)
        run_id, place = _text(body, place)
        place += -place % 8
        version, index, _, offset, size = _NUMBERS.unpack_from(body, place)
        data = body[place + _NUMBERS.size:][:size]
        if len(data) < size:
            raise MessageRefused(f'{len(data)} bytes of data instead of {size}')
        return Piece(bytes(run_id).decode(), version, index, offset, data)
    except (struct.error, UnicodeDecodeError) as error:
        raise MessageRefused(f'{len(raw)} bytes are no piece of weights: {error}') from error


def _text(body: memoryview, place: int) -> tuple[memoryview, int]:
    """Return a string without its closing zero, and where it ends."""
    place += -place % 4
    size, = _LENGTH.unpack_from(body, place)
    begin = place + _LENGTH.size
    if not 0 < size <= len(body) - begin:
        raise MessageRefused(f'a string of {size} bytes in {len(body)}')
    return body[begin:begin + size - 1], begin + size


def _deserialised(raw: bytes) -> Piece:
    message = read_message(raw, PolicyWeights)
    return Piece(message.run_id, message.version, message.chunk_index, message.offset,
                 memoryview(message.data).cast('B'))
