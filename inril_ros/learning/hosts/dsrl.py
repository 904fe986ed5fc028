# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""DSRL: reinforcement learning in the noise that a cloned diffusion policy begins with.

The clone pi makes a chunk of an observation and of noise, without chance of its own. An actor
learns which noise w to give it. Critics learn the values of chunks, which any experience teaches,
whoever made it; further critics learn what noise is worth, from the first ones and the clone. One
RL update is some gradient steps on the former, then one on the latter, on the actor and on the
temperature:

    y = R + discount * clip(min over 2 random critics of Qbar(o', pi(o', w'))),  w' ~ actor(o')
    noise critics: Q_w(o, w) towards mean_e Q(o, pi(o, w)), for w at random and w of the actor
    actor: max  mean_e Q_w(o, w) - alpha log p(w | o),  w ~ actor(o)

So no gradient passes through the steps of denoising. After Wagenmaker et al. 2025 (DSRL-NA),
adapted to small budgets: values clipped to the range of possible returns, small networks, few
updates. Half of the noise that the noise critics learn from is the actor's.

RL moves the actor, imitation the clone: separate networks, so there is no gradient to separate.
Without imitation (`m: null`) the clone is frozen, as in the paper.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn, Tensor

from inril_ros.learning.hosts.host import diffusion_clone
from inril_ros.learning.hosts.off_policy import ActorCriticBatch, ActorCriticHost
from inril_ros.learning.hosts.settings.actor_critic import DSRLConfig
from inril_ros.learning.hosts.values.critic_ensemble import choose_members, CriticEnsemble
from inril_ros.learning.hosts.values.temperature import Temperature
from inril_ros.learning.policies.networks import trainable
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.policies.steered import steered, SteeredPolicy
from inril_ros.learning.replays.symmetric_replay import Steps
from inril_ros.learning.saved_state import prefixed, unprefixed


@dataclass(frozen=True)
class NoiseBatch(ActorCriticBatch):
    """What one RL update learns from; next_noise is (B, T, A), the actor's at the next state."""

    random_noise: Tensor
    """(B, T, A) standard normal, for the noise critics."""
    actor_noise: Tensor
    """(B, T, A) standard normal, of the actor when it is improved."""


class DSRL(ActorCriticHost[NoiseBatch]):
    """Improves a SteeredPolicy."""

    config: DSRLConfig
    policy: SteeredPolicy

    def __init__(self, config: DSRLConfig, pretrained: Policy, random: np.random.Generator,
                 generator: torch.Generator, device: torch.device) -> None:
        """Begin with a copy of a cloned policy, which draws its noise until warmed up.

        Raises:
            ValueError: The cloned policy is no diffusion policy.
        """
        base = diffusion_clone(pretrained, 'dsrl')
        model = replace(
            pretrained.config, kind='steered', residual_scale=config.noise_bound,
            gaussian_squash=True, gaussian_initial_std=config.noise_initial_std,
            gaussian_lowest_std=0.03, gaussian_highest_std=2.0)
        super().__init__(config, steered(base, model, generator), model, base.encoder, random,
                         generator, device)
        self.noise_critics = CriticEnsemble(
            replace(config, critic_members=config.noise_critic_members, target_members=1), model,
            base.encoder, generator, device)
        self._chunk_shape = model.chunk_length, model.action_size
        self._chunk_size = model.chunk_length * model.action_size
        self.temperature = Temperature(
            config.initial_temperature, config.target_entropy * self._chunk_size,
            config.temperature_learning_rate, device)
        self._log_density: Tensor | None = None

    # ---- one RL update: draw, critic_update towards target_values, actor_loss, finish

    def draw(self) -> NoiseBatch:
        """Return rows for each gradient step, and all random numbers."""
        steps = self._draw_steps()
        members = [choose_members(self.config, self._random) for _ in steps]
        return NoiseBatch(steps, [self._noise(rows) for rows in steps], members, None,
                          self._generator, self._noise(steps[-1]), self._noise(steps[-1]))

    def _noise(self, rows: Steps) -> Tensor:
        shape = len(rows.returns), *self._chunk_shape
        return torch.randn(shape, generator=self._generator).to(self._device)

    @torch.no_grad()
    def target_values(self, rows: Steps, noise: Tensor, members: list[int]) -> Tensor:
        """Return the regression targets y (B,), with the actor's noise at the next states."""
        actor, observations = self.policy.actor, rows.next_observations
        bounded, _ = actor.draw(*actor(observations), noise)
        chunks = self.policy.chunks(observations, bounded)
        values = self.critics.target_value(observations, [chunks], members)
        return rows.returns + rows.discounts * values

    def critic_update(self, batch: NoiseBatch) -> dict[str, float]:
        """Take the gradient steps on the critics of chunks, then one on those of noise."""
        logged, rows = super().critic_update(batch), batch.steps[-1]
        bounded, values = self.worth_of_noise(rows, batch.random_noise)
        loss, _ = self.noise_critics.regress(
            rows.observations, bounded, values, batch.generator)
        return {**logged, 'noise_critic_loss': loss}

    @torch.no_grad()
    def worth_of_noise(self, rows: Steps, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return bounded noise (B, T, A) in [-1, 1] and what the critics say it is worth (B,).

        The even rows have `noise` itself, as far as the bound lets it, the odd ones the actor's.
        """
        bound, actor = self.policy.config.residual_scale, self.policy.actor
        bounded, _ = actor.draw(*actor(rows.observations), noise)
        bounded[::2] = (noise[::2] / bound).clamp(-1.0, 1.0)
        chunks = self.policy.chunks(rows.observations, bounded)
        return bounded, self.critics.worth(rows.observations, chunks)

    def actor_loss(self, batch: NoiseBatch) -> Tensor | None:
        """Return the loss of the noise actor; None while the critics warm up."""
        if self.warming_up:
            return None
        rows, actor = batch.steps[-1], self.policy.actor
        # Worth of the actor's noise
        mean, log_std = actor(rows.observations, batch.generator)
        bounded, log_density = actor.draw(mean, log_std, batch.actor_noise)
        loss = -self.noise_critics.worth(rows.observations, bounded).mean()
        # Entropy
        if self.config.initial_temperature:
            loss = loss + self.temperature.alpha * log_density.mean()
        self._log_density = log_density.detach()
        return loss

    def finish(self, batch: NoiseBatch) -> dict[str, float]:
        """Let the actor steer as soon as it learns; move the temperature."""
        if self._log_density is None:
            return {}
        self.policy.steering.fill_(1)
        self.temperature.update(self._log_density)
        entropy = -float(self._log_density.mean()) / self._chunk_size
        self._log_density = None
        return {'entropy': entropy, 'temperature': float(self.temperature.alpha)}

    # ---- parameters and checkpoints: imitation moves the clone -----------------------------

    @property
    def actor_parameters(self) -> list[nn.Parameter]:
        """Return the noise actor's parameters."""
        return trainable(self.policy.actor)

    @property
    def critic_parameters(self) -> list[nn.Parameter]:
        """Return the parameters of both ensembles."""
        return [*self.critics.parameters, *self.noise_critics.parameters]

    def _network_state(self) -> dict[str, Tensor]:
        return {**super()._network_state(),
                **prefixed('noise', self.noise_critics.state_dict()),
                **prefixed('temperature', self.temperature.state_dict())}

    def _load_network_state(self, tensors: Mapping[str, Tensor]) -> None:
        super()._load_network_state(tensors)
        self.noise_critics.load_state_dict(unprefixed('noise', tensors))
        self.temperature.load_state_dict(unprefixed('temperature', tensors))
