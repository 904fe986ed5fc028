# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
IDQL with chunks, for sparse success rewards: the default host.

The critic learns Q(o, chunk) from all windows of the replay; it never touches the actor. The
policy gets better in two ways: the critic picks the best of n proposed chunks (RL), and imitation
of what worked moves the proposals (IL). The two objectives own different networks, so there is no
gradient to separate.

After Hansen-Estruch et al. 2023, with differences: no expectile value network, but the maximum
over chunks that the actor proposed at the next observation,

    y = R + discount * clip(max_j min_e Qbar_e(o', c_j), low, high),

where the clip to the range of possible returns stops over-estimation from feeding on itself.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from inril_ros.learning.policies.best_of_n import ActingPolicy
from inril_ros.learning.policies.networks import ChunkCritic


@dataclass(frozen=True)
class CriticBatch:
    """B windows as tensors on the learner's device; the fields of WindowBatch."""

    observations: Tensor
    chunks: Tensor
    returns: Tensor
    discounts: Tensor
    next_observations: Tensor
    next_candidates: Tensor


class IDQL:
    """One critic update at a time."""

    def __init__(self, policy: ActingPolicy, learning_rate: float, polyak: float,
                 lowest_value: float, highest_value: float) -> None:
        """Take the critic of the policy as the one to train, and a copy of it as the target."""
        config = policy.config
        self._policy = policy
        self._polyak = polyak
        self._bounds = (lowest_value, highest_value)
        device = next(policy.critic.parameters()).device
        self.target = ChunkCritic(config.observation_size,
                                  config.chunk_length * config.action_size, config.critic_width,
                                  config.critic_layers, config.critic_members).to(device)
        self.target.load_state_dict(policy.critic.state_dict())
        self.target.requires_grad_(False)
        self.optimiser = torch.optim.Adam(policy.critic.parameters(), lr=learning_rate)

    @property
    def parameters(self) -> list[Tensor]:
        """Return the parameters that RL moves."""
        return list(self._policy.critic.parameters())

    @torch.no_grad()
    def target_values(self, batch: CriticBatch) -> Tensor:
        """Return y, (B,)."""
        number = batch.next_candidates.shape[1]
        following = self._policy.actor.normaliser(batch.next_observations)
        values = self.target(following.repeat_interleave(number, dim=0),
                             batch.next_candidates.flatten(0, 1))
        best = values.amin(dim=0).view(-1, number).amax(dim=1).clamp(*self._bounds)
        return batch.returns + batch.discounts * best

    def update(self, batch: CriticBatch) -> dict[str, float]:
        """Take one gradient step on the critic and move the target; return what to log."""
        targets = self.target_values(batch)
        values = self._policy.critic(self._policy.actor.normaliser(batch.observations),
                                     batch.chunks)
        loss = (values - targets).square().mean(dim=1).sum()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        with torch.no_grad():
            for slow, fast in zip(self.target.parameters(), self._policy.critic.parameters()):
                slow.lerp_(fast, self._polyak)
        return {'rl_loss': float(loss.detach()), 'mean_value': float(values.detach().mean())}
