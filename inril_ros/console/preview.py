# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images of cameras, as small as a page shows them."""

from functools import lru_cache

import numpy as np

_WIDTH = 480  # [pixel]
_QUALITY = 70


@lru_cache(maxsize=8)
def preview(image: bytes) -> bytes:
    """Return a compressed image as a JPEG of at most 480 pixels' width.

    Args:
        image: JPEG or PNG.

    Returns:
        The JPEG; empty if the image can't be read.
    """
    import cv2

    if not image:
        return b''
    pixels = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        return b''
    height, width = pixels.shape[:2]
    if width > _WIDTH:
        size = _WIDTH, max(1, round(height * _WIDTH / width))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
