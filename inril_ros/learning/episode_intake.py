# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Puts the transitions that arrive together to whole episodes, each step once, and counts them."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
import reprlib
from typing import Any

from torch import Tensor

from inril_ros.learning.experience import check_sizes, Episode, Transition
from inril_ros.learning.joining import check_joints, join_transitions
from inril_ros.learning.saved_state import pack_open, unpack_open

MOST = 2 ** 63
"""Numbers in a checkpoint are less."""

_COUNTERS = ('env_steps', 'transitions', 'duplicates', 'gaps', 'episodes', 'successes', 'rescued',
             'person_steps', 'forgotten_steps')
_CLOSED = 10_000
"""Ended episodes whose names are known; what carries transitions sends none that are older."""


class EpisodeIntake:
    """What arrived of the episodes of a session; there is neither a clock nor a random number.

    A call that raises an error changes nothing.

    Attributes:
        env_steps: Steps that began at a valid observation.
        transitions, duplicates: Those that were taken, and those that came again.
        gaps: Places where transitions are missing.
        episodes, successes: Episodes that ended, and successes of the policy alone.
        rescued: Successes in which a person commanded a step, which are no `successes`.
        person_steps: Steps that a person commanded.
        forgotten_steps: Steps of abandoned episodes, which are no `env_steps`.
        resets: Episodes that ended or were abandoned, each of which cost a reset.
    """

    def __init__(self, sizes: tuple[int, int], image_shape: tuple[int, ...] | None,
                 check: Callable[[str, Episode], None]) -> None:
        """Begin without any experience.

        Args:
            sizes: The model's sizes of an observation and an action (O, A).
            image_shape: The model's shape of the images of an observation; None: no images.
            check: Raises a ValueError, with the given name, for an episode that can't be learned
                from.
        """
        self._sizes = sizes, image_shape
        self._check = check
        self.env_steps = 0
        self.transitions = 0
        self.duplicates = 0
        self.gaps = 0
        self.episodes = 0
        self.successes = 0
        self.rescued = 0
        self.person_steps = 0
        self.forgotten_steps = 0
        self.resets = 0
        self._helped: set[str] = set()  # episodes in which a person commanded a step
        self._open: dict[str, list[Transition]] = {}
        self._closed: dict[str, None] = {}  # the last ones, oldest first

    def add(self, transition: Transition) -> list[Episode] | None:
        """Take one transition; return the episodes to learn from now, or None for a duplicate.

        Transitions of one episode come in order; episodes may interleave. If some are missing in
        between, both sides are kept, the first one as a truncated episode: no return and no window
        of actions runs across the gap.

        Raises:
            ValueError: Sizes that differ from the model, ticks or observations that do not fit
                the earlier transitions of the episode, or an episode that can't be learned from.
        """
        episode_id = transition.episode_id
        name = f'episode {episode_id!r}'
        check_sizes(f'transition of {name}', transition, *self._sizes)
        pieces = self._open.get(episode_id, [])
        expected = _following_tick(pieces)
        if episode_id in self._closed or transition.first_tick < expected:
            self.duplicates += 1
            return None
        whole = []
        gap = bool(pieces) and transition.first_tick > expected
        if gap:
            whole.append(self._joined(name, pieces))
            pieces = []
        pieces = [*pieces, transition]
        if pieces[:-1]:
            check_joints(pieces[-2:])
        if transition.ends_episode:
            whole.append(self._joined(name, pieces))
        self.gaps += gap
        self.transitions += 1
        self.env_steps += transition.observed_steps
        self.person_steps += int(transition.intervened.sum())
        self._open[episode_id] = pieces
        if transition.intervened.any():
            self._helped.add(episode_id)
        if transition.ends_episode:
            helped = episode_id in self._helped
            self._close(episode_id)
            self.episodes += 1
            self.successes += transition.success and not helped
            self.rescued += transition.success and helped
        return whole

    def abandon(self, episode_id: str) -> None:
        """Drop an aborted episode: its steps don't count."""
        steps = sum(transition.observed_steps for transition in self._open.get(episode_id, ()))
        self.env_steps -= steps
        self.forgotten_steps += steps
        self._close(episode_id)

    def cut_off(self, episode_id: str) -> Episode | None:
        """End an episode whose last steps never came, as at a time-out; return it, if it is open.

        Raises:
            ValueError: It can't be learned from.
        """
        pieces = self._open.get(episode_id)
        if pieces is None:
            return None
        whole = self._joined(f'episode {episode_id!r}', pieces)
        self.gaps += 1
        self._close(episode_id)
        self.episodes += 1
        return whole

    def continues(self, episode_id: str, first_tick: int) -> bool:
        """Return whether a transition that begins at a tick is the next one of its episode.

        If so, no transition with its steps was ever taken. An unknown episode may have been
        forgotten, and counts as taken, once there were more than are remembered.
        """
        pieces = self._open.get(episode_id, [])
        if not pieces and (episode_id in self._closed or self.resets > len(self._closed)):
            return False
        return first_tick == _following_tick(pieces)

    def is_open(self, episode_id: str) -> bool:
        """Return whether an episode has transitions and no end."""
        return episode_id in self._open

    @property
    def open_episodes(self) -> int:
        """Return the number of episodes that have not ended."""
        return len(self._open)

    def _joined(self, name: str, pieces: Sequence[Transition]) -> Episode:
        episode = join_transitions(pieces)
        self._check(name, episode)
        return episode

    def _close(self, episode_id: str) -> None:
        """End an episode: transitions that come again are told by its name for long enough."""
        self._open.pop(episode_id, None)
        self._helped.discard(episode_id)
        if episode_id in self._closed:
            return
        self.resets += 1
        self._closed[episode_id] = None
        if len(self._closed) > _CLOSED:
            del self._closed[next(iter(self._closed))]

    def state_dict(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the state as tensors, and as JSON for the rest."""
        tensors, transitions = pack_open(self._open)
        return tensors, {
            'counters': {name: getattr(self, name) for name in _COUNTERS},
            'open': transitions,
            'helped': sorted(self._helped),
            'closed': [*self._closed],
            'resets': self.resets,
        }

    def load_state_dict(self, tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> None:
        """Continue from a state; former versions counted less.

        Raises:
            ValueError: A counter is no count, or a tensor is missing.
        """
        added = ('rescued', 'person_steps', 'forgotten_steps')
        for name in _COUNTERS:
            count = document['counters'].get(name, 0 if name in added else None)
            if type(count) is not int or not 0 <= count < MOST:
                raise ValueError(f'the saved counter {name} is {reprlib.repr(count)}, '
                                 'expected an integer from 0 to 2^63 - 1')
            setattr(self, name, count)
        self._helped = set(document.get('helped', ()))
        self._open = unpack_open(document['open'], tensors)
        self._closed = dict.fromkeys(document['closed'])
        self.resets = document.get('resets', len(self._closed))


def _following_tick(transitions: Sequence[Transition]) -> int:
    """Return the tick that follows the transitions of an episode."""
    return transitions[-1].first_tick + transitions[-1].steps if transitions else 0
