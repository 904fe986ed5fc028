# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Replay of windows: each step of each episode starts a row of T actions.

A row at step t of an episode of N steps is (o[t], a[t:t+T], discounted reward inside the window,
o[t+T]). Where the window reaches the end of the episode:

* terminated: the window is padded by repeating the last action and nothing is bootstrapped.
  Padding has no influence on the return, and the chunk network needs T actions.
* not terminated (time-out): a window that would reach beyond the end is no row, since its later
  actions are unknown. One that ends exactly there bootstraps.

Candidate chunks for the maximum over next actions are stored with each observation once, when the
episode is added: sampling them again in each update costs more than the update itself.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from inril_ros.learning.experience import Episode, FloatArray
from inril_ros.learning.frames import Frames, Images
from inril_ros.learning.growing_array import GrowingArray


class Origin(IntEnum):
    """The origin of an episode."""

    DEMONSTRATION = 0
    ONLINE = 1


@dataclass(frozen=True)
class WindowBatch:
    """B rows."""

    observations: FloatArray
    """(B, O)"""
    chunks: FloatArray
    """(B, T, A)"""
    returns: FloatArray
    """(B,) sum of gamma^k r[t + k] inside the window."""
    discounts: FloatArray
    """(B,) factor of the value of the next observation: gamma^steps, or 0 after a terminal."""
    next_observations: FloatArray
    """(B, O)"""
    next_candidates: FloatArray
    """(B, J, T, A) chunks that the actor proposed at the next observation."""
    images: Images | None = None
    """(B, C, H, W, 3) with the observations, or None."""
    next_images: Images | None = None
    """The same with the next observations."""


class WindowReplay:
    """Episodes in growing arrays, and the rows that start in them. Nothing is ever removed.

    A row is the index of its first observation.
    """

    def __init__(self, observation_size: int, action_size: int, chunk_length: int,
                 candidates: int, gamma: float,
                 image_shape: Sequence[int] | None = None) -> None:
        """Make an empty replay.

        `gamma` is the discount per environment step, `image_shape` is (C, H, W, 3) or None: then
        images are not kept.
        """
        self._chunk_length = chunk_length
        self._gamma = gamma
        self._observations = GrowingArray((observation_size,))
        # One action, reward and candidate set per observation; those of the last one are unused.
        self._actions = GrowingArray((action_size,))
        self._rewards = GrowingArray(())
        self._candidates = GrowingArray((candidates, chunk_length, action_size))
        self._last = GrowingArray((), np.int64)
        self._terminated = GrowingArray((), np.bool_)
        self._frames = Frames(image_shape) if image_shape else None
        self._episodes: list[tuple[int, bool, bool, Origin]] = []
        self._rows = {origin: GrowingArray((), np.int64) for origin in Origin}
        self._positive_rows = GrowingArray((), np.int64)

    def __len__(self) -> int:
        """Return the number of rows."""
        return sum(len(rows) for rows in self._rows.values())

    @property
    def demonstration_rows(self) -> NDArray[np.int64]:
        """Rows of demonstrations."""
        return self._rows[Origin.DEMONSTRATION].view

    @property
    def online_rows(self) -> NDArray[np.int64]:
        """Rows of the policy's own episodes."""
        return self._rows[Origin.ONLINE].view

    @property
    def online(self) -> int:
        """Return the number of own rows."""
        return len(self._rows[Origin.ONLINE])

    @property
    def positive_rows(self) -> NDArray[np.int64]:
        """Rows of demonstrations and of own successes."""
        return self._positive_rows.view

    def add(self, episode: Episode, candidates: FloatArray, origin: Origin) -> None:
        """Add an episode of N steps with its candidate chunks (N + 1, J, T, A).

        Raises:
            ValueError: Shapes that differ from those of the replay.
        """
        steps = episode.steps
        first = len(self._observations)
        expected = (steps + 1, *self._candidates.shape)
        if candidates.shape != expected:
            raise ValueError(f'candidates has shape {candidates.shape}, expected {expected}')
        for name, array, growing in (('observations', episode.observations, self._observations),
                                     ('actions', episode.actions, self._actions)):
            if array.shape[1:] != growing.shape:
                raise ValueError(f'{name} of the episode have size {array.shape[1:]}, '
                                 f'the replay holds {growing.shape}')
        if self._frames is not None:
            self._frames.extend(episode.images)
        self._observations.extend(episode.observations)
        self._actions.extend(np.concatenate([episode.actions, episode.actions[-1:]]))
        self._rewards.extend(np.append(episode.rewards, np.float32(0.0)))
        self._candidates.extend(candidates)
        self._last.extend(np.full(steps + 1, first + steps))
        self._terminated.extend(np.full(steps + 1, episode.terminated))
        self._episodes.append((steps, episode.terminated, episode.success, origin))
        starts = steps if episode.terminated else steps - self._chunk_length + 1
        rows = np.arange(first, first + max(starts, 0))
        self._rows[origin].extend(rows)
        if origin is Origin.DEMONSTRATION or episode.success:
            self._positive_rows.extend(rows)

    def batch(self, rows: NDArray[np.int64]) -> WindowBatch:
        """Return the rows with these indices."""
        last = self._last.view[rows]
        following = np.minimum(rows + self._chunk_length, last)
        steps = rows[:, None] + np.arange(self._chunk_length)
        inside = steps < last[:, None]
        powers = self._gamma ** np.arange(self._chunk_length)
        rewards = self._rewards.view[np.minimum(steps, last[:, None])]
        terminal = self._terminated.view[rows] & (following == last)
        discounts = np.where(terminal, 0.0, self._gamma ** (following - rows))
        return WindowBatch(
            observations=self._observations.view[rows],
            chunks=self._chunks(rows),
            returns=(rewards * inside * powers).sum(axis=1).astype(np.float32),
            discounts=discounts.astype(np.float32),
            next_observations=self._observations.view[following],
            next_candidates=self._candidates.view[following],
            images=self.images(rows), next_images=self.images(following))

    def images(self, rows: NDArray[np.int64]) -> Images | None:
        """Return the images of the rows, (B, C, H, W, 3), or None if images are not kept."""
        return None if self._frames is None else self._frames.gather(rows)

    def _chunks(self, rows: NDArray[np.int64]) -> FloatArray:
        steps = rows[:, None] + np.arange(self._chunk_length)
        return self._actions.view[np.minimum(steps, self._last.view[rows][:, None] - 1)]

    def state_dict(self) -> dict[str, NDArray]:
        """Return everything that is needed to rebuild the replay."""
        images = {} if self._frames is None else {'images': self._frames.joined()}
        return {
            'observations': self._observations.view, 'actions': self._actions.view,
            'rewards': self._rewards.view, 'candidates': self._candidates.view,
            'episodes': np.array(self._episodes, np.int64).reshape(-1, 4), **images}

    def load_state_dict(self, state: Mapping[str, NDArray]) -> None:
        """Fill this empty replay with what `state_dict` returned."""
        if self._episodes:
            raise ValueError('only an empty replay can be filled from a saved one')
        first = 0
        images = state.get('images')
        for steps, terminated, success, origin in state['episodes'].tolist():
            after = first + steps + 1
            self.add(Episode(state['observations'][first:after],
                             state['actions'][first:after - 1],
                             state['rewards'][first:after - 1],
                             bool(terminated), bool(success),
                             images=None if images is None else images[first:after]),
                     state['candidates'][first:after], Origin(origin))
            first = after


def draw(rows: NDArray[np.int64], number: int,
         random: np.random.Generator) -> NDArray[np.int64]:
    """Return `number` rows, uniformly and with replacement."""
    if len(rows) == 0:
        raise ValueError('there are no rows to draw from')
    return rows[random.integers(len(rows), size=number)]
