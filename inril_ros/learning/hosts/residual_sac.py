# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Off-policy residual learning: critics teach a small network to correct each step of a clone.

The cloned diffusion policy proposes a chunk and is followed; the correction sees each observation
and the base action b, and the action is clip(b + scale * tanh(...)). One RL update is some
gradient steps on the critics, then one on the correction:

    y = R_n + gamma^n * clip(min over 2 random critics of Qbar(o', a'), low, high),
    a' = clip(b' + scale * correction(o', b') + noise), or b' if that is worth more (the guard)
    actor: max  mean_e Q(o, a) - pessimism * std_e Q(o, a),  a = clip(b + scale * correction(o, b))

After Ankile et al. 2025 (ResFiT), with what fits small budgets: positives from own successes,
values clipped to the range of possible returns, noise that is correlated in time. The actor is
deterministic, soft actor-critic's limit without entropy (TD3, Fujimoto et al. 2018): a residual
that must keep some entropy would shake the base policy where it is right.

RL moves the correction, imitation the base: separate networks, so there is no gradient to
separate. What the base proposed is stored with each observation. Once imitation has moved the
base, older proposals are not what it would propose now; the correction sees the proposal that it
corrects, so they remain valid examples.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn, Tensor
from torch.nn import functional

from inril_ros.learning.configuration import check_range
from inril_ros.learning.experience import Episode, FloatArray
from inril_ros.learning.exploration import ExplorationConfig
from inril_ros.learning.hosts.critic_ensemble import CriticEnsemble
from inril_ros.learning.hosts.symmetric_replay import Steps, SymmetricReplay
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.diffusion import DiffusionPolicy
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.policies.residual import correct
from inril_ros.learning.pretrain import imitation_loss_with_fixed_noise
from inril_ros.learning.replay import Origin
from inril_ros.learning.saved_state import prefixed, unprefixed


@dataclass(frozen=True)
class ResidualSACConfig:
    """Numbers of the host. 'ResFiT' marks the paper's; the others are ours, on Meta-World."""

    gamma: float = 0.99
    """Discount per environment step."""
    horizon: int = 4
    """n, environment steps until the critic bootstraps; ResFiT: 5."""
    updates_per_step: float = 0.5
    """RL updates that each environment step allows, after warm-up."""
    critic_steps: int = 2
    """Gradient steps on the critics per RL update, each on a batch of its own."""
    warmup_steps: int = 1500
    """Environment steps before the first update, with the base and exploration noise."""
    warmup_updates: int = 1000
    """RL updates that become due at the end of the warm-up and leave the correction at zero.
    ResFiT: 10,000 gradient steps."""
    batch: int = 128
    """Rows per gradient step."""
    positive_share: float = 0.5
    """Share of positives in a batch (RLPD and ResFiT: of demonstrations)."""
    demos_in_buffer: bool = True
    """Whether demonstrations are positives, or the critics never see them (a control)."""
    successes_as_positives: bool = True
    """Whether own successes and interventions are positives too."""
    replay_capacity: int = 300_000
    """Own environment steps that are remembered (ResFiT)."""
    critic_width: int = 128
    critic_layers: int = 2
    critic_members: int = 5
    """E"""
    target_members: int = 2
    """Critics, drawn at random, whose minimum is the target (RLPD)."""
    critic_learning_rate: float = 5e-4
    """Adam; ResFiT: 1e-4."""
    polyak: float = 0.01
    """Share of the critics that their targets take per gradient step; ResFiT: 0.005."""
    lowest_value: float = 0.0
    highest_value: float = 1.0
    """Range of possible returns: one reward of 1, at success."""
    target_noise: float = 0.05
    """Standard deviation of the noise on the next action: values must not be sharp (TD3)."""
    guard: bool = True
    """Whether the next action is the base's where the critics prefer that (as IBRL, Hu et al.
    2024, bootstraps from the better of two proposals)."""
    pessimism: float = 0.0
    """Standard deviations of the ensemble that the actor subtracts from its mean."""
    residual_scale: float = 0.5
    """Largest correction; ResFiT: 0.1 to 0.2."""
    residual_width: int = 256
    residual_layers: int = 2
    actor_learning_rate: float = 3e-4
    """ResFiT: 1e-6, with millions of updates."""
    actor_gradient_clip: float | None = None
    bc_weight: float = 0.0
    """Weight of the squared error to demonstrated actions inside the actor's loss (a control)."""
    kl_weight: float = 0.0
    """Weight of KL(policy | base) inside the actor's loss, per dimension, as if both were
    Gaussian with the residual scale as their standard deviation (a control)."""
    exploration_scale: float = 0.3
    """See ExplorationConfig."""

    def __post_init__(self) -> None:
        check_range(self, 'gamma', 0.0, 1.0)
        check_range(self, 'horizon', 1, 1000)
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
        check_range(self, 'target_noise', 0.0, 1.0)
        check_range(self, 'pessimism', 0.0, 100.0)
        check_range(self, 'residual_scale', 1e-6, 2.0)
        check_range(self, 'actor_learning_rate', 1e-8, 1.0)
        check_range(self, 'bc_weight', 0.0, 1e6)
        check_range(self, 'kl_weight', 0.0, 1e6)
        if not self.lowest_value < self.highest_value:
            raise ValueError(f'ResidualSACConfig: lowest_value {self.lowest_value} is not below '
                             f'highest_value {self.highest_value}')


@dataclass(frozen=True)
class ResidualBatch:
    """What one RL update learns from, random numbers included: losses are functions of it."""

    steps: list[Steps]
    """A batch per gradient step on the critics; the actor learns from the last. The context of
    an observation is the base action."""
    next_noise: list[Tensor]
    """(B, A) each, standard normal: on the next actions."""
    target_members: list[list[int]]
    """The critics whose minimum is the target, for each batch."""
    demonstrations: Steps | None
    """What `bc_weight` imitates."""
    generator: torch.Generator
    """Shifts images."""


class ResidualSAC:
    """A host (see `host.Host`) that corrects a diffusion policy."""

    def __init__(self, config: ResidualSACConfig, pretrained: Policy,
                 random: np.random.Generator, generator: torch.Generator,
                 device: torch.device) -> None:
        """Begin with a copy of a cloned policy, and corrections of zero.

        Raises:
            ValueError: What was cloned is no diffusion policy.
        """
        base = pretrained.cloned
        if not isinstance(base, DiffusionPolicy):
            raise ValueError(f'the host residual_sac needs a cloned diffusion policy, '
                             f'not the kind {pretrained.config.kind}')
        self.config = config
        self.exploration = ExplorationConfig(scale=config.exploration_scale)
        self._random, self._generator, self._device = random, generator, device
        self._model = model = replace(
            pretrained.config, kind='residual', residual_scale=config.residual_scale,
            residual_width=config.residual_width, residual_layers=config.residual_layers,
            residual_std=0.0, residual_squash=True)
        self.policy = correct(base, model, generator).to(device).train()
        self.critics = CriticEnsemble(
            config, replace(model, chunk_length=1), self.policy.base.encoder, generator, device)
        self.critic = self.critics.critic
        self.replay = self._empty_replay()
        self._updates = 0

    def _empty_replay(self) -> SymmetricReplay:
        model, config = self._model, self.config
        return SymmetricReplay(
            model.observation_size, model.action_size, model.action_size, 1, config.horizon,
            config.gamma, config.replay_capacity, config.demos_in_buffer,
            config.successes_as_positives, self._device)

    # ---- experience ------------------------------------------------------------------------

    def remember(self, episode: Episode, origin: Origin) -> None:
        """Add an episode to the replay, with the base action of each observation."""
        self.replay.add(episode, self._base_actions(episode), origin)

    @torch.no_grad()
    def _base_actions(self, episode: Episode) -> FloatArray:
        """Return the base actions (N + 1, A) of an episode's observations.

        Where the policy decided, the one that it corrected. Elsewhere (demonstrations, the final
        observation, steps of a person) the first action that the base proposes.
        """
        actions = np.empty((episode.steps + 1, self._model.action_size), np.float32)
        unknown = np.ones(episode.steps + 1, np.bool_)
        if episode.extras.shape[1] == self.policy.extras_size:
            base, _, _ = self.policy.unpack(torch.tensor(episode.extras))
            actions[episode.decision_starts] = base.numpy()
            unknown[episode.decision_starts] = False
        observations = Observations.from_arrays(
            episode.observations[unknown],
            None if episode.images is None else episode.images[unknown], self._device)
        proposed = self.policy.base.sample(observations, self._generator)
        actions[unknown] = proposed[:, 0].cpu().numpy()
        return actions

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

    def draw(self) -> ResidualBatch:
        """Return rows for each gradient step, half of them positives, and all random numbers."""
        config = self.config
        steps = [self.replay.draw(config.batch, config.positive_share, self._random)
                 for _ in range(config.critic_steps)]
        noise = [torch.randn(rows.context.shape, generator=self._generator).to(self._device)
                 for rows in steps]
        members = [self.critics.choose(self._random) for _ in steps]
        demonstrations = (self.replay.demonstrations(config.batch, self._random)
                          if config.bc_weight else None)
        return ResidualBatch(steps, noise, members, demonstrations, self._generator)

    @torch.no_grad()
    def target_values(self, rows: Steps, noise: Tensor, members: list[int]) -> Tensor:
        """Return y (B,) of a batch, with standard normal noise (B, A) on the next action."""
        base = rows.next_context
        residual = self.policy.correction(rows.next_observations, base)
        corrected = self.policy.compose(base, residual) + self.config.target_noise * noise
        candidates = [corrected.clamp(-1.0, 1.0)] + [base] * self.config.guard
        values = self.critics.target_value(
            rows.next_observations, [action.unsqueeze(1) for action in candidates], members)
        return rows.returns + rows.discounts * values

    def critic_update(self, batch: ResidualBatch) -> dict[str, float]:
        """Take the gradient steps on the critics; targets follow after each."""
        loss = mean = 0.0
        for rows, noise, members in zip(batch.steps, batch.next_noise, batch.target_members):
            loss, mean = self.critics.regress(
                rows.observations, rows.chunks, self.target_values(rows, noise, members),
                batch.generator)
        self._updates += 1
        return {'rl_loss': loss, 'mean_value': mean}

    def actor_loss(self, batch: ResidualBatch) -> Tensor | None:
        """Return what the correction is to lower; None while the critics warm up."""
        if self.warming_up:
            return None
        config, rows = self.config, batch.steps[-1]
        residual = self._correction(rows, batch.generator)
        actions = self.policy.compose(rows.context, residual)
        loss = -self.critics.worth(rows.observations, actions.unsqueeze(1)).mean()
        if config.kl_weight:
            loss = loss + config.kl_weight * 0.5 * residual.square().mean()
        if batch.demonstrations is not None:
            shown = batch.demonstrations
            residual = self._correction(shown, batch.generator)
            loss = loss + config.bc_weight * functional.mse_loss(
                self.policy.compose(shown.context, residual), shown.chunks[:, 0])
        return loss

    def _correction(self, rows: Steps, generator: torch.Generator) -> Tensor:
        return self.policy.correction(rows.observations, rows.context, generator)

    def finish(self, batch: ResidualBatch) -> dict[str, float]:
        """Return what to log of the correction's size."""
        with torch.no_grad():
            residual = self.policy.correction(
                batch.steps[-1].observations, batch.steps[-1].context)
        return {'residual': float(residual.abs().mean())}

    # ---- parameters and imitation ----------------------------------------------------------

    @property
    def actor_parameters(self) -> list[nn.Parameter]:
        """Return the correction's."""
        return [part for part in self.policy.correction.parameters() if part.requires_grad]

    @property
    def critic_parameters(self) -> list[nn.Parameter]:
        """Return the critics'."""
        return self.critics.parameters

    @property
    def imitation_parameters(self) -> list[nn.Parameter]:
        """Return the base's."""
        return [part for part in self.policy.base.parameters() if part.requires_grad]

    def imitation_loss(self, observations: Observations, chunks: Tensor,
                       generator: torch.Generator) -> Tensor:
        """Return the denoising loss of the base."""
        return self.policy.base.loss(observations, chunks, generator)

    def after_imitation(self) -> None:
        """Do nothing: what imitation moves is what acts."""

    def heldout_imitation_loss(self, observations: Observations, chunks: Tensor) -> float:
        """Return the denoising loss of the base."""
        return imitation_loss_with_fixed_noise(self.policy.base.loss, observations, chunks)

    def reference_batches(self) -> list[ResidualBatch]:
        """Return nothing: RL and imitation share no parameters."""
        return []

    def anchored(self, batch: ResidualBatch) -> ResidualBatch:
        """Return the same batch: it has its random numbers."""
        return batch

    def action_gradients(self, observations: Observations, chunks: Tensor,
                         generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return what pulls the first action (T = 1) to the imitated one, and down the value."""
        with torch.no_grad():
            base = self.policy.base.sample(observations, generator)[:, 0]
            actions = self.policy.compose(base, self.policy.correction(observations, base))
        actions = actions.unsqueeze(1).requires_grad_()
        (rise,) = torch.autograd.grad(self.critics.worth(observations, actions).sum(), actions)
        return actions.detach() - chunks[:, :1], -rise

    # ---- what survives ---------------------------------------------------------------------

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return networks, optimiser and replay."""
        return ({
            **prefixed('policy', self.policy.state_dict()),
            **self.critics.state_dict(),
            **prefixed('replay', self.replay.state_dict()),
        }, {'updates': self._updates})

    def load_state_dict(self, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self.policy.load_state_dict(unprefixed('policy', tensors), strict=True)
        self.critics.load_state_dict(tensors)
        self.replay = self._empty_replay()
        self.replay.load_state_dict(unprefixed('replay', tensors))
        self._updates = int(document['updates'])
