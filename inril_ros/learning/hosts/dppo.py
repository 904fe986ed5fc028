# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""DPPO: PPO on the denoising steps of a diffusion policy (Ren et al. 2024).

Each of the last K' denoising steps of each decision is a sample: a Gaussian step of known
probability, with the advantage of the decision that it led to, discounted by its distance from
the final chunk. RL and imitation move the same network, so their gradients can conflict.

Unlike in the public implementation, K' = 1 is defined.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn, Tensor

from inril_ros.learning.hosts.on_policy import OnPolicyBatch, OnPolicyHost
from inril_ros.learning.hosts.settings.on_policy import DPPOConfig
from inril_ros.learning.hosts.surrogate import clip_range, normalised
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.denoising_chain import DenoisingChainPolicy, fine_tuned
from inril_ros.learning.policies.networks import trainable
from inril_ros.learning.policies.policy import Policy


@dataclass(frozen=True)
class ChainBatch(OnPolicyBatch):
    """B denoising steps."""

    before: Tensor
    """(B, T, A)"""
    after: Tensor
    """(B, T, A)"""
    indices: Tensor
    """(B,) in 0 .. K' - 1, 0 is the noisiest fine-tuned step."""
    anchor: Tensor | None = None
    """(B,) of a reference batch: log probability under weights that others are compared with."""


class DPPO(OnPolicyHost[ChainBatch]):
    """Fine-tunes the last denoising steps of a diffusion policy."""

    config: DPPOConfig
    policy: DenoisingChainPolicy

    def __init__(self, config: DPPOConfig, pretrained: Policy, random: np.random.Generator,
                 generator: torch.Generator, device: torch.device) -> None:
        """Begin with a copy of a cloned policy.

        Raises:
            ValueError: The policy is no BestOfN, or takes fewer denoising steps than K'.
        """
        if not isinstance(pretrained, BestOfN):
            raise ValueError(f'dppo fine-tunes a diffusion policy of kind best_of_n, not of kind '
                             f'{pretrained.config.kind}')
        model = replace(pretrained.config, kind='dppo', chain_steps=config.chain_steps,
                        chain_std=config.chain_std, chain_ddim=config.chain_ddim)
        super().__init__(config, fine_tuned(pretrained.actor, model), config.chain_steps,
                         random, generator, device)

    # ---- one RL update: draw a batch, update the critic (on_policy.py), then the actor's loss

    def _batch(self, rows: Tensor, indices: Tensor) -> ChainBatch:
        decisions, rollouts, device = self.rollouts.decisions, self.rollouts, self._device
        chains, log_probabilities = self.policy.unpack(decisions.extras[rows])
        samples = torch.arange(len(rows))
        return ChainBatch(
            observations=decisions.observations[rows].to(device),
            advantages=rollouts.advantages[rows].to(device),
            returns=rollouts.returns[rows].to(device),
            old=log_probabilities[samples, indices].to(device),
            before=chains[samples, indices].to(device),
            after=chains[samples, indices + 1].to(device), indices=indices.to(device))

    def actor_loss(self, batch: ChainBatch) -> Tensor | None:
        """Return the clipped surrogate; None while the critic warms up, but for references.

        Observations are not augmented: the ratio must be 1 where nothing has changed.
        """
        if self.warming_up and batch.old is not None:
            return None
        config = self.config
        # Log probability of the denoising steps: now, and under the weights that acted
        new = self.policy.log_probability(
            batch.observations, batch.before, batch.after, batch.indices)
        old = batch.anchor if batch.old is None else batch.old
        old = new.detach() if old is None else old
        # Advantage of the decision, discounted by the distance from the final chunk
        advantages = batch.advantages if batch.old is None else normalised(batch.advantages)
        advantages = advantages * config.chain_gamma ** (config.chain_steps - 1 - batch.indices)
        # Surrogate loss
        clip = clip_range(batch.indices, config.chain_steps, config.first_clip, config.clip,
                          config.clip_growth)
        loss = self._surrogate_loss(batch, new, old, advantages, clip)
        # Regulariser: KL divergence from the clone
        if config.clone_weight:
            loss = loss + config.clone_weight * self.policy.divergence_from_clone(
                batch.observations, batch.before, batch.indices)
        return loss

    @torch.no_grad()
    def anchored(self, batch: ChainBatch) -> ChainBatch:
        """Return the reference batch with the log probabilities of the present weights."""
        return replace(batch, anchor=self.policy.log_probability(
            batch.observations, batch.before, batch.after, batch.indices))

    # ---- parameters and imitation: RL and imitation move the same network ------------------

    @property
    def actor_parameters(self) -> list[nn.Parameter]:
        """Return those of the fine-tuned network."""
        return trainable(self.policy.tuned)

    def imitation_loss(self, observations: Observations, chunks: Tensor,
                       generator: torch.Generator) -> Tensor:
        """Return the denoising loss at the fine-tuned steps."""
        return self.policy.imitation_loss(observations, chunks, generator)
