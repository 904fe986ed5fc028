# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Off-policy residual learning: critics teach a small network to correct each step of a clone.

The cloned diffusion policy proposes a chunk and is followed; the correction sees each observation
and the base action b, and the action is clip(b + scale * tanh(...)). One RL update is some
gradient steps on the critics, then one on the correction:

    y = R_n + gamma^n * clip(min over 2 random critics of Qbar(o', a'), low, high),
    a' = clip(b' + scale * correction(o', b') + noise), or b' if that is worth more (the guard)
    actor: max  mean_e Q(o, a) - pessimism * std_e Q(o, a),  a = clip(b + scale * correction(o, b))

After Ankile et al. 2025 (ResFiT), adapted to small budgets: values clipped to the range of
possible returns, noise that is correlated in time. The actor is deterministic, the limit of soft
actor-critic without entropy (TD3, Fujimoto et al. 2018): a residual that must keep some entropy
would disturb the base policy where it is right.

RL moves the correction, imitation the base: separate networks, so there is no gradient to
separate. The base's proposal is stored with each observation. Once imitation has moved the base,
it would propose other actions; the correction sees the proposal that it corrects, so stored ones
remain valid examples.
"""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn, Tensor
from torch.nn import functional

from inril_ros.learning.experience import Episode, FloatArray
from inril_ros.learning.hosts.host import diffusion_clone
from inril_ros.learning.hosts.off_policy import ActorCriticBatch, ActorCriticHost
from inril_ros.learning.hosts.settings.actor_critic import ResidualSACConfig
from inril_ros.learning.hosts.values.critic_ensemble import choose_members
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.networks import trainable
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.policies.residual import correct, ResidualPolicy
from inril_ros.learning.replay import Origin
from inril_ros.learning.replays.symmetric_replay import Steps, SymmetricReplay


class ResidualSAC(ActorCriticHost[ActorCriticBatch]):
    """Corrects a diffusion policy. The context of an observation is its base action."""

    config: ResidualSACConfig
    policy: ResidualPolicy

    def __init__(self, config: ResidualSACConfig, pretrained: Policy,
                 random: np.random.Generator, generator: torch.Generator,
                 device: torch.device) -> None:
        """Begin with a copy of a cloned policy, and corrections of zero.

        Raises:
            ValueError: The cloned policy is no diffusion policy.
        """
        base = diffusion_clone(pretrained, 'residual_sac')
        model = replace(
            pretrained.config, kind='residual', residual_scale=config.residual_scale,
            residual_width=config.residual_width, residual_layers=config.residual_layers,
            residual_std=0.0, residual_squash=True)
        super().__init__(config, correct(base, model, generator), replace(model, chunk_length=1),
                         base.encoder, random, generator, device)

    def _empty_replay(self) -> SymmetricReplay:
        return self._symmetric_replay(context_size=self.policy.config.action_size,
                                      chunk_length=1, horizon=self.config.horizon)

    def remember(self, episode: Episode, origin: Origin) -> None:
        """Add an episode to the replay, with the base action of each observation."""
        self.replay.add(episode, self._base_actions(episode), origin)

    @torch.no_grad()
    def _base_actions(self, episode: Episode) -> FloatArray:
        """Return the base actions (N + 1, A) of an episode's observations.

        Where the policy decided, this is the action that it corrected. Elsewhere
        (demonstrations, the final observation, steps of a person) it is the first action that the
        base proposes.
        """
        actions = np.empty((episode.steps + 1, self.policy.config.action_size), np.float32)
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

    # ---- one RL update: draw, critic_update (off_policy.py) towards target_values, actor_loss

    def draw(self) -> ActorCriticBatch:
        """Return rows for each gradient step, and all random numbers; noise is (B, A)."""
        steps = self._draw_steps()
        noise = [torch.randn(rows.context.shape, generator=self._generator).to(self._device)
                 for rows in steps]
        members = [choose_members(self.config, self._random) for _ in steps]
        return ActorCriticBatch(
            steps, noise, members, self._draw_demonstrations(), self._generator)

    @torch.no_grad()
    def target_values(self, rows: Steps, noise: Tensor, members: list[int]) -> Tensor:
        """Return the regression targets y (B,), with noise (B, A) on the next action."""
        # Next action: corrected, with noise; or the base's where that is worth more (the guard)
        base = rows.next_context
        residual = self.policy.correction(rows.next_observations, base)
        corrected = self.policy.compose(base, residual) + self.config.target_noise * noise
        candidates = [corrected.clamp(-1.0, 1.0)] + [base] * self.config.guard
        # Its value
        values = self.critics.target_value(
            rows.next_observations, [action.unsqueeze(1) for action in candidates], members)
        return rows.returns + rows.discounts * values

    def actor_loss(self, batch: ActorCriticBatch) -> Tensor | None:
        """Return the loss of the correction; None while the critics warm up."""
        if self.warming_up:
            return None
        config, rows = self.config, batch.steps[-1]
        # Value of the corrected actions
        residual = self.policy.correction(rows.observations, rows.context, batch.generator)
        actions = self.policy.compose(rows.context, residual)
        loss = -self.critics.worth(rows.observations, actions.unsqueeze(1)).mean()
        # Regulariser: KL divergence from the base
        if config.kl_weight:
            loss = loss + config.kl_weight * 0.5 * residual.square().mean()
        # Imitation inside the RL loss
        if batch.demonstrations is not None:
            shown = batch.demonstrations
            residual = self.policy.correction(shown.observations, shown.context, batch.generator)
            loss = loss + config.bc_weight * functional.mse_loss(
                self.policy.compose(shown.context, residual), shown.chunks[:, 0])
        return loss

    def finish(self, batch: ActorCriticBatch) -> dict[str, float]:
        """Return the size of the correction, to be logged."""
        with torch.no_grad():
            residual = self.policy.correction(
                batch.steps[-1].observations, batch.steps[-1].context)
        return {'residual': float(residual.abs().mean())}

    # ---- parameters and alignment: imitation moves the base --------------------------------

    @property
    def actor_parameters(self) -> list[nn.Parameter]:
        """Return the correction's parameters."""
        return trainable(self.policy.correction)

    def action_gradients(self, observations: Observations, chunks: Tensor,
                         generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return the gradients at the first action of its squared error and of minus its value."""
        with torch.no_grad():
            base = self.policy.base.sample(observations, generator)[:, 0]
            actions = self.policy.compose(base, self.policy.correction(observations, base))
        actions = actions.unsqueeze(1).requires_grad_()
        (rise,) = torch.autograd.grad(self.critics.worth(observations, actions).sum(), actions)
        return actions.detach() - chunks[:, :1], -rise
