# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Bounded replay for off-policy hosts: actions, n-step returns, exact next observations.

A row at step t of an episode of N steps is (o[t], a[t:t+T], the discounted rewards of the next n
steps, o[t+n]); n, the horizon, is at least T. At the end of an episode:

* terminated: fewer steps are summed, nothing is bootstrapped, and a chunk that reaches beyond the
  end repeats the last action, which has no influence.
* not terminated (time-out): fewer steps are summed and the final observation is bootstrapped
  from, with the discount of the summed steps. A chunk that would reach beyond the end is no row,
  since its later actions are unknown.

The observations of an episode, including the final one, are in N + 1 slots of a ring. When it is
full, whole episodes are removed, the oldest first, so that no row reads across the boundary
between new and old data.
"""
from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inril_ros.learning.context_files import ContextRows
from inril_ros.learning.experience import Episode, FloatArray
from inril_ros.learning.frames import ImageBatches

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class StepBatch:
    """B rows."""

    observations: FloatArray
    """(B, O)"""
    images: NDArray[np.uint8] | None
    """(B, C, H, W, 3), or None if the episodes have none."""
    context: FloatArray
    """(B, ...) data stored with the observation, for example the base policy's action."""
    chunks: FloatArray
    """(B, T, A) executed actions."""
    returns: FloatArray
    """(B,) sum of gamma^k r[t + k] over the steps up to the next observation."""
    discounts: FloatArray
    """(B,) factor of the value of the next observation: gamma^steps, or 0 after a terminal."""
    next_observations: FloatArray
    """(B, O)"""
    next_images: NDArray[np.uint8] | None
    next_context: FloatArray
    """(B, ...)"""


@dataclass(frozen=True)
class Stored:
    """An episode in a replay."""

    first: int
    """Address of its first observation."""
    steps: int
    terminated: bool
    success: bool
    order: int
    """Number of episodes that were added before it."""
    number: int | None
    """Its number among the files of the run."""


class StepReplay:
    """Whole episodes in a ring of `capacity` slots; a row is the address of its first slot.

    Addresses only count up. `rows` are all rows that can be drawn, `intervention_rows` those with
    a step of a person within their horizon, `positive_rows` those of successful episodes and
    those that begin with a step of a person (in demonstrations: all).
    """

    def __init__(self, observation_size: int, action_size: int, context_shape: Sequence[int],
                 chunk_length: int, horizon: int, gamma: float, capacity: int) -> None:
        """Make an empty replay.

        `horizon` is n, the environment steps from an observation to the one bootstrapped from;
        `gamma` is the discount per environment step. An episode of N steps takes N + 1 slots.
        """
        if not 1 <= chunk_length <= horizon:
            raise ValueError(f'the horizon {horizon} must be at least the chunk length '
                             f'{chunk_length}, and that at least 1')
        self._chunk_length, self._horizon, self._gamma = chunk_length, horizon, gamma
        self.capacity = capacity
        self._observations = _Ring(capacity, (observation_size,))
        self._context = _Ring(capacity, context_shape)
        # One action and reward per observation; those of the last one are unused.
        self._actions = _Ring(capacity, (action_size,))
        self._rewards = _Ring(capacity, ())
        self._intervened = _Ring(capacity, (), np.bool_)
        self._last = _Ring(capacity, (), np.int64)
        self._terminated = _Ring(capacity, (), np.bool_)
        self._episode = _Ring(capacity, (), np.int64)
        # Views of the episodes' own images, which other memories share.
        self._images: dict[int, NDArray[np.uint8]] = {}
        self._batches = ImageBatches()
        self._episodes: deque[Stored] = deque()
        self._changes: list[ContextRows] = []
        self._oldest = self._next = 0
        self._added = 0
        self.rows: Rows = np.empty(0, np.int64)
        self.positive_rows: Rows = np.empty(0, np.int64)
        self.intervention_rows: Rows = np.empty(0, np.int64)

    @property
    def episodes(self) -> int:
        """Return the number of stored episodes."""
        return len(self._episodes)

    def rows_of_part(self, rows: Rows, part: int, parts: int) -> Rows:
        """Return those rows of every `parts`-th episode: different parts share no episode."""
        return rows[self._episode.read(rows) % parts == part]

    @property
    def stored(self) -> list[Stored]:
        """Return the stored episodes, oldest first."""
        return list(self._episodes)

    def add(self, episode: Episode, context: FloatArray, order: int | None = None) -> None:
        """Add an episode of N steps with the context (N + 1, ...) of its observations.

        `order` is its `Stored.order` when it is added once more, after a restart.

        Raises:
            ValueError: It is longer than the ring, or sizes differ from those of the replay.
        """
        rows = self._append(episode, context, order)
        positive = rows if episode.success else rows[episode.intervened[:len(rows)]]
        self.positive_rows = np.concatenate([self.positive_rows, positive])

    def _append(self, episode: Episode, context: FloatArray, order: int | None) -> Rows:
        """Store an episode and return its rows."""
        steps = episode.steps
        if steps + 1 > self.capacity:
            raise ValueError(f'an episode of {steps} steps needs {steps + 1} slots, the replay '
                             f'has {self.capacity}')
        for name, array, ring in (('observations', episode.observations, self._observations),
                                  ('actions', episode.actions, self._actions),
                                  ('context', context, self._context)):
            if array.shape[1:] != ring.shape:
                raise ValueError(f'{name} of the episode have size {array.shape[1:]}, '
                                 f'the replay holds {ring.shape}')
        if len(context) != steps + 1:
            raise ValueError(f'context has {len(context)} rows, expected {steps + 1}')
        if self._episodes and (episode.images is None) != (not self._images):
            raise ValueError('episodes with and without images cannot be mixed')
        self._make_room(steps + 1)
        if order is None:
            order = self._added
            self._note(episode.number, np.arange(steps + 1), context)
        first = self._next
        slots = first + np.arange(steps + 1)
        self._observations.write(slots, episode.observations)
        self._context.write(slots, context)
        self._actions.write(slots, np.concatenate([episode.actions, episode.actions[-1:]]))
        self._rewards.write(slots, np.append(episode.rewards, np.float32(0.0)))
        self._intervened.write(slots, np.append(episode.intervened, False))
        self._last.write(slots, np.full(steps + 1, first + steps))
        self._terminated.write(slots, np.full(steps + 1, episode.terminated))
        self._episode.write(slots, np.full(steps + 1, order))
        if episode.images is not None:
            self._images.update(zip(slots.tolist(), episode.images))
        self._episodes.append(Stored(
            first, steps, episode.terminated, episode.success, order, episode.number))
        self._next += steps + 1
        self._added = order + 1
        starts = steps if episode.terminated else max(steps - self._chunk_length + 1, 0)
        rows = first + np.arange(starts)
        self.rows = np.concatenate([self.rows, rows])
        self.intervention_rows = np.concatenate(
            [self.intervention_rows, rows[self._reach(episode.intervened)[:len(rows)]]])
        return rows

    def _reach(self, intervened: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return (N,) whether a person commanded one of the next `horizon` steps."""
        steps = np.arange(len(intervened))
        until = np.concatenate([[0], intervened.cumsum()])  # commanded steps before each one
        return until[np.minimum(steps + self._horizon, len(intervened))] > until[steps]

    def _make_room(self, needed: int) -> None:
        """Remove the oldest episodes until so many slots are free."""
        while self._next - self._oldest + needed > self.capacity:
            oldest = self._episodes.popleft()
            self._oldest = oldest.first + oldest.steps + 1
            for slot in range(oldest.first, self._oldest):
                self._images.pop(slot, None)
        for name in ('rows', 'positive_rows', 'intervention_rows'):
            rows = getattr(self, name)
            setattr(self, name, rows[rows >= self._oldest])

    def _note(self, number: int | None, steps: Rows, context: FloatArray) -> None:
        """Note that the context of observations of an episode was written, to be saved."""
        if number is not None and context[0].size:
            self._changes.append(ContextRows(number, steps, context))

    def take_changes(self) -> list[ContextRows]:
        """Return which contexts were written since the last call."""
        changes, self._changes = self._changes, []
        return changes

    def batch(self, rows: Rows) -> StepBatch:
        """Return the rows with these addresses."""
        last = self._last.read(rows)
        following = np.minimum(rows + self._horizon, last)
        steps = rows[:, None] + np.arange(self._horizon)
        inside = steps < last[:, None]
        powers = self._gamma ** np.arange(self._horizon)
        rewards = self._rewards.read(np.minimum(steps, last[:, None]))
        terminal = self._terminated.read(rows) & (following == last)
        discounts = np.where(terminal, 0.0, self._gamma ** (following - rows))
        return StepBatch(
            observations=self._observations.read(rows),
            images=self._gather(rows),
            context=self._context.read(rows),
            chunks=self._chunks(rows, last),
            returns=(rewards * inside * powers).sum(axis=1).astype(np.float32),
            discounts=discounts.astype(np.float32),
            next_observations=self._observations.read(following),
            next_images=self._gather(following),
            next_context=self._context.read(following))

    def _chunks(self, rows: Rows, last: Rows) -> FloatArray:
        steps = rows[:, None] + np.arange(self._chunk_length)
        return self._actions.read(np.minimum(steps, last[:, None] - 1))

    def _gather(self, rows: Rows) -> NDArray[np.uint8] | None:
        if not self._images:
            return None
        shape = self._images[self._oldest].shape
        return self._batches.stacked([self._images[row] for row in rows.tolist()], shape)

    def state_dict(self) -> dict[str, NDArray]:
        """Return everything that is needed to rebuild the replay."""
        slots = np.arange(self._oldest, self._next)
        arrays = {
            'observations': self._observations.read(slots), 'context': self._context.read(slots),
            'actions': self._actions.read(slots), 'rewards': self._rewards.read(slots),
            'intervened': self._intervened.read(slots),
            'episodes': np.array([(each.steps, each.terminated, each.success)
                                  for each in self._episodes], np.int64).reshape(-1, 3),
            'added': np.array([self._added], np.int64)}
        if self._images:
            arrays['images'] = np.stack([self._images[slot] for slot in slots.tolist()])
        return arrays

    def load_state_dict(self, state: Mapping[str, NDArray]) -> None:
        """Fill this empty replay with what `state_dict` returned.

        Addresses count from 0 again; the order of the rows and of removal stays.
        """
        if self._episodes:
            raise ValueError('only an empty replay can be filled from a saved one')
        self._added = int(state['added'][0]) - len(state['episodes'])
        for episode, context in saved_episodes(state, 'context'):
            self.add(episode, context)


def saved_episodes(state: Mapping[str, NDArray],
                   context: str) -> Iterator[tuple[Episode, FloatArray]]:
    """Return the episodes of a saved replay, and for each one the rows of the array `context`."""
    first = 0
    for steps, terminated, success, *_ in state['episodes'].tolist():
        inside, after = slice(first, first + steps), first + steps + 1
        optional = {'images': state['images'][first:after]} if 'images' in state else {}
        if 'intervened' in state:
            optional['intervened'] = state['intervened'][inside]
        yield Episode(state['observations'][first:after], state['actions'][inside],
                      state['rewards'][inside], bool(terminated), bool(success),
                      **optional), state[context][first:after]
        first = after


class _Ring:
    """An array of `capacity` slots, read by address modulo capacity; allocated as it fills."""

    def __init__(self, capacity: int, shape: Sequence[int], dtype: type = np.float32) -> None:
        self.shape = tuple(shape)
        self._capacity = capacity
        self._array = np.empty((min(capacity, 1024), *self.shape), dtype)

    def write(self, addresses: Rows, values: NDArray) -> None:
        needed = min(int(addresses[-1]) + 1, self._capacity)
        if needed > len(self._array):
            larger = np.empty((min(max(needed, 2 * len(self._array)), self._capacity),
                               *self.shape), self._array.dtype)
            larger[:len(self._array)] = self._array
            self._array = larger
        self._array[addresses % self._capacity] = values

    def read(self, addresses: Rows) -> NDArray:
        return self._array[addresses % self._capacity]
