# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which step of which action chunk belongs to a tick.

A step belongs to its tick and to no other: steps whose tick has passed are dropped and counted,
never replayed in a burst. Where chunks overlap the newest one wins.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ChunkStep:
    """One step of a chunk.

    Attributes:
        action: (A,) in contract units.
        chunk_first_tick: First tick of its chunk.
        weights_version: Of the weights that made it.
    """

    action: np.ndarray
    chunk_first_tick: int
    weights_version: int


class ChunkSchedule:
    """The steps that are due in one episode."""

    def __init__(self) -> None:
        self._steps: dict[int, ChunkStep] = {}
        self._next = 0
        self.dropped = 0

    def begin(self) -> None:
        """Forget all steps: a new episode starts at tick 0."""
        self._steps.clear()
        self._next = 0

    def accept(self, first_tick: int, actions: np.ndarray, weights_version: int) -> None:
        """Take a chunk of actions (T, A); ``first_tick`` is that of its first step."""
        for offset, action in enumerate(actions):
            tick = first_tick + offset
            if tick < self._next:
                self.dropped += 1
                continue
            held = self._steps.get(tick)
            if held is None or held.chunk_first_tick <= first_tick:
                self._steps[tick] = ChunkStep(action, first_tick, weights_version)

    def take(self, tick: int) -> ChunkStep | None:
        """Return the step of a tick, None if there is none; earlier steps are over."""
        step = self._steps.pop(tick, None)
        for old in [key for key in self._steps if key < tick]:
            del self._steps[old]
            self.dropped += 1
        self._next = tick + 1
        return step

    def has(self, tick: int) -> bool:
        """Say whether there is a step for a tick."""
        return tick in self._steps
