# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What acts on the robot: a diffusion policy that proposes, and a critic that chooses.

Everything that acting needs is in one state dict of tensors (normaliser, actor, critic, number of
candidates) and one ModelConfig, so a model is one file of tensors and one of JSON.
"""
from __future__ import annotations

import torch
from torch import nn, Tensor

from inril_ros.learning.policies.diffusion import DiffusionPolicy
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.networks import ChunkCritic


class ActingPolicy(nn.Module):
    """Best of n candidate chunks by the mean of the critics (Hansen-Estruch et al. 2023, IDQL)."""

    candidates: Tensor

    def __init__(self, config: ModelConfig) -> None:
        """Make an untrained policy that acts with one candidate, without asking the critic."""
        super().__init__()
        self.config = config
        self.actor = DiffusionPolicy(config)
        self.critic = ChunkCritic(config.observation_size,
                                  config.chunk_length * config.action_size,
                                  config.critic_width, config.critic_layers, config.critic_members)
        self.register_buffer('candidates', torch.ones((), dtype=torch.int64))

    @torch.no_grad()
    def act(self, observations: Tensor, generator: torch.Generator) -> Tensor:
        """
        Return one chunk per observation, (B, O) -> (B, T, A) in [-1, 1].

        The same weights, observations and state of the generator give the same chunks.
        """
        number = int(self.candidates)
        chunks = self.propose(observations, number, generator)
        if number == 1:
            return chunks[:, 0]
        normalised = self.actor.normaliser(observations).repeat_interleave(number, dim=0)
        values = self.critic(normalised, chunks.flatten(0, 1)).mean(dim=0)
        best = values.view(-1, number).argmax(dim=1)
        return chunks[torch.arange(len(chunks), device=chunks.device), best]

    def propose(self, observations: Tensor, number: int, generator: torch.Generator) -> Tensor:
        """Return candidate chunks of the actor, (B, O) -> (B, number, T, A)."""
        repeated = observations.repeat_interleave(number, dim=0)
        return self.actor.sample(repeated, generator).unflatten(0, (-1, number))
