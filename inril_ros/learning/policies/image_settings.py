# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The settings of an image encoder, which models of different kinds have among theirs."""
from __future__ import annotations

from typing import Protocol

IMAGE_POOLINGS = ('spatial_softmax', 'spatial_embeddings')


class ImageSettings(Protocol):
    """What `ImageEncoder` is built from; `ModelConfig` says what each field means."""

    cameras: int
    image_height: int
    image_width: int
    image_channels: int
    image_stages: int
    image_blocks: int
    image_pooling: str
    image_features: int
    image_shared: bool
    image_shift: int


def image_sizes(shape: tuple[int, int, int, int] | None) -> dict[str, int]:
    """Return the settings for images (C, H, W, 3), or none."""
    if shape is None:
        return {}
    return {'cameras': shape[0], 'image_height': shape[1], 'image_width': shape[2]}


def image_shape(settings: ImageSettings) -> tuple[int, int, int, int] | None:
    """Return (C, H, W, 3), the images of one observation, or None without cameras."""
    if not settings.cameras:
        return None
    return settings.cameras, settings.image_height, settings.image_width, 3


def image_map_size(height: int, width: int, stages: int) -> tuple[int, int]:
    """Return height and width of the last map of a ResNet with so many stages.

    Convolution, pooling, and each stage but the first halve it and round up.
    """
    factor = 2 ** (stages + 1)
    return -(-height // factor), -(-width // factor)


def check_image_settings(settings: ImageSettings) -> None:
    """Raise a ValueError that names the setting if no encoder can be built from them."""
    name = type(settings).__name__
    if settings.image_channels % 8:
        raise ValueError(
            f'{name}.image_channels: {settings.image_channels} is no multiple of 8')
    if settings.image_pooling not in IMAGE_POOLINGS:
        raise ValueError(f'{name}.image_pooling: {settings.image_pooling!r} is unknown; '
                         f'allowed are {IMAGE_POOLINGS}')
    size = image_map_size(settings.image_height, settings.image_width, settings.image_stages)
    if settings.image_pooling == 'spatial_softmax' and min(size) < 2:
        raise ValueError(f'{name}.image_stages: {settings.image_stages} stages leave a map of '
                         f'{size}, in which spatial_softmax finds no place; take fewer')
