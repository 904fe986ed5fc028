# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One row of the matrix: the effects of a fault, and the promises that it broke."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """The effects of one fault; if it could not be done, only a note why.

    Attributes:
        fault: Name of the fault.
        node: Node that it was done to.
        longest_command_gap_ms: [ms] Longest time between two commands of an episode, from the
            fault until the graph had recovered.
        unsafe_commands: Commands beyond the limits, jumps beyond velocity x time, or commands by
            weights that were not sent whole and unaltered.
        transitions_lost: Journaled transitions that the learner's checkpoint lacks afterwards.
        transitions_duplicated: Transitions that it has more often than the journal.
        recovery_s: [s] Time from the end of the fault until everything worked again.
        needs_human: Whether a person had to act before that.
        baseline_gap_ms: [ms] Longest gap so far in the same graph without a fault.
        period_ms: [ms] Nominal time between two commands.
        note: Observations, for people.
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
        """Whether the fault was done and measured."""
        return self.unsafe_commands is not None

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def broken_promises(row: Row, gap_promised: bool, person_expected: bool) -> list[str]:
    """Return the promises that a row breaks; none if the fault was not done.

    Args:
        row: The measurements.
        gap_promised: Whether the fault must not show in the commands.
        person_expected: Whether safety demands a person afterwards.
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
    # A gap that the machine also makes without a fault says nothing about the fault.
    if gap_promised and row.longest_command_gap_ms > max(
            2 * row.period_ms, row.baseline_gap_ms):
        found.append(f'a gap of {row.longest_command_gap_ms:.0f} ms in the commands')
    return found
