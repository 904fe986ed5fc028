# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A Gymnasium environment as a world that policies act in."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
import torch

from inril_ros.learning.experience import FloatArray
from inril_ros.learning.library.demonstrations import ActionBounds
from inril_ros.learning.library.playing import Lane, PlayedEpisode
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.policy import Policy

if TYPE_CHECKING:
    import gymnasium

SuccessRule = Callable[[dict[str, Any], float, bool], bool]
"""(info, reward, terminated) of a step -> whether the task is done."""
SUCCESS_KEYS = ('is_success', 'success')
MOST_STEPS = 1000
"""Steps of an episode where the environment has no limit."""


class Spaces:
    """What an environment observes as a vector, and its actions as -1..1."""

    def __init__(self, env: gymnasium.Env) -> None:
        """Take the spaces.

        Raises:
            ValueError: The action space is no Box with one axis and finite bounds.
        """
        self._observed, self._acted = env.observation_space, env.action_space
        self.bounds = ActionBounds.of(env.action_space)

    @property
    def observation_size(self) -> int:
        """Return O."""
        # Imported here: without an environment a policy is cloned without Gymnasium.
        from gymnasium.spaces import flatdim

        return flatdim(self._observed)

    def observed(self, observation: Any) -> FloatArray:
        """Return an observation as (O,): parts of a Dict one after another, by their names."""
        from gymnasium.spaces import flatten

        return np.asarray(flatten(self._observed, observation), np.float32)

    def command(self, action: FloatArray) -> NDArray:
        """Return an action (A,) of -1..1 as the environment takes it."""
        return self.bounds.scaled(action).astype(self._acted.dtype)


class EnvironmentLane(Lane):
    """An environment and its present episode. Success ends the episode, as on a robot."""

    def __init__(self, env: gymnasium.Env, succeeded: SuccessRule | None = None,
                 reward: str = 'success', time_limit: int | None = None) -> None:
        """Take an environment.

        Args:
            env: The environment.
            succeeded: Says whether the task is done; None: `info` does, by one of SUCCESS_KEYS.
            reward: 'success': 1 at success, else 0. 'environment': as the environment says.
            time_limit: Most steps of an episode; None: MOST_STEPS, unless `env.spec` has a limit.
        """
        super().__init__()
        self._env, self._succeeded, self._reward = env, succeeded, reward
        self._spaces = Spaces(env)
        known = None if env.spec is None else env.spec.max_episode_steps
        self._time_limit = self._present_limit = time_limit or known or MOST_STEPS
        self._truncated = False
        self._told = False

    def begin(self, seed: int, time_limit: int | None = None) -> None:
        """Begin an episode, with a shorter time limit [steps] than usual if one is given."""
        self._present_limit = min(self._time_limit, time_limit or self._time_limit)
        observation, _ = self._env.reset(seed=seed)
        self._truncated = self._told = False
        self.played = PlayedEpisode([self._spaces.observed(observation)])

    @property
    def ended(self) -> bool:
        """Whether the episode is over."""
        return (self.played.outcome != 'none' or self._truncated
                or self.played.steps >= self._present_limit)

    def act(self, action: FloatArray) -> None:
        """Execute one action (A,) in -1..1.

        Raises:
            ValueError: The episode ends, and nothing has said whether it is a success.
        """
        played = self.played
        observation, reward, terminated, truncated, info = self._env.step(
            self._spaces.command(action))
        success = self._success(info, float(reward), bool(terminated))
        played.actions.append(action)
        played.rewards.append(float(success if self._reward == 'success' else reward))
        played.observations.append(self._spaces.observed(observation))
        played.outcome = 'success' if success else 'failure' if terminated else 'none'
        self._truncated = bool(truncated)
        if self.ended and not self._told:
            raise ValueError(
                f'the environment says nothing of success: info has {sorted(info)}, and at no '
                f'step one of {list(SUCCESS_KEYS)}. Give `succeeded`, a function of (info, '
                'reward, terminated); for example lambda info, reward, terminated: terminated '
                'and reward > 0')

    def _success(self, info: dict[str, Any], reward: float, terminated: bool) -> bool:
        if self._succeeded is not None:
            self._told = True
            return bool(self._succeeded(info, reward, terminated))
        for key in SUCCESS_KEYS:
            if key in info:
                self._told = True
                return bool(info[key])
        return False


class Actor:
    """Acts by a policy in a loop of your own: `reset` at the beginning of each episode."""

    def __init__(self, policy: Policy, env: gymnasium.Env, seed: int = 0) -> None:
        """Take a policy and the environment whose spaces it acts in."""
        self._policy, self._spaces = policy, Spaces(env)
        self._generator = torch.Generator().manual_seed(seed)
        self._device = next(policy.parameters()).device
        self.reset()

    def reset(self) -> None:
        """Forget the plan of the episode before."""
        self._memory = self._policy.begin(1)
        self._waiting: list[FloatArray] = []

    def __call__(self, observation: Any) -> NDArray:
        """Return the action for an observation; the policy decides every few steps."""
        if not self._waiting:
            state = torch.from_numpy(self._spaces.observed(observation)[None])
            with torch.inference_mode():
                decision = self._policy.decide(Observations(state).to(self._device), self._memory,
                                               self._generator, explore=False)
            self._waiting = list(decision.actions[0].cpu().numpy())
        return self._spaces.command(self._waiting.pop(0))
