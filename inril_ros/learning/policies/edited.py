# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A diffusion policy that proposes, a small actor that edits, a critic that chooses: for EXPO.

After Dong et al. 2025: the diffusion policy is only ever imitated, and reinforcement learning
trains the edits, so that no gradient of a value passes through a chain of denoising steps.
"""
from __future__ import annotations

import torch
from torch import nn, Tensor

from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.diffusion import DiffusionPolicy
from inril_ros.learning.policies.encoder import ObservationEncoder
from inril_ros.learning.policies.gaussian import draw_squashed, StdRange
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.networks import zero_headed


class EditActor(nn.Module):
    """p(edit | observation, proposed chunk): a Gaussian squashed to (-1, 1), of mean 0 at first.

    An edited chunk is clip(proposed chunk + bound * edit).
    """

    def __init__(self, config: ModelConfig) -> None:
        """Make the network, with the configured standard deviation at the start."""
        super().__init__()
        self.encoder = ObservationEncoder(config)
        size = config.chunk_length * config.action_size
        self.network = zero_headed(self.encoder.size + size, 2 * size, config.residual_width,
                                   config.residual_layers)
        self._range = StdRange(config)
        self._bound = config.residual_scale

    def forward(self, features: Tensor, chunks: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and the log standard deviation, (B, T, A) each, before squashing.

        `features` (B, F) are encoded observations, chunks (B, T, A) are proposals.
        """
        outputs = self.network(torch.cat([features, chunks.flatten(1)], dim=-1))
        mean, log_std = outputs.chunk(2, dim=-1)
        return mean.view_as(chunks), self._range.log_std(log_std.view_as(chunks)
                                                         + self._range.start)

    def edit(self, features: Tensor, chunks: Tensor,
             noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return edited chunks (B, T, A), the edits (B, T, A) and their log density (B,).

        All are differentiable. `noise` is (B, T, A), standard normal.
        """
        edits, log_density = draw_squashed(*self(features, chunks), noise)
        return (chunks + self._bound * edits).clamp(-1.0, 1.0), edits, log_density


class EditedPolicy(BestOfN):
    """Best of n proposed chunks and their n edits, by the critics.

    With one candidate, as after cloning, the critic is not asked and nothing is edited.
    """

    def __init__(self, config: ModelConfig) -> None:
        """Make an untrained policy that acts with one candidate."""
        super().__init__(config)
        self.editor = EditActor(config)

    def extended(self, observations: Observations, chunks: Tensor,
                 generator: torch.Generator) -> Tensor:
        """Return proposals (B, N, T, A), an edit of each, and what refinement adds to these."""
        noise = torch.randn(chunks.shape, generator=generator, device=generator.device)
        edited = self.with_edits(observations, chunks, noise.to(chunks.device))
        return super().extended(observations, edited, generator)

    def with_edits(self, observations: Observations, chunks: Tensor, noise: Tensor) -> Tensor:
        """Return chunks (B, N, T, A) and an edit of each, (B, 2 N, T, A).

        `noise` is (B, N, T, A), standard normal.
        """
        features = self.editor.encoder(observations).repeat_interleave(chunks.shape[1], dim=0)
        edited, _, _ = self.editor.edit(features, chunks.flatten(0, 1), noise.flatten(0, 1))
        return torch.cat([chunks, edited.view_as(chunks)], dim=1)


def with_editor(clone: DiffusionPolicy, config: ModelConfig,
                generator: torch.Generator) -> EditedPolicy:
    """Return a policy that proposes as a cloned one, with untrained edits and critics.

    `config` is of kind 'edited' with the clone's sizes; `generator`, on the CPU, draws the
    weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2 ** 31, (), generator=generator)))
        policy = EditedPolicy(config)
    policy.actor.load_state_dict(clone.state_dict())
    policy.editor.encoder.adopt(clone.encoder)
    return policy
