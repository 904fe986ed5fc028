# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""IDQL with chunks, for sparse success rewards: the default host.

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

from collections.abc import Mapping
import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn, Tensor

from inril_ros.learning.configuration import check_range
from inril_ros.learning.experience import Episode
from inril_ros.learning.exploration import ExplorationConfig
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import MOST_CANDIDATES
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.policies.weight_average import move_average
from inril_ros.learning.pretrain import imitation_loss_with_fixed_noise
from inril_ros.learning.replay import draw, Origin, WindowReplay
from inril_ros.learning.saved_state import (
    load_optimiser,
    optimiser_tensors,
    prefixed,
    unprefixed,
)


@dataclass(frozen=True)
class IDQLConfig:
    """Numbers of the host. Defaults are ours, tuned on Meta-World."""

    gamma: float = 0.99
    """Discount per environment step."""
    updates_per_step: float = 0.5
    """RL updates that each environment step allows, after warm-up."""
    warmup_steps: int = 1500
    """Environment steps before the first update, with plain cloning and exploration noise."""
    warmup_updates: int = 1000
    """RL updates that become due at the end of the warm-up. Until they are done the policy
    acts with one candidate, since an untrained critic chooses at random."""
    batch: int = 128
    """Rows per RL update."""
    positive_share: float = 0.5
    """Share of the RL batch from demonstrations and own successes; the rest is uniform over the
    policy's own rows. Half and half as RLPD (Ball et al. 2023)."""
    critic_learning_rate: float = 5e-4
    """Adam."""
    polyak: float = 0.01
    """Share of the critic that its target takes per RL update."""
    lowest_value: float = 0.0
    highest_value: float = 1.0
    """Range of possible returns: one reward of 1, at success."""
    candidates: int = 16
    """Chunks that the critic chooses from when acting; 1: the critic is not asked."""
    target_candidates: int = 4
    """Chunks per visited state that the target's maximum ranges over (cached)."""
    demonstrations_in_replay: bool = True
    """Whether the critic learns from demonstrations too, or from own experience alone."""
    actor_average: float = 0.995
    """Decay per IL update of the moving average of the actor; the average is what acts and
    proposes. 0: the actor itself. The same as in pre-training."""
    actor_learning_rate: float = 3e-4
    """Not used: RL moves no actor here."""
    actor_gradient_clip: float | None = None

    def __post_init__(self) -> None:
        check_range(self, 'gamma', 0.0, 1.0)
        check_range(self, 'updates_per_step', 0.0, 100.0)
        check_range(self, 'positive_share', 0.0, 1.0)
        check_range(self, 'polyak', 1e-6, 1.0)
        check_range(self, 'critic_learning_rate', 1e-8, 1.0)
        check_range(self, 'actor_average', 0.0, 0.99999)
        check_range(self, 'warmup_steps', 0, 10_000_000)
        check_range(self, 'warmup_updates', 0, 10_000_000)
        check_range(self, 'batch', 2, 65_536)
        check_range(self, 'candidates', 1, MOST_CANDIDATES)
        check_range(self, 'target_candidates', 1, MOST_CANDIDATES)
        if not self.lowest_value < self.highest_value:
            raise ValueError(f'IDQLConfig: lowest_value {self.lowest_value} is not below '
                             f'highest_value {self.highest_value}')


@dataclass(frozen=True)
class CriticBatch:
    """B windows as tensors on the learner's device; the fields of WindowBatch."""

    observations: Observations
    chunks: Tensor
    returns: Tensor
    discounts: Tensor
    next_observations: Observations
    next_candidates: Tensor


class IDQL:
    """A host (see `host.Host`) that improves a BestOfN policy."""

    exploration = ExplorationConfig()

    def __init__(self, config: IDQLConfig, pretrained: Policy, random: np.random.Generator,
                 generator: torch.Generator, device: torch.device) -> None:
        """Begin with a copy of a cloned policy.

        Raises:
            ValueError: The policy is no BestOfN.
        """
        if not isinstance(pretrained, BestOfN):
            raise ValueError(f'the host idql needs a policy of kind best_of_n, '
                             f'not {pretrained.config.kind}')
        self.config = config
        self._random, self._generator, self._device = random, generator, device
        self.policy = copy.deepcopy(pretrained).to(device).train()
        self.policy.candidates.fill_(1)
        # The critic reads observations on the same scale as the actor, and begins with its eyes.
        self.policy.critic.encoder.adopt(self.policy.actor.encoder)
        # What imitation trains; `policy.actor`, which acts, is its moving average.
        self.actor = copy.deepcopy(self.policy.actor)
        self.target = copy.deepcopy(self.policy.critic).requires_grad_(False)
        self.optimiser = torch.optim.Adam(self.critic_parameters,
                                          lr=config.critic_learning_rate)
        self.replay = self._empty_replay()
        self._updates = 0

    def _empty_replay(self) -> WindowReplay:
        model = self.policy.config
        return WindowReplay(model.observation_size, model.action_size, model.chunk_length,
                            self.config.target_candidates, self.config.gamma, model.image_shape)

    # ---- experience ------------------------------------------------------------------------

    def remember(self, episode: Episode, origin: Origin) -> None:
        """Add an episode to the replay, with the chunks that the actor proposes in its states."""
        if origin is Origin.DEMONSTRATION and not self.config.demonstrations_in_replay:
            return
        observations = Observations.from_arrays(
            episode.observations, episode.images, self._device)
        candidates = self.policy.propose(observations, self.config.target_candidates,
                                         self._generator)
        self.replay.add(episode, candidates.cpu().numpy(), origin)

    def updates_due(self, env_steps: int) -> int:
        """Return the RL updates that so many environment steps allow and that are not done."""
        if env_steps < self.config.warmup_steps or not len(self.replay.online_rows):
            return 0
        steps = env_steps - self.config.warmup_steps
        allowed = self.config.warmup_updates + int(self.config.updates_per_step * steps)
        return max(allowed - self._updates, 0)

    # ---- one RL update ---------------------------------------------------------------------

    @property
    def warming_up(self) -> bool:
        """Return whether the critic is not yet good enough to choose."""
        return self._updates == 0 or self._updates < self.config.warmup_updates

    @property
    def iterations(self) -> int:
        """Return the RL updates done."""
        return self._updates

    def draw(self) -> CriticBatch:
        """Return rows of the replay: positives, and the policy's own."""
        positives = round(self.config.positive_share * self.config.batch)
        if not len(self.replay.positive_rows):
            positives = 0
        parts = [draw(self.replay.positive_rows, positives, self._random)] if positives else []
        parts.append(draw(self.replay.online_rows, self.config.batch - positives, self._random))
        batch = self.replay.batch(np.concatenate(parts))

        def tensor(array: np.ndarray) -> Tensor:
            return torch.tensor(array, device=self._device)

        return CriticBatch(
            Observations.from_arrays(batch.observations, batch.images, self._device),
            tensor(batch.chunks), tensor(batch.returns), tensor(batch.discounts),
            Observations.from_arrays(batch.next_observations, batch.next_images, self._device),
            tensor(batch.next_candidates))

    @torch.no_grad()
    def target_values(self, batch: CriticBatch) -> Tensor:
        """Return y, (B,)."""
        number = batch.next_candidates.shape[1]
        features = self.target.encoder(batch.next_observations)
        values = self.target(features.repeat_interleave(number, dim=0),
                             batch.next_candidates.flatten(0, 1))
        best = values.amin(dim=0).view(-1, number).amax(dim=1)
        best = best.clamp(self.config.lowest_value, self.config.highest_value)
        return batch.returns + batch.discounts * best

    def critic_update(self, batch: CriticBatch) -> dict[str, float]:
        """Take one gradient step on the critic."""
        targets = self.target_values(batch)
        critic = self.policy.critic
        values = critic(critic.encoder(batch.observations, self._generator), batch.chunks)
        loss = (values - targets).square().mean(dim=1).sum()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self._updates += 1
        return {'rl_loss': float(loss.detach()), 'mean_value': float(values.detach().mean())}

    def actor_loss(self, batch: CriticBatch) -> None:
        """Return None: RL chooses, it does not move the actor."""
        return None

    def finish(self, batch: CriticBatch) -> dict[str, float]:
        """Move the target; let the critic choose once it has warmed up."""
        move_average(self.target, self.policy.critic, self.config.polyak)
        if not self.warming_up:
            self.policy.candidates.fill_(self.config.candidates)
        return {}

    # ---- parameters and imitation ----------------------------------------------------------

    @property
    def actor_parameters(self) -> list[nn.Parameter]:
        """Return nothing: see `actor_loss`."""
        return []

    @property
    def critic_parameters(self) -> list[nn.Parameter]:
        """Return what RL moves."""
        return [p for p in self.policy.critic.parameters() if p.requires_grad]

    @property
    def imitation_parameters(self) -> list[nn.Parameter]:
        """Return the proposing network's."""
        return [p for p in self.actor.parameters() if p.requires_grad]

    def imitation_loss(self, observations: Observations, chunks: Tensor,
                       generator: torch.Generator) -> Tensor:
        """Return the denoising loss."""
        return self.actor.loss(observations, chunks, generator)

    def after_imitation(self) -> None:
        """Move the acting network, the average."""
        move_average(self.policy.actor, self.actor, 1.0 - self.config.actor_average)

    def heldout_imitation_loss(self, observations: Observations, chunks: Tensor) -> float:
        """Return the denoising loss of the network that proposes."""
        return imitation_loss_with_fixed_noise(self.policy.actor.loss, observations, chunks)

    def reference_batches(self) -> list[CriticBatch]:
        """Return nothing: RL moves no actor, so there is no gradient to compare."""
        return []

    def anchored(self, batch: CriticBatch) -> CriticBatch:
        """Return the same batch."""
        return batch

    def action_gradients(self, observations: Observations, chunks: Tensor,
                         generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return what pulls a proposed chunk to the imitated one, and down the critic's value."""
        critic = self.policy.critic
        proposed = self.policy.propose(observations, 1, generator)[:, 0].requires_grad_()
        with torch.no_grad():
            features = critic.encoder(observations)
        value = critic(features, proposed).mean(dim=0).sum()
        (rise,) = torch.autograd.grad(value, proposed)
        return proposed.detach() - chunks, -rise

    # ---- what survives ---------------------------------------------------------------------

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return networks, optimiser and replay."""
        replay = {name: torch.from_numpy(array)
                  for name, array in self.replay.state_dict().items()}
        return ({
            **prefixed('policy', self.policy.state_dict()),
            **prefixed('actor', self.actor.state_dict()),
            **prefixed('target', self.target.state_dict()),
            **optimiser_tensors('critic_optimiser', self.optimiser),
            **prefixed('replay', replay),
        }, {'updates': self._updates})

    def load_state_dict(self, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self.policy.load_state_dict(unprefixed('policy', tensors), strict=True)
        self.actor.load_state_dict(unprefixed('actor', tensors), strict=True)
        self.target.load_state_dict(unprefixed('target', tensors), strict=True)
        load_optimiser('critic_optimiser', self.optimiser, tensors)
        self.replay = self._empty_replay()
        self.replay.load_state_dict({name: tensor.numpy() for name, tensor
                                     in unprefixed('replay', tensors).items()})
        self._updates = int(document['updates'])
