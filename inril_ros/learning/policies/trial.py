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

_SEED = 0


def trial_frames(episodes: Sequence[Episode], number: int) -> Observations | None:
    """Return up to `number` frames, evenly spaced over all demonstrations; None without any.

    Learning may have seen them: they show whether actions change, not how good they are.
    """
    if not episodes or number < 1:
        return None
    seen = [np.flatnonzero(episode.is_observed) for episode in episodes]
    starts = np.cumsum([0, *map(len, seen)])
    rows = np.unique(np.linspace(0, starts[-1] - 1, number).round().astype(int))
    places = [(episodes[index], seen[index][row - starts[index]]) for row, index in zip(
        rows, np.searchsorted(starts, rows, side='right') - 1, strict=True)]
    state = np.stack([episode.observations[at] for episode, at in places])
    images = None
    if all(episode.images is not None for episode in episodes):
        images = np.stack([episode.images[at] for episode, at in places])
    return Observations.from_arrays(state, images, 'cpu')


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
