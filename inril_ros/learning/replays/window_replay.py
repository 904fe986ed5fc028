# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The replay of IDQL: each step of each episode starts a row of T actions.

It is a StepReplay whose horizon is the chunk length, so that nothing outside of the window is
summed, unless another one is asked for. The context of an observation are candidate chunks for
the maximum over next actions. They are stored, because sampling them again in each update costs
more than the update itself, and replaced now and then by proposals of the present actor.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
import sys

import numpy as np
from numpy.typing import NDArray

from inril_ros.learning.experience import Episode, FloatArray
from inril_ros.learning.frames import check_images, Images
from inril_ros.learning.replay import Origin
from inril_ros.learning.replays.step_replay import Rows, saved_episodes, StepReplay


class WindowReplay(StepReplay):
    """Demonstrations and own episodes. Positive rows are demonstrations and own successes."""

    _KINDS = (*StepReplay._KINDS, 'demonstration', 'online')

    def __init__(self, observation_size: int, action_size: int, chunk_length: int,
                 candidates: int, gamma: float,
                 image_shape: Sequence[int] | None = None, capacity: int = sys.maxsize,
                 horizon: int | None = None) -> None:
        """Make an empty replay.

        `image_shape` is that of an observation's images, or None: images are not kept; `capacity`
        are the slots for own episodes; `horizon` is as for StepReplay, by default the chunk
        length.
        """
        self._candidates_shape = candidates, chunk_length, action_size
        super().__init__(observation_size, action_size, self._candidates_shape, chunk_length,
                         horizon or chunk_length, gamma, capacity)
        self._image_shape = image_shape

    @property
    def demonstration_rows(self) -> Rows:
        """Return the rows of demonstrations."""
        return self._rows['demonstration'].view

    @property
    def online_rows(self) -> Rows:
        """Return the own rows."""
        return self._rows['online'].view

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def online(self) -> int:
        """Return the number of own rows."""
        return len(self.online_rows)

    def add(self, episode: Episode, candidates: FloatArray, origin: Origin,
            order: int | None = None) -> None:
        """Add an episode of N steps with its candidate chunks (N + 1, J, T, A).

        `order` is as for StepReplay.

        Raises:
            ValueError: Shapes that differ from those of the replay.
        """
        expected = episode.steps + 1, *self._candidates_shape
        if candidates.shape != expected:
            raise ValueError(f'candidates has shape {candidates.shape}, expected {expected}')
        if self._image_shape is None:
            episode = replace(episode, images=None)
        else:
            check_images(episode.images, self._image_shape)
        if origin is Origin.DEMONSTRATION:
            episode = replace(episode, intervened=None)  # all of it is a person's
        shown = origin is Origin.DEMONSTRATION
        rows = self._append(episode, candidates, order, shown)
        self._rows['demonstration' if shown else 'online'].extend(rows)
        if shown or episode.success:
            self._rows['positive'].extend(rows)

    def next_chunks(self, rows: Rows, otherwise: FloatArray) -> FloatArray:
        """Return the chunks that were executed at the next observations of rows, (B, T, A).

        Where a time-out came before the end of the chunk, its actions are not all known: such a
        row gets the chunk of `otherwise` (B, T, A).
        """
        last = self._last(rows)
        following = np.minimum(rows + self._horizon, last)
        known = self._terminated.view[rows] | (following + self._chunk_length <= last)
        return np.where(known[:, None, None], self._chunks(following, last), otherwise)

    def draw_observations(self, number: int, random: np.random.Generator) -> Rows:
        """Return the slots of so many stored observations, drawn uniformly."""
        return random.integers(0, len(self._observations), size=number)

    def states(self, slots: Rows) -> tuple[FloatArray, Images | None]:
        """Return the observations (B, O) in these slots, and their images or None."""
        return self._observations.view[slots], self._gather(slots)

    def replace_candidates(self, slots: Rows, candidates: FloatArray) -> None:
        """Replace the candidate chunks of observations by others, (B, J, T, A)."""
        self._context.view[slots] = candidates
        firsts = np.array([each.first for each in self._episodes])
        owners = np.searchsorted(firsts, slots, side='right') - 1
        for owner in np.unique(owners).tolist():
            these = owners == owner
            self._note(self._episodes[owner].number, slots[these] - firsts[owner],
                       candidates[these])

    def recall(self, episode: Episode, candidates: FloatArray | None, origin: Origin,
               order: int) -> bool:
        """Add an episode once more, after a restart; return False if its candidates are lost."""
        if candidates is None or len(candidates) != episode.steps + 1:
            return False
        self.add(episode, candidates, origin, order)
        return True

    def state_dict(self) -> dict[str, NDArray]:
        """Return everything that is needed to rebuild the replay."""
        state = super().state_dict()
        kept = {name: state[name]
                for name in ('observations', 'actions', 'rewards', 'intervened', 'orders',
                             'observed') if name in state}
        if self._image_shape is not None:
            kept['images'] = state.get('images', np.empty((0, *self._image_shape), np.uint8))
        origins = np.array([Origin.DEMONSTRATION if each.shown else Origin.ONLINE
                            for each in self._episodes], np.int64)
        episodes = np.column_stack([state['episodes'], origins])
        return {**kept, 'candidates': state['context'], 'episodes': episodes}

    def load_state_dict(self, state: Mapping[str, NDArray]) -> None:
        """Fill this empty replay with what `state_dict` returned."""
        if self._episodes:
            raise ValueError('only an empty replay can be filled from a saved one')
        origins = state['episodes'][:, 3].tolist()
        # Replays that were saved before removed no episode.
        orders = state['orders'].tolist() if 'orders' in state else range(len(origins))
        for (episode, candidates), origin, order in zip(
                saved_episodes(state, 'candidates'), origins, orders):
            self.add(episode, candidates, Origin(origin), order)
