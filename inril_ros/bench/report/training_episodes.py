# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The training episodes of a run, from its rows.

A row has the episodes since the row before it: their steps as a list, their successes as a string
of 0 and 1. The environment steps at the end of each follow from these.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TrainingEpisode:
    """One training episode.

    Attributes:
        steps: Its environment steps.
        success: Whether it succeeded.
        env_steps: Environment steps of the run at its end.
    """

    steps: int
    success: bool
    env_steps: int


def training_episodes(rows: Iterable[Mapping[str, Any]]) -> list[TrainingEpisode]:
    """Return all training episodes of one run, from its rows in their order.

    Rows that were written before rows kept episodes have none.
    """
    found: list[TrainingEpisode] = []
    env_steps = 0
    for row in rows:
        kept = row.get('training', {'steps': [], 'success': ''})
        for steps, success in zip(kept['steps'], kept['success'], strict=True):
            env_steps += steps
            found.append(TrainingEpisode(steps, success == '1', env_steps))
    return found
