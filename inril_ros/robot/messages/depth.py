# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Depth images: from the numbers of a camera to metres, and from metres to grey.

compressed_depth_image_transport sends 16UC1 (millimetres) as it is, and 32FC1 (metres) as inverse
depth in 16 bits, quantised by two numbers that precede the image. The image is a PNG or RVL
(Wilson, Fast Lossless Depth Image Compression, 2017).
"""

import math
from struct import Struct

import numpy as np

_HEADER = Struct('<iff')  # kind of quantisation (0: inverse depth), its numbers A and B
_SIZE = Struct('<II')  # width, height
_LARGEST = 4096 ** 2  # [pixel] As of a contract's camera


def depth_of_compressed(data: bytes, encoding: str) -> np.ndarray:
    """Return the depth (H, W) in a message of compressed_depth_image_transport.

    Args:
        data: The message's data.
        encoding: Its format, for example ``32FC1; compressedDepth rvl``.

    Returns:
        uint16 [mm] or float32 [m], NaN where nothing was measured.

    Raises:
        ValueError: The data don't hold what the format says, or it isn't known.
    """
    kind, _, compression = encoding.partition(';')
    if len(data) <= _HEADER.size:
        raise ValueError(f'{len(data)} bytes are no depth image')
    _, a, b = _HEADER.unpack_from(data)
    content = data[_HEADER.size:]
    numbers = _rvl_image(content) if 'rvl' in compression.lower() else _png_image(content)
    is_inverse = math.isfinite(a) and math.isfinite(b) and a > 0.0
    kind = kind.strip().upper()
    if not kind:  # some drivers leave it out
        kind = '32FC1' if is_inverse else '16UC1' if a == b == 0.0 else ''
    if kind in ('16UC1', 'MONO16'):
        return numbers
    if kind != '32FC1':
        raise ValueError(f'format {encoding!r}: compressed depth is 16UC1 or 32FC1')
    if not is_inverse:
        raise ValueError(f'format {encoding!r}: the quantisation in its header, A = {a:g} and '
                         f'B = {b:g}, is none')
    inverse = numbers.astype(np.float32)
    with np.errstate(divide='ignore'):
        return np.where(numbers > 0, np.float32(a) / (inverse - np.float32(b)), np.float32(np.nan))


def grey_of_depth(depth: np.ndarray, near: float, far: float) -> np.ndarray:
    """Return depth (H, W), uint16 [mm] or float32 [m], as grey (H, W, 3) uint8.

    0 is not measured, 1 is ``near`` [m] or nearer, 255 is ``far`` [m] or farther.
    """
    metres = depth.astype(np.float32) * (0.001 if depth.dtype == np.uint16 else 1.0)
    measured = np.isfinite(metres) & (metres > 0.0)
    share = np.clip((np.where(measured, metres, near) - near) / (far - near), 0.0, 1.0)
    grey = np.where(measured, 1 + np.rint(254.0 * share), 0).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _png_image(content: bytes) -> np.ndarray:
    import cv2

    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:  # a header that tells an enormous size
        image = None
    if image is None or image.ndim != 2 or image.dtype != np.uint16:
        raise ValueError(f'{len(content)} bytes that are no PNG of 16 bits with one channel')
    return image


def _rvl_image(content: bytes) -> np.ndarray:
    """Return an RVL image (H, W) uint16.

    Numbers are groups of three bits, the lowest first, each with a bit that says whether more
    follow: the length of a run of zeros, the length of a run of other values, and the differences
    of these from value to value.
    """
    if len(content) < _SIZE.size:
        raise ValueError(f'{len(content)} bytes are no RVL image')
    width, height = _SIZE.unpack_from(content)
    pixels = width * height
    if not 0 < pixels <= _LARGEST:
        raise ValueError(f'{len(content)} bytes are no RVL image of {width} x {height}')
    numbers = _rvl_numbers(content[_SIZE.size:])
    image = np.zeros(pixels, np.int64)
    filled = np.zeros(pixels, bool)
    place, at, parts = 0, 0, []
    while place < pixels:
        if at + 2 > len(numbers):
            raise ValueError(f'RVL image: ends after {place} of {pixels} pixels')
        zeros, count = int(numbers[at]), int(numbers[at + 1])
        place += zeros
        if place + count > pixels or at + 2 + count > len(numbers) or zeros + count == 0:
            raise ValueError('RVL image: its runs do not fit its size')
        filled[place:place + count] = True
        parts.append(numbers[at + 2:at + 2 + count])
        place, at = place + count, at + 2 + count
    positive = np.concatenate(parts) if parts else np.zeros(0, np.int64)
    image[filled] = np.cumsum((positive >> 1) ^ -(positive & 1))
    return image.astype(np.uint16).reshape(height, width)


def _rvl_numbers(content: bytes) -> np.ndarray:
    """Return all numbers of RVL data, those of the padding at its end, too."""
    words = np.frombuffer(content[:len(content) // 4 * 4], '<u4')
    groups = ((words[:, None] >> np.arange(28, -1, -4, dtype=np.uint32)) & 15).ravel()
    last = np.flatnonzero(groups < 8)
    if not len(last):
        return np.zeros(0, np.int64)
    first = np.concatenate([[0], last[:-1] + 1])
    groups = groups[:last[-1] + 1].astype(np.int64)
    order = np.arange(len(groups)) - np.repeat(first, last - first + 1)
    return np.add.reduceat((groups & 7) << np.minimum(3 * order, 60), first)
