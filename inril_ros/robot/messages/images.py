# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Camera images: ROS messages, JPEG and PNG files, arrays.

Images are sent and stored as the camera encoded them. The acting policy, the learner and the
reader of bags all decode them here, and thus see exactly the same pixels.

All encodings of ROS become RGB, uint8; row padding and byte order are handled here. Depth becomes
grey by the range that the contract gives: 0 not measured, 1 nearest .. 255 farthest.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from inril_ros.robot.contract.contract import Camera, Contract
from inril_ros.robot.messages.codecs import CodecError, MessageTypes, put_stamp
from inril_ros.robot.messages.depth import depth_of_compressed, grey_of_depth
from inril_ros.robot.messages.image_header import encoded_size, is_cut_off, is_wide_grey

# Encoding: (channels, bytes per number, OpenCV's conversion to RGB or '').
_ENCODINGS: dict[str, tuple[int, int, str]] = {
    'rgb8': (3, 1, ''), 'bgr8': (3, 1, 'COLOR_BGR2RGB'), '8uc3': (3, 1, 'COLOR_BGR2RGB'),
    'rgba8': (4, 1, 'COLOR_RGBA2RGB'), 'bgra8': (4, 1, 'COLOR_BGRA2RGB'),
    '8uc4': (4, 1, 'COLOR_BGRA2RGB'), 'mono8': (1, 1, 'COLOR_GRAY2RGB'),
    '8uc1': (1, 1, 'COLOR_GRAY2RGB'), 'mono16': (1, 2, 'COLOR_GRAY2RGB'),
    'rgb16': (3, 2, ''), 'bgr16': (3, 2, 'COLOR_BGR2RGB'),
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
_VIDEO = ('264', '265', 'hevc', 'av1', 'vp8', 'vp9')
_NEEDS_RANGE = ('give the camera a depth_range: the nearest and the farthest depth [m] that the '
                'policy shall see')


def rgb_of_image(message: Any, camera: Camera) -> np.ndarray:
    """Return a sensor_msgs/Image as (height, width, 3) uint8 RGB.

    Raises:
        CodecError: Its encoding isn't known, or its content doesn't fit its size.
    """
    import cv2  # only where cameras are used: it takes 0.2 s to import

    name = message.encoding.lower()
    if camera.depth_range is not None:
        if name not in _DEPTH:
            raise CodecError(f'{camera.topic}: depth_range is given, but the encoding is '
                             f'{message.encoding!r}; depth is one of {list(_DEPTH)}. A camera of '
                             'colours or grey has no depth_range')
        size = 4 if name == '32fc1' else 2
        return grey_of_depth(_pixels(message, camera, 1, size)[..., 0], *camera.depth_range)
    if name in ('16uc1', '32fc1'):
        raise CodecError(f'{camera.topic}: encoding {message.encoding!r} is depth: {_NEEDS_RANGE}')
    if name not in _ENCODINGS:
        raise CodecError(f'{camera.topic}: encoding {message.encoding!r} is not known; known are '
                         f'{sorted(_ENCODINGS)}')
    channels, size, conversion = _ENCODINGS[name]
    pixels = _pixels(message, camera, channels, size)
    if size == 2:
        pixels = (pixels >> 8).astype(np.uint8)
    pixels = np.ascontiguousarray(pixels)
    try:
        return cv2.cvtColor(pixels, getattr(cv2, conversion)) if conversion else pixels
    except cv2.error as error:  # an odd width of a format whose pixels share colours
        raise CodecError(f'{camera.topic}: {message.width} x {message.height} cannot be '
                         f'{message.encoding}: {str(error).strip()}') from error


def rgb_of_compressed(message: Any, camera: Camera) -> np.ndarray:
    """Return a sensor_msgs/CompressedImage as (height, width, 3) uint8 RGB.

    Raises:
        CodecError: It can't be decoded, or is depth without a depth_range or the reverse.
    """
    import cv2

    data, form = bytes(message.data), message.format
    source = form.lower().partition(';')[0]
    is_transport = 'compresseddepth' in form.lower()
    if camera.depth_range is None:
        if is_transport or '16uc1' in source or '32fc1' in source or (
                is_wide_grey(data) and 'mono16' not in source):
            raise CodecError(f'{camera.topic}: format {form!r} is depth: {_NEEDS_RANGE} '
                             '(grey of 16 bit has the format mono16)')
        if _is_mosaic(form):
            mosaic = _decoded(data, camera, form, unchanged=True)
            if mosaic.ndim == 2 and mosaic.dtype == np.uint8 and source.strip() in _ENCODINGS:
                return cv2.cvtColor(mosaic, getattr(cv2, _ENCODINGS[source.strip()][2]))
        image = _decoded(data, camera, form)
        return np.ascontiguousarray(image[:, :, ::-1]) if _is_swapped(form) else image
    try:
        depth = (depth_of_compressed(data, form) if is_transport else
                 _decoded(data, camera, form, unchanged=True))
    except ValueError as error:
        raise CodecError(f'{camera.topic}: {str(error).removeprefix(f"{camera.topic}: ")}'
                         ) from error
    if depth.ndim != 2 or depth.dtype not in (np.uint16, np.float32):
        raise CodecError(f'{camera.topic}: depth_range is given, but the image has '
                         f'{depth.dtype} {depth.shape}; depth is 16 bit with one channel. A '
                         'camera of colours or grey has no depth_range')
    return grey_of_depth(depth, *camera.depth_range)


def encoded_image(message: Any, camera: Camera) -> bytes:
    """Return the content of an image message: JPEG and PNG unchanged, all else as PNG.

    Args:
        message: sensor_msgs/CompressedImage or sensor_msgs/Image.
        camera: The camera's entry in the contract.

    Raises:
        CodecError: It is no image, cut off, larger than the camera's image without compression,
            or of another size.
    """
    if hasattr(message, 'encoding'):
        return encode_png(_of_size(rgb_of_image(message, camera), camera))
    data = bytes(message.data)
    size = encoded_size(data)
    if size is None or camera.depth_range is not None or is_wide_grey(data) or (
            _is_swapped(message.format) or _is_mosaic(message.format)):
        return encode_png(_of_size(rgb_of_compressed(message, camera), camera))
    if len(data) > 3 * camera.width * camera.height + 65_536:
        raise CodecError(f'{camera.topic}: an image of {len(data)} bytes, of a camera of '
                         f'{camera.width} x {camera.height}')
    _check_size(*size, camera)
    if is_cut_off(data):
        raise CodecError(f'{camera.topic}: an image of {len(data)} bytes is cut off: its end is '
                         'missing')
    return data


def _is_swapped(form: str) -> bool:
    """Return whether red and blue were exchanged in a compressed image.

    image_transport says behind the semicolon in which order it gave the colours to the encoder,
    and OpenCV's encoders take blue first.
    """
    return 'compressed rgb' in form.lower().partition(';')[2]


def _is_mosaic(form: str) -> bool:
    """Return whether a compressed image is a Bayer pattern; image_transport takes it for grey."""
    source, _, compression = form.lower().partition(';')
    return source.startswith('bayer') and 'bgr' not in compression


def encode_image(camera: Camera, image: np.ndarray, stamp: int, types: MessageTypes) -> Any:
    """Return the message in which a camera would send an RGB image (height, width, 3) uint8.

    That is a JPEG as CompressedImage, or an Image of encoding rgb8, as the contract says.
    """
    message = types(camera.type)()
    put_stamp(message, stamp, 'camera')
    if camera.type == 'sensor_msgs/msg/Image':
        message.height, message.width = image.shape[:2]
        message.encoding, message.step = 'rgb8', 3 * image.shape[1]
        message.data.frombytes(np.ascontiguousarray(image, np.uint8).tobytes())
        return message
    message.format = 'jpeg'
    message.data.frombytes(encode_jpeg(image))
    return message


def as_it_comes(image: np.ndarray, camera: Camera) -> bytes:
    """Return what ``encoded_image`` returns for the message that ``encode_image`` makes."""
    compressed = camera.type == 'sensor_msgs/msg/CompressedImage'
    return encode_jpeg(image) if compressed else encode_png(image)


def encode_jpeg(image: np.ndarray) -> bytes:
    """Return an RGB image (height, width, 3) uint8 as JPEG; the same image, the same bytes."""
    import cv2

    return _encoded(image, '.jpg', [cv2.IMWRITE_JPEG_QUALITY, 90])


def encode_png(image: np.ndarray) -> bytes:
    """Return an RGB image (height, width, 3) uint8 as PNG, without loss."""
    import cv2

    return _encoded(image, '.png', [cv2.IMWRITE_PNG_COMPRESSION, 1])


def decode_image(data: bytes, camera: Camera) -> np.ndarray:
    """Return an image (height, width, 3) uint8 RGB of the camera's size.

    Raises:
        CodecError: It can't be decoded, or has another size.
    """
    return _of_size(_decoded(data, camera), camera)


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return an image (H, W, 3) uint8 in another size: averaged if smaller, else interpolated."""
    if image.shape[:2] == (height, width):
        return image
    import cv2

    smaller = height <= image.shape[0] and width <= image.shape[1]
    return cv2.resize(image, (width, height),
                      interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)


def policy_view(encoded: Sequence[bytes], contract: Contract) -> np.ndarray:
    """Return the images that the policy gets, (C, H, W, 3) uint8, one of each policy camera.

    Raises:
        CodecError: An image can't be decoded, or has another size than its camera.
    """
    wanted = contract.policy_images
    return np.stack([
        resized(decode_image(data, camera), wanted.height, wanted.width)
        for data, camera in zip(encoded, contract.policy_cameras.values(), strict=True)])


class PolicyViews:
    """Policy views of many ticks, each image decoded once: cameras are slower than ticks.

    The arrays are read-only and shared, so that equal ones are stored once.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._newest: tuple[tuple[bytes, ...], np.ndarray] | None = None

    def of(self, encoded: Sequence[bytes]) -> np.ndarray:
        """Return (C, H, W, 3) uint8; the same array as before if the images are the same.

        Raises:
            CodecError: See ``policy_view``.
        """
        key = tuple(encoded)
        if self._newest is None or self._newest[0] != key:
            view = policy_view(key, self._contract)
            view.setflags(write=False)
            self._newest = key, view
        return self._newest[1]

    def stacked(self, rows: Sequence[Sequence[bytes]]) -> np.ndarray:
        """Return (N, C, H, W, 3) uint8, read-only, of N ticks in a row.

        Raises:
            CodecError: See ``policy_view``.
        """
        images = np.stack([self.of(row) for row in rows])
        images.setflags(write=False)
        return images


def _decoded(
    data: bytes, camera: Camera, form: str = '', unchanged: bool = False,
) -> np.ndarray:
    """Return a compressed image as RGB (height, width, 3) uint8, or unchanged."""
    import cv2

    # A camera's orientation is how it is mounted, not a tag in the file.
    flags = cv2.IMREAD_UNCHANGED if unchanged else (
        cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error:  # a header that tells an enormous size
        image = None
    if image is None:
        if any(name in form.lower() for name in _VIDEO):
            raise CodecError(f'{camera.topic}: format {form!r} is video, which only an import '
                             'decodes: let image_transport republish it as compressed')
        given = f' (format {form!r})' if form else ''
        raise CodecError(f'{camera.topic}: {len(data)} bytes that are no image{given}')
    return image if unchanged else np.ascontiguousarray(image[:, :, ::-1])


def _encoded(image: np.ndarray, extension: str, settings: list[int]) -> bytes:
    import cv2

    done, data = cv2.imencode(extension, image[:, :, ::-1], settings)
    if not done:
        raise CodecError(f'an image of shape {image.shape} could not be encoded')
    return data.tobytes()


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


def _of_size(image: np.ndarray, camera: Camera) -> np.ndarray:
    """Return an image (height, width, 3) that has the camera's size."""
    _check_size(image.shape[1], image.shape[0], camera)
    return image


def _check_size(width: int, height: int, camera: Camera) -> None:
    if (width, height) != (camera.width, camera.height):
        raise CodecError(f'{camera.topic}: an image of {width} x {height}, the contract says '
                         f'{camera.width} x {camera.height}: set width and height of the camera '
                         'to those of its images')
