# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the journal says of each training episode besides its images: who drove, and its beginning.

The journal is read once, for this and for images: it may be large.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from inril_ros.data.frames.transition_images import unpack_images
from inril_ros.nodes.learner.transition_messages import journaled, packed_images

HELD, POLICY, PERSON = 0, 1, 2
"""Sources of a command, as in ExecutedAction.msg."""


@dataclass
class TracedEpisode:
    """One episode.

    Attributes:
        spans: Who commanded which ticks: (source, first tick, number), in order.
        start: (O,) float32 first policy observation, contract units; None if it isn't there.
        images: The first encoded image of each policy camera; empty without.
    """

    spans: list[tuple[int, int, int]] = field(default_factory=list)
    start: np.ndarray | None = None
    images: tuple[bytes, ...] = ()

    @property
    def takeovers(self) -> int:
        """How often a person took over."""
        return sum(source == PERSON and not (
            index and self.spans[index - 1][0] == PERSON
            and sum(self.spans[index - 1][1:]) == first)
            for index, (source, first, _) in enumerate(self.spans))


class JournalTrace:
    """Collects what transitions say, in the order of the journal.

    Attributes:
        episodes: What is known of each episode, by its id.
        range: Lowest and highest value (O,) of each number of an observation; None before any.
        read: Whether a transition was added.
        damage: Why the journal could not be read to its end; empty if it could.
    """

    def __init__(self) -> None:
        self.episodes: dict[str, TracedEpisode] = {}
        self.range: tuple[np.ndarray, np.ndarray] | None = None
        self.read = False
        self.damage = ''

    def add(self, message: Any) -> None:
        """Add a Transition message."""
        self.read = True
        if not message.steps:
            return
        episode = self.episodes.setdefault(message.episode_id, TracedEpisode())
        if message.first_tick == 0 and episode.start is None:
            start = np.array(message.observations[:message.observation_size], np.float32)
            episode.start = start if np.isfinite(start).all() else None
            cameras = len(message.image_rows) // (message.steps + 1)
            with suppress(ValueError):  # who needs the images says what is wrong with them
                episode.images = tuple(next(iter(unpack_images(
                    packed_images(message), message.steps + 1, cameras)), ()))
        self._widen(message)
        for tick, source in enumerate(message.source, message.first_tick):
            last = episode.spans[-1] if episode.spans else None
            if last and last[0] == source and last[1] + last[2] == tick:
                episode.spans[-1] = (last[0], last[1], last[2] + 1)
            else:
                episode.spans.append((int(source), tick, 1))

    def _widen(self, message: Any) -> None:
        """Let the range include the observations of a message."""
        rows = np.array(message.observations, np.float32).reshape(message.steps + 1, -1)
        low, high = np.fmin.reduce(rows), np.fmax.reduce(rows)  # a row of NaN was not observed
        if self.range is not None and self.range[0].shape == low.shape:
            low, high = np.fmin(low, self.range[0]), np.fmax(high, self.range[1])
        self.range = low, high

    def of(self, row: Mapping[str, Any]) -> TracedEpisode | None:
        """Return what is known of the episode of a row of ``episodes.jsonl``, if anything is."""
        return self.episodes.get(row.get('episode_id', ''))

    def read_all(self, folder: Path, progress: Callable[[int], None]) -> None:
        """Read a journal, unless it was read before; a damaged one up to its damage."""
        if self.read:
            return
        try:
            for message in journaled(folder):
                self.add(message)
                progress(len(self.episodes))
        except ValueError as error:
            self.damage = str(error)
