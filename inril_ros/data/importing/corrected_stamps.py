# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Stamps of topics whose sender had another clock, or none, corrected as the mapping says."""

from struct import Struct

from inril_ros.data.bags.bags import BagError

# A serialised message begins with 4 bytes that say how it is encoded, then comes its header.
_PLACE = 4
_STAMP = {'<': Struct('<iI'), '>': Struct('>iI')}
_SECOND = 1_000_000_000


def stamp_in(raw: bytes, is2: bool = True) -> int:
    """Return the stamp [ns] of a serialised message that begins with a header.

    Args:
        raw: The message.
        is2: Whether it is of ROS 2. In ROS 1 the header begins with 4 bytes of a number.
    """
    seconds, rest = _STAMP[_order(raw) if is2 else '<'].unpack_from(raw, _PLACE)
    return seconds * _SECOND + rest


def corrected(raw: bytes, correction: float | str, received: int, topic: str) -> bytes:
    """Return a serialised message of ROS 2 that begins with a header, with its stamp corrected.

    Args:
        raw: The message.
        correction: What is added to its stamp [s], unless that is 0; or ``receive``.
        received: When it was received, by the episode's clock [ns].
        topic: The contract's name of its topic, for the error message.

    Raises:
        BagError: No header can hold the corrected stamp.
    """
    if correction == 'receive':
        stamp = received
    else:
        stamp = stamp_in(raw)
        if not stamp:
            return raw
        stamp += round(correction * _SECOND)
    seconds, rest = divmod(stamp, _SECOND)
    if not 0 <= seconds < 2**31:
        raise BagError(f'stamps.{topic} of the mapping: a stamp would become '
                       f'{stamp / _SECOND:.3f} s, which no header can hold')
    packed = _STAMP[_order(raw)].pack(seconds, rest)
    return bytes(raw[:_PLACE]) + packed + bytes(raw[_PLACE + len(packed):])


def _order(raw: bytes) -> str:
    return '<' if raw[1] & 1 else '>'
