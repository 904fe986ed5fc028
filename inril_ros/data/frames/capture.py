# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The messages that belong to an episode, and whether all of them have come.

Streams arrive in any order, and the end of an episode is known before the last messages of other
topics. Messages wait here until an executed action, or the end, shows that their time belongs to
the episode.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Captured:
    """A serialised message with its topic and type.

    Attributes:
        topic: The contract's name of its topic.
        message_type: ROS message type.
        stamp: Time of the message [ns].
        raw: The serialised message.
        received: When it came [ns], which is its time in the bag; None if that is its stamp.
    """

    topic: str
    message_type: str
    stamp: int
    raw: bytes
    received: int | None = None

    @property
    def bag_time(self) -> int:
        """Its time in a bag [ns]."""
        return self.stamp if self.received is None else self.received


class EpisodeCapture:
    """The messages of one episode.

    Args:
        until_end: Topics with a message at the final observation; all others end one tick earlier.
        every_tick: Topics with a message at each tick, for which the end waits; empty in real
            time, where nothing guarantees one.
        lookback: How long before tick 0 [ns] the messages of a topic belong to the episode,
            because the first frame uses them; 0 for other topics.
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
        """Set the time of tick 0 [ns] and drop messages that are too old for it."""
        self._start = start
        self._waiting = [item for item in self._waiting if self._belongs(item)]

    def add(self, item: Captured) -> None:
        """Add a message."""
        self._newest[item.topic] = max(item.stamp, self._newest.get(item.topic, 0))
        if self._start is None or self._belongs(item):
            self._waiting.append(item)

    def _belongs(self, item: Captured) -> bool:
        return item.stamp >= self._start - self._lookback.get(item.topic, 0)

    def confirmed(self, stamp: int) -> Iterator[Captured]:
        """Return and forget the messages up to an executed action at ``stamp`` [ns]."""
        if self._start is None:
            return iter(())
        done = [item for item in self._waiting if item.stamp <= stamp]
        self._waiting = [item for item in self._waiting if item.stamp > stamp]
        return iter(done)

    def rest(self, end: int) -> Iterator[Captured]:
        """Return the messages up to the final observation at ``end`` [ns], and forget all."""
        done = [item for item in self._waiting
                if item.stamp < end or (item.stamp == end and item.topic in self._until_end)]
        self._waiting = []
        return iter(done)

    def awaited(self, last_tick: int, end: int) -> list[str]:
        """Return the topics whose last message hasn't come yet.

        Args:
            last_tick: Time of the last executed action [ns].
            end: Time of the final observation [ns].
        """
        return sorted(topic for topic in self._every_tick if self._newest.get(topic, 0) < (
            end if topic in self._until_end else last_tick))
