# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A task that needs images: the action is the position of a red disc."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from inril_ros.learning.experience import Episode
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.catalogue import make_policy
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.pretrain import pretrain, PretrainConfig

PIXELS, TEST_ROWS = 32, 200
MODEL = ModelConfig(
    observation_size=1, action_size=2, chunk_length=1, denoising_steps=10, actor_width=64,
    cameras=1, image_height=PIXELS, image_width=PIXELS, image_channels=8, image_stages=1,
    image_blocks=1, image_features=16, image_shift=1)
CLONING = PretrainConfig(steps=300, batch=64, learning_rate=3e-3, average_decay=0.97)


def scenes(number: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images (N, 1, H, W, 3) of a disc on noise, and its positions (N, 2) as x, y."""
    random = np.random.default_rng(seed)
    places = random.uniform(-0.8, 0.8, (number, 2)).astype(np.float32)
    images = random.integers(0, 60, (number, 1, PIXELS, PIXELS, 3)).astype(np.uint8)
    grid = np.linspace(-1.0, 1.0, PIXELS)
    for image, (x, y) in zip(images[:, 0], places):
        image[(grid - x) ** 2 + (grid[:, None] - y) ** 2 < 0.04] = (230, 40, 30)
    return images, places


def demonstrations() -> list[Episode]:
    """Return 40 episodes of 10 steps whose state is always 0."""
    episodes = []
    for seed in range(40):
        images, places = scenes(11, seed)
        episodes.append(Episode(np.zeros((11, 1)), places[:-1], np.zeros(10), True, True,
                                images=images))
    return episodes


def error_of_clone(model: ModelConfig) -> float:
    """Return the RMS error of a clone, relative to the best constant guess."""
    torch.set_num_threads(1)
    policy = pretrain(demonstrations(), model, CLONING, seed=0).policy
    images, places = scenes(TEST_ROWS, seed=1000)
    decision = policy.decide(
        Observations.from_arrays(np.zeros((TEST_ROWS, 1), np.float32), images, 'cpu'),
        policy.begin(TEST_ROWS), torch.Generator().manual_seed(0), False)
    errors = decision.actions[:, 0].numpy() - places
    return float(np.sqrt((errors ** 2).mean()) / places.std())


@pytest.mark.parametrize(('kind', 'pooling'), [
    ('best_of_n', 'spatial_softmax'),
    ('gaussian', 'spatial_softmax'),
    ('gaussian', 'spatial_embeddings'),
])
def test_a_clone_learns_from_images(kind: str, pooling: str) -> None:
    assert error_of_clone(replace(MODEL, kind=kind, image_pooling=pooling)) < 0.3


def test_without_a_camera_the_task_cannot_be_cloned() -> None:
    assert error_of_clone(replace(MODEL, kind='gaussian', cameras=0)) > 0.95


def test_cloning_trains_the_encoder_that_fine_tuning_keeps_frozen() -> None:
    policies = [
        pretrain(demonstrations()[:2], replace(MODEL, image_frozen=frozen),
                 replace(CLONING, steps=2), seed=0).policy
        for frozen in (False, True)]
    learned, frozen = (policy.cloned.encoder.images.trunks for policy in policies)
    for name, value in learned.state_dict().items():
        assert torch.equal(value, frozen.state_dict()[name])
    assert all(weight.requires_grad for weight in learned.parameters())
    assert not any(weight.requires_grad for weight in frozen.parameters())
    torch.manual_seed(0)
    start = make_policy(MODEL).cloned.encoder.images.trunks
    assert all(not torch.equal(value, start.state_dict()[name])
               for name, value in learned.state_dict().items() if name.endswith('stem.0.weight'))
