# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the safety gate did in each episode of learning: one row per episode in ``gate.jsonl``.

Transitions don't say why an executed action differs from the request; this file does, by kind of
reason. It lies beside the journal, and nothing but people needs it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from inril_ros.robot.motion.reason_kinds import reason_kind

NAME = 'gate.jsonl'
_HELD, _PERSON = 0, 2  # of ExecutedAction.msg


class GateCount:
    """Counts the ticks of one episode.

    Attributes:
        ticks: All ticks.
        held: Those in which nobody's request was executed.
        changed: Those in which a request was executed, but not as it was.
        person: Those that a person commanded.
        reasons: The number of ticks by kind of reason.
    """

    def __init__(self) -> None:
        self.ticks = self.held = self.changed = self.person = 0
        self.reasons: Counter[str] = Counter()

    def add(self, source: int, reasons: Sequence[str]) -> None:
        """Add a tick: who commanded, as in ExecutedAction.msg, and the reasons of the gate."""
        self.ticks += 1
        self.held += source == _HELD
        self.changed += source != _HELD and bool(reasons)
        self.person += source == _PERSON
        self.reasons.update({reason_kind(reason) for reason in reasons})

    def __add__(self, other: 'GateCount') -> 'GateCount':
        both = GateCount()
        for name in ('ticks', 'held', 'changed', 'person'):
            setattr(both, name, getattr(self, name) + getattr(other, name))
        both.reasons = self.reasons + other.reasons
        return both

    def to_json(self) -> dict[str, Any]:
        """Return plain data, the most frequent reason first."""
        return {'ticks': self.ticks, 'held': self.held, 'changed': self.changed,
                'person': self.person, 'reasons': dict(self.reasons.most_common())}

    @classmethod
    def of_rows(cls, rows: Iterable[dict[str, Any]]) -> 'GateCount':
        """Return the sum of rows of the file."""
        total = cls()
        for row in rows:
            one = cls()
            one.ticks, one.held = row['ticks'], row['held']
            one.changed, one.person = row['changed'], row['person']
            one.reasons = Counter(row['reasons'])
            total += one
        return total
