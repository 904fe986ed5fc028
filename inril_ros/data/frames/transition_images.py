# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The images of a transition on the wire and in the journal: each camera image once, encoded.

A camera is slower than the ticks, so most ticks of a decision show the same image. Encoded by the
camera, an image of 128 x 128 pixels takes about 5 kB, a tenth of its pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.codecs import CodecError
from inril_ros.robot.messages.images import PolicyViews


@dataclass(frozen=True)
class PackedImages:
    """The image fields of Transition.msg.

    Attributes:
        data: The encoded images, one after the other.
        sizes: Size of each image [byte].
        rows: Index of each policy camera's image at each observation, (S + 1) * C numbers.
    """

    data: bytes
    sizes: list[int]
    rows: list[int]


def pack_images(images: Sequence[Sequence[bytes]]) -> PackedImages:
    """Pack the encoded images of S + 1 observations, C each; there may be none."""
    order: dict[bytes, int] = {}
    rows = [order.setdefault(image, len(order)) for row in images for image in row]
    return PackedImages(b''.join(order), [len(image) for image in order], rows)


def unpack_images(packed: PackedImages, observations: int, cameras: int) -> list[list[bytes]]:
    """Return the encoded images of each observation: the inverse of ``pack_images``.

    Args:
        packed: The image fields of a message.
        observations: Number of observations S + 1.
        cameras: Number of policy cameras C.

    Raises:
        CodecError: The numbers don't fit each other.
    """
    if len(packed.rows) != observations * cameras:
        raise CodecError(f'image_rows has {len(packed.rows)} numbers, {observations} observations '
                         f'of {cameras} cameras need {observations * cameras}')
    if sum(packed.sizes) != len(packed.data):
        raise CodecError(f'image_sizes add up to {sum(packed.sizes)} bytes, image_data has '
                         f'{len(packed.data)}')
    if any(row >= len(packed.sizes) for row in packed.rows):
        raise CodecError(f'image_rows names image {max(packed.rows)}, there are '
                         f'{len(packed.sizes)}')
    ends = np.cumsum(packed.sizes, dtype=np.int64).tolist()
    images = [packed.data[end - size:end] for end, size in zip(ends, packed.sizes, strict=True)]
    return [[images[row] for row in packed.rows[first:first + cameras]]
            for first in range(0, len(packed.rows), max(cameras, 1))]


def decoded_images(
    packed: PackedImages, observations: int, contract: Contract,
) -> np.ndarray | None:
    """Return the images (S + 1, C, H, W, 3) uint8 as the policy saw them; None without cameras.

    Raises:
        CodecError: The numbers don't fit each other or the contract, or an image is damaged.
    """
    rows = unpack_images(packed, observations, len(contract.policy_cameras))
    return PolicyViews(contract).stacked(rows) if rows else None
