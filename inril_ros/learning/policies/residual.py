# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A cloned policy that acts by chunks, and a small network that corrects each step.

Reinforcement learning trains the correction, imitation the base (network separation), so no
gradient of one objective reaches the parameters of the other. After Ankile et al. 2024 (ResiP):
the base acts open loop for a chunk, and the correction sees each new observation and the action
that the base proposes for it.
"""
from __future__ import annotations

import math

import torch
from torch import nn, Tensor

from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.diffusion import DiffusionPolicy
from inril_ros.learning.policies.encoder import ObservationEncoder
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.networks import zero_headed
from inril_ros.learning.policies.policy import Decision, Memory, Policy


class Correction(nn.Module):
    """Observation and base action -> mean of the residual (B, A).

    It starts at zero, so that fine-tuning begins at the base policy.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.encoder = ObservationEncoder(config)
        self.network = zero_headed(
            self.encoder.size + config.action_size, config.action_size, config.residual_width,
            config.residual_layers)
        self.squash = config.residual_squash

    def forward(self, observations: Observations, base: Tensor,
                generator: torch.Generator | None = None) -> Tensor:
        """Return the mean (B, A) of the residual for base actions (B, A).

        For `generator` see ObservationEncoder.
        """
        features = self.encoder(observations, generator)
        mean = self.network(torch.cat([features, base], dim=-1))
        return mean.tanh() if self.squash else mean


class ResidualPolicy(Policy):
    """action = clip(base action + scale * residual), one step per decision.

    The residual is Gaussian with a fixed standard deviation when exploring, its mean otherwise.
    Extras of a decision are (base action (A,), residual before scaling and clipping (A,), its log
    probability (1,)): the residual cannot be recovered from a clipped action.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.base = DiffusionPolicy(config)
        self.correction = Correction(config)

    @property
    def cloned(self) -> DiffusionPolicy:
        """Return the base."""
        return self.base

    @property
    def decision_steps(self) -> int:
        """Return 1: each step is corrected."""
        return 1

    @property
    def extras_size(self) -> int:
        """Return the size of base action, residual and log probability."""
        return 2 * self.config.action_size + 1

    def unpack(self, extras: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the base actions (B, A), residuals (B, A), log probabilities (B,) of extras."""
        size = self.config.action_size
        return extras[:, :size], extras[:, size:2 * size], extras[:, 2 * size]

    def compose(self, base: Tensor, residual: Tensor) -> Tensor:
        """Return the actions (..., A) of base actions and residuals."""
        return (base + self.config.residual_scale * residual).clamp(-1.0, 1.0)

    def log_probability(self, residual: Tensor, mean: Tensor) -> Tensor:
        """Return the log density (B,) of residuals (B, A), summed over A; 0 without noise."""
        deviation = self.config.residual_std
        if deviation == 0.0:
            return residual.new_zeros(len(residual))
        squares = ((residual - mean) / deviation).square()
        constant = math.log(deviation) + 0.5 * math.log(2.0 * math.pi)
        return (-0.5 * squares - constant).sum(dim=-1)

    @torch.no_grad()
    def decide(self, observations: Observations, memory: Memory, generator: torch.Generator,
               explore: bool) -> Decision:
        """Return the corrected next step of each lane's plan; finished plans are replaced."""
        base = self.follow_plan(observations, memory, generator)
        mean = self.correction(observations, base)
        residual = mean
        if explore and self.config.residual_std > 0.0:
            noise = torch.randn(mean.shape, generator=generator, device=generator.device)
            residual = mean + self.config.residual_std * noise.to(mean.device)
        extras = torch.cat(
            [base, residual, self.log_probability(residual, mean).unsqueeze(-1)], dim=-1)
        return Decision(self.compose(base, residual).unsqueeze(1), extras)

    @torch.no_grad()
    def follow_plan(self, observations: Observations, memory: Memory,
                    generator: torch.Generator) -> Tensor:
        """Return the present base action (B, A) of each lane; memory advances by one step."""
        used_up = (memory.positions >= self.config.chunk_length).nonzero().squeeze(1)
        if len(used_up):
            memory.plans[used_up] = self.base.sample(observations[used_up], generator)
            memory.positions[used_up] = 0
        lanes = torch.arange(len(memory.positions), device=memory.positions.device)
        base = memory.plans[lanes, memory.positions]
        memory.positions += 1
        return base


def correct(base: DiffusionPolicy, config: ModelConfig,
            generator: torch.Generator) -> ResidualPolicy:
    """Return a policy that corrects a copy of a cloned base, initially by zero.

    `config` is of kind 'residual' with the base's sizes; `generator`, on the CPU, draws the
    correction's hidden layers.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2 ** 31, (), generator=generator)))
        policy = ResidualPolicy(config)
    policy.base.load_state_dict(base.state_dict())
    policy.correction.encoder.adopt(base.encoder)
    return policy
