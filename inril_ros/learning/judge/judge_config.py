# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The size of a judge, and how it is trained. Defaults are ours."""
from __future__ import annotations

from dataclasses import dataclass

from inril_ros.learning.configuration import BoundedConfig
from inril_ros.learning.cosine_rate import check_cosine_rate
from inril_ros.learning.policies.image_settings import (
    check_image_settings,
    image_map_size,
    image_sizes,
)

_LEAST_MAP = 4


@dataclass(frozen=True)
class JudgeConfig(BoundedConfig):
    """Sizes of the network: the image encoder of the policies, and one hidden layer."""

    BOUNDS = {
        'cameras': (1, 8), 'image_height': (8, 512), 'image_width': (8, 512),
        'image_channels': (8, 128), 'image_stages': (1, 4), 'image_blocks': (1, 4),
        'image_features': (1, 1024), 'image_shift': (0, 32), 'width': (1, 2048)}

    cameras: int
    """C; the fields image_* are those of ModelConfig."""
    image_height: int
    image_width: int
    image_channels: int = 16
    image_stages: int = 3
    image_blocks: int = 1
    image_pooling: str = 'spatial_softmax'
    image_features: int = 64
    image_shared: bool = False
    image_shift: int = 4
    width: int = 64
    """Units of the hidden layer."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_image_settings(self)

    @classmethod
    def of_images(cls, shape: tuple[int, int, int, int]) -> JudgeConfig:
        """Return the sizes for images (C, H, W, 3).

        There are as many stages, up to three, as leave a map of 4 x 4 or more, in which small
        things have a place.
        """
        stages = max((number for number in (1, 2, 3)
                      if min(image_map_size(*shape[1:3], number)) >= _LEAST_MAP), default=1)
        return cls(**image_sizes(shape), image_stages=stages)


@dataclass(frozen=True)
class JudgeTraining(BoundedConfig):
    """How a judge is trained."""

    BOUNDS = {'steps': (1, 10**6), 'batch': (2, 4096), 'weight_decay': (0.0, 1.0),
              'gain': (0.0, 1.0), 'offset': (0.0, 255.0), 'folds': (2, 100)}

    steps: int = 600
    """Gradient steps. With 40 episodes more of them were worse on fresh ones."""
    batch: int = 64
    """Frames per step, half of them done and half not."""
    learning_rate: float = 1e-3
    """At the beginning; AdamW."""
    final_learning_rate: float = 5e-5
    """At the end of a cosine."""
    weight_decay: float = 1e-3
    gain: float = 0.2
    """Largest relative change of a camera's colours for learning: another light."""
    offset: float = 25.0
    """Largest change of a camera's brightness for learning, of 255."""
    folds: int = 4
    """Parts of the episodes. Each is judged once by a network that has not seen it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_cosine_rate(self)
