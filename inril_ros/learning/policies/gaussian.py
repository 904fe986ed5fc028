# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A Gaussian policy over chunks of actions, which actor-critic methods differentiate through.

There are two forms: squashed, action = tanh(mean + std * noise) with a standard deviation that
depends on the observation (Haarnoja et al. 2018, SAC), and plain, with one standard deviation per
dimension for all observations, clipped when it acts.
"""
from __future__ import annotations

import math

import torch
from torch import nn, Tensor
from torch.nn import functional

from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.encoder import ObservationEncoder
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.networks import ResidualMLP
from inril_ros.learning.policies.policy import Decision, Memory, Policy

LARGEST_TARGET = 0.97
"""Largest action that a squashed policy imitates. At +-1 the mean would grow without bound, and
where tanh is flat RL could not move it any more."""


class StdRange:
    """Standard deviations before squashing, from the outputs of a network; see ModelConfig."""

    def __init__(self, config: ModelConfig) -> None:
        low, high = math.log(config.gaussian_lowest_std), math.log(config.gaussian_highest_std)
        share = (math.log(config.gaussian_initial_std) - low) / (high - low)
        self._low, self._high = low, high
        # Just inside, since tanh never reaches +-1.
        self.start = math.atanh(min(max(2.0 * share - 1.0, -0.99), 0.99))
        """The output that gives the standard deviation of the start."""

    def log_std(self, outputs: Tensor) -> Tensor:
        """Map smoothly into the bounds of log std, so that the gradient is never zero."""
        return self._low + 0.5 * (self._high - self._low) * (outputs.tanh() + 1.0)


def draw_squashed(mean: Tensor, log_std: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Return tanh(mean + std * noise) (B, ...) and its log density (B,), both differentiable."""
    unsquashed = mean + log_std.exp() * noise
    density = _log_density(log_std, noise) - _log_slope(unsquashed).flatten(1).sum(dim=1)
    return unsquashed.tanh(), density


class GaussianActor(nn.Module):
    """p(chunk | observation) as a Gaussian. Random numbers come only from the arguments."""

    def __init__(self, config: ModelConfig) -> None:
        """Make the network, with the configured standard deviation at the start."""
        super().__init__()
        self.config = config
        self.encoder = ObservationEncoder(config)
        size = config.chunk_length * config.action_size
        self.network = ResidualMLP(
            self.encoder.size, 2 * size if config.gaussian_squash else size,
            config.actor_width, config.actor_blocks)
        self._range = StdRange(config)
        if config.gaussian_squash:
            with torch.no_grad():
                self.network.exit.weight[size:].zero_()
                self.network.exit.bias[size:].fill_(self._range.start)
        else:
            self.log_std = nn.Parameter(
                torch.full((config.chunk_length, config.action_size), self._range.start))

    def forward(self, observations: Observations,
                generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Return the mean and the log standard deviation, (B, T, A) each, before squashing.

        For `generator` see ObservationEncoder.
        """
        outputs = self.network(self.encoder(observations, generator))
        shape = (-1, self.config.chunk_length, self.config.action_size)
        if self.config.gaussian_squash:
            mean, log_std = outputs.chunk(2, dim=-1)
            return mean.view(shape), self._range.log_std(log_std.view(shape))
        mean = outputs.view(shape)
        return mean, self._range.log_std(self.log_std).expand_as(mean)

    def best(self, mean: Tensor) -> Tensor:
        """Return the chunks (B, T, A) in [-1, 1] of means: actions without noise."""
        return mean.tanh() if self.config.gaussian_squash else mean.clamp(-1.0, 1.0)

    def draw(self, mean: Tensor, log_std: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return chunks (B, T, A) in [-1, 1] and their log density (B,), both differentiable.

        `noise` is (B, T, A), standard normal.
        """
        if self.config.gaussian_squash:
            return draw_squashed(mean, log_std, noise)
        return self.best(mean + log_std.exp() * noise), _log_density(log_std, noise)

    def log_probability(self, mean: Tensor, log_std: Tensor, chunks: Tensor) -> Tensor:
        """Return the log density (B,) of chunks (B, T, A) inside (-1, 1)."""
        unsquashed = chunks.atanh() if self.config.gaussian_squash else chunks
        noise = (unsquashed - mean) / log_std.exp()
        density = _log_density(log_std, noise)
        if self.config.gaussian_squash:
            density = density - _log_slope(unsquashed).flatten(1).sum(dim=1)
        return density

    def loss(self, observations: Observations, chunks: Tensor,
             generator: torch.Generator) -> Tensor:
        """Return the loss of imitating chunks (B, T, A), a scalar, per action dimension.

        Mean squared error of the action without noise (`gaussian_clone` 'mse'; the standard
        deviation then stays as it is), or the negative log likelihood ('nll').
        """
        if self.config.gaussian_squash:
            chunks = chunks.clamp(-LARGEST_TARGET, LARGEST_TARGET)
        mean, log_std = self(observations, generator)
        if self.config.gaussian_clone == 'mse':
            return functional.mse_loss(self.best(mean) if self.config.gaussian_squash else mean,
                                       chunks)
        size = self.config.chunk_length * self.config.action_size
        return -self.log_probability(mean, log_std, chunks).mean() / size


class GaussianPolicy(Policy):
    """Acts by the mean, or by samples when it explores; a chunk is executed open loop."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.actor = GaussianActor(config)

    @property
    def cloned(self) -> GaussianActor:
        """Return the actor."""
        return self.actor

    @torch.no_grad()
    def decide(self, observations: Observations, memory: Memory, generator: torch.Generator,
               explore: bool) -> Decision:
        """Return one chunk per lane."""
        mean, log_std = self.actor(observations)
        chunks = self.actor.best(mean)
        if explore:
            noise = torch.randn(mean.shape, generator=generator, device=generator.device)
            chunks, _ = self.actor.draw(mean, log_std, noise.to(mean.device))
        return Decision(chunks, chunks.new_zeros(len(chunks), 0))


def _log_density(log_std: Tensor, noise: Tensor) -> Tensor:
    """Return the log density (B,) of what standard normal noise (B, ...) gives, unsquashed."""
    return (-0.5 * noise.square() - log_std - _HALF_LOG_2_PI).flatten(1).sum(dim=1)


_HALF_LOG_2_PI = 0.5 * math.log(2.0 * math.pi)


def _log_slope(x: Tensor) -> Tensor:
    """Return log(1 - tanh(x)^2) without cancellation where tanh is flat."""
    return 2.0 * (math.log(2.0) - x - functional.softplus(-2.0 * x))
