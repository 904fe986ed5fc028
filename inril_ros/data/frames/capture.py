# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which messages belong to an episode, and when all of them have come.

Streams arrive in any order among each other, and the end of an episode is known before the last
messages of other topics are. Messages wait here until an executed action, or the end, says that
their time belongs to the episode.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Captured:
    """A serialised message with its topic and type.

    Attributes:
        topic: As the contract names it.
        message_type: ROS message type.
        stamp: [ns] When it is from.
        raw: The message.
        received: [ns] When it came, which is its time in the bag; None: that is its stamp, too.
    """

    topic: str
    message_type: str
    stamp: int
    raw: bytes
    received: int | None = None

    @property
    def bag_time(self) -> int:
        """[ns] Its time in a bag."""
        return self.stamp if self.received is None else self.received


class EpisodeCapture:
    """The messages of one episode.

    Args:
        until_end: Topics that speak at the final observation too; all others end one tick earlier.
        every_tick: Topics that speak at each tick, so that the end can wait for them; empty where
            there is no such promise (real time).
        lookback: [ns] How far before tick 0 messages of a topic belong to the episode, since the
            first frame shows what they say; none: not at all.
    """

    def __init__(self, until_end: frozenset[str], every_tick: frozenset[str],
                 lookback: Mapping[str, int] | None = None) -> None:
        self._until_end = until_end
        self._lookback = {} if lookback is None else lookback
        self._every_tick = every_tick
        self._waiting: list[Captured] = []
        self._newest: dict[str, int] = {}
        self._start: int | None = None

    def begin(self, start: int) -> None:
        """Say when tick 0 is [ns]; what is too old for it is dropped."""
        self._start = start
        self._waiting = [item for item in self._waiting if self._belongs(item)]

    def add(self, item: Captured) -> None:
        """Take a message."""
        self._newest[item.topic] = max(item.stamp, self._newest.get(item.topic, 0))
        if self._start is None or self._belongs(item):
            self._waiting.append(item)

    def _belongs(self, item: Captured) -> bool:
        return item.stamp >= self._start - self._lookback.get(item.topic, 0)

    def confirmed(self, stamp: int) -> Iterator[Captured]:
        """Return the messages up to an executed action at ``stamp`` [ns]: they belong to it."""
        if self._start is None:
            return iter(())
        done = [item for item in self._waiting if item.stamp <= stamp]
        self._waiting = [item for item in self._waiting if item.stamp > stamp]
        return iter(done)

    def rest(self, end: int) -> Iterator[Captured]:
        """Return the messages up to the final observation at ``end`` [ns]."""
        done = [item for item in self._waiting
                if item.stamp < end or (item.stamp == end and item.topic in self._until_end)]
        self._waiting = []
        return iter(done)

    def awaited(self, last_tick: int, end: int) -> list[str]:
        """Return the topics whose last message hasn't come.

        Args:
            last_tick: [ns] Time of the last executed action.
            end: [ns] Time of the final observation.
        """
        return sorted(topic for topic in self._every_tick if self._newest.get(topic, 0) < (
            end if topic in self._until_end else last_tick))
