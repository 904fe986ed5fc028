# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Residual PPO: a small Gaussian network corrects each step of a cloned policy.

After Ankile et al. 2024 (ResiP). RL moves the correction and the critic, imitation the base:
separate networks, so no gradient of one objective reaches the parameters of the other. They
still meet in what the robot does: imitation changes what the correction sees and adds to.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn, Tensor

from inril_ros.learning.hosts.on_policy import OnPolicyBatch, OnPolicyHost
from inril_ros.learning.hosts.settings.on_policy import ResidualPPOConfig
from inril_ros.learning.hosts.surrogate import normalised
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.networks import trainable
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.policies.residual import correct, ResidualPolicy


@dataclass(frozen=True)
class ResidualStepBatch(OnPolicyBatch):
    """B steps."""

    base: Tensor
    """(B, A) actions that the base proposed when the steps were taken."""
    residuals: Tensor
    """(B, A) as drawn, before scaling and clipping."""


class ResidualPPO(OnPolicyHost[ResidualStepBatch]):
    """Corrects a cloned policy step by step."""

    config: ResidualPPOConfig
    policy: ResidualPolicy

    def __init__(self, config: ResidualPPOConfig, pretrained: Policy,
                 random: np.random.Generator, generator: torch.Generator,
                 device: torch.device) -> None:
        """Begin with a copy of a cloned policy, and a correction of zero.

        Raises:
            ValueError: The policy is no BestOfN.
        """
        if not isinstance(pretrained, BestOfN):
            raise ValueError(f'residual_ppo corrects a diffusion policy of kind best_of_n, not of '
                             f'kind {pretrained.config.kind}')
        model = replace(
            pretrained.config, kind='residual', residual_width=config.residual_width,
            residual_layers=config.residual_layers, residual_scale=config.residual_scale,
            residual_std=config.residual_std, residual_squash=False)
        # The critic values observations, not base actions: the last observation of a time-out
        # has a value too, and no base action.
        super().__init__(config, correct(pretrained.actor, model, generator), 1, random,
                         generator, device)

    # ---- one RL update: draw a batch, update the critic (on_policy.py), then the actor's loss

    def _batch(self, rows: Tensor, indices: Tensor) -> ResidualStepBatch:
        decisions, rollouts, device = self.rollouts.decisions, self.rollouts, self._device
        base, residuals, old = self.policy.unpack(decisions.extras[rows].to(device))
        return ResidualStepBatch(
            decisions.observations[rows].to(device), rollouts.advantages[rows].to(device),
            rollouts.returns[rows].to(device), old, base, residuals)

    def _clip_critic_gradient(self) -> None:
        nn.utils.clip_grad_norm_(self.critic_parameters, self.config.critic_gradient_clip)

    def actor_loss(self, batch: ResidualStepBatch) -> Tensor | None:
        """Return the clipped surrogate; None while the critic warms up, but for references.

        Observations are not augmented: the ratio must be 1 where nothing has changed.
        """
        if self.warming_up and batch.old is not None:
            return None
        # Log probability of the residuals: now, and under the weights that acted
        mean = self.policy.correction(batch.observations, batch.base)
        new = self.policy.log_probability(batch.residuals, mean)
        old = new.detach() if batch.old is None else batch.old
        # Surrogate loss
        advantages = batch.advantages if batch.old is None else normalised(batch.advantages)
        return self._surrogate_loss(batch, new, old, advantages, self.config.clip)

    # ---- parameters: imitation moves the base ----------------------------------------------

    @property
    def actor_parameters(self) -> list[nn.Parameter]:
        """Return those of the correction."""
        return trainable(self.policy.correction)
