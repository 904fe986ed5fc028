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

A tick without a valid observation begins no row, and none is bootstrapped from it. Its action and
reward are known, so rows reach across it.

The observations of an episode, including the final one, are in N + 1 slots. When all are taken,
whole episodes are removed by the rule in `removal`.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inril_ros.learning.experience import Episode, FloatArray
from inril_ros.learning.frames import ImageBatches, Images
from inril_ros.learning.replays.growing_array import GrowingArray, renumbered
from inril_ros.learning.replays.removal import numbered, to_remove, without
from inril_ros.learning.stored.context_files import ContextRows

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class StepBatch:
    """B rows."""

    observations: FloatArray
    """(B, O)"""
    images: Images | None
    """(B, ...), those of the observations, or None if the episodes have none."""
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
    next_images: Images | None
    next_context: FloatArray
    """(B, ...)"""


@dataclass(frozen=True)
class Stored:
    """An episode in a replay."""

    first: int
    """Slot of its first observation."""
    steps: int
    terminated: bool
    success: bool
    by_person: bool
    """Whether a person commanded a step of it."""
    shown: bool
    """Whether it is a demonstration."""
    order: int
    """Number of episodes that were added before it."""
    number: int | None
    """Its number among the files of the run."""

    @property
    def size(self) -> int:
        """Return the slots that it takes."""
        return self.steps + 1

    @property
    def range(self) -> tuple[int, int]:
        """Return its first slot, and the one after its last."""
        return self.first, self.first + self.size


class StepReplay:
    """Whole episodes in slots; a row is the slot that it begins at.

    `rows` are all rows that can be drawn, `intervention_rows` those with a step of a person within
    their horizon, `positive_rows` those of successful episodes and those that begin with a step of
    a person (in demonstrations: all). A row is valid until an episode is added.

    Attributes:
        capacity: Most slots of episodes that aren't demonstrations.
        removed: Episodes that were removed to make room.
    """

    _KINDS: tuple[str, ...] = ('all', 'positive', 'intervention')

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
        self._observations = GrowingArray((observation_size,))
        self._context = GrowingArray(context_shape)
        # One action and reward per observation; those of the last one are unused.
        self._actions = GrowingArray((action_size,))
        self._rewards = GrowingArray(())
        self._intervened = GrowingArray((), np.bool_)
        self._left = GrowingArray((), np.int64)  # steps to the last observation
        self._terminated = GrowingArray((), np.bool_)
        self._observed = GrowingArray((), np.bool_)
        self._order = GrowingArray((), np.int64)
        # Views of the episodes' own images, which other memories share.
        self._images: list[Images] = []
        self._batches = ImageBatches()
        self._episodes: list[Stored] = []
        self._changes: list[ContextRows] = []
        self._added = 0
        self.removed = 0
        self._rows = {kind: GrowingArray((), np.int64) for kind in self._KINDS}

    @property
    def rows(self) -> Rows:
        """Return all rows."""
        return self._rows['all'].view

    @property
    def positive_rows(self) -> Rows:
        """Return the rows of successful episodes, and those that begin with a person's step."""
        return self._rows['positive'].view

    @property
    def intervention_rows(self) -> Rows:
        """Return the rows with a step of a person within their horizon."""
        return self._rows['intervention'].view

    @property
    def episodes(self) -> int:
        """Return the number of stored episodes."""
        return len(self._episodes)

    @property
    def stored(self) -> list[Stored]:
        """Return the stored episodes, oldest first."""
        return list(self._episodes)

    def rows_of_part(self, rows: Rows, part: int, parts: int) -> Rows:
        """Return those rows of every `parts`-th episode: different parts share no episode."""
        return rows[self._order.view[rows] % parts == part]

    def add(self, episode: Episode, context: FloatArray, order: int | None = None) -> None:
        """Add an episode of N steps with the context (N + 1, ...) of its observations.

        `order` is its `Stored.order` when it is added once more, after a restart.

        Raises:
            ValueError: It is longer than the capacity, or sizes differ from those of the replay.
        """
        rows = self._append(episode, context, order)
        first = len(self._observations) - episode.steps - 1
        positive = rows if episode.success else rows[episode.intervened[rows - first]]
        self._rows['positive'].extend(positive)

    def _append(self, episode: Episode, context: FloatArray, order: int | None,
                shown: bool = False) -> Rows:
        """Store an episode and return its rows."""
        steps = episode.steps
        if steps + 1 > self.capacity:
            raise ValueError(f'an episode of {steps} steps needs {steps + 1} slots, the replay '
                             f'has {self.capacity}')
        for name, array, slots in (('observations', episode.observations, self._observations),
                                   ('actions', episode.actions, self._actions),
                                   ('context', context, self._context)):
            if array.shape[1:] != slots.shape:
                raise ValueError(f'{name} of the episode have size {array.shape[1:]}, '
                                 f'the replay holds {slots.shape}')
        if len(context) != steps + 1:
            raise ValueError(f'context has {len(context)} rows, expected {steps + 1}')
        if self._episodes and (episode.images is None) != (not self._images):
            raise ValueError('episodes with and without images cannot be mixed')
        if not shown:
            self._make_room(steps + 1)
        if order is None:
            order = self._added
            self._note(episode.number, np.arange(steps + 1), context)
        first = len(self._observations)
        self._observations.extend(episode.observations)
        self._context.extend(context)
        self._actions.extend(np.concatenate([episode.actions, episode.actions[-1:]]))
        self._rewards.extend(np.append(episode.rewards, np.float32(0.0)))
        self._intervened.extend(np.append(episode.intervened, False))
        self._left.extend(np.arange(steps, -1, -1))
        self._terminated.extend(np.full(steps + 1, episode.terminated))
        self._observed.extend(episode.is_observed)
        self._order.extend(np.full(steps + 1, order))
        if episode.images is not None:
            self._images.extend(episode.images)
        self._episodes.append(Stored(
            first, steps, episode.terminated, episode.success, bool(episode.intervened.any()),
            shown, order, episode.number))
        self._added = order + 1
        starts = self._starts(episode)
        rows = first + starts
        self._rows['all'].extend(rows)
        self._rows['intervention'].extend(rows[self._reach(episode.intervened)[starts]])
        return rows

    def _starts(self, episode: Episode) -> Rows:
        """Return the steps at which rows of an episode begin."""
        steps, observed = episode.steps, episode.is_observed
        starts = np.arange(
            steps if episode.terminated else max(steps - self._chunk_length + 1, 0))
        following = np.minimum(starts + self._horizon, steps)
        terminal = (following == steps) & episode.terminated
        return starts[observed[starts] & (observed[following] | terminal)]

    def _reach(self, intervened: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return (N,) whether a person commanded one of the next `horizon` steps."""
        steps = np.arange(len(intervened))
        until = np.concatenate([[0], intervened.cumsum()])  # commanded steps before each one
        return until[np.minimum(steps + self._horizon, len(intervened))] > until[steps]

    def _make_room(self, needed: int) -> None:
        """Remove episodes if there aren't so many slots free."""
        if len(self._observations) + needed <= self.capacity:
            return
        leaving = to_remove(self._episodes, needed, self.capacity)
        self.removed += len(leaving)
        self._remove(leaving)

    def forget(self, numbers: Set[int]) -> None:
        """Remove the episodes with these numbers among the files of the run."""
        self._remove(numbered(self._episodes, numbers))

    def _remove(self, leaving: Set[int]) -> None:
        """Remove the episodes with these indices."""
        if not leaving:
            return
        self._episodes, ranges = without(self._episodes, leaving)
        for array in (self._observations, self._context, self._actions, self._rewards,
                      self._intervened, self._left, self._terminated, self._observed,
                      self._order):
            array.keep(ranges)
        if self._images:
            self._images = [image for first, end in ranges for image in self._images[first:end]]
        for rows in self._rows.values():
            rows.replace(renumbered(rows.view, ranges))

    def _note(self, number: int | None, steps: Rows, context: FloatArray) -> None:
        """Note that the context of observations of an episode was written, to be saved."""
        if number is not None and context[0].size:
            self._changes.append(ContextRows(number, steps, context))

    def take_changes(self) -> list[ContextRows]:
        """Return which contexts were written since the last call."""
        changes, self._changes = self._changes, []
        return changes

    def batch(self, rows: Rows) -> StepBatch:
        """Return the rows that begin at these slots."""
        last = self._last(rows)
        following = np.minimum(rows + self._horizon, last)
        steps = rows[:, None] + np.arange(self._horizon)
        inside = steps < last[:, None]
        powers = self._gamma ** np.arange(self._horizon)
        rewards = self._rewards.view[np.minimum(steps, last[:, None])]
        terminal = self._terminated.view[rows] & (following == last)
        discounts = np.where(terminal, 0.0, self._gamma ** (following - rows))
        return StepBatch(
            observations=self._observations.view[rows],
            images=self._gather(rows),
            context=self._context.view[rows],
            chunks=self._chunks(rows, last),
            returns=(rewards * inside * powers).sum(axis=1).astype(np.float32),
            discounts=discounts.astype(np.float32),
            next_observations=self._observations.view[following],
            next_images=self._gather(following),
            next_context=self._context.view[following])

    def _last(self, rows: Rows) -> Rows:
        """Return the slot of the last observation of the episode of each row."""
        return rows + self._left.view[rows]

    def _chunks(self, rows: Rows, last: Rows) -> FloatArray:
        steps = rows[:, None] + np.arange(self._chunk_length)
        return self._actions.view[np.minimum(steps, last[:, None] - 1)]

    def _gather(self, rows: Rows) -> Images | None:
        if not self._images:
            return None
        return self._batches.stacked([self._images[row] for row in rows.tolist()],
                                     self._images[0].shape)

    def state_dict(self) -> dict[str, NDArray]:
        """Return everything that is needed to rebuild the replay."""
        arrays = {
            'observations': self._observations.view, 'context': self._context.view,
            'actions': self._actions.view, 'rewards': self._rewards.view,
            'intervened': self._intervened.view,
            'episodes': np.array([(each.steps, each.terminated, each.success)
                                  for each in self._episodes], np.int64).reshape(-1, 3),
            'orders': np.array([each.order for each in self._episodes], np.int64)}
        if self._images:
            arrays['images'] = np.stack(self._images)
        if not self._observed.view.all():
            arrays['observed'] = self._observed.view
        return arrays

    def load_state_dict(self, state: Mapping[str, NDArray]) -> None:
        """Fill this empty replay with what `state_dict` returned."""
        if self._episodes:
            raise ValueError('only an empty replay can be filled from a saved one')
        for (episode, context), order in zip(saved_episodes(state, 'context'), _orders(state)):
            self.add(episode, context, order)


def _orders(state: Mapping[str, NDArray]) -> list[int]:
    """Return the order of each episode of a saved replay."""
    if 'orders' in state:
        return state['orders'].tolist()
    # Replays that were saved before removed the oldest episodes only.
    number, added = len(state['episodes']), int(state['added'][0])
    return list(range(added - number, added))


def saved_episodes(state: Mapping[str, NDArray],
                   context: str) -> Iterator[tuple[Episode, FloatArray]]:
    """Return the episodes of a saved replay, and for each one the rows of the array `context`."""
    first = 0
    for steps, terminated, success, *_ in state['episodes'].tolist():
        inside, after = slice(first, first + steps), first + steps + 1
        optional = {'images': state['images'][first:after]} if 'images' in state else {}
        if 'intervened' in state:
            optional['intervened'] = state['intervened'][inside]
        if 'observed' in state:
            optional['observed'] = state['observed'][first:after]
        yield Episode(state['observations'][first:after], state['actions'][inside],
                      state['rewards'][inside], bool(terminated), bool(success),
                      **optional), state[context][first:after]
        first = after
