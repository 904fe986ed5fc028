# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the bytes of a JPEG or PNG file say, without decoding the image."""

_JPEG, _PNG = b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n'
_PNG_END = b'IEND\xaeB`\x82'  # the last chunk's name and its checksum
# Markers of JPEG: those without a length; those with the size, SOF0 to SOF15 (not DHT, JPG, DAC).
_LONE = {0x01, *range(0xd0, 0xd9)}
_FRAMES = {*range(0xc0, 0xd0)} - {0xc4, 0xc8, 0xcc}


def encoded_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height [pixel] of a JPEG or PNG file; None if it is neither."""
    if data.startswith(_PNG) and len(data) > 24:
        return int.from_bytes(data[16:20], 'big'), int.from_bytes(data[20:24], 'big')
    position = 2
    while data.startswith(_JPEG) and position + 9 <= len(data):
        marker = data[position + 1]
        if data[position] != 0xff:
            return None
        if marker == 0xff or marker in _LONE:
            position += 1 if marker == 0xff else 2
            continue
        if marker in _FRAMES:
            height, width = (int.from_bytes(data[position + place:position + place + 2], 'big')
                             for place in (5, 7))
            return width, height
        position += 2 + int.from_bytes(data[position + 2:position + 4], 'big')
    return None


def is_wide_grey(data: bytes) -> bool:
    """Return whether this is a PNG file of 16 bits with one channel."""
    return data.startswith(_PNG) and data[24:26] == b'\x10\x00'


def is_cut_off(data: bytes) -> bool:
    """Return whether a JPEG or PNG file lacks its end; what follows the end doesn't count."""
    if data.startswith(_PNG):
        return _PNG_END not in data
    # A preview within the file has an end of its own, but before the scans of the image.
    end = data.rfind(b'\xff\xd9')
    return end < 0 or end < data.rfind(b'\xff\xda')
