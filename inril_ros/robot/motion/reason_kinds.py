# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Reasons of the safety gate by kind: the same reason with another number is the same kind."""

from collections import Counter
from collections.abc import Iterable
import re

# Numbers that stand by themselves; those in names (wrist_2_joint) say which.
_NUMBER = re.compile(r'(?<![\w.])[-+]?\d+(\.\d+)?(e[-+]?\d+)?(?![\w.]*\w)')


def reason_kind(reason: str) -> str:
    """Return a reason with ``#`` in place of its numbers."""
    return _NUMBER.sub('#', reason)


def count_kinds(reasons: Iterable[Iterable[str]]) -> dict[str, int]:
    """Return in how many ticks each kind of reason was given, the most frequent one first.

    Args:
        reasons: The reasons of each tick.
    """
    counted = Counter(kind for tick in reasons for kind in {reason_kind(one) for one in tick})
    return dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))
