# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which segments of a journal may go: what the learner can't ask for again, and is beyond a limit.

A segment may go when every checkpoint that the learner keeps has what is in it. Whichever of them
it comes back from, it asks for nothing that is gone. Only the oldest ones go, so that no hole
comes about, and never the one with the last record: numbers go on from it. A run's journal is also
its data: without a limit nothing goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Retention:
    """How much of a journal is kept beyond what may be asked for again; 0: no limit.

    Attributes:
        gigabytes: [GB] Of all segments together.
        hours: [h] Since a segment was last written to.
    """

    gigabytes: float = 0.0
    hours: float = 0.0

    def __post_init__(self) -> None:
        """Check the limits."""
        if not (self.gigabytes >= 0.0 and self.hours >= 0.0):
            raise ValueError(f'{self}: limits are not negative')

    @property
    def keeps_all(self) -> bool:
        """Say whether there is no limit."""
        return not self.gigabytes and not self.hours


@dataclass(frozen=True)
class SegmentFacts:
    """What is known of a segment without reading it.

    Attributes:
        first: Number of its first record, if it has any; not less than all before it.
        size: [byte] On disk.
        written_at: [s] When it was last written to, of any clock.
    """

    first: int
    size: int
    written_at: float


def removable(segments: Sequence[SegmentFacts], covered: int, last: int, retention: Retention,
              now: float) -> int:
    """Return how many of the oldest segments may go, and are beyond a limit.

    Args:
        segments: In the order in which they were written.
        covered: Every kept checkpoint has the records up to this number.
        last: Number of the last record of all.
        retention: The limits.
        now: [s] The clock of ``written_at``.
    """
    total = sum(segment.size for segment in segments)
    number = 0
    for segment, following in zip(segments, segments[1:]):
        # All its records are before the first of the next one.
        if following.first > min(covered + 1, last):
            break
        too_much = 0.0 < retention.gigabytes < total / 1e9
        too_old = 0.0 < retention.hours < (now - segment.written_at) / 3600.0
        if not (too_much or too_old):
            break
        total -= segment.size
        number += 1
    return number
