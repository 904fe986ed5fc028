# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Messages that came before the event that announces their episode."""

from collections import deque
from collections.abc import Iterable
from typing import Any

from inril_ros.data.frames.capture import Captured

_RECENT = 1000  # messages

Early = tuple[Captured, Any]
"""A message, serialised and decoded."""


class EarlyMessages:
    """The last messages before an episode, and the latched ones, which belong to every episode.

    Topics have no common order: the first messages of an episode may come before its event.

    Args:
        latched: Topics whose messages are sent once.
    """

    def __init__(self, latched: Iterable[str]) -> None:
        self._recent: deque[Early] = deque(maxlen=_RECENT)
        self._latched: dict[str, deque[Early]] = {
            topic: deque(maxlen=_RECENT) for topic in latched}

    def add(self, item: Captured, message: Any, running: bool) -> None:
        """Keep a message; while an episode is running, only a latched one."""
        if item.topic in self._latched:
            self._latched[item.topic].append((item, message))
        elif not running:
            self._recent.append((item, message))

    def forget(self, topic: str) -> None:
        """Forget the messages of a latched topic: they will come again."""
        if topic in self._latched:
            self._latched[topic].clear()

    def pop(self) -> list[Early]:
        """Return the messages for an episode that begins, the latched ones first."""
        found = [*(early for messages in self._latched.values() for early in messages),
                 *self._recent]
        self._recent.clear()
        return found
