# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How often a policy succeeds in a Gymnasium environment, with an interval."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from inril_ros.learning.library.environment import EnvironmentLane, SuccessRule
from inril_ros.learning.library.playing import play
from inril_ros.learning.policies.policy import Policy

if TYPE_CHECKING:
    import gymnasium

_STATES = 20_250_518


@dataclass(frozen=True)
class Success:
    """What an evaluation counted."""

    successes: int
    episodes: int
    mean_return: float
    """Mean sum of the rewards that were learned from."""
    env_steps: int = 0
    """Steps of training until then."""

    @property
    def rate(self) -> float:
        """Return the share of successes."""
        return self.successes / self.episodes

    @property
    def interval(self) -> tuple[float, float]:
        """Return the ends of the 95 % interval of the rate (Wilson 1927, eq. 5)."""
        # Imported here: it takes a second.
        from scipy.stats import binomtest

        found = binomtest(self.successes, self.episodes).proportion_ci(0.95, method='wilson')
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        low, high = self.interval
        return (f'{self.env_steps} steps: success {self.rate:.0%} [{low:.0%}, {high:.0%}], '
                f'{self.successes} of {self.episodes} episodes')


def evaluate(env: gymnasium.Env, policy: Policy, episodes: int = 50, *,
             succeeded: SuccessRule | None = None, reward: str = 'success',
             time_limit: int | None = None) -> Success:
    """Let a policy act without exploration, always from the same initial states.

    Arguments are those of EnvironmentLane.

    Raises:
        ValueError: No episodes, or spaces or an `info` that don't fit.
    """
    return evaluate_in(EnvironmentLane(env, succeeded, reward, time_limit), policy, episodes)


def evaluate_in(lane: EnvironmentLane, policy: Policy, episodes: int, env_steps: int = 0,
                done: Callable[[int], object] = lambda episode: None) -> Success:
    """Evaluate in a lane; `done` is called with the number of episodes after each one."""
    if episodes < 1:
        raise ValueError(f'episodes: {episodes} is not at least 1')
    successes, returns = 0, []
    for episode in range(episodes):
        seed = seed_of(_STATES, episode)
        lane.begin(seed)
        (played,) = play([lane], policy, torch.Generator().manual_seed(seed))
        successes += played.success
        returns.append(sum(played.rewards))
        done(episode + 1)
    return Success(successes, episodes, float(np.mean(returns)), env_steps)


def seed_of(*parts: int) -> int:
    """Return a seed of 31 bits that depends only on some numbers >= 0."""
    return int(np.random.SeedSequence(parts).generate_state(1)[0]) >> 1
