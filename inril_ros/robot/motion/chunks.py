# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which step of which action chunk is due in a tick, and how overlapping chunks are blended.

A step belongs to its tick and to no other: steps whose tick has passed are dropped and counted,
never replayed in a burst. A chunk that comes late thus begins with the step that is due now.
"""

from dataclasses import dataclass, replace
import math

import numpy as np

from inril_ros.robot.contract.rules import ChunkRules


@dataclass(frozen=True)
class ChunkStep:
    """One step of a chunk.

    Attributes:
        action: (A,) in contract units.
        chunk_first_tick: First tick of its chunk.
        weights_version: Version of the weights that made it.
        since: First tick that its chunk took part in.
    """

    action: np.ndarray
    chunk_first_tick: int
    weights_version: int
    since: int = 0


class ChunkSchedule:
    """The steps that are due in one episode.

    Args:
        rules: What is executed where chunks overlap; by default the newest chunk.
        period: [s] One tick; a cross-fade has a duration in seconds.
    """

    def __init__(self, rules: ChunkRules | None = None, period: float = 1.0) -> None:
        self._rules = rules or ChunkRules()
        self._fade_ticks = max(1, round(self._rules.fade / period))
        # Steps by tick; the step of the chunk that began first comes first.
        self._steps: dict[int, list[ChunkStep]] = {}
        self._next = 0
        self._earliest = 0
        self.dropped = 0

    def begin(self) -> None:
        """Drop all steps: a new episode starts at tick 0."""
        self._steps.clear()
        self._next = self._earliest = 0

    def forget(self, tick: int) -> None:
        """Drop all steps, and every chunk still to come that begins before ``tick``.

        What was inferred before a person took over, or while a person drove, is out of date.
        """
        self.dropped += len(self._steps)
        self._steps.clear()
        self._earliest = tick

    def accept(self, first_tick: int, actions: np.ndarray, weights_version: int) -> None:
        """Add a chunk of actions (T, A), whose first step is for ``first_tick``."""
        if first_tick < self._earliest:
            self.dropped += len(actions)
            return
        since = max(first_tick, self._next)
        for offset, action in enumerate(actions):
            tick = first_tick + offset
            if tick < self._next:
                self.dropped += 1
                continue
            self._insert(tick, ChunkStep(action, first_tick, weights_version, since))

    def take(self, tick: int) -> ChunkStep | None:
        """Return the step of a tick, None if there is none; drop earlier steps."""
        steps = self._steps.pop(tick, None)
        for old in [key for key in self._steps if key < tick]:
            del self._steps[old]
            self.dropped += 1
        self._next = tick + 1
        return self._blend(steps, tick) if steps else None

    def has(self, tick: int) -> bool:
        """Return whether there is a step for a tick."""
        return tick in self._steps

    def upcoming(self, tick: int, count: int) -> list[np.ndarray]:
        """Return the actions (A,) from a tick on, up to ``count`` and without a gap."""
        actions = []
        while len(actions) < count and tick in self._steps:
            actions.append(self._blend(self._steps[tick], tick).action)
            tick += 1
        return actions

    def _insert(self, tick: int, step: ChunkStep) -> None:
        steps = self._steps.setdefault(tick, [])
        if self._rules.blend == 'latest':
            if not steps or steps[0].chunk_first_tick <= step.chunk_first_tick:
                steps[:] = [step]
            return
        steps[:] = [held for held in steps if held.chunk_first_tick != step.chunk_first_tick]
        place = sum(held.chunk_first_tick < step.chunk_first_tick for held in steps)
        steps.insert(place, step)

    def _blend(self, steps: list[ChunkStep], tick: int) -> ChunkStep:
        newest = steps[-1]
        if len(steps) == 1:
            return newest
        if self._rules.blend == 'cross_fade':
            share = (tick - newest.since + 1) / (self._fade_ticks + 1)
            if share >= 1.0:
                return newest
            before = self._blend(steps[:-1], tick)
            return replace(newest, action=(
                (1.0 - share) * before.action + share * newest.action).astype(np.float32))
        weights = np.array([math.exp(-self._rules.ensemble_decay * i) for i in range(len(steps))])
        mean = np.average([step.action for step in steps], axis=0, weights=weights)
        return replace(newest, action=mean.astype(np.float32))
