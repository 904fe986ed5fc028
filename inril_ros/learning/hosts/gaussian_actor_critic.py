# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Actor-critic with chunks over a cloned Gaussian policy: the hosts actor_critic and rlpd.

One RL update is some gradient steps on the critics, then one on the actor and, where there is an
entropy term, one on its weight alpha:

    y = R + discount * min over 2 random critics of Qbar(o', c'),  c' ~ policy
    actor: max  mean_e Q(o, c) - pessimism * std_e Q(o, c) - alpha log p(c | o),    c ~ policy

The two hosts differ in their settings alone. Those of `rlpd` are what Ball et al. 2023 published,
those of `actor_critic` are ours for a small budget: no entropy, fewer critics, 1 instead of 20
gradient steps on the critics per environment step.

RL and imitation move the same network, so their gradients can conflict.
"""
from __future__ import annotations

from collections.abc import Mapping
import copy
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn, Tensor

from inril_ros.learning.hosts.off_policy import ActorCriticBatch, ActorCriticHost
from inril_ros.learning.hosts.settings.actor_critic import (
    GaussianActorCriticConfig,
)
from inril_ros.learning.hosts.values.critic_ensemble import choose_members
from inril_ros.learning.hosts.values.temperature import Temperature
from inril_ros.learning.policies.gaussian import GaussianPolicy
from inril_ros.learning.policies.networks import trainable
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.replays.symmetric_replay import Steps
from inril_ros.learning.saved_state import load_modules, module_tensors, prefixed, unprefixed

_REFERENCE_SEED = 20_250_517


@dataclass(frozen=True)
class GaussianBatch(ActorCriticBatch):
    """What one RL update learns from; noise is (B, T, A), the policy's at the next state."""

    noise: Tensor
    """(B, T, A), the policy's noise when it is improved."""
    for_measuring: bool = False
    """Whether nothing is learned from it."""


class GaussianActorCritic(ActorCriticHost[GaussianBatch]):
    """Improves a GaussianPolicy."""

    config: GaussianActorCriticConfig
    policy: GaussianPolicy

    def __init__(self, config: GaussianActorCriticConfig, pretrained: Policy,
                 random: np.random.Generator, generator: torch.Generator,
                 device: torch.device) -> None:
        """Begin with a copy of a cloned policy.

        Raises:
            ValueError: The policy is no squashed GaussianPolicy.
        """
        model = pretrained.config
        if not isinstance(pretrained, GaussianPolicy) or not model.gaussian_squash:
            raise ValueError(f'this host needs a squashed policy of kind gaussian, '
                             f'not {model.kind}')
        super().__init__(config, copy.deepcopy(pretrained), model, pretrained.actor.encoder,
                         random, generator, device)
        self.clone = copy.deepcopy(self.policy.actor).requires_grad_(False)
        self._chunk_shape = model.chunk_length, model.action_size
        self._chunk_size = model.chunk_length * model.action_size
        self.temperature = Temperature(
            config.initial_temperature, config.target_entropy * self._chunk_size,
            config.temperature_learning_rate, device)
        self._log_density: Tensor | None = None

    # ---- one RL update: draw, critic_update (off_policy.py) towards target_values, actor_loss

    def draw(self) -> GaussianBatch:
        """Return rows for each gradient step, and all random numbers."""
        steps, demonstrations = self._draw_steps(), self._draw_demonstrations()
        return self._with_noise(steps, demonstrations, self._random, self._generator)

    def _with_noise(self, steps: list[Steps], demonstrations: Steps | None,
                    random: np.random.Generator, generator: torch.Generator) -> GaussianBatch:
        def noise(rows: Steps) -> Tensor:
            shape = len(rows.returns), *self._chunk_shape
            return torch.randn(shape, generator=generator).to(self._device)

        members = [choose_members(self.config, random) for _ in steps]
        return GaussianBatch(steps, [noise(rows) for rows in steps], members, demonstrations,
                             generator, noise(steps[-1]))

    @torch.no_grad()
    def target_values(self, rows: Steps, noise: Tensor, members: list[int]) -> Tensor:
        """Return the regression targets y (B,), with the policy's noise at the next states."""
        # Next chunks of the policy, and their value
        actor = self.policy.actor
        chunks, log_density = actor.draw(*actor(rows.next_observations), noise)
        values = self.critics.target_value(rows.next_observations, [chunks], members)
        # Entropy of the next state
        if self.config.entropy_in_target:
            values = values - self.temperature.alpha * log_density
        return rows.returns + rows.discounts * values

    def actor_loss(self, batch: GaussianBatch) -> Tensor | None:
        """Return the actor's loss; None while the critics warm up."""
        if self.warming_up:
            return None
        config, rows, actor = self.config, batch.steps[-1], self.policy.actor
        # Value of the policy's chunks
        mean, log_std = actor(rows.observations, batch.generator)
        chunks, log_density = actor.draw(mean, log_std, batch.noise)
        loss = -self.critics.worth(rows.observations, chunks).mean()
        # Entropy
        if config.initial_temperature:
            loss = loss + self.temperature.alpha * log_density.mean()
            if not batch.for_measuring:
                self._log_density = log_density.detach()
        # Regulariser: KL divergence from the clone
        if config.kl_weight:
            with torch.no_grad():
                clone = self.clone(rows.observations)
            loss = loss + config.kl_weight * _divergence((mean, log_std), clone)
        # Imitation inside the RL loss
        if batch.demonstrations is not None:
            shown = batch.demonstrations
            loss = loss + config.bc_weight * actor.loss(
                shown.observations, shown.chunks, batch.generator)
        return loss

    def finish(self, batch: GaussianBatch) -> dict[str, float]:
        """Update the temperature; return the entropy and the temperature to log."""
        if self._log_density is None:
            return {}
        self.temperature.update(self._log_density)
        entropy = -float(self._log_density.mean()) / self._chunk_size
        self._log_density = None
        return {'entropy': entropy, 'temperature': float(self.temperature.alpha)}

    # ---- parameters and alignment: RL and imitation move the same network ------------------

    @property
    def actor_parameters(self) -> list[nn.Parameter]:
        """Return the actor's parameters."""
        return trainable(self.policy.actor)

    def reference_batches(self) -> list[GaussianBatch]:
        """Return two batches like those that are learned from, of even and of odd episodes.

        The list is empty while one of them has no own rows. Their random numbers depend on the
        number of updates alone, so that measuring does not change learning.
        """
        random = np.random.default_rng((_REFERENCE_SEED, self._updates))
        generator = torch.Generator().manual_seed(int(random.integers(2 ** 63)))
        halves = self.replay.parts(self.config.batch, 2, random)
        return [replace(self._with_noise([half], None, random, generator), generator=None,
                        for_measuring=True) for half in halves]

    # ---- checkpoints -----------------------------------------------------------------------

    def _network_state(self) -> dict[str, Tensor]:
        return {**super()._network_state(), **module_tensors(clone=self.clone),
                **prefixed('temperature', self.temperature.state_dict())}

    def _load_network_state(self, tensors: Mapping[str, Tensor]) -> None:
        super()._load_network_state(tensors)
        load_modules(tensors, clone=self.clone)
        self.temperature.load_state_dict(unprefixed('temperature', tensors))


def _divergence(of: tuple[Tensor, Tensor], to: tuple[Tensor, Tensor]) -> Tensor:
    """Return KL(of | to) per dimension of Gaussians (mean, log std); tanh leaves it as it is."""
    (mean, log_std), (other_mean, other_log_std) = of, to
    ratio = (log_std - other_log_std).exp()
    distance = (mean - other_mean) / other_log_std.exp()
    return (0.5 * (ratio.square() + distance.square() - 1.0) - ratio.log()).mean()
