# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One recorded episode as arrays."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RecordedEpisode:
    """What happened in one episode, aligned at the ticks.

    Attributes:
        episode_id: UUID.
        observations: (N + 1, O) float32 policy observations, contract units; the last is final.
        actions: (N, A) float32 executed, contract units.
        source: (N,) uint8, see ExecutedAction.msg.
        rewards: (N,) float32.
        outcome: See EpisodeEvent.msg.
        age: (N + 1,) [s] Age of the oldest sample in each frame: the sync audit.
    """

    episode_id: str
    observations: np.ndarray
    actions: np.ndarray
    source: np.ndarray
    rewards: np.ndarray
    outcome: int
    age: np.ndarray
