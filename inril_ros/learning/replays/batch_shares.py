# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How many rows of a batch each kind of experience gives, whatever its part of the data is."""
from __future__ import annotations

from collections.abc import Sequence


def counts_by_share(number: int, shares: Sequence[float], available: Sequence[int]) -> list[int]:
    """Return how many of `number` rows to draw from each kind.

    Args:
        number: Rows of the batch.
        shares: Share of each kind but the last, which gives the rest; their sum is at most 1.
        available: Rows that there are of each kind. The share of a kind without rows falls to
            the last kind. Without rows of the last kind, the rest falls to the first kind that
            has rows and a share.

    Raises:
        ValueError: There are no rows to draw from.
    """
    counts: list[int] = []
    for share, rows in zip(shares, available):
        counts.append(min(round(share * number), number - sum(counts)) if rows else 0)
    rest = number - sum(counts)
    if available[-1]:
        return [*counts, rest]
    for kind, (share, rows) in enumerate(zip(shares, available)):
        if share and rows:
            counts[kind] += rest
            return [*counts, 0]
    raise ValueError('there are no rows to draw from')
