# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What every host is: an RL algorithm over a cloned policy that imitation is interleaved with.

One RL update is: draw, critic_update, a step along actor_loss, finish. The interleaver takes the
actor's step itself because that is where the two gradients meet: it measures, separates and
counts them in the same way for each host.
"""
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence, Set
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import nn, Tensor

from inril_ros.learning.experience import Episode, FloatArray
from inril_ros.learning.hosts.settings.host_config import HostConfig
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.diffusion import DiffusionPolicy
from inril_ros.learning.policies.networks import trainable
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.pretrain import imitation_loss_with_fixed_noise
from inril_ros.learning.replay import Origin
from inril_ros.learning.replays.step_replay import Stored
from inril_ros.learning.stored.context_files import ContextRows

BatchT = TypeVar('BatchT')


class Host(ABC, Generic[BatchT]):
    """An RL algorithm. A batch is what one RL update learns from.

    Attributes:
        policy: The policy that acts and is exported.
        exploration: The noise that the acting process adds to actions while learning, or None.
        actor_steps: How the interleaver steps the actor; None: RL moves no actor.
    """

    def __init__(self, config: HostConfig, policy: Policy, random: np.random.Generator,
                 generator: torch.Generator, device: torch.device) -> None:
        self.policy = policy
        self.exploration = config.exploration
        self.actor_steps = config.actor_steps
        self._random, self._generator, self._device = random, generator, device

    # ---- experience

    def check(self, what: str, episode: Episode) -> None:
        """Raise a ValueError that begins with `what` if the host can't learn from an episode."""

    @abstractmethod
    def remember(self, episode: Episode, origin: Origin) -> None:
        """Add an episode that has ended, or a demonstration."""

    @abstractmethod
    def updates_due(self, env_steps: int) -> int:
        """Return how many RL updates the experience of so many environment steps allows now."""

    # ---- one RL update

    @property
    @abstractmethod
    def warming_up(self) -> bool:
        """Return whether the critic is not good enough yet to act or to improve the actor."""

    @property
    @abstractmethod
    def iterations(self) -> int:
        """Return the RL iterations finished: rollouts learned from; off-policy: RL updates."""

    @abstractmethod
    def draw(self) -> BatchT:
        """Return the batch of the next RL update."""

    @abstractmethod
    def critic_update(self, batch: BatchT) -> dict[str, float]:
        """Update the critic and return what to log, rl_loss at least."""

    def actor_loss(self, batch: BatchT) -> Tensor | None:
        """Return a scalar, differentiable in `actor_parameters`; None: no actor step now."""
        return None

    def finish(self, batch: BatchT) -> dict[str, float]:
        """Do what follows the actor's step (targets, averages); return what to log."""
        return {}

    # ---- parameters

    @property
    def actor_parameters(self) -> Sequence[nn.Parameter]:
        """Return what RL moves along `actor_loss`; empty if RL only chooses between actions."""
        return []

    @property
    @abstractmethod
    def critic_parameters(self) -> Sequence[nn.Parameter]:
        """Return what `critic_update` moves."""

    @property
    def imitation_parameters(self) -> Sequence[nn.Parameter]:
        """Return what IL moves: `actor_parameters` themselves, or others (separate networks)."""
        return trainable(self.policy.cloned)

    # ---- imitation

    def imitation_loss(self, observations: Observations, chunks: Tensor,
                       generator: torch.Generator) -> Tensor:
        """Return the imitation loss of chunks (B, T, A), differentiable in what IL moves."""
        return self.policy.cloned.loss(observations, chunks, generator)

    def after_imitation(self) -> None:
        """Update what follows an IL step, such as an average of the weights."""

    def heldout_imitation_loss(self, observations: Observations, chunks: Tensor) -> float:
        """Return the imitation loss of the acting policy, with the same noise at each call."""
        return imitation_loss_with_fixed_noise(self.imitation_loss, observations, chunks)

    # ---- alignment

    def reference_batches(self) -> Sequence[BatchT]:
        """Return at least two batches of disjoint episodes that were not just trained on.

        Their gradients of `actor_loss` measure alignment without the noise that the last update
        fitted. Empty if there are none, or if actor and imitation share no parameters.
        """
        return []

    def without_references(self) -> None:
        """Keep nothing out of learning for `reference_batches`, which nobody will ask for."""

    def anchored(self, batch: BatchT) -> BatchT:
        """Return a reference batch on which `actor_loss` can be compared between weights.

        On-policy hosts fix the probabilities under the present weights, so that the loss at later
        weights is importance-weighted. Where the loss depends on the weights alone, it is the
        same batch.
        """
        return batch

    def action_gradients(self, observations: Observations, chunks: Tensor,
                         generator: torch.Generator) -> tuple[Tensor, Tensor] | None:
        """Return d loss / d action of IL and of RL, (B, T, A) each, at the actions of the policy.

        For hosts whose objectives move different networks and whose critic values actions; None
        for all others.
        """
        return None

    # ---- checkpoints

    @abstractmethod
    def state_dict(self, replay: bool = True) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return tensors and plain data that, loaded, continue bit for bit.

        Without `replay` they lack what the host remembers of the `stored` episodes, which can be
        recalled one by one.
        """

    @abstractmethod
    def load_state_dict(self, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned; ValueError if it does not fit."""

    @property
    def stored(self) -> list[Stored]:
        """Return the episodes that the host remembers; empty if it uses and drops them."""
        return []

    def take_changes(self) -> list[ContextRows]:
        """Return what was stored with observations of episodes in files since the last call."""
        return []

    @property
    def removed(self) -> int:
        """Return how many episodes were removed because more would not fit."""
        return 0

    def forget(self, numbers: Set[int]) -> None:
        """Forget the stored episodes with these numbers among the files of the run."""

    def recall(self, episode: Episode, context: FloatArray | None, origin: Origin,
               order: int) -> bool:
        """Remember a stored episode again, after a restart; return False if data is missing."""
        raise NotImplementedError


def diffusion_clone(pretrained: Policy, host: str) -> DiffusionPolicy:
    """Return the cloned diffusion policy that a host begins with.

    Raises:
        ValueError: The cloned policy is of another kind; the message names the host.
    """
    clone = pretrained.cloned
    if not isinstance(clone, DiffusionPolicy):
        raise ValueError(f'the host {host} needs a cloned diffusion policy, '
                         f'not the kind {pretrained.config.kind}')
    return clone
