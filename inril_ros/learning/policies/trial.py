# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The actions of a policy on fixed frames with fixed noise, to compare policies."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
import torch

from inril_ros.learning.experience import Episode
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.pretrain import heldout_indices, split_episodes

_HELDOUT_SHARE = 0.1
_SEED = 0


def trial_frames(episodes: Sequence[Episode], number: int) -> Observations | None:
    """Return up to `number` evenly spaced frames of held-out demonstrations.

    All demonstrations are used if there are too few to hold any out; None if there are none.
    """
    training, heldout = split_episodes(episodes, heldout_indices(len(episodes), _HELDOUT_SHARE))
    chosen = heldout or training
    if not chosen or number < 1:
        return None
    state = np.concatenate([episode.observations for episode in chosen])
    rows = np.unique(np.linspace(0, len(state) - 1, number).round().astype(int))
    images = None
    if all(episode.images is not None for episode in chosen):
        images = np.concatenate([episode.images for episode in chosen])[rows]
    return Observations.from_arrays(state[rows], images, 'cpu')


def blank_frame(model: ModelConfig) -> Observations:
    """Return one observation of zeros, for a policy without frames."""
    shape = model.image_shape
    return Observations(
        torch.zeros(1, model.observation_size),
        None if shape is None else torch.zeros(1, *shape, dtype=torch.uint8))


def actions_on(policy: Policy, frames: Observations) -> NDArray[np.float32]:
    """Return normalised actions for N frames, (N, T, A), always with the same noise."""
    if policy.config.image_shape is None:
        frames = Observations(frames.state)
    with torch.inference_mode():
        decision = policy.decide(frames, policy.begin(len(frames)),
                                 torch.Generator().manual_seed(_SEED), explore=False)
    return decision.actions.numpy()
