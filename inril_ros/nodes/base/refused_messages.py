# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Messages that a node refuses: counted by topic, reported with the reason at a bounded rate."""

from collections import Counter
from collections.abc import Callable

from inril_ros.nodes.base.serialised_messages import MessageRefused

#: [s] Time after which one more refusal of a topic is reported.
PERIOD = 5.0
#: Refusals of a topic that are reported at once.
AT_ONCE = 100
#: Characters of a reason, which may quote what came.
MOST_TEXT = 1000


class RefusedMessages:
    """The account of one node.

    Args:
        report: Called with what was refused and why.
        clock: Returns the time [s].
    """

    def __init__(self, report: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._report, self._clock = report, clock
        self._counts: Counter[str] = Counter()
        self._reports: dict[str, tuple[float, float]] = {}  # reports left, and when, by topic
        self._last = ''

    def guarded(self, topic: str, take: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """Return a function that takes a serialised message, or notes why it is refused."""
        def receive(raw: bytes) -> None:
            try:
                take(raw)
            except MessageRefused as error:
                self.add(topic, str(error))
        return receive

    def add(self, topic: str, reason: str) -> None:
        """Count a refused message."""
        reason = reason[:MOST_TEXT]
        self._counts[topic] += 1
        self._last = f'{topic}: {reason}'
        now = self._clock()
        left, since = self._reports.get(topic, (AT_ONCE, now))
        left = min(AT_ONCE, left + (now - since) / PERIOD)
        if left >= 1:
            left -= 1
            self._report(f'{topic} refused ({self._counts[topic]} so far): {reason}')
        self._reports[topic] = left, now

    def count(self, topic: str) -> int:
        """Return how many messages of a topic were refused."""
        return self._counts[topic]

    def details(self) -> dict[str, str]:
        """Return the account for ``/diagnostics``; empty if nothing was refused."""
        if not self._counts:
            return {}
        return {'refused messages': ', '.join(
            f'{topic}: {count}' for topic, count in sorted(self._counts.items())),
            'last refusal': self._last}
