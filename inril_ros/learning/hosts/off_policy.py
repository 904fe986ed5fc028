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

from inril_ros.learning.configuration import check_range
from inril_ros.learning.experience import Episode, FloatArray
from inril_ros.learning.exploration import ExplorationConfig
from inril_ros.learning.hosts.critic_ensemble import CriticEnsemble
from inril_ros.learning.hosts.host import ActorSteps, BatchT, Host, HostConfig, MOST_STEPS
from inril_ros.learning.hosts.possible_returns import check_rewards
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

SAMPLINGS = ('shares', 'positives')


@dataclass(frozen=True)
class OffPolicyConfig(HostConfig):
    """Settings of the off-policy hosts. Defaults are ours, tuned on Meta-World."""

    BOUNDS = {
        'gamma': (0.0, 1.0), 'updates_per_step': (0.0, 100.0), 'warmup_steps': (0, 10_000_000),
        'warmup_updates': (0, 10_000_000), 'batch': (2, 65_536), 'positive_share': (0.0, 1.0),
        'demonstration_share': (0.0, 1.0), 'intervention_share': (0.0, 1.0),
        'critic_learning_rate': (1e-8, 1.0), 'polyak': (1e-6, 1.0), 'critic_members': (1, 20),
        'target_members': (1, 20), 'exploration_scale': (0.0, 1.0),
        'replay_capacity': (2, 100_000_000)}

    gamma: float = 0.99
    """Discount per environment step (RLPD)."""
    updates_per_step: float = 0.5
    """RL updates that each environment step allows, after warm-up."""
    warmup_steps: int = 1500
    """Environment steps before the first update, with the cloned policy and exploration noise."""
    warmup_updates: int = 1000
    """RL updates that become due at the end of the warm-up. Until they are done the policy acts
    as it was cloned: an untrained critic chooses at random, and along it an actor would unlearn
    within a few hundred steps. ResFiT: 10,000 gradient steps."""
    batch: int = 128
    """Rows per gradient step on the critics."""
    sampling: str = 'shares'
    """What batches consist of. shares: of demonstrations, of what a person commanded, and else
    of all own rows alike. positives (a control): a share of demonstrations and own successes
    together, else of all own rows. Where outcomes are a matter of chance, values of the latter
    are those of an optimist: an action that succeeds in half of all cases is worth about 2/3."""
    demonstration_share: float = 0.25
    """Share of demonstrations in a batch, however much own data there is; RLPD and ResFiT: 0.5.
    0: the critics learn from own experience alone."""
    intervention_share: float = 0.1
    """Share of own rows that a person commanded a step of. Own rows while there are none."""
    positive_share: float = 0.5
    """Share of demonstrations and own successes in a batch of the sampling positives."""
    critic_members: int = 5
    """E, the size of the ensemble; RLPD: 10."""
    target_members: int = 2
    """Critics, drawn at random for each update, whose minimum is the target (REDQ, RLPD): more
    members do not mean more pessimism."""
    critic_learning_rate: float = 5e-4
    """Adam; RLPD: 3e-4, ResFiT: 1e-4."""
    polyak: float = 0.01
    """Share of the critics that their target networks take per gradient step; RLPD and ResFiT:
    0.005."""
    exploration_scale: float = 0.1
    """Scale of the noise that is added to what the policy draws; see ExplorationConfig. With 0.2
    an actor unlearns more before it learns (seen on one task)."""
    replay_capacity: int = MOST_STEPS
    """Own environment steps that are remembered. Beyond them the oldest episodes are removed, but
    never demonstrations, last of all episodes in which a person commanded a step, and successes
    only as long as those that stay fill a tenth."""
    lowest_value: float | None = 0.0
    highest_value: float | None = 1.0
    """Range of possible returns, which bootstrapped values are clipped to: one reward of 1, at
    success. null: not clipped. Rewards that make other returns possible are refused."""

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high = self.lowest_value, self.highest_value
        if low is not None and high is not None and not low < high:
            raise ValueError(f'{type(self).__name__}: lowest_value {self.lowest_value} is not '
                             f'below highest_value {self.highest_value}')
        if self.sampling not in SAMPLINGS:
            raise ValueError(f'{type(self).__name__}.sampling: {self.sampling!r} is unknown; '
                             f'allowed are {SAMPLINGS}')
        if self.demonstration_share + self.intervention_share > 1.0:
            raise ValueError(f'{type(self).__name__}: demonstration_share '
                             f'{self.demonstration_share} and intervention_share '
                             f'{self.intervention_share} are more than 1 together')
        check_range(self, 'target_members', 1, self.critic_members)

    @property
    def remembered_steps(self) -> int:
        """Return how many own environment steps are remembered."""
        return self.replay_capacity

    @property
    def exploration(self) -> ExplorationConfig:
        """Return the noise that the acting process adds to actions."""
        return ExplorationConfig(scale=self.exploration_scale)

    def control_changes(self, control: str, weight: float) -> dict[str, Any] | None:
        """Return the settings that a control replaces; rewards are shuffled by the session."""
        return {} if control == 'shuffled_rewards' else super().control_changes(control, weight)


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
class ActorCriticConfig(OffPolicyConfig):
    """Settings of the hosts whose actor follows the gradient of an ensemble of critics."""

    BOUNDS = {
        **OffPolicyConfig.BOUNDS, 'critic_steps': (1, 100), 'positive_share': (0.0, 0.99),
        'pessimism': (0.0, 100.0),
        'actor_learning_rate': (1e-8, 1.0), 'bc_weight': (0.0, 1e6), 'kl_weight': (0.0, 1e6)}

    critic_steps: int = 2
    """Gradient steps on the critics per RL update, each on a batch of its own. With
    updates_per_step this is the ratio of updates to data: 1 here, 20 in RLPD."""
    replay_capacity: int = 300_000
    """Own environment steps that are remembered (ResFiT)."""
    critic_width: int = 128
    """RLPD: 256."""
    critic_layers: int = 2
    pessimism: float = 0.0
    """Standard deviations of the ensemble that the actor subtracts from its mean; RLPD: 0."""
    actor_learning_rate: float = 1e-4
    """RLPD: 3e-4."""
    actor_gradient_clip: float | None = None
    bc_weight: float = 0.0
    """Weight of the imitation loss on demonstrations inside the actor's loss: the classical
    alternative to interleaving (a control)."""
    kl_weight: float = 0.0
    """Weight of KL(policy | clone), per dimension, inside the actor's loss (a control)."""

    @property
    def actor_steps(self) -> ActorSteps:
        """Return the settings of the actor's optimiser."""
        return ActorSteps(self.actor_learning_rate, self.actor_gradient_clip)

    def control_changes(self, control: str, weight: float) -> dict[str, Any] | None:
        """Return the settings that a control replaces."""
        if control == 'kl_to_pretrained':
            return {'kl_weight': weight}
        return super().control_changes(control, weight)


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
