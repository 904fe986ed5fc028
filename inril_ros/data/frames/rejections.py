# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The messages that could not be used: how many of each topic, and the first reason."""

from dataclasses import dataclass, field


@dataclass
class Rejections:
    """Counts the refused messages of each topic and keeps the first reason.

    Attributes:
        counts: Number of refused messages by topic.
        reasons: Reason of the first refused message by topic.
    """

    counts: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def add(self, topic: str, reason: str) -> None:
        """Count a refused message."""
        self.counts[topic] = self.counts.get(topic, 0) + 1
        self.reasons.setdefault(topic, reason)

    @property
    def total(self) -> int:
        """Number of refused messages of all topics."""
        return sum(self.counts.values())

    def lines(self) -> list[str]:
        """Return one line per topic: the count and the first reason."""
        return [f'{topic}: {count} messages could not be used; the first: '
                f'{self.reasons[topic].removeprefix(f"{topic}: ")}'
                for topic, count in sorted(self.counts.items())]
