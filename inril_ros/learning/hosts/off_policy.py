# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the off-policy hosts share: settings, replay, when updates are due, and actor-critic steps.

`OffPolicyHost` counts updates against environment steps; `ActorCriticHost` adds an ensemble of
critics (actor-critic, RLPD and residual SAC).
"""
from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn, Tensor

from inril_ros.learning.experience import Episode, FloatArray
from inril_ros.learning.hosts.host import BatchT, Host
from inril_ros.learning.hosts.settings.actor_critic import ActorCriticConfig
from inril_ros.learning.hosts.settings.off_policy import OffPolicyConfig
from inril_ros.learning.hosts.values.critic_ensemble import CriticEnsemble
from inril_ros.learning.hosts.values.possible_returns import check_rewards
from inril_ros.learning.policies.encoder import ObservationEncoder
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.replay import Origin
from inril_ros.learning.replays.step_replay import Stored
from inril_ros.learning.replays.symmetric_replay import Steps, SymmetricReplay
from inril_ros.learning.replays.window_replay import WindowReplay
from inril_ros.learning.saved_state import (
    array_tensors,
    load_modules,
    module_tensors,
    tensor_arrays,
)
from inril_ros.learning.stored.context_files import ContextRows


class OffPolicyHost(Host[BatchT]):
    """Learns from a replay, a number of updates per environment step."""

    config: OffPolicyConfig
    replay: WindowReplay | SymmetricReplay

    def __init__(self, config: OffPolicyConfig, policy: Policy, random: np.random.Generator,
                 generator: torch.Generator, device: torch.device) -> None:
        super().__init__(config, policy.to(device).train(), random, generator, device)
        self.config = config
        self.replay = self._empty_replay()
        self._updates = 0

    def check(self, what: str, episode: Episode) -> None:
        """Raise an error if rewards would be clipped; see `check_rewards`."""
        check_rewards(what, episode, self.config)

    @abstractmethod
    def _empty_replay(self) -> WindowReplay | SymmetricReplay:
        """Return a replay without episodes."""

    def updates_due(self, env_steps: int) -> int:
        """Return the RL updates that so many environment steps allow and that are not done."""
        if env_steps < self.config.warmup_steps or not self.replay.online:
            return 0
        steps = env_steps - self.config.warmup_steps
        allowed = self.config.warmup_updates + int(self.config.updates_per_step * steps)
        return max(allowed - self._updates, 0)

    @property
    def warming_up(self) -> bool:
        """Return whether the critic alone learns."""
        return self._updates == 0 or self._updates < self.config.warmup_updates

    @property
    def iterations(self) -> int:
        """Return the RL updates done."""
        return self._updates

    # ---- checkpoints -----------------------------------------------------------------------

    @abstractmethod
    def _network_state(self) -> dict[str, Tensor]:
        """Return the tensors of networks and optimisers."""

    @abstractmethod
    def _load_network_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Load what `_network_state` returned; other tensors are ignored."""

    def state_dict(self, replay: bool = True) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return networks and optimisers, and the replay unless it is saved by episodes."""
        tensors = self._network_state()
        if replay:
            tensors.update(array_tensors('replay', self.replay.state_dict()))
        return tensors, {'updates': self._updates}

    def load_state_dict(self, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self._load_network_state(tensors)
        self.replay = self._empty_replay()
        saved = tensor_arrays('replay', tensors, may_lack=True)
        if saved:
            self.replay.load_state_dict(saved)
        self._updates = int(document['updates'])

    @property
    def stored(self) -> list[Stored]:
        """Return the episodes of the replay."""
        return self.replay.stored

    def take_changes(self) -> list[ContextRows]:
        """Return which contexts of the replay were written since the last call."""
        return self.replay.take_changes()

    @property
    def removed(self) -> int:
        """Return how many episodes were removed from the replay to make room."""
        return self.replay.removed

    def forget(self, numbers: Set[int]) -> None:
        """Remove the episodes with these numbers from the replay."""
        self.replay.forget(numbers)

    def recall(self, episode: Episode, context: FloatArray | None, origin: Origin,
               order: int) -> bool:
        """Add a stored episode to the replay again; return False if its context is missing."""
        return self.replay.recall(episode, context, origin, order)


@dataclass(frozen=True)
class ActorCriticBatch:
    """What one RL update learns from, random numbers included: losses are functions of it."""

    steps: list[Steps]
    """A batch per gradient step on the critics; the actor learns from the last one."""
    next_noise: list[Tensor]
    """Standard normal noise on the next action or chunk, for each batch."""
    target_members: list[list[int]]
    """The critics whose minimum is the target, for each batch."""
    demonstrations: Steps | None
    """The rows that `bc_weight` imitates."""
    generator: torch.Generator | None
    """Shifts images; None: they stay as they are, and losses repeat."""


ActorCriticBatchT = TypeVar('ActorCriticBatchT', bound=ActorCriticBatch)


class ActorCriticHost(OffPolicyHost[ActorCriticBatchT]):
    """An ensemble of critics, and an actor that follows their gradient."""

    config: ActorCriticConfig
    replay: SymmetricReplay

    def __init__(self, config: ActorCriticConfig, policy: Policy, critic_model: ModelConfig,
                 encoder: ObservationEncoder, random: np.random.Generator,
                 generator: torch.Generator, device: torch.device) -> None:
        super().__init__(config, policy, random, generator, device)
        self.critics = CriticEnsemble(config, critic_model, encoder, generator, device)

    def _empty_replay(self) -> SymmetricReplay:
        length = self.policy.config.chunk_length
        return self._symmetric_replay(context_size=0, chunk_length=length, horizon=length)

    def remember(self, episode: Episode, origin: Origin) -> None:
        """Add an episode to the replay, whose rows are chunks; hosts may keep more of it."""
        self.replay.add(episode, np.zeros((episode.steps + 1, 0), np.float32), origin)

    def _symmetric_replay(self, context_size: int, chunk_length: int,
                          horizon: int) -> SymmetricReplay:
        model, config = self.policy.config, self.config
        return SymmetricReplay(
            model.observation_size, model.action_size, context_size, chunk_length, horizon,
            config.gamma, config.replay_capacity, config, self._device)

    def _draw_steps(self) -> list[Steps]:
        """Return rows for each gradient step."""
        return [self.replay.draw(self.config.batch, self._random)
                for _ in range(self.config.critic_steps)]

    def _draw_demonstrations(self) -> Steps | None:
        return (self.replay.demonstrations(self.config.batch, self._random)
                if self.config.bc_weight else None)

    @abstractmethod
    def target_values(self, rows: Steps, noise: Tensor, members: list[int]) -> Tensor:
        """Return the regression targets y (B,) of the critics."""

    def critic_update(self, batch: ActorCriticBatchT) -> dict[str, float]:
        """Take the gradient steps on the critics; the target networks follow after each one."""
        loss = mean = 0.0
        for rows, noise, members in zip(batch.steps, batch.next_noise, batch.target_members):
            # Regression targets
            targets = self.target_values(rows, noise, members)
            # Gradient step, then the target networks
            loss, mean = self.critics.regress(
                rows.observations, rows.chunks, targets, batch.generator)
        self._updates += 1
        return {'rl_loss': loss, 'mean_value': mean}

    @property
    def critic_parameters(self) -> list[nn.Parameter]:
        """Return the critics' parameters."""
        return self.critics.parameters

    def _network_state(self) -> dict[str, Tensor]:
        return {**module_tensors(policy=self.policy), **self.critics.state_dict()}

    def _load_network_state(self, tensors: Mapping[str, Tensor]) -> None:
        load_modules(tensors, policy=self.policy)
        self.critics.load_state_dict(tensors)
