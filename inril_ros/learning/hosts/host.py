# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What an RL algorithm must offer so that imitation can be interleaved with it: a Host.

One RL update is: draw, critic_update, then a step of the session along actor_loss, then finish.
The session takes the actor's step itself, because that is where the two gradients meet: it can
measure them, separate them, and count them, in the same way for each host.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import nn, Tensor

from inril_ros.learning.experience import Episode
from inril_ros.learning.exploration import ExplorationConfig
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.replay import Origin


class Host(Protocol):
    """An RL algorithm, over a policy that was cloned from demonstrations."""

    config: Any
    """Frozen dataclass of scalars, with actor_learning_rate and actor_gradient_clip."""
    policy: Policy
    """What acts, and what is exported."""
    exploration: ExplorationConfig | None
    """Noise that whoever acts adds to the actions while learning; None: the policy explores."""

    # ---- experience

    def remember(self, episode: Episode, origin: Origin) -> None:
        """Take in an episode that has ended, or a demonstration."""

    def updates_due(self, env_steps: int) -> int:
        """Return how many RL updates the experience of so many environment steps allows now."""

    # ---- one RL update

    @property
    def warming_up(self) -> bool:
        """Return whether the critic is not good enough yet to act or to improve the actor by."""

    @property
    def iterations(self) -> int:
        """Return the RL iterations finished: rollouts learned from; off-policy: RL updates."""

    def draw(self) -> Any:
        """Return what the next RL update learns from."""

    def critic_update(self, batch: Any) -> dict[str, float]:
        """Take one gradient step on the critic; return what to log, rl_loss at least."""

    def actor_loss(self, batch: Any) -> Tensor | None:
        """Return a scalar, differentiable in `actor_parameters`; None: no actor step now."""

    def finish(self, batch: Any) -> dict[str, float]:
        """Move targets and averages, end the iteration if it is over; return what to log."""

    # ---- parameters

    @property
    def actor_parameters(self) -> Sequence[nn.Parameter]:
        """Return what RL moves along `actor_loss`; empty if RL works by choosing alone."""

    @property
    def critic_parameters(self) -> Sequence[nn.Parameter]:
        """Return what `critic_update` moves."""

    @property
    def imitation_parameters(self) -> Sequence[nn.Parameter]:
        """Return what IL moves: `actor_parameters` themselves, or others (separate networks)."""

    # ---- imitation

    def imitation_loss(self, observations: Observations, chunks: Tensor,
                       generator: torch.Generator) -> Tensor:
        """Return the imitation loss of chunks (B, T, A), differentiable in what IL moves."""

    def after_imitation(self) -> None:
        """Do what follows an IL step: averages of the weights."""

    def heldout_imitation_loss(self, observations: Observations, chunks: Tensor) -> float:
        """Return the imitation loss of what acts, with the same noise at each call."""

    # ---- alignment

    def reference_batches(self) -> Sequence[Any]:
        """Return at least two batches of disjoint episodes that were not just trained on.

        Their gradients of `actor_loss` measure alignment without the noise that the last update
        fitted. Empty if there are none, or if actor and imitation share nothing to compare.
        """

    def anchored(self, batch: Any) -> Any:
        """Return a reference batch on which `actor_loss` can be compared between weights.

        On-policy hosts fix the probabilities of the present weights, so that the loss at later
        ones is importance-weighted; where the loss is a function of the weights, the same batch.
        """

    def action_gradients(self, observations: Observations, chunks: Tensor,
                         generator: torch.Generator) -> tuple[Tensor, Tensor] | None:
        """Return d loss / d action of IL and of RL, (B, T, A) each, at the actions of the policy.

        For hosts whose two objectives own different networks and whose RL knows the gradient of
        a value; None for others.
        """

    # ---- what survives

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return tensors and plain data that, loaded, continue bit for bit."""

    def load_state_dict(self, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned; ValueError if it does not fit."""
