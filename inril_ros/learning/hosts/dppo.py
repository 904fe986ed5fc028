# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""DPPO: PPO on the denoising steps of a diffusion policy (Ren et al. 2024).

Each of the last K' denoising steps of each decision is a sample: a Gaussian step of known
probability, with the advantage of the decision that it led to, discounted by how far from the
final chunk it was. RL and imitation move the same network, so their gradients can conflict.

Known defects of the public implementation are not repeated: a time-out bootstraps from its own
last observation and not from the next episode's first, no trace runs across the end of an
episode, and K' = 1 is defined.
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
from inril_ros.learning.hosts.surrogate import clip_range, clipped_surrogate, normalised
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.denoising_chain import fine_tuned
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.pretrain import imitation_loss_with_fixed_noise
from inril_ros.learning.replay import Origin
from inril_ros.learning.saved_state import (
    load_optimiser,
    optimiser_tensors,
    prefixed,
    unprefixed,
)


@dataclass(frozen=True)
class DPPOConfig:
    """Numbers of the host. "Ours" are tuned on Meta-World with small rollouts."""

    chain_steps: int = 5
    """K', the last denoising steps that are fine-tuned (ours; DPPO 10 of 20, 5 of 5 with DDIM)."""
    chain_std: float = 0.1
    """Smallest standard deviation of a denoising step while learning (DPPO)."""
    chain_ddim: bool = False
    """Act by the model's DDIM steps instead of all K DDPM steps (DPPO does on FurnitureBench)."""
    rollout_steps: int = 3840
    """Environment steps per iteration, at least; episodes are never cut (ours)."""
    epochs: int = 5
    """Passes over a rollout (DPPO 5 to 10)."""
    batch: int = 480
    """Samples per RL update, of which a decision gives K' (ours, a tenth of a rollout)."""
    gamma: float = 0.99
    """Discount per decision, not per step (DPPO, Gym)."""
    trace: float = 0.95
    """Lambda of generalised advantage estimation (DPPO)."""
    chain_gamma: float = 0.99
    """Discount of the advantage per denoising step before the last one (DPPO)."""
    clip: float = 0.05
    """Largest distance of the ratio from 1 at the last denoising step. Ours: DPPO's 0.01 is for
    rollouts of 75,000 samples, with 5,000 it clips most of them."""
    first_clip: float = 0.05
    """The same at the first fine-tuned denoising step (DPPO 0.001; ours: the same for all)."""
    clip_growth: float = 3.0
    """How late the clip range grows from `first_clip` to `clip` (DPPO)."""
    target_divergence: float = 1.0
    """An iteration ends early above this estimate of the KL divergence (DPPO)."""
    scale_rewards: bool = True
    """Divide rewards by the running standard deviation of their discounted sum (DPPO)."""
    warmup_iterations: int = 2
    """Iterations in which the critic alone learns (DPPO)."""
    critic_width: int = 256
    critic_blocks: int = 1
    """Residual blocks of the critic; it has 2 * blocks + 1 layers (DPPO)."""
    critic_learning_rate: float = 1e-3
    """AdamW without weight decay (DPPO)."""
    heldout_share: float = 0.15
    """Share of the episodes of a rollout that RL never trains on, to measure alignment by; 0: all
    are trained on. Ours."""
    clone_weight: float = 0.0
    """Weight of the KL divergence between the fine-tuned and the cloned denoising steps in the
    actor's loss: a control, off by default."""
    shuffled_advantages: bool = False
    """A control: advantages are dealt to decisions at random, so RL knows nothing."""
    actor_learning_rate: float = 1e-4
    """DPPO."""
    actor_gradient_clip: float | None = None
    """Largest norm of the actor's gradient; null: not clipped (DPPO)."""

    def __post_init__(self) -> None:
        for name, (low, high) in BOUNDS.items():
            check_range(self, name, low, high)
        check_range(self, 'chain_gamma', 0.0, 1.0)
        check_range(self, 'first_clip', 1e-6, self.clip)
        check_range(self, 'clip_growth', 1e-3, 20.0)
        check_range(self, 'clone_weight', 0.0, 1e3)


@dataclass(frozen=True)
class ChainBatch:
    """B denoising steps."""

    observations: Observations
    before: Tensor
    """(B, T, A)"""
    after: Tensor
    """(B, T, A)"""
    indices: Tensor
    """(B,) in 0 .. K' - 1, 0 is the noisiest fine-tuned step."""
    advantages: Tensor
    """(B,)"""
    returns: Tensor
    """(B,)"""
    old: Tensor | None
    """(B,) log probability under the weights that acted. None: a reference, whose gradient is the
    policy gradient at the present weights, with advantages already normalised."""
    anchor: Tensor | None = None
    """(B,) log probability, for a reference, under weights that others are compared with."""


class DPPO:
    """A host (see `host.Host`) that fine-tunes the last denoising steps of a diffusion policy."""

    exploration = None  # the policy explores: each denoising step is drawn

    def __init__(self, config: DPPOConfig, pretrained: Policy, random: np.random.Generator,
                 generator: torch.Generator, device: torch.device) -> None:
        """Begin with a copy of a cloned policy.

        Raises:
            ValueError: The policy is no BestOfN, or takes fewer denoising steps than
                K'.
        """
        if not isinstance(pretrained, BestOfN):
            raise ValueError(f'dppo fine-tunes a diffusion policy of kind best_of_n, not of kind '
                             f'{pretrained.config.kind}')
        self.config = config
        self._random, self._generator, self._device = random, generator, device
        model = replace(pretrained.config, kind='dppo', chain_steps=config.chain_steps,
                        chain_std=config.chain_std, chain_ddim=config.chain_ddim)
        self.policy = fine_tuned(pretrained.actor, model).to(device).train()
        self.critic = make_state_value(model, pretrained.actor.encoder, config.critic_width,
                                       config.critic_blocks, generator).to(device)
        self.optimiser = torch.optim.AdamW(self.critic_parameters, weight_decay=0.0,
                                           lr=config.critic_learning_rate)
        self.scale = RewardScale(config.gamma)
        self.rollouts = Rollouts(self.policy.extras_size, config.chain_steps,
                                 config.rollout_steps, config.epochs, config.batch,
                                 config.heldout_share)
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
        """Give each decision its advantage, by the critic as it is before the iteration."""
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

    def draw(self) -> ChainBatch:
        """Return the next minibatch of the iteration."""
        return self._batch(*self.rollouts.deal(self._random))

    def _batch(self, rows: Tensor, indices: Tensor) -> ChainBatch:
        decisions = self.rollouts.decisions
        chains, log_probabilities = self.policy.unpack(decisions.extras[rows])
        samples = torch.arange(len(rows))
        device = self._device
        return ChainBatch(
            decisions.observations[rows].to(device), chains[samples, indices].to(device),
            chains[samples, indices + 1].to(device), indices.to(device),
            self.rollouts.advantages[rows].to(device), self.rollouts.returns[rows].to(device),
            log_probabilities[samples, indices].to(device))

    def critic_update(self, batch: ChainBatch) -> dict[str, float]:
        """Take one gradient step on the squared error of the value."""
        values = self.critic(batch.observations, self._generator)
        loss = functional.mse_loss(values, batch.returns)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        return {'rl_loss': float(loss.detach()), 'mean_value': float(values.detach().mean()),
                'explained_variance': self._explained}

    def actor_loss(self, batch: ChainBatch) -> Tensor | None:
        """Return the clipped surrogate; None while the critic warms up, but for references.

        Observations are not augmented: the ratio must be 1 where nothing has changed.
        """
        if self.warming_up and batch.old is not None:
            return None
        new = self.policy.log_probability(
            batch.observations, batch.before, batch.after, batch.indices)
        old = batch.anchor if batch.old is None else batch.old
        old = new.detach() if old is None else old
        advantages = batch.advantages if batch.old is None else normalised(batch.advantages)
        steps = self.config.chain_steps
        discounted = advantages * self.config.chain_gamma ** (steps - 1 - batch.indices)
        clip = clip_range(batch.indices, steps, self.config.first_clip, self.config.clip,
                          self.config.clip_growth)
        surrogate = clipped_surrogate(new, old, discounted, clip)
        if batch.old is not None:
            self._divergence = surrogate.divergence
            self._clip_fraction = surrogate.clip_fraction
        if self.config.clone_weight == 0.0:
            return surrogate.loss
        drift = self.policy.divergence_from_clone(
            batch.observations, batch.before, batch.indices)
        return surrogate.loss + self.config.clone_weight * drift

    def finish(self, batch: ChainBatch) -> dict[str, float]:
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
        """Return those of the fine-tuned network."""
        return [p for p in self.policy.tuned.parameters() if p.requires_grad]

    @property
    def critic_parameters(self) -> list[nn.Parameter]:
        """Return those of the value."""
        return [p for p in self.critic.parameters() if p.requires_grad]

    @property
    def imitation_parameters(self) -> list[nn.Parameter]:
        """Return the same as `actor_parameters`."""
        return self.actor_parameters

    def imitation_loss(self, observations: Observations, chunks: Tensor,
                       generator: torch.Generator) -> Tensor:
        """Return the denoising loss at the fine-tuned steps."""
        return self.policy.imitation_loss(observations, chunks, generator)

    def after_imitation(self) -> None:
        """Do nothing: what learns is what acts."""

    def heldout_imitation_loss(self, observations: Observations, chunks: Tensor) -> float:
        """Return the denoising loss at the fine-tuned steps."""
        return imitation_loss_with_fixed_noise(self.policy.imitation_loss, observations, chunks)

    def reference_batches(self) -> list[ChainBatch]:
        """Return the held-out episodes of the present rollout, in up to four parts."""
        batches = []
        for rows, indices in self.rollouts.heldout_parts(4):
            batch = self._batch(rows, indices)
            batches.append(replace(
                batch, advantages=self.rollouts.on_trained_scale(batch.advantages), old=None))
        return batches

    @torch.no_grad()
    def anchored(self, batch: ChainBatch) -> ChainBatch:
        """Return the reference with the log probabilities of the present weights."""
        return replace(batch, anchor=self.policy.log_probability(
            batch.observations, batch.before, batch.after, batch.indices))

    def action_gradients(self, observations: Observations, chunks: Tensor,
                         generator: torch.Generator) -> None:
        """Return None: RL and imitation share their parameters."""
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
