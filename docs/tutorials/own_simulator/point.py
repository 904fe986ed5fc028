# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The tutorial's own simulator: a hand, without an arm, that has to reach a mark."""

from typing import Any

import gymnasium
from gymnasium.spaces import Box, Dict
import numpy as np


class Point(gymnasium.Env):
    """The action is how far the hand moves in one step [m]."""

    observation_space = Dict({'hand': Box(-0.5, 0.5, (3,)), 'mark': Box(-0.5, 0.5, (3,))})
    action_space = Box(-0.05, 0.05, (3,))

    def reset(self, *, seed: int | None = None, options: dict | None = None
              ) -> tuple[dict, dict]:
        """Put hand and mark to random places."""
        super().reset(seed=seed)
        self._hand, self._mark = self.np_random.uniform(-0.5, 0.5, (2, 3))
        return self._seen(), {}

    def step(self, action: np.ndarray) -> tuple[dict, float, bool, bool, dict[str, Any]]:
        """Move the hand."""
        self._hand = np.clip(self._hand + action, -0.5, 0.5)
        near = bool(np.linalg.norm(self._hand - self._mark) < 0.05)
        return self._seen(), float(near), near, False, {'is_success': near}

    def _seen(self) -> dict[str, np.ndarray]:
        return {'hand': self._hand.copy(), 'mark': self._mark.copy()}


gymnasium.register('Point-v0', Point)
