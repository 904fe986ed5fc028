# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What one image says about its camera: size, and whether it shows depth."""

from typing import Any

import numpy as np

from inril_ros.robot.messages.depth import depth_of_compressed

_DEPTH = {'16uc1': ('uint16', 0.001), '32fc1': ('float32', 1.0)}  # number, and its unit [m]


def image_size(message: Any) -> tuple[int, int] | None:
    """Return (width, height) [pixel] of an image message; None if it is none or can't be read."""
    if hasattr(message, 'width') and hasattr(message, 'encoding'):
        return message.width, message.height
    image = _decoded(message)
    return None if image is None else (image.shape[1], image.shape[0])


def depth_seen(message: Any) -> tuple[float, float] | None:
    """Return the (nearest, farthest) depth [m] in an image; (0, 0) if it has none.

    None if it is no depth image.
    """
    kind = _depth_kind(message)
    if kind is None:
        return None
    number, unit = _DEPTH[kind]
    try:
        if hasattr(message, 'encoding'):
            order = '>' if message.is_bigendian else '<'
            values = np.frombuffer(bytes(message.data), np.dtype(number).newbyteorder(order))
        else:
            values = _decoded(message)
        values = values[np.isfinite(values) & (values > 0)] * unit
    except (ValueError, TypeError, AttributeError):
        return 0.0, 0.0
    if not values.size:
        return 0.0, 0.0
    return float(np.percentile(values, 1)), float(np.percentile(values, 99))


def _depth_kind(message: Any) -> str | None:
    """Return the encoding of a depth image; None if it is none."""
    if hasattr(message, 'encoding'):
        return message.encoding.lower() if message.encoding.lower() in _DEPTH else None
    text = getattr(message, 'format', '')
    if 'compressedDepth' not in text:
        return None
    return '32fc1' if text.lower().startswith('32fc1') else '16uc1'


def _decoded(message: Any) -> np.ndarray | None:
    """Return a compressed image as it is stored; None if it is none."""
    if not hasattr(message, 'format') or not hasattr(message, 'data'):
        return None
    import cv2  # only where cameras are used: it costs 0.2 s to import

    data = bytes(message.data)
    if 'compressedDepth' in message.format:
        try:
            return depth_of_compressed(data, message.format)
        except ValueError:
            return None
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
