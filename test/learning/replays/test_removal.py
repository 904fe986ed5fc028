# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What goes first when a memory is full, and what never."""
from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from inril_ros.learning.replays.removal import SUCCESS_SHARE, to_remove

CAPACITY = 100


@dataclass(frozen=True)
class One:
    size: int
    success: bool = False
    by_person: bool = False
    shown: bool = False


def of(*episodes: str) -> list[One]:
    """Return episodes of 10 rows: f a failure, s a success, p a person's, d a demonstration."""
    return [One(10, each == 's', each == 'p', each == 'd') for word in episodes for each in word]


def test_nothing_goes_while_there_is_room() -> None:
    assert to_remove(of('fffffffff'), 10, CAPACITY) == set()
    assert to_remove(of('ddddddddddddddd'), 10, CAPACITY) == set()


def test_the_oldest_goes_first_and_an_eighth_at_once() -> None:
    assert to_remove(of('fsffsfffff'), 10, CAPACITY) == {0, 1}  # 10 are in excess, 12.5 wanted


def test_successes_stay_while_they_are_a_tenth_or_less() -> None:
    assert to_remove(of('sfffffffff'), 10, CAPACITY) == {1, 2}
    assert to_remove(of('ssffffffff'), 10, CAPACITY) == {0, 2}


def test_a_person_s_episodes_go_last_and_demonstrations_never() -> None:
    assert to_remove(of('dpfpppppppp'), 10, CAPACITY) == {2}
    assert to_remove(of('dppppppppps'), 10, CAPACITY) == {10}
    assert to_remove(of('dpppppppppp'), 10, CAPACITY) == {1}


@given(st.lists(st.builds(One, st.integers(1, 40), st.booleans(), st.booleans(), st.booleans()),
                max_size=20), st.integers(1, CAPACITY))
def test_the_bound_holds_and_what_goes_had_to(episodes: list[One], needed: int) -> None:
    own = [each for each in episodes if not each.shown]
    while sum(each.size for each in own) > CAPACITY:  # as it can't have become before
        episodes.remove(own.pop())
    removed = to_remove(episodes, needed, CAPACITY)
    kept = [each for index, each in enumerate(episodes) if index not in removed]
    gone = [episodes[index] for index in removed]
    assert sum(each.size for each in kept if not each.shown) <= CAPACITY - needed
    assert not any(each.shown for each in gone)
    alone = [each for each in kept if not each.shown and not each.by_person]
    if any(each.by_person for each in gone):
        assert not alone
    lost = [each for each in gone if each.success and not each.by_person]
    failures = [each for each in alone if not each.success]
    left = sum(each.size for each in alone if each.success)
    if lost and failures:  # successes went by their age
        assert left >= SUCCESS_SHARE * CAPACITY
