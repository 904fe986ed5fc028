# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Residual PPO: a small Gaussian network corrects each step of a cloned policy.

After Ankile et al. 2024 (ResiP). RL moves the correction and the critic, imitation the base:
separate networks, so no gradient of one objective reaches the parameters of the other. They
still meet in what the robot does: imitation moves what the correction sees and adds to.

Known defects of the public implementation are not repeated: a time-out bootstraps from its own
last observation, no trace runs across the end of an episode.
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
from inril_ros.learning.experience import Episode
from inril_ros.learning.hosts.advantages import RewardScale
from inril_ros.learning.hosts.on_policy import begin_iteration, BOUNDS
from inril_ros.learning.hosts.rollouts import Rollouts
from inril_ros.learning.hosts.state_value import make_state_value
from inril_ros.learning.hosts.surrogate import clipped_surrogate, normalised
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.policies.residual import correct
from inril_ros.learning.pretrain import imitation_loss_with_fixed_noise
from inril_ros.learning.replay import Origin
from inril_ros.learning.saved_state import (
    load_optimiser,
    optimiser_tensors,
    prefixed,
    unprefixed,
)


@dataclass(frozen=True)
class ResidualPPOConfig:
    """Numbers of the host. "Ours" are tuned on Meta-World with small rollouts."""

    residual_width: int = 128
    residual_layers: int = 2
    """Hidden layers of the correction (ResiP 2 of 256)."""
    residual_scale: float = 0.3
    """Action = base action + scale * residual, in normalised actions (ours; ResiP's 0.1 is too
    slow for 100,000 steps)."""
    residual_std: float = 0.37
    """Standard deviation of the residual while learning, before scaling: exp(-1) (ResiP)."""
    rollout_steps: int = 4000
    """Environment steps per iteration, at least; episodes are never cut (ours)."""
    epochs: int = 10
    """Passes over a rollout (ours; ResiP 50 of one batch)."""
    batch: int = 1000
    """Steps per RL update (ours, a quarter of a rollout)."""
    gamma: float = 0.99
    """Discount per step (ours; ResiP 0.999 for episodes of 1000 steps)."""
    trace: float = 0.95
    """Lambda of generalised advantage estimation (ResiP)."""
    clip: float = 0.2
    """Largest distance of the ratio from 1 (ResiP)."""
    target_divergence: float = 0.1
    """An iteration ends early above this estimate of the KL divergence (ResiP)."""
    scale_rewards: bool = False
    """Divide rewards by the running standard deviation of their discounted sum (ours: off)."""
    warmup_iterations: int = 1
    """Iterations in which the critic alone learns (ours)."""
    critic_width: int = 256
    critic_blocks: int = 1
    """Residual blocks of the critic; it has 2 * blocks + 1 layers (ours)."""
    critic_learning_rate: float = 1e-3
    """AdamW without weight decay (ours; ResiP 5e-3)."""
    critic_gradient_clip: float = 1.0
    """Largest norm of the critic's gradient (ResiP)."""
    heldout_share: float = 0.0
    """Share of the episodes of a rollout that RL never trains on, as a reference to measure by; 0:
    all are trained on, since imitation and RL share no parameters to compare gradients of."""
    shuffled_advantages: bool = False
    """A control: advantages are dealt to steps at random, so RL knows nothing."""
    actor_learning_rate: float = 1e-3
    """Of the correction (ours; ResiP 3e-4)."""
    actor_gradient_clip: float | None = 1.0
    """Largest norm of the correction's gradient; null: not clipped (ResiP)."""

    def __post_init__(self) -> None:
        for name, (low, high) in BOUNDS.items():
            check_range(self, name, low, high)
        check_range(self, 'residual_std', 1e-3, 2.0)
        check_range(self, 'critic_gradient_clip', 1e-6, 1e9)


@dataclass(frozen=True)
class StepBatch:
    """B steps."""

    observations: Observations
    base: Tensor
    """(B, A) what the base proposed when the step was taken."""
    residuals: Tensor
    """(B, A) as drawn, before scaling and clipping."""
    advantages: Tensor
    """(B,)"""
    returns: Tensor
    """(B,)"""
    old: Tensor | None
    """(B,) log probability under the weights that acted. None: a reference, whose gradient is the
    policy gradient at the present weights, with advantages already normalised."""


class ResidualPPO:
    """A host (see `host.Host`) that corrects a cloned policy step by step."""

    exploration = None  # the policy explores: each residual is drawn

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
        self.config = config
        self._random, self._generator, self._device = random, generator, device
        model = replace(
            pretrained.config, kind='residual', residual_width=config.residual_width,
            residual_layers=config.residual_layers, residual_scale=config.residual_scale,
            residual_std=config.residual_std, residual_squash=False)
        self.policy = correct(pretrained.actor, model, generator).to(device).train()
        # The value of an observation, whatever the plan that is being followed: the last
        # observation of a time-out has a value too, and no base action.
        self.critic = make_state_value(model, pretrained.actor.encoder, config.critic_width,
                                       config.critic_blocks, generator).to(device)
        self.optimiser = torch.optim.AdamW(self.critic_parameters, weight_decay=0.0,
                                           lr=config.critic_learning_rate)
        self.scale = RewardScale(config.gamma)
        self.rollouts = Rollouts(self.policy.extras_size, 1, config.rollout_steps, config.epochs,
                                 config.batch, config.heldout_share)
        self._explained = 0.0
        # Of the update that is being taken.
        self._divergence = 0.0
        self._clip_fraction = 0.0

    # ---- experience ------------------------------------------------------------------------

    def remember(self, episode: Episode, origin: Origin) -> None:
        """Keep an episode for the next iteration; demonstrations were not drawn by the policy."""
        if origin is Origin.DEMONSTRATION:
            return
        self.rollouts.add(episode)
        if self.rollouts.complete:
            self._begin_iteration()

    def _begin_iteration(self) -> None:
        """Give each step its advantage, by the critic as it is before the iteration."""
        config = self.config
        self._explained = begin_iteration(
            self.rollouts, self.critic, self.scale if config.scale_rewards else None,
            config.gamma, config.trace, config.shuffled_advantages, self._random, self._device)

    def updates_due(self, env_steps: int) -> int:
        """Return the minibatches that are left of the running iteration."""
        return self.rollouts.remaining

    # ---- one RL update ---------------------------------------------------------------------

    @property
    def warming_up(self) -> bool:
        """Return whether the critic alone learns."""
        return self.iterations < self.config.warmup_iterations

    @property
    def iterations(self) -> int:
        """Return the rollouts learned from."""
        return self.rollouts.iterations

    def draw(self) -> StepBatch:
        """Return the next minibatch of the iteration."""
        rows, _ = self.rollouts.deal(self._random)
        return self._batch(rows)

    def _batch(self, rows: Tensor) -> StepBatch:
        decisions, device = self.rollouts.decisions, self._device
        base, residuals, log_probabilities = self.policy.unpack(decisions.extras[rows].to(device))
        return StepBatch(
            decisions.observations[rows].to(device), base, residuals,
            self.rollouts.advantages[rows].to(device), self.rollouts.returns[rows].to(device),
            log_probabilities)

    def critic_update(self, batch: StepBatch) -> dict[str, float]:
        """Take one gradient step on the squared error of the value."""
        values = self.critic(batch.observations, self._generator)
        loss = functional.mse_loss(values, batch.returns)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.critic_parameters, self.config.critic_gradient_clip)
        self.optimiser.step()
        return {'rl_loss': float(loss.detach()), 'mean_value': float(values.detach().mean()),
                'explained_variance': self._explained}

    def actor_loss(self, batch: StepBatch) -> Tensor | None:
        """Return the clipped surrogate; None while the critic warms up, but for references.

        Observations are not augmented: the ratio must be 1 where nothing has changed.
        """
        if self.warming_up and batch.old is not None:
            return None
        mean = self.policy.correction(batch.observations, batch.base)
        new = self.policy.log_probability(batch.residuals, mean)
        if batch.old is None:
            return clipped_surrogate(new, new.detach(), batch.advantages, self.config.clip).loss
        surrogate = clipped_surrogate(new, batch.old, normalised(batch.advantages),
                                      self.config.clip)
        self._divergence = surrogate.divergence
        self._clip_fraction = surrogate.clip_fraction
        return surrogate.loss

    def finish(self, batch: StepBatch) -> dict[str, float]:
        """End the iteration if all is dealt, or the policy has moved too far."""
        logged = {'divergence': self._divergence, 'clip_fraction': self._clip_fraction}
        over = self.rollouts.advance(self._divergence > self.config.target_divergence)
        self._divergence = self._clip_fraction = 0.0
        if over and self.rollouts.complete:
            self._begin_iteration()
        return logged

    # ---- parameters and imitation ----------------------------------------------------------

    @property
    def actor_parameters(self) -> list[nn.Parameter]:
        """Return those of the correction."""
        return [p for p in self.policy.correction.parameters() if p.requires_grad]

    @property
    def critic_parameters(self) -> list[nn.Parameter]:
        """Return those of the value."""
        return [p for p in self.critic.parameters() if p.requires_grad]

    @property
    def imitation_parameters(self) -> list[nn.Parameter]:
        """Return those of the base."""
        return [p for p in self.policy.base.parameters() if p.requires_grad]

    def imitation_loss(self, observations: Observations, chunks: Tensor,
                       generator: torch.Generator) -> Tensor:
        """Return the denoising loss of the base."""
        return self.policy.base.loss(observations, chunks, generator)

    def after_imitation(self) -> None:
        """Do nothing: what learns is what acts."""

    def heldout_imitation_loss(self, observations: Observations, chunks: Tensor) -> float:
        """Return the denoising loss of the base."""
        return imitation_loss_with_fixed_noise(self.policy.base.loss, observations, chunks)

    def reference_batches(self) -> list[StepBatch]:
        """Return the held-out episodes of the present rollout, in up to four parts."""
        batches = []
        for rows, _ in self.rollouts.heldout_parts(4):
            batch = self._batch(rows)
            batches.append(replace(
                batch, advantages=self.rollouts.on_trained_scale(batch.advantages), old=None))
        return batches

    def anchored(self, batch: StepBatch) -> StepBatch:
        """Return the same batch: imitation does not move what RL's loss depends on."""
        return batch

    def action_gradients(self, observations: Observations, chunks: Tensor,
                         generator: torch.Generator) -> None:
        """Return None: there is no value of actions to differentiate."""
        return None

    # ---- what survives ---------------------------------------------------------------------

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return networks, optimiser and rollouts."""
        rollouts, document = self.rollouts.state_dict()
        return ({
            **prefixed('policy', self.policy.state_dict()),
            **prefixed('critic', self.critic.state_dict()),
            **optimiser_tensors('critic_optimiser', self.optimiser),
            **prefixed('rollouts', rollouts),
        }, {'rollouts': document, 'scale': self.scale.state_dict(),
            'explained': self._explained})

    def load_state_dict(self, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self.policy.load_state_dict(unprefixed('policy', tensors), strict=True)
        self.critic.load_state_dict(unprefixed('critic', tensors), strict=True)
        load_optimiser('critic_optimiser', self.optimiser, tensors)
        self.rollouts.load_state_dict(unprefixed('rollouts', tensors), document['rollouts'])
        self.scale.load_state_dict(document['scale'])
        self._explained = float(document['explained'])
