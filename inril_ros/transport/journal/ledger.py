# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The learner's ledger: each transition is ingested once, however often it arrives.

One number says up to where everything is ingested. It is saved in the same checkpoint as what was
learned from these transitions, so the two can't disagree. After a restart from an older checkpoint
it is lower, the acknowledgement reports that, and the sender begins again from there.

A number alone is not believed. One that is far beyond the last is refused. And if a transition
whose number counts as ingested continues an episode, or begins a new one, then the numbers went
back: an earlier transition had a wrong number, or the sender's journal is another one. It is
ingested, and the ledger goes back with it.

Each robot's journal has numbers of its own, so each robot has a ledger of its own.
"""

from collections.abc import Mapping
from enum import Enum

#: A number that is further beyond the last one is wrong. No run has that many transitions, and a
#: journal skips fewer numbers where it is damaged.
FARTHEST = 2 ** 32


class Verdict(Enum):
    """What to do with a transition."""

    NEW = 'ingest it'
    DUPLICATE = 'it is ingested already'
    EARLY = 'one before it is missing'
    WRONG = 'its number is too far beyond the last one'


class IngestLedger:
    """One robot's ledger: everything up to ``sequence`` is ingested.

    Args:
        sequence: Number from a checkpoint; 0: nothing is ingested.

    Attributes:
        duplicates: Number of transitions that came again.
        gaps: Number of gaps, where the sender's journal had lost transitions.
        restarts: How often the numbers went back.
    """

    def __init__(self, sequence: int = 0) -> None:
        self.sequence = sequence
        self.duplicates = 0
        self.gaps = 0
        self.restarts = 0

    def judge(self, sequence: int, previous: int, continues: bool = False) -> Verdict:
        """Return what to do with a transition.

        Args:
            sequence: Its number.
            previous: The number before it in the sender's journal; those between are lost.
            continues: Whether it is the next one of its episode, by its content.
        """
        if sequence > self.sequence + FARTHEST:
            return Verdict.WRONG
        if sequence <= self.sequence and continues:
            return Verdict.NEW
        if sequence <= self.sequence:
            self.duplicates += 1
            return Verdict.DUPLICATE
        if previous > self.sequence or previous >= sequence:
            return Verdict.EARLY
        return Verdict.NEW

    def take(self, sequence: int) -> None:
        """Note that a new transition is ingested."""
        self.gaps += sequence > self.sequence + 1
        self.restarts += sequence <= self.sequence
        self.sequence = sequence


class IngestLedgers:
    """One ledger per robot, by its name.

    Args:
        sequences: Numbers from a checkpoint by robot.
    """

    def __init__(self, sequences: Mapping[str, int] | None = None) -> None:
        self._ledgers = {name: IngestLedger(number)
                         for name, number in (sequences or {}).items()}

    def of(self, robot: str) -> IngestLedger:
        """Return a robot's ledger, which is empty for a new robot."""
        return self._ledgers.setdefault(robot, IngestLedger())

    @property
    def sequences(self) -> dict[str, int]:
        """The numbers by robot, including robots that are away and may come back."""
        return {name: ledger.sequence for name, ledger in self._ledgers.items()}
