# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images of ROS in any of the common encodings as RGB, uint8.

Row padding, byte order and the many names of encodings end here. Depth becomes grey by the range
that the contract gives: 0 nothing measured, 1 nearest .. 255 farthest.
"""

from typing import Any

import numpy as np

from inril_ros.robot.contract.contract import Camera
from inril_ros.robot.messages.codecs import CodecError

# Encoding: (channels, bytes per number, constant of OpenCV that makes RGB of it or '').
_ENCODINGS: dict[str, tuple[int, int, str]] = {
    'rgb8': (3, 1, ''), 'bgr8': (3, 1, 'COLOR_BGR2RGB'), '8uc3': (3, 1, 'COLOR_BGR2RGB'),
    'rgba8': (4, 1, 'COLOR_RGBA2RGB'), 'bgra8': (4, 1, 'COLOR_BGRA2RGB'),
    '8uc4': (4, 1, 'COLOR_BGRA2RGB'), 'mono8': (1, 1, 'COLOR_GRAY2RGB'),
    '8uc1': (1, 1, 'COLOR_GRAY2RGB'), 'mono16': (1, 2, 'COLOR_GRAY2RGB'),
    '16uc1': (1, 2, 'COLOR_GRAY2RGB'), 'rgb16': (3, 2, ''), 'bgr16': (3, 2, 'COLOR_BGR2RGB'),
    # OpenCV names a pattern by its second row, ROS by its first.
    'bayer_rggb8': (1, 1, 'COLOR_BayerBG2RGB'), 'bayer_bggr8': (1, 1, 'COLOR_BayerRG2RGB'),
    'bayer_gbrg8': (1, 1, 'COLOR_BayerGR2RGB'), 'bayer_grbg8': (1, 1, 'COLOR_BayerGB2RGB'),
    'bayer_rggb16': (1, 2, 'COLOR_BayerBG2RGB'), 'bayer_bggr16': (1, 2, 'COLOR_BayerRG2RGB'),
    'bayer_gbrg16': (1, 2, 'COLOR_BayerGR2RGB'), 'bayer_grbg16': (1, 2, 'COLOR_BayerGB2RGB'),
    'yuv422': (2, 1, 'COLOR_YUV2RGB_UYVY'), 'uyvy': (2, 1, 'COLOR_YUV2RGB_UYVY'),
    'yuv422_yuy2': (2, 1, 'COLOR_YUV2RGB_YUY2'), 'yuyv': (2, 1, 'COLOR_YUV2RGB_YUY2'),
    'nv12': (1, 1, 'COLOR_YUV2RGB_NV12'), 'nv21': (1, 1, 'COLOR_YUV2RGB_NV21'),
}
_DEPTH = ('16uc1', 'mono16', '32fc1')
# compressed_depth_image_transport puts so many bytes before its PNG.
_DEPTH_HEADER = 12


def rgb_of_image(message: Any, camera: Camera) -> np.ndarray:
    """Return a sensor_msgs/Image as (height, width, 3) uint8 RGB.

    Raises:
        CodecError: Its encoding isn't known, or its content doesn't fit its size.
    """
    import cv2  # only where cameras are used: it costs 0.2 s to import

    name = message.encoding.lower()
    if camera.depth_range is not None:
        if name not in _DEPTH:
            raise CodecError(f'{camera.topic}: depth_range is given, but the encoding is '
                             f'{message.encoding!r}; depth is one of {list(_DEPTH)}')
        size = 4 if name == '32fc1' else 2
        return _grey_of_depth(_pixels(message, camera, 1, size)[..., 0], camera)
    if name not in _ENCODINGS:
        hint = '; give the camera a depth_range' if name == '32fc1' else ''
        raise CodecError(f'{camera.topic}: encoding {message.encoding!r} is not known{hint}; '
                         f'known are {sorted(_ENCODINGS)}')
    channels, size, conversion = _ENCODINGS[name]
    pixels = _pixels(message, camera, channels, size)
    if size == 2:
        pixels = (pixels >> 8).astype(np.uint8)
    if not conversion:
        return np.ascontiguousarray(pixels)
    try:
        return cv2.cvtColor(np.ascontiguousarray(pixels), getattr(cv2, conversion))
    except cv2.error as error:  # an odd width of a format that shares colours between pixels
        raise CodecError(f'{camera.topic}: {message.width} x {message.height} cannot be '
                         f'{message.encoding}: {str(error).strip()}') from error


def rgb_of_compressed(message: Any, camera: Camera) -> np.ndarray:
    """Return a sensor_msgs/CompressedImage as (height, width, 3) uint8 RGB.

    Raises:
        CodecError: It can't be decoded.
    """
    import cv2

    data = bytes(message.data)
    if 'compressedDepth' in message.format:
        data = data[_DEPTH_HEADER:]
    if not data:
        raise CodecError(f'{camera.topic}: an image without content')
    wanted = cv2.IMREAD_UNCHANGED if camera.depth_range else cv2.IMREAD_COLOR
    image = cv2.imdecode(np.frombuffer(data, np.uint8), wanted | cv2.IMREAD_IGNORE_ORIENTATION
                         if wanted == cv2.IMREAD_COLOR else wanted)
    if image is None:
        raise CodecError(f'{camera.topic}: {len(data)} bytes of format {message.format!r} are no '
                         'image that can be decoded')
    if camera.depth_range is None:
        return np.ascontiguousarray(image[:, :, ::-1])
    if image.ndim != 2 or image.dtype != np.uint16:
        raise CodecError(f'{camera.topic}: depth_range is given, but the image has '
                         f'{image.dtype} {image.shape}; depth is 16 bit with one channel')
    return _grey_of_depth(image, camera)


def _pixels(message: Any, camera: Camera, channels: int, size: int) -> np.ndarray:
    """Return the pixels (rows, width, channels) without padding, in this machine's byte order."""
    width, height = message.width, message.height
    rows = height * 3 // 2 if message.encoding.lower() in ('nv12', 'nv21') else height
    used = width * channels * size
    step = message.step or used
    data = np.frombuffer(bytes(message.data), np.uint8)
    if step < used or data.size < step * (rows - 1) + used or not (width and height):
        raise CodecError(
            f'{camera.topic}: {data.size} bytes in rows of {message.step} are no {width} x '
            f'{height} image of encoding {message.encoding!r}')
    data = np.pad(data[:step * rows], (0, max(0, step * rows - data.size)))
    line = data.reshape(rows, step)[:, :used]
    if size == 1:
        return line.reshape(rows, width, channels)
    order = '>' if message.is_bigendian else '<'
    kind = np.dtype(f'{order}{"f4" if size == 4 else "u2"}')
    numbers = np.ascontiguousarray(line).view(kind).reshape(rows, width, channels)
    return numbers.astype(kind.newbyteorder('='))


def _grey_of_depth(depth: np.ndarray, camera: Camera) -> np.ndarray:
    """Return depth (height, width), uint16 [mm] or float32 [m], as grey (height, width, 3)."""
    near, far = camera.depth_range
    metres = depth.astype(np.float32) * (0.001 if depth.dtype == np.uint16 else 1.0)
    measured = np.isfinite(metres) & (metres > 0.0)
    share = np.clip((np.where(measured, metres, near) - near) / (far - near), 0.0, 1.0)
    grey = np.where(measured, 1 + np.rint(254.0 * share), 0).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)
