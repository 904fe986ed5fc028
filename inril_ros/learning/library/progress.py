# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What fine-tuning is doing, as values and as lines of text."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import time

from inril_ros.learning.library.evaluation import Success
from inril_ros.learning.metrics import LearnerMetrics


@dataclass(frozen=True)
class Progress:
    """How far it is."""

    doing: str
    """'cloning', 'fine-tuning' or 'evaluating'."""
    done: int
    total: int
    """Gradient steps, environment steps or episodes."""
    metrics: LearnerMetrics | None = None
    """While fine-tuning: what the session reports of itself."""
    success: Success | None = None
    """At the end of an evaluation: its result."""

    def __str__(self) -> str:
        if self.success is not None:
            return str(self.success)
        unit = {'cloning': 'gradient steps', 'evaluating': 'episodes'}.get(self.doing, 'steps')
        text = f'{self.doing}: {self.done} of {self.total} {unit}'
        if self.metrics is None:
            return text
        return (f'{text}, {self.metrics.rl_updates} RL and {self.metrics.il_updates} IL updates, '
                f'{self.metrics.successes} of {self.metrics.episodes} episodes succeeded')


class ProgressLines:
    """Prints each result, and every few seconds how far the work between them is."""

    def __init__(self, every: float = 2.0, say: Callable[[object], object] = print,
                 clock: Callable[[], float] = time.monotonic) -> None:
        """Begin; `every` is in seconds of the clock."""
        self._every, self._say, self._clock = every, say, clock
        self._said = clock()

    def __call__(self, progress: Progress) -> None:
        """Take note of progress."""
        if progress.success is None and self._clock() - self._said < self._every:
            return
        self._said = self._clock()
        self._say(progress)
