# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Imitation sources: demonstrations, interventions, the policy's own successes, or a mixture.

Each source fills the same batch size, so arms that differ in their source take the same number of
equal steps. Demonstrations replace a source while it is empty.

A person takes over because the policy goes wrong, so what the policy did before is a mistake, even
if the episode succeeds in the end. Imitated are, of the policy's episodes:

- *interventions*: windows whose steps a person commanded, all of them, whatever the outcome;
- *own successes*: the other windows of a success. If a person intervened in it, only those that
  begin no earlier than the last intervention. They may begin with the person's last steps and go
  on with the policy's: nobody corrected any of these steps, and they led to the success.

The source `replay` is a control: all windows of the policy's episodes alike, as the RL-only arm of
DPPO's public IDQL clones its own replay, whatever came of it.

A window that begins with the policy's steps and ends with a person's holds the mistake and is not
imitated, nor is what the policy did between two interventions: it needed the second one. Nor is a
window with a tick without a valid observation, at which the arm was held.
"""
from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
import reprlib
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inril_ros.learning.experience import Episode, FloatArray
from inril_ros.learning.frames import check_images, Frames, Images
from inril_ros.learning.plugins.registry import IMITATION_SOURCES, plugin
from inril_ros.learning.replay import draw, Origin
from inril_ros.learning.replays.growing_array import GrowingArray, renumbered
from inril_ros.learning.replays.removal import numbered, to_remove, without

SOURCES = ('demonstrations', 'own_successes', 'interventions', 'both', 'mixture', 'replay')


def imitates_all(kind: str) -> bool:
    """Return whether a source may imitate any own window, those of failures included."""
    return kind == 'replay' or kind not in SOURCES


@dataclass(frozen=True)
class Windows:
    """The windows of one episode."""

    first: int
    """Row of the first one."""
    size: int
    success: bool
    by_person: bool
    """Whether a person commanded one."""
    shown: bool
    """Whether it is a demonstration."""
    number: int | None
    """Number of the episode among the files of the run."""

    @property
    def range(self) -> tuple[int, int]:
        """Return the first row, and the one after the last."""
        return self.first, self.first + self.size


class ImitationMemory:
    """Windows of T actions that can be imitated, and the origin of each one.

    A window may reach beyond the end of a terminated episode: it repeats the last action. When
    there are too many own windows, those of whole episodes are removed by the rule in `removal`.
    """

    def __init__(self, observation_size: int, action_size: int, chunk_length: int,
                 image_shape: tuple[int, ...] | None = None,
                 keep_all: bool = False, capacity: int = sys.maxsize) -> None:
        """Make an empty memory; `image_shape` is that of an observation, or None.

        `keep_all` keeps the windows of own episodes that only the source `replay` imitates, too.
        There are at most `capacity` own windows.
        """
        self._capacity = capacity
        self._keep_all = keep_all
        self._chunk_length = chunk_length
        self._states = GrowingArray((observation_size,))
        self._frames = None if image_shape is None else Frames(image_shape)
        self._chunks = GrowingArray((chunk_length, action_size))
        self._kinds = {kind: GrowingArray((), np.int64)
                       for kind in ('demonstration', 'success', 'intervention', 'other')}
        self._own = GrowingArray((), np.int64)
        self._episodes: list[Windows] = []

    def __len__(self) -> int:
        return len(self._states)

    @property
    def numbers(self) -> list[int]:
        """Numbers of the episodes in files that the memory has windows of."""
        return [each.number for each in self._episodes if each.number is not None]

    @property
    def demonstration_rows(self) -> NDArray[np.int64]:
        """Rows of demonstrations."""
        return self._kinds['demonstration'].view

    @property
    def success_rows(self) -> NDArray[np.int64]:
        """Rows of successes that no person had to correct; those of interventions are not here."""
        return self._kinds['success'].view

    @property
    def intervention_rows(self) -> NDArray[np.int64]:
        """Rows that a person commanded during the policy's episodes, whatever the outcome."""
        return self._kinds['intervention'].view

    @property
    def own_rows(self) -> NDArray[np.int64]:
        """Rows of own successes and of interventions."""
        return self._own.view

    @property
    def replay_rows(self) -> NDArray[np.int64]:
        """Rows of all own windows, where all are kept."""
        return np.concatenate([self.own_rows, self._kinds['other'].view])

    def add(self, episode: Episode, origin: Origin) -> None:
        """Add the windows of an episode that can be imitated; most failures have none."""
        starts = self._starts(episode)
        if origin is Origin.DEMONSTRATION:
            rows = self._add_windows(episode, starts, by_person=False, shown=True)
            self._kinds['demonstration'].extend(rows)
            return
        by_person = _whole_windows(episode.intervened, starts, self._chunk_length)
        uncorrected = episode.success & (starts >= _last_intervention(episode.intervened))
        imitable = by_person | uncorrected
        kept = np.ones_like(imitable) if self._keep_all else imitable
        self._make_room(int(kept.sum()))
        rows = self._add_windows(episode, starts[kept], bool(by_person.any()), shown=False)
        by_person, imitable = by_person[kept], imitable[kept]
        self._kinds['intervention'].extend(rows[by_person])
        self._kinds['success'].extend(rows[imitable & ~by_person])
        self._kinds['other'].extend(rows[~imitable])
        self._own.extend(rows[imitable])

    def _starts(self, episode: Episode) -> NDArray[np.int64]:
        """Return the first steps of the windows whose actions and observations are all known."""
        last = episode.steps if episode.terminated else episode.steps - self._chunk_length + 1
        starts = np.arange(max(last, 0))
        return starts[episode.whole_windows(starts, self._chunk_length)]

    def _make_room(self, needed: int) -> None:
        """Remove episodes if there are too many own windows with so many more."""
        if len(self._states) + needed <= self._capacity:
            return
        self._remove(to_remove(self._episodes, needed, self._capacity))

    def forget(self, numbers: Set[int]) -> None:
        """Remove the windows of the episodes with these numbers among the files of the run."""
        self._remove(numbered(self._episodes, numbers))

    def _remove(self, leaving: Set[int]) -> None:
        """Remove the windows of the episodes with these indices."""
        if not leaving:
            return
        self._episodes, ranges = without(self._episodes, leaving)
        self._states.keep(ranges)
        self._chunks.keep(ranges)
        if self._frames is not None:
            self._frames.keep(ranges)
        for rows in (*self._kinds.values(), self._own):
            rows.replace(renumbered(rows.view, ranges))

    def _add_windows(self, episode: Episode, starts: NDArray[np.int64], by_person: bool,
                     shown: bool) -> NDArray[np.int64]:
        """Store the windows that begin at these steps, in order; return their rows."""
        if self._frames is not None:
            check_images(episode.images, self._frames.shape)
            # A success shares its images, most of which are kept; the few of a failure are copied
            # so that its other images can be released. Those in files take no memory, and what
            # is remembered instead of them is small.
            shared = episode.success or episode.number is not None
            self._frames.extend((episode.images[start] for start in starts.tolist()) if shared
                                else episode.images[starts])
        first = len(self._states)
        if len(starts):
            self._episodes.append(Windows(
                first, len(starts), episode.success, by_person, shown, episode.number))
        rows = first + np.arange(len(starts))
        steps = np.minimum(starts[:, None] + np.arange(self._chunk_length), episode.steps - 1)
        self._states.extend(episode.observations[starts])
        self._chunks.extend(episode.actions[steps])
        return rows

    def pairs(self, rows: NDArray[np.int64]) -> tuple[
            FloatArray, Images | None, FloatArray]:
        """Return the rows: states (B, O), images (B, ...) or None, chunks (B, T, A)."""
        images = None if self._frames is None else self._frames.gather(rows)
        return self._states.view[rows], images, self._chunks.view[rows]

    def state_dict(self) -> dict[str, NDArray]:
        """Return the arrays that rebuild the memory."""
        arrays = {'states': self._states.view, 'chunks': self._chunks.view,
                  **{f'{kind}_rows': rows.view for kind, rows in self._kinds.items()},
                  'windows': np.array([(each.size, each.success, each.by_person, each.shown)
                                       for each in self._episodes], np.int64).reshape(-1, 4)}
        if self._frames is not None:
            arrays['images'] = self._frames.joined()
        return arrays

    def load_state_dict(self, state: Mapping[str, NDArray]) -> None:
        """Fill this empty memory with what `state_dict` returned."""
        if len(self._states):
            raise ValueError('only an empty memory can be filled from a saved one')
        self._states.extend(state['states'])
        self._chunks.extend(state['chunks'])
        if self._frames is not None:
            check_images(state['images'], self._frames.shape)
            self._frames.extend(state['images'])
        for kind, rows in self._kinds.items():
            rows.extend(state.get(f'{kind}_rows', np.empty(0, np.int64)))
        self._own.extend(np.union1d(self.success_rows, self.intervention_rows))
        # Memories that were saved before removed nothing, and do not say what to remove.
        saved = state.get('windows', np.array([(len(self._states), True, False, True)]))
        first = 0
        for size, success, by_person, shown in saved.tolist():
            self._episodes.append(Windows(
                first, size, bool(success), bool(by_person), bool(shown), None))
            first += size


class ImitationSource:
    """Draws the rows of an imitation batch."""

    def __init__(self, kind: str, demonstration_share: float,
                 intervention_share: float = 0.0) -> None:
        """Choose a source.

        Args:
            kind: The source: one of SOURCES, or the name of a plug-in.
            demonstration_share: Share of demonstrations in a batch of `both` and `mixture`; the
                rest is own successes, in `both` with interventions.
            intervention_share: Share of interventions in a batch of `mixture`.

        Raises:
            ValueError: An unknown kind, a plug-in that can't be used, a share outside [0, 1], or
                a sum of shares above 1.
        """
        self._own_rows = None if kind in SOURCES else plugin(
            IMITATION_SOURCES, kind, 'imitation_source', SOURCES)
        if not 0.0 <= demonstration_share <= 1.0:
            raise ValueError(f'demonstration share {demonstration_share} is not in [0, 1]')
        if not 0.0 <= intervention_share <= 1.0 - demonstration_share * (kind == 'mixture'):
            raise ValueError(f'intervention share {intervention_share} is not in [0, 1], or is '
                             f'above 1 with the demonstration share {demonstration_share}')
        self._shares = {
            'demonstrations': (1.0, 0.0), 'own_successes': (0.0, 0.0),
            'interventions': (0.0, 1.0), 'both': (demonstration_share, 0.0),
            'mixture': (demonstration_share, intervention_share),
            'replay': (0.0, 0.0)}.get(kind, (0.0, 0.0))
        self._kind = kind

    def rows(self, memory: ImitationMemory, number: int,
             random: np.random.Generator) -> NDArray[np.int64]:
        """Return `number` rows of the memory.

        Raises:
            ValueError: A plug-in returns something else.
        """
        if self._own_rows is not None:
            return self._checked(self._own_rows(memory, number, random), memory, number)
        demonstrations = round(self._shares[0] * number)
        interventions = round(self._shares[1] * number)
        own_rows = (memory.own_rows if self._kind == 'both' else
                    memory.replay_rows if self._kind == 'replay' else memory.success_rows)
        own = number - demonstrations - interventions
        if len(own_rows) == 0:
            demonstrations, own = demonstrations + own, 0
        if len(memory.intervention_rows) == 0:
            demonstrations, interventions = demonstrations + interventions, 0
        wanted = ((memory.demonstration_rows, demonstrations), (own_rows, own),
                  (memory.intervention_rows, interventions))
        return np.concatenate([draw(rows, count, random) for rows, count in wanted if count])

    def _checked(self, rows: Any, memory: ImitationMemory, number: int) -> NDArray[np.int64]:
        """Return the rows of a plug-in if they are so many rows of the memory."""
        rows = np.asarray(rows)
        if rows.shape != (number,) or rows.dtype.kind not in 'iu' or (
                number and not 0 <= rows.min() <= rows.max() < len(memory)):
            raise ValueError(f'the imitation source {self._kind!r} returned '
                             f'{reprlib.repr(rows)} of shape {rows.shape}; needed are {number} '
                             f'whole numbers from 0 to {len(memory) - 1}')
        return rows


def _last_intervention(intervened: NDArray[np.bool_]) -> int:
    """Return the step at which the last intervention begins; 0 if there is none."""
    begins = intervened & ~np.append(False, intervened[:-1])
    return int(np.flatnonzero(begins)[-1]) if begins.any() else 0


def _whole_windows(intervened: NDArray[np.bool_], starts: NDArray[np.int64],
                   length: int) -> NDArray[np.bool_]:
    """Return for each start whether a person commanded all known steps of its window."""
    steps = np.minimum(starts[:, None] + np.arange(length), len(intervened) - 1)
    return intervened[steps].all(axis=1)
