# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The age of the acting weights in seconds and in learner steps, and whether they are too old.

Weights don't age while nothing new is learned: their age counts from the last moment at which they
were the newest version that the learner had reported. The caller provides the time.
"""

from dataclasses import dataclass
from enum import IntEnum


class Freshness(IntEnum):
    """Whether weights may act; the numbers are those of PolicyStatus.msg."""

    FRESH = 0
    STALE = 1
    TOO_OLD = 2


@dataclass(frozen=True)
class StalenessLimits:
    """Limits; 0 means none.

    Attributes:
        warn_seconds: [s] Age beyond which a warning is given.
        hold_seconds: [s] Age beyond which the weights don't act: the arm holds.
        warn_steps: Lead of the learner in RL updates beyond which a warning is given.
        hold_steps: Lead of the learner in RL updates beyond which the arm holds.
    """

    warn_seconds: float = 60.0
    hold_seconds: float = 0.0
    warn_steps: int = 0
    hold_steps: int = 0


class Staleness:
    """The age of the acting weights. Weights from disk have none until a learner reports."""

    def __init__(self, limits: StalenessLimits) -> None:
        self._limits = limits
        self._current_at: float | None = None
        self._acting = (0, 0)  # version, learner step
        self._learner = (0, 0)

    def note_acting(self, version: int, learner_step: int, now: float) -> None:
        """Note that a version acts which is the newest one now [s]."""
        self._acting = (version, learner_step)
        self._current_at = now

    def note_learner(self, version: int, learner_step: int, now: float) -> None:
        """Note the newest version and the RL updates that the learner reports."""
        self._learner = (version, learner_step)
        if self._current_at is None or version <= self._acting[0]:
            self._current_at = now

    def age(self, now: float) -> float:
        """Return the age [s]."""
        return 0.0 if self._current_at is None else max(0.0, now - self._current_at)

    @property
    def lag(self) -> int:
        """RL updates that the learner is ahead of the acting weights."""
        return max(0, self._learner[1] - self._acting[1]) if self._learner[0] else 0

    def judge(self, now: float) -> Freshness:
        """Return whether the weights may act."""
        limits, age = self._limits, self.age(now)
        if 0 < limits.hold_seconds < age or 0 < limits.hold_steps < self.lag:
            return Freshness.TOO_OLD
        if 0 < limits.warn_seconds < age or 0 < limits.warn_steps < self.lag:
            return Freshness.STALE
        return Freshness.FRESH
