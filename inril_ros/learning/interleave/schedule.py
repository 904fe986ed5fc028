# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""When to imitate: m RL updates, then one IL update, counted exactly."""
from __future__ import annotations

from collections.abc import Mapping
import math


class FixedSchedule:
    """
    One IL update after each m RL updates; m = None (or infinity) is RL only.

    An update is one gradient step of either kind.
    """

    def __init__(self, m: float | None) -> None:
        """
        Begin at zero updates.

        :raises ValueError: m is neither None, infinity, nor a whole number >= 1
        """
        self.m = checked_m(m)
        self.rl_updates = 0
        self.il_updates = 0

    def count_rl(self) -> None:
        """Count one RL update."""
        self.rl_updates += 1

    def count_il(self) -> None:
        """Count one IL update."""
        self.il_updates += 1

    @property
    def imitation_due(self) -> bool:
        """Return whether an IL update is due before the next RL update."""
        return self.m is not None and self.rl_updates // self.m > self.il_updates

    @property
    def ratio(self) -> float:
        """Return the realised number of IL updates per RL update; 0 before the first."""
        return self.il_updates / self.rl_updates if self.rl_updates else 0.0

    def state_dict(self) -> dict[str, int]:
        """Return the counters."""
        return {'rl_updates': self.rl_updates, 'il_updates': self.il_updates}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Continue from saved counters."""
        self.rl_updates = int(state['rl_updates'])
        self.il_updates = int(state['il_updates'])


def checked_m(m: float | None) -> int | None:
    """Return m as an integer, or None for RL only; raise ValueError for anything else."""
    if m is None or m == math.inf:
        return None
    if m != m or m < 1 or m != int(m):
        raise ValueError(f'm: {m!r} is not allowed; m is a whole number >= 1, '
                         'or null (or .inf) for RL only')
    return int(m)
