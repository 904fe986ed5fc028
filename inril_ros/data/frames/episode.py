# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One recorded episode as arrays, and a part of one."""

from dataclasses import dataclass, replace

import numpy as np

_AT_FRAMES = ('observations', 'age', 'skew', 'gap', 'images', 'observed')  # (N + 1, ...)


@dataclass(frozen=True)
class RecordedEpisode:
    """One episode, aligned at its ticks.

    Attributes:
        episode_id: UUID.
        observations: (N + 1, O) float32 policy observations, contract units; the last is final.
        actions: (N, A) float32 executed, contract units.
        source: (N,) uint8, see ExecutedAction.msg.
        rewards: (N,) float32.
        outcome: See EpisodeEvent.msg.
        age: (N + 1,) float32 age of the oldest sample in each frame [s].
        skew: (N + 1,) float32 time from the oldest sample of each frame to the newest [s].
        gap: (N + 1,) float32 longest pause of a stream next to the samples of each frame [s].
        images: (N + 1, C, H, W, 3) uint8 RGB of the policy cameras; None without cameras.
        observed: (N + 1,) bool whether there was a valid observation; the others have the last
            values that were known. None: at each tick.
        account: The ticks without a valid observation, and those that are left out, with the
            reasons, in words; None if there are none.
    """

    episode_id: str
    observations: np.ndarray
    actions: np.ndarray
    source: np.ndarray
    rewards: np.ndarray
    outcome: int
    age: np.ndarray
    skew: np.ndarray
    gap: np.ndarray
    images: np.ndarray | None = None
    observed: np.ndarray | None = None
    account: str | None = None


def part_of(episode: RecordedEpisode, first: int, until: int) -> RecordedEpisode:
    """Return the ticks from the first one until another; their last reward is the episode's last.

    That one tells how it ended, and moves with the end. Other arrays are views.

    Raises:
        ValueError: There are no such ticks.
    """
    if not 0 <= first < until <= len(episode.actions):
        raise ValueError(f'ticks {first} to {until} of an episode of {len(episode.actions)}')
    ticks, frames = slice(first, until), slice(first, until + 1)
    rewards = np.array(episode.rewards[ticks])
    rewards[-1] = episode.rewards[-1]
    return replace(
        episode, actions=episode.actions[ticks], source=episode.source[ticks], rewards=rewards,
        **{name: values[frames] for name in _AT_FRAMES
           if (values := getattr(episode, name)) is not None})
