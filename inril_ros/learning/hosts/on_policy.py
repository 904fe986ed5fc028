# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The beginning of an on-policy iteration: what each decision of a rollout was worth."""
from __future__ import annotations

import numpy as np
import torch

from inril_ros.learning.hosts.advantages import RewardScale
from inril_ros.learning.hosts.decisions import advantages_of, explained_variance
from inril_ros.learning.hosts.rollouts import Rollouts
from inril_ros.learning.hosts.state_value import StateValue

BOUNDS: dict[str, tuple[float, float]] = {
    'rollout_steps': (1, 10_000_000),
    'epochs': (1, 1000),
    'batch': (2, 1_000_000),
    'gamma': (0.0, 1.0),
    'trace': (0.0, 1.0),
    'clip': (1e-6, 10.0),
    'target_divergence': (1e-6, 1e6),
    'warmup_iterations': (0, 1_000_000),
    'critic_width': (8, 2048),
    'critic_blocks': (1, 8),
    'critic_learning_rate': (1e-8, 1.0),
    'heldout_share': (0.0, 0.5),
    'actor_learning_rate': (1e-8, 1.0),
}
"""Of the numbers that the configuration of each on-policy host has."""


def begin_iteration(
    rollouts: Rollouts, critic: StateValue, scale: RewardScale | None, gamma: float,
    trace: float, shuffled: bool, random: np.random.Generator, device: torch.device,
) -> float:
    """Begin an iteration on all that came in; advantages are those by the critic as it is now.

    Return how well the critic explains the returns of a rollout that it has never seen.

    :param scale: of the rewards, or None
    :param gamma: discount per decision
    :param trace: lambda of generalised advantage estimation
    :param shuffled: deal the advantages of trained decisions at random (a control)
    """
    decisions = rollouts.begin(random)
    rewards = decisions.rewards.numpy().astype(np.float64)
    if scale is not None:
        scale.update(rewards, decisions.ends.numpy())
        rewards = scale.scale(rewards)
    values = critic.of_many(decisions.observations, device)
    final_values = critic.of_many(decisions.final_observations, device)
    advantages, returns = advantages_of(decisions, rewards, values, final_values, gamma, trace)
    if shuffled:
        rows = rollouts.training
        advantages[rows] = advantages[rows[torch.from_numpy(random.permutation(len(rows)))]]
    rollouts.learn(advantages, returns)
    return explained_variance(values, returns)
