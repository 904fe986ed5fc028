# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""RLPD with chunks: soft actor-critic over a cloned Gaussian policy, from demonstrations on.

What makes it learn from little experience (Ball et al. 2023): half of each batch comes from
demonstrations, critics have LayerNorm, and there are several of them. One RL update is some
gradient steps on the critics, then one on the actor and one on the temperature:

    y = R + discount * min over 2 random critics of clip(Qbar(o', c'), low, high),  c' ~ policy
    actor: max  mean_e Q(o, c) - pessimism * std_e Q(o, c) - alpha log p(c | o),    c ~ policy

Differences from the paper: Q is of chunks of T actions, the actor begins as a clone instead of at
random and waits until the critics have warmed up, values are clipped to the range of possible
returns, and own successes join the demonstrations' half.

RL and imitation move the same network here: this is the host whose two gradients meet.
"""
from __future__ import annotations

from collections.abc import Mapping
import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn, Tensor

from inril_ros.learning.configuration import check_range
from inril_ros.learning.experience import Episode
from inril_ros.learning.exploration import ExplorationConfig
from inril_ros.learning.hosts.critic_ensemble import CriticEnsemble
from inril_ros.learning.hosts.symmetric_replay import Steps, SymmetricReplay
from inril_ros.learning.hosts.temperature import Temperature
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.gaussian import GaussianPolicy
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.pretrain import imitation_loss_with_fixed_noise
from inril_ros.learning.replay import Origin
from inril_ros.learning.saved_state import prefixed, unprefixed


@dataclass(frozen=True)
class RLPDConfig:
    """Numbers of the host. 'RLPD' marks the paper's; the others are ours, tuned on Meta-World."""

    gamma: float = 0.99
    """Discount per environment step (RLPD)."""
    updates_per_step: float = 0.5
    """RL updates that each environment step allows, after warm-up."""
    critic_steps: int = 2
    """Gradient steps on the critics per RL update, each on a batch of its own. With
    updates_per_step this is the ratio of updates to data: 1 here, 20 in RLPD."""
    warmup_steps: int = 1500
    """Environment steps before the first update, with the clone and exploration noise."""
    warmup_updates: int = 1000
    """RL updates that become due at the end of the warm-up and leave the actor alone: along an
    untrained critic the clone would unlearn within a few hundred steps."""
    batch: int = 128
    """Rows per gradient step."""
    positive_share: float = 0.5
    """Share of positives in a batch (RLPD)."""
    demos_in_buffer: bool = True
    """Whether demonstrations are positives, or the critics never see them (a control)."""
    successes_as_positives: bool = True
    """Whether own successes and interventions are positives too."""
    replay_capacity: int = 300_000
    """Own environment steps that are remembered (ResFiT)."""
    critic_width: int = 128
    """RLPD: 256."""
    critic_layers: int = 2
    critic_members: int = 5
    """E; RLPD: 10."""
    target_members: int = 2
    """Critics, drawn at random, whose minimum is the target (RLPD)."""
    critic_learning_rate: float = 5e-4
    """Adam; RLPD: 3e-4."""
    polyak: float = 0.01
    """Share of the critics that their targets take per gradient step; RLPD: 0.005."""
    lowest_value: float = 0.0
    highest_value: float = 1.0
    """Range of possible returns: one reward of 1, at success."""
    pessimism: float = 0.0
    """Standard deviations of the ensemble that the actor subtracts from its mean; RLPD: 0."""
    initial_temperature: float = 0.0
    """Weight of the entropy at the start; 0: no entropy term at all. RLPD: 1."""
    temperature_learning_rate: float = 3e-4
    """Adam (RLPD); 0: the temperature stays."""
    target_entropy: float = -1.0
    """Per action dimension of a chunk; RLPD: -0.5. A standard deviation of 0.1 has -0.9."""
    entropy_in_target: bool = False
    """Whether the value of the next state contains its entropy; RLPD: where rewards are dense."""
    actor_learning_rate: float = 1e-4
    """RLPD: 3e-4."""
    actor_gradient_clip: float | None = None
    bc_weight: float = 0.0
    """Weight of the imitation loss on demonstrations inside the actor's loss: the classical
    alternative to interleaving (a control)."""
    kl_weight: float = 0.0
    """Weight of KL(policy | clone), per dimension, inside the actor's loss (a control)."""
    exploration_scale: float = 0.1
    """Of the noise that is added to what the policy draws; see ExplorationConfig. With 0.2 the
    actor unlearns more before it learns (seen on one task)."""

    def __post_init__(self) -> None:
        check_range(self, 'gamma', 0.0, 1.0)
        check_range(self, 'updates_per_step', 0.0, 100.0)
        check_range(self, 'critic_steps', 1, 100)
        check_range(self, 'warmup_steps', 0, 10_000_000)
        check_range(self, 'warmup_updates', 0, 10_000_000)
        check_range(self, 'batch', 2, 65_536)
        check_range(self, 'positive_share', 0.0, 0.99)
        check_range(self, 'replay_capacity', 2, 100_000_000)
        check_range(self, 'critic_members', 1, 20)
        check_range(self, 'target_members', 1, self.critic_members)
        check_range(self, 'critic_learning_rate', 1e-8, 1.0)
        check_range(self, 'polyak', 1e-6, 1.0)
        check_range(self, 'pessimism', 0.0, 100.0)
        check_range(self, 'initial_temperature', 0.0, 100.0)
        check_range(self, 'temperature_learning_rate', 0.0, 1.0)
        check_range(self, 'actor_learning_rate', 1e-8, 1.0)
        check_range(self, 'bc_weight', 0.0, 1e6)
        check_range(self, 'kl_weight', 0.0, 1e6)
        if not self.lowest_value < self.highest_value:
            raise ValueError(f'RLPDConfig: lowest_value {self.lowest_value} is not below '
                             f'highest_value {self.highest_value}')


@dataclass(frozen=True)
class RLPDBatch:
    """What one RL update learns from, random numbers included: losses are functions of it."""

    steps: list[Steps]
    """A batch per gradient step on the critics; the actor learns from the last."""
    next_noise: list[Tensor]
    """(B, T, A) each, standard normal: the policy's at the next observations."""
    target_members: list[list[int]]
    """The critics whose minimum is the target, for each batch."""
    noise: Tensor
    """(B, T, A), the policy's when it is improved."""
    demonstrations: Steps | None
    """What `bc_weight` imitates."""
    generator: torch.Generator | None
    """Shifts images; None: they stay as they are, and losses repeat."""
    for_measuring: bool = False
    """Whether nothing is to be learned from it."""


class RLPD:
    """A host (see `host.Host`) that improves a GaussianPolicy."""

    def __init__(self, config: RLPDConfig, pretrained: Policy, random: np.random.Generator,
                 generator: torch.Generator, device: torch.device) -> None:
        """Begin with a copy of a cloned policy.

        Raises:
            ValueError: The policy is no squashed GaussianPolicy.
        """
        if not isinstance(pretrained, GaussianPolicy) or not pretrained.config.gaussian_squash:
            raise ValueError(f'the host rlpd needs a squashed policy of kind gaussian, '
                             f'not {pretrained.config.kind}')
        self.config = config
        self.exploration = ExplorationConfig(scale=config.exploration_scale)
        self._random, self._generator, self._device = random, generator, device
        self._model = model = pretrained.config
        self._chunk_shape = model.chunk_length, model.action_size
        self.policy = copy.deepcopy(pretrained).to(device).train()
        self.clone = copy.deepcopy(self.policy.actor).requires_grad_(False)
        self.critics = CriticEnsemble(config, model, self.policy.actor.encoder, generator, device)
        self.critic = self.critics.critic
        self.temperature = Temperature(
            config.initial_temperature,
            config.target_entropy * model.chunk_length * model.action_size,
            config.temperature_learning_rate, device)
        self.replay = self._empty_replay()
        self._updates = 0
        self._log_density: Tensor | None = None

    def _empty_replay(self) -> SymmetricReplay:
        model, config = self._model, self.config
        return SymmetricReplay(
            model.observation_size, model.action_size, 0, model.chunk_length, model.chunk_length,
            config.gamma, config.replay_capacity, config.demos_in_buffer,
            config.successes_as_positives, self._device)

    # ---- experience ------------------------------------------------------------------------

    def remember(self, episode: Episode, origin: Origin) -> None:
        """Add an episode to the replay."""
        self.replay.add(episode, np.zeros((episode.steps + 1, 0), np.float32), origin)

    def updates_due(self, env_steps: int) -> int:
        """Return the RL updates that so many environment steps allow and that are not done."""
        if env_steps < self.config.warmup_steps or not self.replay.online:
            return 0
        steps = env_steps - self.config.warmup_steps
        allowed = self.config.warmup_updates + int(self.config.updates_per_step * steps)
        return max(allowed - self._updates, 0)

    # ---- one RL update ---------------------------------------------------------------------

    @property
    def warming_up(self) -> bool:
        """Return whether the critics alone are learning."""
        return self._updates == 0 or self._updates < self.config.warmup_updates

    @property
    def iterations(self) -> int:
        """Return the RL updates done."""
        return self._updates

    def draw(self) -> RLPDBatch:
        """Return rows for each gradient step, half of them positives, and all random numbers."""
        config = self.config
        steps = [self.replay.draw(config.batch, config.positive_share, self._random)
                 for _ in range(config.critic_steps)]
        demonstrations = (self.replay.demonstrations(config.batch, self._random)
                          if config.bc_weight else None)
        return self._with_noise(steps, demonstrations, self._random, self._generator)

    def _with_noise(self, steps: list[Steps], demonstrations: Steps | None,
                    random: np.random.Generator, generator: torch.Generator) -> RLPDBatch:
        def noise(rows: Steps) -> Tensor:
            shape = len(rows.returns), *self._chunk_shape
            return torch.randn(shape, generator=generator).to(self._device)

        members = [self.critics.choose(random) for _ in steps]
        return RLPDBatch(steps, [noise(rows) for rows in steps], members, noise(steps[-1]),
                         demonstrations, generator)

    @torch.no_grad()
    def target_values(self, rows: Steps, noise: Tensor, members: list[int]) -> Tensor:
        """Return y (B,) of a batch, with the policy's noise (B, T, A) at the next states."""
        actor = self.policy.actor
        chunks, log_density = actor.draw(*actor(rows.next_observations), noise)
        values = self.critics.target_value(rows.next_observations, [chunks], members)
        if self.config.entropy_in_target:
            values = values - self.temperature.alpha * log_density
        return rows.returns + rows.discounts * values

    def critic_update(self, batch: RLPDBatch) -> dict[str, float]:
        """Take the gradient steps on the critics; targets follow after each."""
        loss = mean = 0.0
        for rows, noise, members in zip(batch.steps, batch.next_noise, batch.target_members):
            loss, mean = self.critics.regress(
                rows.observations, rows.chunks, self.target_values(rows, noise, members),
                batch.generator)
        self._updates += 1
        return {'rl_loss': loss, 'mean_value': mean}

    def actor_loss(self, batch: RLPDBatch) -> Tensor | None:
        """Return what the actor is to lower; None while the critics warm up."""
        if self.warming_up:
            return None
        config, rows, actor = self.config, batch.steps[-1], self.policy.actor
        mean, log_std = actor(rows.observations, batch.generator)
        chunks, log_density = actor.draw(mean, log_std, batch.noise)
        loss = -self.critics.worth(rows.observations, chunks).mean()
        if config.initial_temperature:
            loss = loss + self.temperature.alpha * log_density.mean()
            if not batch.for_measuring:
                self._log_density = log_density.detach()
        if config.kl_weight:
            with torch.no_grad():
                clone = self.clone(rows.observations)
            loss = loss + config.kl_weight * _divergence((mean, log_std), clone)
        if batch.demonstrations is not None:
            shown = batch.demonstrations
            loss = loss + config.bc_weight * actor.loss(
                shown.observations, shown.chunks, batch.generator)
        return loss

    def finish(self, batch: RLPDBatch) -> dict[str, float]:
        """Move the temperature; return what to log of entropy."""
        if self._log_density is None:
            return {}
        self.temperature.update(self._log_density)
        size = self._chunk_shape[0] * self._chunk_shape[1]
        entropy = -float(self._log_density.mean()) / size
        self._log_density = None
        return {'entropy': entropy, 'temperature': float(self.temperature.alpha)}

    # ---- parameters and imitation ----------------------------------------------------------

    @property
    def actor_parameters(self) -> list[nn.Parameter]:
        """Return the actor's: RL and imitation share them."""
        return [part for part in self.policy.actor.parameters() if part.requires_grad]

    @property
    def critic_parameters(self) -> list[nn.Parameter]:
        """Return the critics'."""
        return self.critics.parameters

    @property
    def imitation_parameters(self) -> list[nn.Parameter]:
        """Return the actor's."""
        return self.actor_parameters

    def imitation_loss(self, observations: Observations, chunks: Tensor,
                       generator: torch.Generator) -> Tensor:
        """Return the cloning loss of the actor."""
        return self.policy.actor.loss(observations, chunks, generator)

    def after_imitation(self) -> None:
        """Do nothing: what imitation moves is what acts."""

    def heldout_imitation_loss(self, observations: Observations, chunks: Tensor) -> float:
        """Return the cloning loss of the actor."""
        return imitation_loss_with_fixed_noise(self.policy.actor.loss, observations, chunks)

    def reference_batches(self) -> list[RLPDBatch]:
        """Return two batches of own rows, of even and of odd episodes; [] while one is missing.

        Their random numbers follow from the number of updates alone, so that measuring changes
        nothing of what is learned.
        """
        random = np.random.default_rng((_REFERENCE_SEED, self._updates))
        generator = torch.Generator().manual_seed(int(random.integers(2 ** 63)))
        halves = self.replay.parts(self.config.batch, 2, random)
        return [replace(self._with_noise([half], None, random, generator), generator=None,
                        for_measuring=True) for half in halves]

    def anchored(self, batch: RLPDBatch) -> RLPDBatch:
        """Return the same batch: it has its random numbers."""
        return batch

    def action_gradients(self, observations: Observations, chunks: Tensor,
                         generator: torch.Generator) -> None:
        """Return None: RL and imitation share their parameters."""
        return None

    # ---- what survives ---------------------------------------------------------------------

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return networks, optimisers and replay."""
        return ({
            **prefixed('policy', self.policy.state_dict()),
            **prefixed('clone', self.clone.state_dict()),
            **self.critics.state_dict(),
            **prefixed('temperature', self.temperature.state_dict()),
            **prefixed('replay', self.replay.state_dict()),
        }, {'updates': self._updates})

    def load_state_dict(self, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self.policy.load_state_dict(unprefixed('policy', tensors), strict=True)
        self.clone.load_state_dict(unprefixed('clone', tensors), strict=True)
        self.critics.load_state_dict(tensors)
        self.temperature.load_state_dict(unprefixed('temperature', tensors))
        self.replay = self._empty_replay()
        self.replay.load_state_dict(unprefixed('replay', tensors))
        self._updates = int(document['updates'])


_REFERENCE_SEED = 20_250_517


def _divergence(of: tuple[Tensor, Tensor], to: tuple[Tensor, Tensor]) -> Tensor:
    """Return KL(of | to) per dimension of Gaussians (mean, log std); tanh leaves it as it is."""
    (mean, log_std), (other_mean, other_log_std) = of, to
    ratio = (log_std - other_log_std).exp()
    distance = (mean - other_mean) / other_log_std.exp()
    return (0.5 * (ratio.square() + distance.square() - 1.0) - ratio.log()).mean()
