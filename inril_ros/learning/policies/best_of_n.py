# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A diffusion policy that proposes and a critic that chooses: the policy of the host IDQL.

Pre-training returns it too: a clone proposes one candidate, and hosts that build on a diffusion
policy use its actor.
"""
from __future__ import annotations

from collections.abc import Sequence
import copy

import torch
from torch import nn, Tensor

from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.diffusion import DiffusionPolicy
from inril_ros.learning.policies.encoder import ObservationEncoder
from inril_ros.learning.policies.model_config import ModelConfig, MOST_CANDIDATES
from inril_ros.learning.policies.networks import ChunkCritic
from inril_ros.learning.policies.policy import Decision, Memory, Policy


class EncodedChunkCritic(nn.Module):
    """Values of (observation, chunk), with an encoder of its own."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.encoder = ObservationEncoder(config)
        self.values = ChunkCritic(self.encoder.size, config.chunk_length * config.action_size,
                                  config.critic_width, config.critic_layers,
                                  config.critic_members)

    def forward(self, features: Tensor, chunks: Tensor,
                members: Sequence[int] | None = None) -> Tensor:
        """Return the values (E, B) of encoded observations (B, F) and chunks (B, T, A).

        With `members` only those are computed.
        """
        return self.values(features, chunks, members)


class BestOfN(Policy):
    """Best of n candidate chunks by the mean of the critics (Hansen-Estruch et al. 2023, IDQL)."""

    candidates: Tensor

    def __init__(self, config: ModelConfig) -> None:
        """Make an untrained policy that acts with one candidate, without the critic."""
        super().__init__()
        self.config = config
        self.actor = DiffusionPolicy(config)
        self.critic = EncodedChunkCritic(config)
        self.register_buffer('candidates', torch.ones((), dtype=torch.int64))

    @property
    def cloned(self) -> DiffusionPolicy:
        """Return the proposing network."""
        return self.actor

    def decide(self, observations: Observations, memory: Memory, generator: torch.Generator,
               explore: bool) -> Decision:
        """Return the best of n chunks per lane; the acting process adds exploration noise."""
        actions = self.act(observations, generator)
        return Decision(actions, actions.new_zeros(len(actions), 0))

    @torch.no_grad()
    def act(self, observations: Observations, generator: torch.Generator) -> Tensor:
        """Return one chunk per observation, (B, T, A) in [-1, 1].

        The same weights, observations and state of the generator give the same chunks.
        """
        number = int(self.candidates)
        chunks = self.propose(observations, number, generator)
        if number == 1:
            return chunks[:, 0]
        chunks = self.extended(observations, chunks, generator)
        best = self.worth(self.critic.encoder(observations), chunks).argmax(dim=1)
        return chunks[torch.arange(len(chunks), device=chunks.device), best]

    def extended(self, observations: Observations, chunks: Tensor,
                 generator: torch.Generator) -> Tensor:
        """Return the candidates (B, M, T, A) that proposals (B, N, T, A) give."""
        config = self.config
        if not config.refine_steps:
            return chunks
        features = self.critic.encoder(observations)
        best = self.worth(features, chunks).topk(
            min(config.refine_chunks, chunks.shape[1]), dim=1).indices
        rows = torch.arange(len(chunks), device=chunks.device)[:, None]
        return torch.cat([chunks, self.refined(features, chunks[rows, best])], dim=1)

    def refined(self, features: Tensor, chunks: Tensor) -> Tensor:
        """Return chunks (B, N, T, A) after some steps of equal size up their worth.

        A step has the root mean square refine_radius / refine_steps, and no action moves further
        than that in one step, so none ends further away than refine_radius.
        """
        config = self.config
        stride = config.refine_radius / config.refine_steps
        # Acting runs in inference mode, whose tensors have no gradients: copies have.
        with torch.inference_mode(False), torch.enable_grad():
            features, moved = features.detach().clone(), chunks.detach().clone()
            for _ in range(config.refine_steps):
                moved.requires_grad_()
                (rise,) = torch.autograd.grad(self.worth(features, moved).sum(), moved)
                size = rise.square().mean(dim=(2, 3), keepdim=True).sqrt()
                step = stride * (rise / (size + 1e-8)).clamp(-1.0, 1.0)
                moved = (moved.detach() + step).clamp(-1.0, 1.0)
        return moved

    def worth(self, features: Tensor, chunks: Tensor) -> Tensor:
        """Return mean - pessimism * std of the critics (B, N) for chunks (B, N, T, A)."""
        number = chunks.shape[1]
        features = features.repeat_interleave(number, dim=0)
        values = self.critic(features, chunks.flatten(0, 1))
        worth = values.mean(dim=0)
        if self.config.pessimism:
            worth = worth - self.config.pessimism * values.std(dim=0)
        return worth.view(-1, number)

    def propose(self, observations: Observations, number: int,
                generator: torch.Generator) -> Tensor:
        """Return candidate chunks of the actor, (B, number, T, A)."""
        return self.actor.sample(observations, generator, number).unflatten(0, (-1, number))

    def check(self) -> None:
        """Raise a ValueError if the number of candidates is out of bounds."""
        if not 1 <= int(self.candidates) <= MOST_CANDIDATES:
            raise ValueError(f'candidates is {int(self.candidates)}, '
                             f'allowed is 1 to {MOST_CANDIDATES}')


def with_critics(policy: BestOfN, config: ModelConfig, generator: torch.Generator) -> BestOfN:
    """Return a copy of a policy under a configuration that may differ in critics and refinement.

    The critics are new and untrained if their number differs; `generator`, on the CPU, draws
    their weights.
    """
    copied = copy.deepcopy(policy)
    if config.critic_members != policy.config.critic_members:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2 ** 31, (), generator=generator)))
            copied.critic = EncodedChunkCritic(config)
    copied.config = config
    return copied
