# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which episodes go when a memory is full.

Never: demonstrations. First: the oldest of the policy's own, failures and successes alike, but
successes only as long as those that stay fill SUCCESS_SHARE of the capacity: after a collapse the
memory must not forget how the task was once done. With so small a share, nothing is kept that
would have gone by its age while the policy still succeeds now and then. Next: the oldest
successes. Last: the oldest episodes in which a person commanded a step, which are dear.

An eighth of the capacity goes at once, so that the cost of removal per episode is constant.
"""
from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import replace
from itertools import accumulate
from typing import Any, Protocol, TypeVar

SUCCESS_SHARE = 0.1
_PART = 8


class Remembered(Protocol):
    """An episode in a memory."""

    @property
    def size(self) -> int:
        """Return the rows that it takes."""

    @property
    def success(self) -> bool:
        """Return whether it succeeded."""

    @property
    def by_person(self) -> bool:
        """Return whether a person commanded a step of it."""

    @property
    def shown(self) -> bool:
        """Return whether it is a demonstration."""


PlacedT = TypeVar('PlacedT', bound=Any)
"""A frozen dataclass of a remembered episode, with `first`, the row that it begins at, `size`,
`range`, its first row and the one after its last, and `number`, among the files of the run."""


def numbered(episodes: Sequence[PlacedT], numbers: Set[int]) -> set[int]:
    """Return the indices of the episodes with these numbers."""
    return {index for index, episode in enumerate(episodes) if episode.number in numbers}


def without(episodes: Sequence[PlacedT], leaving: Set[int],
            ) -> tuple[list[PlacedT], list[tuple[int, int]]]:
    """Return the episodes that stay when these indices leave, and the ranges that they had.

    Those that stay are moved together, in their order.
    """
    kept = [episode for index, episode in enumerate(episodes) if index not in leaving]
    firsts = accumulate((episode.size for episode in kept), initial=0)
    return ([replace(episode, first=first) for episode, first in zip(kept, firsts)],
            [episode.range for episode in kept])


def to_remove(episodes: Sequence[Remembered], needed: int, capacity: int) -> set[int]:
    """Return the indices of the episodes to remove before another one is added.

    Args:
        episodes: Those in memory, oldest first.
        needed: Rows that the other one takes, at most `capacity`.
        capacity: Most rows of episodes that aren't demonstrations.
    """
    own = [index for index, episode in enumerate(episodes) if not episode.shown]
    excess = sum(episodes[index].size for index in own) + needed - capacity
    if excess <= 0:
        return set()
    removed, freed = set(), 0
    successes = sum(episodes[index].size for index in own if episodes[index].success
                    and not episodes[index].by_person)
    alone = [index for index in own if not episodes[index].by_person]
    for spared, wanted in ((SUCCESS_SHARE * capacity, max(excess, capacity // _PART)),
                           (0.0, excess)):
        for index in alone:
            size, success = episodes[index].size, episodes[index].success
            if freed >= wanted or index in removed or (success and successes - size < spared):
                continue
            removed.add(index)
            freed += size
            successes -= size if success else 0
    for index in own:
        if freed < excess and index not in removed:
            removed.add(index)
            freed += episodes[index].size
    return removed
