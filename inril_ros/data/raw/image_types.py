# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Types of images outside common_interfaces, for bags that have no definition of them."""

from typing import Any

from rosbags.typesys import get_types_from_msg

FFMPEG_PACKET = 'ffmpeg_image_transport_msgs/msg/FFMPEGPacket'
FOXGLOVE_VIDEO = 'foxglove_msgs/msg/CompressedVideo'
FOXGLOVE_COMPRESSED = 'foxglove_msgs/msg/CompressedImage'
FOXGLOVE_RAW = 'foxglove_msgs/msg/RawImage'

_STAMPED = 'builtin_interfaces/Time timestamp\nstring frame_id\n'
_DEFINITIONS = {
    FFMPEG_PACKET: 'std_msgs/Header header\nint32 width\nint32 height\nstring encoding\n'
                   'uint64 pts\nuint8 flags\nbool is_bigendian\nuint8[] data\n',
    FOXGLOVE_VIDEO: f'{_STAMPED}uint8[] data\nstring format\n',
    FOXGLOVE_COMPRESSED: f'{_STAMPED}uint8[] data\nstring format\n',
    FOXGLOVE_RAW: f'{_STAMPED}uint32 width\nuint32 height\nstring encoding\nuint32 step\n'
                  'uint8[] data\n'}
#: The types whose messages an import turns into images of sensor_msgs.
FOREIGN_IMAGES = tuple(_DEFINITIONS)


def image_types() -> dict[str, Any]:
    """Return the fields of the types."""
    fields: dict[str, Any] = {}
    for kind, text in _DEFINITIONS.items():
        fields.update(get_types_from_msg(text, kind))
    return fields
