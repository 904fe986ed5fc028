# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How old the acting weights are, in seconds and in learner steps, and whether that is too old.

Weights are not old because nothing new was learned: their age counts from the last moment at which
they were the newest that the learner had said it had. The clock is the caller's.
"""

from dataclasses import dataclass
from enum import IntEnum


class Freshness(IntEnum):
    """What the age allows; the numbers are those of PolicyStatus.msg."""

    FRESH = 0
    STALE = 1
    TOO_OLD = 2


@dataclass(frozen=True)
class StalenessLimits:
    """Limits; 0 means none.

    Attributes:
        warn_seconds: [s] Older weights are worth a warning.
        hold_seconds: [s] Older weights do not act: the arm holds.
        warn_steps: RL updates that the learner is ahead, for a warning.
        hold_steps: The same, for a hold.
    """

    warn_seconds: float = 60.0
    hold_seconds: float = 0.0
    warn_steps: int = 0
    hold_steps: int = 0


class Staleness:
    """The age of what acts. Weights from disk have none until a learner speaks."""

    def __init__(self, limits: StalenessLimits) -> None:
        self._limits = limits
        self._current_at: float | None = None
        self._acting = (0, 0)  # version, learner step
        self._learner = (0, 0)

    def note_acting(self, version: int, learner_step: int, now: float) -> None:
        """Note that a version acts that was the newest just now."""
        self._acting = (version, learner_step)
        self._current_at = now

    def note_learner(self, version: int, learner_step: int, now: float) -> None:
        """Take what the learner says: its newest version, and its RL updates."""
        self._learner = (version, learner_step)
        if self._current_at is None or version <= self._acting[0]:
            self._current_at = now

    def age(self, now: float) -> float:
        """Return the age [s]."""
        return 0.0 if self._current_at is None else max(0.0, now - self._current_at)

    @property
    def lag(self) -> int:
        """RL updates that the learner has and the acting weights have not."""
        return max(0, self._learner[1] - self._acting[1]) if self._learner[0] else 0

    def judge(self, now: float) -> Freshness:
        """Say whether the weights may act."""
        limits, age = self._limits, self.age(now)
        if 0 < limits.hold_seconds < age or 0 < limits.hold_steps < self.lag:
            return Freshness.TOO_OLD
        if 0 < limits.warn_seconds < age or 0 < limits.warn_steps < self.lag:
            return Freshness.STALE
        return Freshness.FRESH
