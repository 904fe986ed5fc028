# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From camera images to a few features: a small ResNet per camera, then spatial pooling.

The network is ResNet-18's (He et al. 2016) with fewer stages and channels, and GroupNorm (Wu and
He 2018) in place of BatchNorm, because batches mix few episodes, acting uses one image at a time,
and targets are moving averages of weights, none of which suits batch statistics.

A head is a pooling, from a map to some numbers, and a projection, from those to the features.
Frozen are the ResNets and the poolings: what they make of a frame never changes, is small, and
can be kept instead of the pixels. The projections always learn.
"""
from __future__ import annotations

import torch
from torch import nn, Tensor
from torch.nn import functional

from inril_ros.learning.policies.image_settings import (
    image_map_size,
    image_shape,
    ImageSettings,
)

_EMBEDDINGS = 8
"""Learned spatial maps per channel (as SERL, Luo et al. 2024)."""
_SLICE = 256
"""Images per pass where no gradient is needed, so that an episode does not fill the memory."""


class ImageEncoder(nn.Module):
    """Images of B rows and C cameras -> features (B, `size`), camera by camera.

    Attributes:
        size: Features of a row.
        image_shape: (C, H, W, 3).
        pooled_shape: (C, P), what the poolings give.
        frozen: Whether the ResNets and the poolings are excluded from learning.
    """

    def __init__(self, config: ImageSettings) -> None:
        super().__init__()
        self.image_shape = image_shape(config)
        self.shift = config.image_shift
        self.frozen = False
        number = 1 if config.image_shared else config.cameras
        self.trunks = nn.ModuleList([Trunk(config) for _ in range(number)])
        self.heads = nn.ModuleList([_head(config) for _ in range(config.cameras)])
        self.size = config.cameras * config.image_features
        self.pooled_shape = config.cameras, self.heads[0][0].size

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the features (B, size) of images (B, C, H, W, 3) uint8.

        A generator shifts the images at random (see `random_shift`). A frozen encoder also takes
        what `pooled` made of images, which can't be shifted any more.

        Raises:
            ValueError: The images do not have the shape and type of the model.
        """
        if self.frozen and images.dtype == torch.float32 \
                and images.shape[1:] == self.pooled_shape:
            return self._projected(images)
        if images.dtype != torch.uint8 or images.shape[1:] != self.image_shape:
            raise ValueError(f'images are {tuple(images.shape)} {images.dtype}, the model reads '
                             f'(B, {", ".join(map(str, self.image_shape))}) torch.uint8')
        if generator is not None and self.shift:
            images = random_shift(images.flatten(0, 1), self.shift, generator).view_as(images)
        if torch.is_grad_enabled():
            return self._features(images)
        return torch.cat([self._features(part) for part in _slices(images)])

    @torch.no_grad()
    def pooled(self, images: Tensor) -> Tensor:
        """Return what the ResNets and the poolings make of images, (B, C, P) float32."""
        return torch.cat([self._pooled(part) for part in _slices(images)])

    def freeze(self, frozen: bool) -> None:
        """Exclude the ResNets and the poolings from learning, or include them."""
        self.frozen = frozen
        for part in self.frozen_parts:
            part.requires_grad_(not frozen)

    @property
    def frozen_parts(self) -> list[nn.Module]:
        """Return what `freeze` excludes: the ResNets, and the pooling of each camera."""
        return [*self.trunks, *(head[0] for head in self.heads)]

    def _features(self, images: Tensor) -> Tensor:
        return self._projected(self._pooled(images))

    def _pooled(self, images: Tensor) -> Tensor:
        # What is frozen keeps nothing for a backward pass, which takes most of memory and time.
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            if len(self.trunks) == 1:
                maps = self.trunks[0](images.flatten(0, 1)).unflatten(0, images.shape[:2])
                maps = maps.unbind(1)
            else:
                maps = [trunk(images[:, camera]) for camera, trunk in enumerate(self.trunks)]
            return torch.stack([head[0](part) for head, part in zip(self.heads, maps)], dim=1)

    def _projected(self, pooled: Tensor) -> Tensor:
        return torch.cat([head[1:](part) for head, part in zip(self.heads, pooled.unbind(1))],
                         dim=-1)


def _slices(images: Tensor) -> tuple[Tensor, ...]:
    """Return the rows of images (B, C, ...) in parts, for passes without a gradient."""
    return images.split(max(_SLICE // images.shape[1], 1))


class Trunk(nn.Module):
    """Images (N, H, W, 3) uint8 -> maps (N, channels, about H / 2^(stages + 1), ...)."""

    def __init__(self, config: ImageSettings) -> None:
        """Make the stem and the stages; each stage after the first halves the map."""
        super().__init__()
        channels = config.image_channels
        self.stem = nn.Sequential(
            nn.Conv2d(3, channels, 7, stride=2, padding=3, bias=False), _norm(channels),
            nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1))
        blocks: list[nn.Module] = []
        inputs = channels
        for stage in range(config.image_stages):
            outputs = channels * 2 ** stage
            for block in range(config.image_blocks):
                stride = 2 if stage and not block else 1
                blocks.append(BasicBlock(inputs, outputs, stride))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)

    def forward(self, images: Tensor) -> Tensor:
        """Return the maps of images (N, H, W, 3)."""
        x = images.permute(0, 3, 1, 2).float() / 127.5 - 1.0
        return self.blocks(self.stem(x))


class BasicBlock(nn.Module):
    """ReLU(x' + Norm(Conv(ReLU(Norm(Conv(x)))))), x' = x, or its projection."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        """Make two 3x3 convolutions, and the projection if shapes differ."""
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.first_norm = _norm(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.second_norm = _norm(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), _norm(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        change = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(self.shortcut(x) + self.second_norm(self.second(change)))


class SpatialSoftmax(nn.Module):
    """Maps (N, c, h, w) -> coordinates where each channel is most active, (N, 2c) in [-1, 1].

    They are the mean coordinates under a softmax of each channel (Levine et al. 2016), with a
    learned temperature.
    """

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.size = 2 * channels
        y, x = torch.meshgrid(_centred(height), _centred(width), indexing='ij')
        self.register_buffer('grid', torch.stack([x.flatten(), y.flatten()], dim=1),
                             persistent=False)
        self.log_sharpness = nn.Parameter(torch.zeros(channels, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """Return the expected x and y of each channel."""
        share = (maps.flatten(2) * self.log_sharpness.exp()).softmax(dim=-1)
        return (share @ self.grid).flatten(1)


class SpatialEmbeddings(nn.Module):
    """Maps (N, c, h, w) -> products with learned maps, (N, 8c) (SERL)."""

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.size = _EMBEDDINGS * channels
        self.weight = nn.Parameter(
            torch.randn(channels, _EMBEDDINGS, height * width) / (height * width) ** 0.5)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the products, summed over positions."""
        return torch.einsum('ncp,ckp->nck', maps.flatten(2), self.weight).flatten(1)


POOLINGS = {'spatial_softmax': SpatialSoftmax, 'spatial_embeddings': SpatialEmbeddings}


def random_shift(images: Tensor, pad: int, generator: torch.Generator) -> Tensor:
    """Return images (N, H, W, 3), each moved by -pad .. pad pixels down and right, edges repeated.

    This equals padding by repetition and random cropping (DrQ, Yarats et al. 2021).
    """
    number, height, width = images.shape[:3]
    offsets = torch.randint(-pad, pad + 1, (2, number), generator=generator,
                            device=generator.device).to(images.device)
    rows = torch.arange(height, device=images.device) + offsets[0, :, None]
    columns = torch.arange(width, device=images.device) + offsets[1, :, None]
    return images[torch.arange(number, device=images.device)[:, None, None],
                  rows.clamp(0, height - 1)[:, :, None],
                  columns.clamp(0, width - 1)[:, None, :]]


def _head(config: ImageSettings) -> nn.Module:
    """Return the network from the maps of one camera to features in [-1, 1] (as DrQ)."""
    channels = config.image_channels * 2 ** (config.image_stages - 1)
    size = image_map_size(config.image_height, config.image_width, config.image_stages)
    pooling = POOLINGS[config.image_pooling](channels, *size)
    return nn.Sequential(pooling, nn.Linear(pooling.size, config.image_features),
                         nn.LayerNorm(config.image_features), nn.Tanh())


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(channels // 8, channels)


def _centred(size: int) -> Tensor:
    """Return the coordinates of `size` cells from -1 to 1; a single cell is at 0."""
    return torch.linspace(-1.0, 1.0, size) if size > 1 else torch.zeros(1)
