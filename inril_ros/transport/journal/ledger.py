# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The receiving side's account: each transition is taken in once, whatever comes how often.

One number says what is in. It is saved in the very checkpoint that holds what was learned from
these transitions, so the two can't disagree; after a restart from an older checkpoint it is lower,
the acknowledgement says so, and the sender begins again from there.

Each robot's journal counts by itself, so each robot has an account of its own.
"""

from collections.abc import Mapping
from enum import Enum


class Verdict(Enum):
    """What to do with a transition."""

    NEW = 'take it in'
    DUPLICATE = 'it is in already'
    EARLY = 'one before it is missing'


class IngestLedger:
    """Everything up to ``sequence`` is in.

    Args:
        sequence: From a checkpoint; 0: nothing is in.
    """

    def __init__(self, sequence: int = 0) -> None:
        self.sequence = sequence
        self.duplicates = 0
        #: Times that numbers were passed over, because the sender's journal had lost them.
        self.gaps = 0

    def judge(self, sequence: int, previous: int) -> Verdict:
        """Say what to do with a transition.

        Args:
            sequence: Its number.
            previous: The number before it in the sender's journal: what lies between is lost.
        """
        if sequence <= self.sequence:
            self.duplicates += 1
            return Verdict.DUPLICATE
        if previous > self.sequence or previous >= sequence:
            return Verdict.EARLY
        return Verdict.NEW

    def take(self, sequence: int) -> None:
        """Note that a transition, judged to be new, is in."""
        self.gaps += sequence > self.sequence + 1
        self.sequence = sequence


class IngestLedgers:
    """One account per robot, by its name.

    Args:
        sequences: From a checkpoint: what is in of each robot.
    """

    def __init__(self, sequences: Mapping[str, int] | None = None) -> None:
        self._ledgers = {name: IngestLedger(number)
                         for name, number in (sequences or {}).items()}

    def of(self, robot: str) -> IngestLedger:
        """Return a robot's account; of one that is new here nothing is in."""
        return self._ledgers.setdefault(robot, IngestLedger())

    @property
    def sequences(self) -> dict[str, int]:
        """What is in, by robot: also of those that are away now, and may come back."""
        return {name: ledger.sequence for name, ledger in self._ledgers.items()}
