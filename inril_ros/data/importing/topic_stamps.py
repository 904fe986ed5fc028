# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The stamps of one topic, compared with the clock of its episode."""

import numpy as np

from inril_ros.data.importing.clock_map import SAME_CLOCK

#: [ns] A stamp that is farther off is not of the clock.
STRAY = 1_000_000_000
_FEWEST = 3  # messages by which a clock is measured
_FAST = 75  # [%] Messages that are slower than most say less about the clock
_MANY = 10  # stamps
_MIXED = 0.2  # strays per stamp of the clock that can't be chance
_SELDOM = 0.8  # share of stamps that repeat the one before
_PARTS = 4  # of an episode, in which the clock is measured
_MOST = 2000  # offsets that are kept


class SpacedOffsets:
    """How far stamps are ahead of the clock [ns], evenly spread over an episode."""

    def __init__(self) -> None:
        self._kept: list[int] = []
        self._spacing = 1
        self._number = 0

    def add(self, offset: int) -> None:
        """Add the next one."""
        if self._number % self._spacing == 0:
            self._kept.append(offset)
        self._number += 1
        if len(self._kept) > _MOST:
            self._kept, self._spacing = self._kept[::2], 2 * self._spacing

    def __len__(self) -> int:
        """Return how many were added."""
        return self._number

    def measured(self) -> list[int]:
        """Return the offset [ns] of the fastest messages in each part of the episode, if any."""
        if self._number < _FEWEST:
            return []
        return [round(float(np.percentile(part, _FAST)))
                for part in np.array_split(self._kept, min(_PARTS, len(self._kept)))]


class TopicStamps:
    """Decides which stamps of a topic are of the episode's clock.

    Args:
        latency: How far ahead [ns] the contract says that the stamps are.
        ahead: How much farther ahead than that [ns] they may be all the time.
        late: How far behind [ns] they may be all the time.

    Attributes:
        unset: Number of stamps that are 0, as of a sender that sets no time.
        used: Offsets of the stamps that are of the clock.
        strays: Offsets of the others.
        run: Clock [ns] and stamp [ns] of the strays since the newest stamp of the clock.
    """

    def __init__(self, latency: int, late: int, ahead: int = SAME_CLOCK) -> None:
        self._latency, self._late, self._ahead = latency, late, ahead
        self._newest = 0
        self._between = 0  # strays with stamps of the clock before and after them
        self._repeated = 0
        self.unset = 0
        self.used = SpacedOffsets()
        self.strays = SpacedOffsets()
        self.run: list[tuple[int, int]] = []

    def add(self, stamp: int, clock: int, inside: bool = True) -> bool:
        """Add a stamp [ns]; return whether it is of the clock, or not set.

        Args:
            stamp: The stamp.
            clock: The clock when its message was received [ns].
            inside: Whether that was within the episode's span.
        """
        if not stamp:
            self.unset += 1
            return True
        offset = stamp - clock
        # A message that is late has a stamp that is still newer than those before it.
        if offset - self._latency > STRAY or (
                offset < -STRAY and not 0 < self._newest <= stamp):
            self.strays.add(offset)
            if inside:
                self.run.append((clock, stamp))
            return False
        self.used.add(offset)
        self._between += len(self.run) if self._newest else 0
        self._repeated += stamp == self._newest
        self._newest = stamp
        return True

    def without_time(self) -> str:
        """Return in which way the stamps say nothing about time; empty if they do."""
        number = len(self.used) or len(self.strays)
        if self.unset and not number:
            return f'all {self.unset} stamps are 0: its sender sets no time'
        if number >= _FEWEST and self._repeated == number - 1:
            return (f'its first {number} stamps are all the same: its sender sets the time once, '
                    'or seldom')
        if self._between >= _MANY and self._between > number * _MIXED:
            return (f'{self._between} stamps between {number} others are of another clock: '
                    'two senders with two clocks')
        return ''

    def repetition(self) -> str:
        """Return how many stamps repeat the one before, if nearly all do; else empty."""
        if self._repeated < max(_MANY, _SELDOM * len(self.used)):
            return ''
        return (f'{self._repeated} of {len(self.used)} stamps are the same as the one before: its '
                'sender sets the time seldom, and the first message of each time counts')

    def other_clock(self) -> tuple[int, int] | None:
        """Return offset [ns] and number of messages by which it was measured, if it is too far."""
        offsets = self.used if self.used else self.strays
        parts = offsets.measured()
        wrong = [part for part in parts
                 if not -self._late <= part <= self._latency + self._ahead]
        return (wrong[0] if len(wrong) < len(parts) else round(float(np.median(parts))),
                len(offsets)) if wrong else None

    def offset(self) -> int | None:
        """Return how far ahead [ns] the stamps are beyond what the contract says, if measured."""
        parts = self.used.measured()
        return round(float(np.median(parts))) - self._latency if parts else None

    def drift(self) -> int:
        """Return by how much [ns] the offset changed in the episode."""
        parts = self.used.measured()
        return parts[-1] - parts[0] if parts else 0
