# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One finding of a check-up: what was found, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal['ok', 'note', 'warning', 'error']
_ORDER = ('ok', 'note', 'warning', 'error')


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        area: Subject: machine, ros, dds, qos, topics, teleop or clocks.
        level: ``error``: it won't work. ``warning``: it may fail. ``note``: good to know.
        what: What was found.
        advice: What to do; empty for ``ok``.

    Raises:
        ValueError: A warning or an error without advice.
    """

    area: str
    level: Level
    what: str
    advice: str = ''

    def __post_init__(self) -> None:
        if self.level in ('warning', 'error') and not self.advice:
            raise ValueError(f'{self.level} {self.what!r} has no advice')


def worst(findings: Iterable[Finding]) -> Level:
    """Return the worst level of all; ``ok`` if there are none."""
    return max((finding.level for finding in findings), key=_ORDER.index, default='ok')
