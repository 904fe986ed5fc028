# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""When a node that ended is not started again: what ended it would end it again."""

from collections import deque
import os


class RespawnLimit:
    """Counts the ends of one node.

    Args:
        most: How often it may end within ``window`` and be started again.
        window: [s]
    """

    def __init__(self, most: int = 3, window: float = 300.0) -> None:
        self._most = most
        self._window = window
        self._ends: deque[float] = deque(maxlen=most + 1)

    def why_not(self, exit_code: int, now: float) -> str:
        """Return why a node that ended is not started again; empty if it is.

        Args:
            exit_code: What it ended with; ``os.EX_CONFIG`` if it refused what it was started with.
            now: [s] Time of the end.
        """
        first = not self._ends
        self._ends.append(now)
        if first and exit_code == os.EX_CONFIG:
            return 'could not start: its error above says why'
        if len(self._ends) > self._most and now - self._ends[0] <= self._window:
            return (f'ended {len(self._ends)} times within {self._window / 60:g} minutes: '
                    'its log says why')
        return ''
