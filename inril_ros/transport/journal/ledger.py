# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The learner's ledger: each transition is ingested once, however often it arrives.

One number says up to where everything is ingested. It is saved in the same checkpoint as what was
learned from these transitions, so the two can't disagree. After a restart from an older checkpoint
it is lower, the acknowledgement reports that, and the sender begins again from there.

Each robot's journal has numbers of its own, so each robot has a ledger of its own.
"""

from collections.abc import Mapping
from enum import Enum


class Verdict(Enum):
    """What to do with a transition."""

    NEW = 'ingest it'
    DUPLICATE = 'it is ingested already'
    EARLY = 'one before it is missing'


class IngestLedger:
    """One robot's ledger: everything up to ``sequence`` is ingested.

    Args:
        sequence: Number from a checkpoint; 0: nothing is ingested.
    """

    def __init__(self, sequence: int = 0) -> None:
        self.sequence = sequence
        self.duplicates = 0
        #: Number of gaps, where the sender's journal had lost transitions.
        self.gaps = 0

    def judge(self, sequence: int, previous: int) -> Verdict:
        """Return what to do with a transition.

        Args:
            sequence: Its number.
            previous: The number before it in the sender's journal; those between are lost.
        """
        if sequence <= self.sequence:
            self.duplicates += 1
            return Verdict.DUPLICATE
        if previous > self.sequence or previous >= sequence:
            return Verdict.EARLY
        return Verdict.NEW

    def take(self, sequence: int) -> None:
        """Note that a new transition is ingested."""
        self.gaps += sequence > self.sequence + 1
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
