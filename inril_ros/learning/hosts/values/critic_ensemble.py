# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An ensemble of critics of (observation, chunk) with target networks, for off-policy hosts.

The target is the minimum over a few target networks, drawn at random (Chen et al. 2021, REDQ), so
that chance over-estimates rarely count. Values are clipped to the range of possible returns, so
that the remaining over-estimation can't feed on itself.
"""
from __future__ import annotations

from collections.abc import Mapping
import copy
from dataclasses import replace
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from torch import nn, Tensor

from inril_ros.learning.hosts.values.possible_returns import clip_values, ValueRange
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import EncodedChunkCritic
from inril_ros.learning.policies.encoder import ObservationEncoder
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.networks import MovingAverage, trainable
from inril_ros.learning.saved_state import (
    load_optimiser,
    optimiser_tensors,
    prefixed,
    unprefixed,
)


class MemberNumbers(Protocol):
    """The settings that say how many critics there are, and how many give a target."""

    critic_members: int
    target_members: int


def choose_members(config: MemberNumbers, random: np.random.Generator) -> list[int]:
    """Return the critics whose minimum is the next target."""
    return random.choice(config.critic_members, config.target_members, replace=False).tolist()


class CriticNumbers(ValueRange, MemberNumbers, Protocol):
    """The settings of critics in a host's configuration."""

    critic_width: int
    critic_layers: int
    critic_learning_rate: float
    polyak: float
    pessimism: float


class CriticEnsemble:
    """E critics, their targets and their optimiser."""

    def __init__(self, config: CriticNumbers, model: ModelConfig, encoder: ObservationEncoder,
                 generator: torch.Generator, device: torch.device) -> None:
        """Make untrained critics.

        Args:
            config: The settings of the critics.
            model: Sizes of observations and chunks.
            encoder: The cloned actor's encoder; the critics begin with its weights.
            generator: Random numbers on the CPU that the critics' weights are drawn with.
            device: Where the critics are.
        """
        self._config = config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2 ** 31, (), generator=generator)))
            self.critic = EncodedChunkCritic(replace(
                model, critic_width=config.critic_width, critic_layers=config.critic_layers,
                critic_members=config.critic_members)).to(device)
        self.critic.encoder.adopt(encoder)
        self.target = copy.deepcopy(self.critic).requires_grad_(False)
        self._following = MovingAverage(self.target, self.critic)
        self.optimiser = torch.optim.Adam(self.parameters, lr=config.critic_learning_rate)

    @cached_property
    def parameters(self) -> list[nn.Parameter]:
        """Return the parameters that learn."""
        return trainable(self.critic)

    @torch.no_grad()
    def target_value(self, observations: Observations, candidates: list[Tensor],
                     members: list[int]) -> Tensor:
        """Return the value (B,) of the best of some candidate chunks (B, T, A).

        This is the clipped maximum over candidates of the minimum over the chosen targets.
        """
        features = self.target.encoder(observations)
        values = torch.stack([self.target(features, chunks, members).amin(dim=0)
                              for chunks in candidates]).amax(dim=0)
        return clip_values(values, self._config)

    def regress(self, observations: Observations, chunks: Tensor, values: Tensor,
                generator: torch.Generator | None) -> tuple[float, float]:
        """Take a gradient step towards values (B,); the target networks follow.

        Return the loss and the mean estimate. For `generator` see ObservationEncoder.
        """
        estimates = self.critic(self.critic.encoder(observations, generator), chunks)
        loss = (estimates - values).square().mean(dim=1).sum()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self._following.move(self._config.polyak)
        return float(loss.detach()), float(estimates.detach().mean())

    def worth(self, observations: Observations, chunks: Tensor) -> Tensor:
        """Return mean - pessimism * std of the critics (B,), differentiable in the chunks."""
        with torch.no_grad():
            features = self.critic.encoder(observations)
        values = self.critic(features, chunks)
        if not self._config.pessimism:
            return values.mean(dim=0)
        return values.mean(dim=0) - self._config.pessimism * values.std(dim=0)

    def state_dict(self) -> dict[str, Tensor]:
        """Return tensors that, loaded, continue bit for bit."""
        return {**prefixed('critic', self.critic.state_dict()),
                **prefixed('target', self.target.state_dict()),
                **optimiser_tensors('critic_optimiser', self.optimiser)}

    def load_state_dict(self, tensors: Mapping[str, Tensor]) -> None:
        """Continue from what `state_dict` returned; other tensors are ignored."""
        self.critic.load_state_dict(unprefixed('critic', tensors), strict=True)
        self.target.load_state_dict(unprefixed('target', tensors), strict=True)
        load_optimiser('critic_optimiser', self.optimiser, tensors)
