# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""IDQL with chunks, for sparse success rewards: the default host.

The critic learns Q(o, chunk) from all windows of the replay; it never touches the actor. The
policy improves in two ways: the critic chooses the best of n proposed chunks (RL), and imitation
of successes moves the proposals (IL). The two objectives move different networks, so there is no
gradient to separate.

After Hansen-Estruch et al. 2023, with differences: no expectile value network, but the maximum
over chunks c_j at the next observation: some that the actor proposed, and the one that was
executed there,

    y = R + discount * clip(max_j min over 2 random critics of Qbar(o', c_j), low, high),

where the clip to the range of possible returns stops over-estimation from feeding on itself, and
more critics do not mean more pessimism (Chen et al. 2021, REDQ). Proposals are stored with the
observations; whenever new ones are, older ones are replaced by those of the present actor.
"""
from __future__ import annotations

from collections.abc import Mapping
import copy
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
import torch
from torch import nn, Tensor

from inril_ros.learning.experience import Episode, FloatArray
from inril_ros.learning.frames import Images
from inril_ros.learning.hosts.off_policy import OffPolicyHost
from inril_ros.learning.hosts.settings.off_policy import IDQLConfig
from inril_ros.learning.hosts.values.critic_ensemble import choose_members
from inril_ros.learning.hosts.values.possible_returns import clip_values
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import BestOfN, with_critics
from inril_ros.learning.policies.networks import MovingAverage, trainable
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.pretrain import imitation_loss_with_fixed_noise
from inril_ros.learning.replay import draw, Origin
from inril_ros.learning.replays.batch_shares import counts_by_share
from inril_ros.learning.replays.window_replay import WindowReplay
from inril_ros.learning.saved_state import (
    load_modules,
    load_optimiser,
    module_tensors,
    optimiser_tensors,
)


@dataclass(frozen=True)
class CriticBatch:
    """B windows as tensors on the learner's device; see StepBatch."""

    observations: Observations
    candidates: Tensor
    """(B, J, T, A) proposals at the observations."""
    chunks: Tensor
    returns: Tensor
    discounts: Tensor
    next_observations: Observations
    next_candidates: Tensor
    """(B, J + 1, T, A) proposals at the next observations, and what was executed there."""
    members: list[int]
    """The critics whose minimum is the target."""


class IDQL(OffPolicyHost[CriticBatch]):
    """Improves a BestOfN policy. RL chooses between chunks and moves no actor."""

    config: IDQLConfig
    policy: BestOfN
    replay: WindowReplay

    def __init__(self, config: IDQLConfig, pretrained: Policy, random: np.random.Generator,
                 generator: torch.Generator, device: torch.device) -> None:
        """Begin with a copy of a cloned policy.

        Raises:
            ValueError: The policy is no BestOfN.
        """
        if not isinstance(pretrained, BestOfN):
            raise ValueError(f'the host idql needs a policy of kind best_of_n, '
                             f'not {pretrained.config.kind}')
        policy = with_critics(pretrained, replace(
            pretrained.config, critic_members=config.critic_members,
            refine_steps=config.refine_steps, refine_radius=config.refine_radius), generator)
        super().__init__(config, policy, random, generator, device)
        self.policy.candidates.fill_(1)
        # The critic begins with the actor's normaliser and image networks.
        self.policy.critic.encoder.adopt(self.policy.actor.encoder)
        # Imitation trains this copy; `policy.actor`, which acts, is its moving average.
        self.actor = copy.deepcopy(self.policy.actor)
        self._actor_following = MovingAverage(self.policy.actor, self.actor)
        self.target = copy.deepcopy(self.policy.critic).requires_grad_(False)
        self._target_following = MovingAverage(self.target, self.policy.critic)
        self.optimiser = torch.optim.Adam(self.critic_parameters,
                                          lr=config.critic_learning_rate)

    def _empty_replay(self) -> WindowReplay:
        model = self.policy.config
        return WindowReplay(model.observation_size, model.action_size, model.chunk_length,
                            self.config.target_candidates, self.config.gamma,
                            self.policy.cloned.encoder.remembered_shape,
                            self.config.replay_capacity)

    def remember(self, episode: Episode, origin: Origin) -> None:
        """Add an episode to the replay, with the chunks that the actor proposes in its states.

        Some older states get new proposals too.
        """
        self.replay.add(episode, self._proposals(episode.observations, episode.images), origin)
        number = round(self.config.renewed * len(episode.observations))
        if number and origin is not Origin.DEMONSTRATION:
            addresses = self.replay.draw_observations(number, self._random)
            self.replay.replace_candidates(
                addresses, self._proposals(*self.replay.states(addresses)))

    def _proposals(self, states: FloatArray, images: Images | None) -> FloatArray:
        observations = Observations.from_arrays(states, images, self._device)
        return self.policy.propose(
            observations, self.config.target_candidates, self._generator).cpu().numpy()

    # ---- one RL update ---------------------------------------------------------------------

    def draw(self) -> CriticBatch:
        """Return rows of the replay in the configured shares, each kind drawn uniformly."""
        rows = self._rows()
        batch = self.replay.batch(rows)
        executed = self.replay.next_chunks(rows, otherwise=batch.next_context[:, 0])
        members = choose_members(self.config, self._random)

        def tensor(array: np.ndarray) -> Tensor:
            return torch.tensor(array, device=self._device)

        return CriticBatch(
            Observations.from_arrays(batch.observations, batch.images, self._device),
            tensor(batch.context), tensor(batch.chunks), tensor(batch.returns),
            tensor(batch.discounts),
            Observations.from_arrays(batch.next_observations, batch.next_images, self._device),
            tensor(np.concatenate([batch.next_context, executed[:, None]], axis=1)), members)

    def _rows(self) -> NDArray[np.int64]:
        config, replay = self.config, self.replay
        kinds, shares = [replay.demonstration_rows, replay.intervention_rows], (
            config.demonstration_share, config.intervention_share)
        if config.sampling == 'positives':
            kinds, shares = [replay.positive_rows], (config.positive_share,)
        kinds.append(replay.online_rows)
        counts = counts_by_share(config.batch, shares, [len(kind) for kind in kinds])
        return np.concatenate([draw(kind, count, self._random)
                               for kind, count in zip(kinds, counts) if count])

    @torch.no_grad()
    def target_values(self, batch: CriticBatch) -> Tensor:
        """Return the regression targets y, (B,)."""
        # Values of the candidates: the minimum over the chosen target networks
        number = batch.next_candidates.shape[1]
        features = self.target.encoder(batch.next_observations)
        values = self.target(features.repeat_interleave(number, dim=0),
                             batch.next_candidates.flatten(0, 1), batch.members)
        # The best candidate, within the range of possible returns
        best = values.amin(dim=0).view(-1, number).amax(dim=1)
        return batch.returns + batch.discounts * clip_values(best, self.config)

    def critic_update(self, batch: CriticBatch) -> dict[str, float]:
        """Take one gradient step on the critic."""
        # Critic loss
        targets = self.target_values(batch)
        critic = self.policy.critic
        values = critic(critic.encoder(batch.observations, self._generator), batch.chunks)
        loss = (values - targets).square().mean(dim=1).sum()
        # Gradient step
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self._updates += 1
        return {'rl_loss': float(loss.detach()), 'mean_value': float(values.detach().mean())}

    def finish(self, batch: CriticBatch) -> dict[str, float]:
        """Move the target network; let the critic choose once it has warmed up."""
        self._target_following.move(self.config.polyak)
        if not self.warming_up:
            self.policy.candidates.fill_(self.config.candidates)
        return {}

    # ---- parameters and imitation: IL moves the actor --------------------------------------

    @cached_property
    def critic_parameters(self) -> list[nn.Parameter]:
        """Return the critic's parameters."""
        return trainable(self.policy.critic)

    @cached_property
    def imitation_parameters(self) -> list[nn.Parameter]:
        """Return the actor's parameters."""
        return trainable(self.actor)

    def imitation_loss(self, observations: Observations, chunks: Tensor,
                       generator: torch.Generator) -> Tensor:
        """Return the denoising loss of the actor."""
        return self.actor.loss(observations, chunks, generator)

    def after_imitation(self) -> None:
        """Move the average of the actor, which acts."""
        self._actor_following.move(1.0 - self.config.actor_average)

    def heldout_imitation_loss(self, observations: Observations, chunks: Tensor) -> float:
        """Return the denoising loss of the average, which acts."""
        return imitation_loss_with_fixed_noise(self.policy.actor.loss, observations, chunks)

    def action_gradients(self, observations: Observations, chunks: Tensor,
                         generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return the gradients at a candidate of its squared error and of minus its worth.

        The candidate is the proposal, or what the policy makes of it.
        """
        with torch.no_grad():
            proposed = self.policy.propose(observations, 1, generator)
            candidates = self.policy.extended(observations, proposed, generator)
            features = self.policy.critic.encoder(observations)
        candidate = candidates[:, -1:].requires_grad_()
        (rise,) = torch.autograd.grad(self.policy.worth(features, candidate).sum(), candidate)
        return candidate.detach()[:, 0] - chunks, -rise[:, 0]

    # ---- checkpoints -----------------------------------------------------------------------

    def _network_state(self) -> dict[str, Tensor]:
        return {**module_tensors(policy=self.policy, actor=self.actor, target=self.target),
                **optimiser_tensors('critic_optimiser', self.optimiser)}

    def _load_network_state(self, tensors: Mapping[str, Tensor]) -> None:
        load_modules(tensors, policy=self.policy, actor=self.actor, target=self.target)
        load_optimiser('critic_optimiser', self.optimiser, tensors)
