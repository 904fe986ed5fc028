# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Behaviour cloning: a first policy from demonstrations, before any reinforcement learning.

The normaliser is fitted here and never again: later learning keeps the scale of its inputs.
"""
from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from inril_ros.learning.configuration import check_range
from inril_ros.learning.cosine_rate import check_cosine_rate, set_cosine_rate
from inril_ros.learning.experience import Episode, FloatArray
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.catalogue import make_policy
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.networks import MovingAverage
from inril_ros.learning.policies.policy import Policy

_EVALUATION_SEED = 20_250_516
_EVALUATION_DRAWS = 8

ImitationLoss = Callable[[Observations, Tensor, torch.Generator], Tensor]
"""Observations of B rows, chunks (B, T, A), random numbers -> scalar."""


@dataclass(frozen=True)
class PretrainConfig:
    """Settings of behaviour cloning. Defaults are ours, tuned on Meta-World."""

    steps: int = 3000
    """Gradient steps; about 15 CPU-seconds."""
    batch: int = 256
    learning_rate: float = 1e-3
    """At the beginning; AdamW."""
    final_learning_rate: float = 1e-4
    """At the end of a cosine."""
    weight_decay: float = 1e-6
    average_decay: float = 0.995
    """Decay of the exponential moving average of the weights, which is the result."""
    heldout_share: float = 0.0
    """Share of the demonstrations that neither cloning nor fine-tuning learns from: for measuring
    the imitation loss (schedules anchor and model need it). At least one, once there are 4."""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 1:
            raise ValueError(f'PretrainConfig: steps {self.steps} and batch {self.batch} '
                             'must be at least 1')
        check_cosine_rate(self)
        if not 0.0 <= self.average_decay < 1.0:
            raise ValueError(
                f'PretrainConfig.average_decay: {self.average_decay} is not in [0, 1)')
        check_range(self, 'heldout_share', 0.0, 0.5)


@dataclass(frozen=True)
class PretrainResult:
    """A cloned policy and its losses."""

    policy: Policy
    """The policy with the averaged weights; parts that RL trains are untrained."""
    training_loss: float
    """Denoising loss of the averaged weights on the training episodes."""
    heldout_loss: float | None
    """Denoising loss on the held-out episodes; None if there are none."""
    heldout: tuple[int, ...] = ()
    """Indices of the held-out episodes; fine-tuning must not learn from them either."""


def pretrain(episodes: Sequence[Episode], model: ModelConfig, config: PretrainConfig,
             seed: int, device: torch.device | str = 'cpu',
             progress: Callable[[int, float], None] | None = None) -> PretrainResult:
    """Clone the demonstrations; deterministic for a seed on one kind of device.

    `progress` is called after each gradient step with (steps done, loss of the batch).

    Raises:
        ValueError: No episodes, or sizes that differ from those of the model.
    """
    chosen = heldout_indices(len(episodes), config.heldout_share)
    training, heldout = split_episodes(episodes, chosen)
    observations, chunks = imitation_pairs(training, model.chunk_length)
    expected = (model.observation_size, model.action_size)
    found = (observations.state.shape[1], chunks.shape[2])
    if found != expected:
        raise ValueError(f'the demonstrations have (O, A) = {found}, the model {expected}')
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        policy = make_policy(model)
    cloned = policy.cloned
    cloned.encoder.normaliser.fit(observations.state.numpy())
    cloned.encoder.freeze(False)
    policy.to(device).train()
    average = copy.deepcopy(cloned)
    following = MovingAverage(average, cloned)
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(cloned.parameters(), lr=config.learning_rate,
                                  weight_decay=config.weight_decay)
    observations, chunks = observations.to(device), chunks.to(device)
    for step in range(config.steps):
        set_cosine_rate(optimiser, config, step)
        rows = torch.randint(len(chunks), (config.batch,), generator=generator).to(device)
        loss = cloned.loss(observations[rows], chunks[rows], generator)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        # The decay warms up, because early averages would keep the random start.
        decay = min(config.average_decay, (step + 1) / (step + 10))
        following.move(1.0 - decay)
        if progress is not None:
            progress(step + 1, float(loss.detach()))
    cloned.load_state_dict(average.state_dict())
    cloned.encoder.freeze(model.image_frozen)
    policy.eval()

    def fixed_loss(part: Sequence[Episode]) -> float:
        observations, chunks = imitation_pairs(part, model.chunk_length)
        return imitation_loss_with_fixed_noise(
            cloned.loss, observations.to(device), chunks.to(device))

    return PretrainResult(policy, fixed_loss(training), fixed_loss(heldout) if heldout else None,
                          chosen)


def heldout_indices(number: int, share: float) -> tuple[int, ...]:
    """Return which of a number of episodes are held out: at least one from 4 episodes on.

    They are evenly spaced, so that a slow change over a recording session reaches both parts.
    """
    heldout = max(1, round(share * number)) if number >= 4 and share > 0.0 else 0
    return tuple(int((index + 0.5) * number / heldout) for index in range(heldout))


def split_episodes(episodes: Sequence[Episode],
                   heldout: Collection[int]) -> tuple[list[Episode], list[Episode]]:
    """Split into (training, held out), in their order, by the indices of the held-out episodes.

    Raises:
        ValueError: An index that no episode has.
    """
    unknown = sorted(set(heldout) - set(range(len(episodes))))
    if unknown:
        raise ValueError(f'held-out demonstrations {unknown}: there are {len(episodes)} '
                         'demonstrations, counted from 0')
    return ([episode for index, episode in enumerate(episodes) if index not in heldout],
            [episode for index, episode in enumerate(episodes) if index in heldout])


def imitation_pairs(episodes: Sequence[Episode],
                    chunk_length: int) -> tuple[Observations, Tensor]:
    """Return the windows of the episodes: observations of B rows, chunks (B, T, A), on the CPU.

    A window that reaches beyond the end repeats the last action. One with a tick without a valid
    observation is left out.

    Raises:
        ValueError: There are no episodes, or no window.
    """
    if not episodes:
        raise ValueError('there are no episodes to imitate')
    starts = [_starts(episode, chunk_length) for episode in episodes]
    if not any(map(len, starts)):
        raise ValueError(f'none of the {len(episodes)} episodes has {chunk_length} steps in a row '
                         'with a valid observation')
    # Views where there is nothing to leave out: images are large.
    kept = [slice(0, episode.steps) if len(rows) == episode.steps else rows
            for episode, rows in zip(episodes, starts)]
    state = np.concatenate([each.observations[rows] for each, rows in zip(episodes, kept)])
    images = None
    if episodes[0].images is not None:
        images = np.concatenate([each.images[rows] for each, rows in zip(episodes, kept)])
    chunks = np.concatenate([_windows(each, rows, chunk_length)
                             for each, rows in zip(episodes, starts)])
    return Observations.from_arrays(state, images, 'cpu'), torch.from_numpy(chunks)


@torch.no_grad()
def imitation_loss_with_fixed_noise(loss: ImitationLoss, observations: Observations,
                                    chunks: Tensor) -> float:
    """Return an imitation loss with the same noise at each call, so that values compare."""
    generator = torch.Generator().manual_seed(_EVALUATION_SEED)
    losses = [loss(observations, chunks, generator) for _ in range(_EVALUATION_DRAWS)]
    return float(torch.stack(losses).mean())


def _starts(episode: Episode, chunk_length: int) -> NDArray[np.int64]:
    starts = np.arange(episode.steps)
    return starts[episode.whole_windows(starts, chunk_length)]


def _windows(episode: Episode, starts: NDArray[np.int64], chunk_length: int) -> FloatArray:
    steps = starts[:, None] + np.arange(chunk_length)
    return episode.actions[np.minimum(steps, episode.steps - 1)]
