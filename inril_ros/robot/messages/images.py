# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Camera images between the wire and the policy.

Images travel and are kept as the camera encoded them. Whoever looks at them decodes them here: the
acting policy, the learner and the reader of bags see the same pixels, bit for bit.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from inril_ros.robot.contract.contract import Camera, Contract
from inril_ros.robot.messages.codec_images import rgb_of_compressed, rgb_of_image
from inril_ros.robot.messages.codecs import CodecError, encode_jpeg

_MAGIC = (b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n')


def encoded_image(message: Any, camera: Camera) -> bytes:
    """Return the content of an image message: JPEG or PNG as it came, all else as PNG.

    Args:
        message: sensor_msgs/CompressedImage or sensor_msgs/Image.
        camera: Of the contract.

    Raises:
        CodecError: It is no image, or larger than the camera's image without compression.
    """
    if hasattr(message, 'encoding'):
        return encode_png(rgb_of_image(message, camera))
    data = bytes(message.data)
    if not data.startswith(_MAGIC) or camera.depth_range is not None:
        return encode_png(rgb_of_compressed(message, camera))
    if len(data) > 3 * camera.width * camera.height + 65_536:
        raise CodecError(f'{camera.topic}: an image of {len(data)} bytes, of a camera of '
                         f'{camera.width} x {camera.height}')
    return data


def as_it_comes(image: np.ndarray, camera: Camera) -> bytes:
    """Return what ``encoded_image`` gives of the message in which a simulated camera sends it."""
    compressed = camera.type == 'sensor_msgs/msg/CompressedImage'
    return encode_jpeg(image) if compressed else encode_png(image)


def encode_png(image: np.ndarray) -> bytes:
    """Return an RGB image (height, width, 3) uint8 as PNG: nothing is lost."""
    import cv2

    done, data = cv2.imencode('.png', image[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise CodecError(f'an image of shape {image.shape} could not be encoded')
    return data.tobytes()


def decode_image(data: bytes, camera: Camera) -> np.ndarray:
    """Return an image (height, width, 3) uint8 RGB of the camera's size.

    Raises:
        CodecError: It can't be decoded, or has another size.
    """
    import cv2  # only where cameras are used: it costs 0.2 s to import

    # A camera's orientation is how it is mounted, not what a tag in the file says.
    image = cv2.imdecode(np.frombuffer(data, np.uint8),
                         cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise CodecError(f'{camera.topic}: {len(data)} bytes that are no image')
    if image.shape[:2] != (camera.height, camera.width):
        raise CodecError(f'{camera.topic}: an image of {image.shape[1]} x {image.shape[0]}, the '
                         f'contract says {camera.width} x {camera.height}')
    return np.ascontiguousarray(image[:, :, ::-1])


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return an image (H, W, 3) uint8 in another size: averaged if smaller, else interpolated."""
    if image.shape[:2] == (height, width):
        return image
    import cv2

    smaller = height <= image.shape[0] and width <= image.shape[1]
    return cv2.resize(image, (width, height),
                      interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)


def policy_view(encoded: Sequence[bytes], contract: Contract) -> np.ndarray:
    """Return what the policy sees, (C, H, W, 3) uint8, of one image of each policy camera.

    Raises:
        CodecError: An image can't be decoded, or has another size than its camera.
    """
    wanted = contract.policy_images
    return np.stack([
        resized(decode_image(data, camera), wanted.height, wanted.width)
        for data, camera in zip(encoded, contract.policy_cameras.values(), strict=True)])


class PolicyViews:
    """Policy views of many ticks, each encoded image decoded once: cameras are slower than ticks.

    Read-only arrays are given out, so that what is equal is stored once.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._newest: tuple[tuple[bytes, ...], np.ndarray] | None = None

    def of(self, encoded: Sequence[bytes]) -> np.ndarray:
        """Return (C, H, W, 3) uint8; the array of the call before if the images are the same.

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
