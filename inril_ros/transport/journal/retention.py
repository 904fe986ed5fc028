# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which segments of a journal may be removed: not needed again, and beyond a limit.

A segment isn't needed when every checkpoint that the learner keeps has its records: whichever of
them the learner restarts from, it requests no removed record. Only the oldest segments are
removed, which leaves no gap, and never the one with the last record, from which numbers continue.
A run's journal is also its data: without a limit nothing is removed.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Retention:
    """Limits of the records that are kept although they aren't needed; 0: no limit.

    Attributes:
        gigabytes: [GB] Size of all segments together.
        hours: [h] Time since a segment was last written to.
    """

    gigabytes: float = 0.0
    hours: float = 0.0

    def __post_init__(self) -> None:
        """Check the limits."""
        if not (self.gigabytes >= 0.0 and self.hours >= 0.0):
            raise ValueError(f'{self}: limits are not negative')

    @property
    def keeps_all(self) -> bool:
        """Whether there is no limit."""
        return not self.gigabytes and not self.hours


@dataclass(frozen=True)
class SegmentFacts:
    """What is known of a segment without reading it.

    Attributes:
        first: Number of its first record, or of the next one if it is empty.
        size: [byte] Size on disk.
        written_at: [s] Time of the last write, by any clock.
    """

    first: int
    size: int
    written_at: float


def removable(segments: Sequence[SegmentFacts], covered: int, last: int, retention: Retention,
              now: float) -> int:
    """Return how many of the oldest segments may be removed.

    Args:
        segments: The segments in the order in which they were written.
        covered: Number up to which every kept checkpoint has the records.
        last: Number of the last record of all.
        retention: The limits.
        now: [s] Time by the clock of ``written_at``.
    """
    total = sum(segment.size for segment in segments)
    number = 0
    for segment, following in zip(segments, segments[1:]):
        # All its records come before the first of the next segment.
        if following.first > min(covered + 1, last):
            break
        too_much = 0.0 < retention.gigabytes < total / 1e9
        too_old = 0.0 < retention.hours < (now - segment.written_at) / 3600.0
        if not (too_much or too_old):
            break
        total -= segment.size
        number += 1
    return number
