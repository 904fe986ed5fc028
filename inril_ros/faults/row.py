# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One line of the matrix: what a fault did, and which promise it broke."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """What came of one fault. A fault that could not be done has no figures, and a note why.

    Attributes:
        fault: Its name.
        node: What it was done to.
        longest_command_gap_ms: [ms] Between two commands of an episode, while it was done and
            until the graph had recovered; None where it was not done.
        unsafe_commands: Beyond the limits, a jump beyond velocity x time, or of weights that were
            not sent whole and unaltered.
        transitions_lost: Journaled, and not in the learner's checkpoint afterwards.
        transitions_duplicated: In it more often than in the journal.
        recovery_s: [s] From the end of the fault until everything worked again.
        needs_human: A person had to do something before it did.
        baseline_gap_ms: [ms] Longest gap in the same graph without any fault, up to then.
        period_ms: [ms] Between two commands, nominal.
        note: What was seen or done; for people.
    """

    fault: str
    node: str
    longest_command_gap_ms: float | None = None
    unsafe_commands: int | None = None
    transitions_lost: int | None = None
    transitions_duplicated: int | None = None
    recovery_s: float | None = None
    needs_human: bool | None = None
    baseline_gap_ms: float | None = None
    period_ms: float | None = None
    note: str = ''

    @property
    def done(self) -> bool:
        """Whether there are figures."""
        return self.unsafe_commands is not None

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def broken_promises(row: Row, gap_promised: bool, person_expected: bool) -> list[str]:
    """Say which promises a row breaks; empty for one that was not done.

    Args:
        row: What was measured.
        gap_promised: The fault must not be seen in the commands.
        person_expected: Safety demands a person after it.
    """
    if not row.done:
        return []
    found = []
    if row.unsafe_commands:
        found.append(f'{row.unsafe_commands} unsafe commands')
    if row.transitions_lost:
        found.append(f'{row.transitions_lost} transitions lost')
    if row.transitions_duplicated:
        found.append(f'{row.transitions_duplicated} transitions twice')
    if row.recovery_s is None:
        found.append('did not recover')
    if row.needs_human and not person_expected:
        found.append('needed a person')
    # A gap that the machine makes without any fault too says nothing about the fault.
    if gap_promised and row.longest_command_gap_ms > max(
            2 * row.period_ms, row.baseline_gap_ms):
        found.append(f'a gap of {row.longest_command_gap_ms:.0f} ms in the commands')
    return found
