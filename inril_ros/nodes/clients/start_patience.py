# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How long a graph may take to start: not so many seconds, but so many without any progress.

On a busy machine five processes may need minutes to import their libraries, and on an idle one a
node that waits for a camera that nobody switched on should be reported soon. Progress is a node
that has started, become ready or met another one, or CPU time that starting nodes have used.
"""

#: [s] CPU time of starting nodes that counts as progress: a node that only waits uses less.
WORK = 0.5


class StartPatience:
    """Counts the time in which nothing happens.

    Args:
        seconds: [s] Longest time without progress.
        now: [s] Present time, by a steady clock.
    """

    def __init__(self, seconds: float, now: float) -> None:
        self.seconds = seconds
        self._since = now
        self._fewest = (float('inf'), float('inf'))
        self._starting: frozenset[str] = frozenset()
        self._worked = 0.0

    def is_over(self, missing: int, starting: frozenset[str], worked: float, now: float) -> bool:
        """Return whether nothing has happened for too long.

        Args:
            missing: Number of nodes that are not ready, or that have not met all others.
            starting: Names of those that are still being started.
            worked: [s] CPU time that these have used.
            now: [s] Present time.
        """
        fewer = (len(starting), missing) < self._fewest
        if starting != self._starting:
            self._starting, self._worked = starting, worked
        if fewer or worked >= self._worked + WORK:
            self._fewest = min(self._fewest, (len(starting), missing))
            self._worked, self._since = worked, now
        return now - self._since > self.seconds
