# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the PPO hosts share: settings, rollouts, the value network, and the end of an iteration.

Known defects of the public implementations of DPPO and ResiP are not repeated: a time-out
bootstraps from its own last observation and not from the next episode's first one, and no trace
runs across the end of an episode.
"""
from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn, Tensor
from torch.nn import functional

from inril_ros.learning.experience import Episode
from inril_ros.learning.hosts.decisions import advantages_of, explained_variance
from inril_ros.learning.hosts.host import Host
from inril_ros.learning.hosts.rollouts import Rollouts
from inril_ros.learning.hosts.settings.on_policy import OnPolicyConfig
from inril_ros.learning.hosts.surrogate import clipped_surrogate
from inril_ros.learning.hosts.values.advantages import RewardScale
from inril_ros.learning.hosts.values.state_value import make_state_value
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.networks import trainable
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.replay import Origin
from inril_ros.learning.saved_state import (
    load_modules,
    load_optimiser,
    module_tensors,
    optimiser_tensors,
    prefixed,
    unprefixed,
)

_REFERENCES = 4
"""Parts that the held-out episodes of a rollout are divided into, at most."""


@dataclass(frozen=True)
class OnPolicyBatch:
    """B samples of a rollout."""

    observations: Observations
    advantages: Tensor
    """(B,)"""
    returns: Tensor
    """(B,)"""
    old: Tensor | None
    """(B,) log probability under the weights that acted. None for a reference batch, whose
    gradient is the policy gradient at the present weights; its advantages are normalised."""


SamplesT = TypeVar('SamplesT', bound=OnPolicyBatch)


class OnPolicyHost(Host[SamplesT]):
    """Collects rollouts and learns from each one for some epochs, with a value network."""

    config: OnPolicyConfig

    def __init__(self, config: OnPolicyConfig, policy: Policy, samples_per_decision: int,
                 random: np.random.Generator, generator: torch.Generator,
                 device: torch.device) -> None:
        super().__init__(config, policy.to(device).train(), random, generator, device)
        self.config = config
        self.critic = make_state_value(policy.config, policy.cloned.encoder, config.critic_width,
                                       config.critic_blocks, generator).to(device)
        self.optimiser = torch.optim.AdamW(self.critic_parameters, weight_decay=0.0,
                                           lr=config.critic_learning_rate)
        self.scale = RewardScale(config.gamma)
        self.rollouts = Rollouts(policy.extras_size, samples_per_decision, config.rollout_steps,
                                 config.epochs, config.batch, config.heldout_share)
        self._explained = 0.0
        # Of the present update: how far the policy has moved from the one that acted.
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
        """Give each decision its advantage by the critic as it is before the iteration."""
        config, critic = self.config, self.critic
        decisions = self.rollouts.begin(self._random)
        # Rewards
        rewards = decisions.rewards.numpy().astype(np.float64)
        if config.scale_rewards:
            self.scale.update(rewards, decisions.ends.numpy())
            rewards = self.scale.scale(rewards)
        # Values, advantages and returns
        values = critic.of_many(decisions.observations, self._device)
        final_values = critic.of_many(decisions.final_observations, self._device)
        advantages, returns = advantages_of(
            decisions, rewards, values, final_values, config.gamma, config.trace)
        if config.shuffled_advantages:
            rows = self.rollouts.training
            order = torch.from_numpy(self._random.permutation(len(rows)))
            advantages[rows] = advantages[rows[order]]
        self.rollouts.learn(advantages, returns)
        # How well the critic explains the returns of a rollout that it has never seen
        self._explained = explained_variance(values, returns)

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

    def draw(self) -> SamplesT:
        """Return the next minibatch of the iteration."""
        return self._batch(*self.rollouts.deal(self._random))

    @abstractmethod
    def _batch(self, rows: Tensor, indices: Tensor) -> SamplesT:
        """Return samples of the rollout: decisions (B,) and which sample of each one (B,)."""

    def critic_update(self, batch: SamplesT) -> dict[str, float]:
        """Take one gradient step on the squared error of the value."""
        # Value loss
        values = self.critic(batch.observations, self._generator)
        loss = functional.mse_loss(values, batch.returns)
        # Gradient step
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._clip_critic_gradient()
        self.optimiser.step()
        return {'rl_loss': float(loss.detach()), 'mean_value': float(values.detach().mean()),
                'explained_variance': self._explained}

    def _clip_critic_gradient(self) -> None:
        """Limit the critic's gradient before its step; by default it is not limited."""

    def _surrogate_loss(self, batch: SamplesT, new: Tensor, old: Tensor, advantages: Tensor,
                        clip: Tensor | float) -> Tensor:
        """Return PPO's loss, and note how far the policy has moved if the batch is trained on."""
        surrogate = clipped_surrogate(new, old, advantages, clip)
        if batch.old is not None:
            self._divergence = surrogate.divergence
            self._clip_fraction = surrogate.clip_fraction
        return surrogate.loss

    def finish(self, batch: SamplesT) -> dict[str, float]:
        """End the iteration if all is dealt, or if the policy has moved too far."""
        logged = {'divergence': self._divergence, 'clip_fraction': self._clip_fraction}
        over = self.rollouts.advance(self._divergence > self.config.target_divergence)
        self._divergence = self._clip_fraction = 0.0
        if over and self.rollouts.complete:
            self._begin_iteration()
        return logged

    @property
    def critic_parameters(self) -> list[nn.Parameter]:
        """Return those of the value network."""
        return trainable(self.critic)

    def reference_batches(self) -> list[SamplesT]:
        """Return the held-out episodes of the present rollout, in up to four parts."""
        batches = [self._batch(*part) for part in self.rollouts.heldout_parts(_REFERENCES)]
        return [replace(batch, advantages=self.rollouts.on_trained_scale(batch.advantages),
                        old=None) for batch in batches]

    def without_references(self) -> None:
        """Train on all episodes of each rollout."""
        self.rollouts.heldout_share = 0.0

    # ---- checkpoints -----------------------------------------------------------------------

    def state_dict(self, replay: bool = True) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return networks, optimiser and rollouts; there is no replay."""
        rollouts, document = self.rollouts.state_dict()
        return ({
            **module_tensors(policy=self.policy, critic=self.critic),
            **optimiser_tensors('critic_optimiser', self.optimiser),
            **prefixed('rollouts', rollouts),
        }, {'rollouts': document, 'scale': self.scale.state_dict(),
            'explained': self._explained})

    def load_state_dict(self, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        load_modules(tensors, policy=self.policy, critic=self.critic)
        load_optimiser('critic_optimiser', self.optimiser, tensors)
        self.rollouts.load_state_dict(unprefixed('rollouts', tensors), document['rollouts'])
        self.scale.load_state_dict(document['scale'])
        self._explained = float(document['explained'])
