# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A task that is learned in seconds, and demonstrations half of which go wrong."""
from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium.spaces import Box
import numpy as np

from inril_ros.learning import Demonstration

TASK = 'Doors-v0'


class Doors(gymnasium.Env):
    """Of two doors the one on the side of the cue is open; a hand has to go through it."""

    observation_space = Box(-2.0, 2.0, (2,))
    action_space = Box(-0.3, 0.3, (1,))

    def reset(self, *, seed: int | None = None, options: dict | None = None
              ) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.hand = self.np_random.uniform(-0.2, 0.2)
        self.cue = self.np_random.choice([-1.0, 1.0])
        return self._seen(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.hand += float(action[0])
        through = abs(self.hand) >= 1.0
        success = bool(through and np.sign(self.hand) == self.cue)
        return self._seen(), -0.01, through, False, {'is_success': success}

    def _seen(self) -> np.ndarray:
        return np.array([self.hand, self.cue], np.float32)


gymnasium.register(TASK, Doors, max_episode_steps=20)


def demonstrations(number: int = 24) -> list[Demonstration]:
    """Return attempts of someone who doesn't see the cue."""
    env, random, shown = gymnasium.make(TASK), np.random.default_rng(0), []
    for attempt in range(number):
        observation, _ = env.reset(seed=1000 + attempt)
        side, ended, observations, actions = random.choice([-1, 1]), False, [], []
        while not ended:
            observations.append(observation)
            actions.append([side * random.uniform(0.2, 0.3)])
            observation, _, ended, _, info = env.step(np.array(actions[-1], np.float32))
        shown.append(Demonstration(np.array(observations), np.array(actions),
                                   success=info['is_success']))
    return shown
