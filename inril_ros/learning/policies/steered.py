# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A cloned diffusion policy that is given its noise: by an actor (DSRL), or one for all states.

DDIM without added noise makes the same chunk of the same noise, so that the noise is an action
that the clone translates. Whatever the noise, the chunk is one that the clone might propose.
"""
from __future__ import annotations

import torch
from torch import nn, Tensor

from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.diffusion import DiffusionPolicy
from inril_ros.learning.policies.gaussian import GaussianActor
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.policy import Decision, Memory, Policy


class SteeredPolicy(Policy):
    """A diffusion policy whose noise comes from a Gaussian actor (Wagenmaker et al. 2025, DSRL).

    The noise is bound * tanh(mean + std * e), with the bound `residual_scale`. `steering` is 0 as
    after cloning, when the noise is drawn at random, and 1 afterwards.
    """

    steering: Tensor

    def __init__(self, config: ModelConfig) -> None:
        """Make an untrained policy that draws its noise at random."""
        super().__init__()
        self.config = config
        self.base = DiffusionPolicy(config)
        self.actor = GaussianActor(config)
        self.register_buffer('steering', torch.zeros((), dtype=torch.int64))

    @property
    def cloned(self) -> DiffusionPolicy:
        """Return the diffusion policy."""
        return self.base

    def chunks(self, observations: Observations, noise: Tensor) -> Tensor:
        """Return the chunks (B, T, A) that the clone makes of bounded noise (B, T, A) in [-1, 1].

        This is not differentiable.
        """
        return self.base.denoise(self.base.encoder(observations),
                                 self.config.residual_scale * noise)

    @torch.no_grad()
    def decide(self, observations: Observations, memory: Memory, generator: torch.Generator,
               explore: bool) -> Decision:
        """Return one chunk per lane: of noise at random, of drawn, or of the actor's mean."""
        if not int(self.steering):
            chunks = self.base.sample(observations, generator)
            return Decision(chunks, chunks.new_zeros(len(chunks), 0))
        mean, log_std = self.actor(observations)
        bounded = self.actor.best(mean)
        if explore:
            noise = torch.randn(mean.shape, generator=generator, device=generator.device)
            bounded, _ = self.actor.draw(mean, log_std, noise.to(mean.device))
        chunks = self.chunks(observations, bounded)
        return Decision(chunks, chunks.new_zeros(len(chunks), 0))

    def check(self) -> None:
        """Raise a ValueError if `steering` is neither 0 nor 1."""
        if int(self.steering) not in (0, 1):
            raise ValueError(f'steering is {int(self.steering)}, allowed are 0 and 1')


def steered(base: DiffusionPolicy, config: ModelConfig,
            generator: torch.Generator) -> SteeredPolicy:
    """Return a policy that acts as a cloned one, with an untrained actor for its noise.

    `config` is of kind 'steered' with the clone's sizes; `generator`, on the CPU, draws the
    actor's weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2 ** 31, (), generator=generator)))
        policy = SteeredPolicy(config)
    policy.base.load_state_dict(base.state_dict())
    policy.actor.encoder.adopt(base.encoder)
    return policy


class TicketPolicy(Policy):
    """A diffusion policy that begins with the same noise in all states (Patil et al. 2026).

    `tried` is the noise of the episodes that explore, `best` that of all others, (T, A) each; the
    number of the noise is the extra of each decision, -1 where it was drawn at random, as at the
    start.
    """

    tried: Tensor
    best: Tensor
    numbers: Tensor

    def __init__(self, config: ModelConfig) -> None:
        """Make an untrained policy that draws its noise at random."""
        super().__init__()
        self.config = config
        self.base = DiffusionPolicy(config)
        shape = config.chunk_length, config.action_size
        self.register_buffer('tried', torch.zeros(shape))
        self.register_buffer('best', torch.zeros(shape))
        self.register_buffer('numbers', torch.full((2,), -1, dtype=torch.int64))

    @property
    def cloned(self) -> nn.Module:
        """Return the diffusion policy."""
        return self.base

    @property
    def extras_size(self) -> int:
        """Return 1: the number of the noise."""
        return 1

    @torch.no_grad()
    def decide(self, observations: Observations, memory: Memory, generator: torch.Generator,
               explore: bool) -> Decision:
        """Return the chunk of the noise that is tried (`explore`), or of the best one."""
        number = int(self.numbers[0 if explore else 1])
        if number < 0:
            chunks = self.base.sample(observations, generator)
        else:
            noise = self.tried if explore else self.best
            features = self.base.encoder(observations)
            chunks = self.base.denoise(features, noise.expand(len(features), -1, -1))
        return Decision(chunks, chunks.new_full((len(chunks), 1), float(number)))


def with_tickets(base: DiffusionPolicy, config: ModelConfig) -> TicketPolicy:
    """Return a policy that acts as a cloned one; `config` is of kind 'ticket'."""
    with torch.random.fork_rng(devices=[]):  # its random weights are replaced
        policy = TicketPolicy(config)
    policy.base.load_state_dict(base.state_dict())
    return policy
