# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Lost and duplicate transitions are found by comparing the journal with the checkpoint."""

from array import array
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from inril_ros.msg import EpisodeEvent, Transition
import numpy as np

from inril_ros.faults.account import Account, Learned

STEPS, SIZE = 4, 3
FAILURE, ABORTED = EpisodeEvent.FAILURE, EpisodeEvent.ABORTED


def row(number, step):
    return np.array([number, step, 0.5], np.float32)


def transition(number, episode='a', end=False):
    return Transition(
        sequence=number, episode_id=episode, first_tick=number * STEPS, steps=STEPS,
        observation_size=SIZE, terminated=end, outcome=FAILURE if end else 0,
        observations=np.concatenate([row(number, step) for step in range(STEPS + 1)]).tolist())


def marker(number, episode='a'):
    return Transition(sequence=number, episode_id=episode, truncated=True, outcome=ABORTED)


def learned(numbers, sequence, transitions=None):
    """Return a checkpoint that holds the rows of some transitions."""
    rows = Counter(row(number, step).tobytes() for number in numbers for step in range(STEPS))
    return Learned(sequence, len(numbers) if transitions is None else transitions, rows)


def account(*records):
    made = Account()
    made.read(records)
    return made


def whole(number):
    return [transition(each, end=each == number) for each in range(1, number + 1)]


@given(st.integers(1, 20))
def test_transitions_learned_once_are_neither_lost_nor_duplicate(number):
    made = account(*whole(number))
    assert made.compare(learned(range(1, number + 1), number)) == (0, 0)
    made.read(whole(number))  # the journal is read repeatedly
    assert made.compare(learned(range(1, number + 1), number)) == (0, 0)


@given(st.integers(2, 10), st.data())
def test_a_lost_or_duplicate_transition_is_found_though_the_count_fits(number, data):
    made, numbers = account(*whole(number)), list(range(1, number + 1))
    which = data.draw(st.sampled_from(numbers))
    others = [each for each in numbers if each != which]
    assert made.compare(learned(others, number, number)) == (1, 0)
    assert made.compare(learned([*numbers, which], number, number)) == (0, 1)


def test_a_step_whose_observation_is_not_known_need_not_be_remembered():
    records = whole(3)
    records[1].observations[:SIZE] = array('f', [float('nan')] * SIZE)
    made, rows = account(*records), learned([1, 2, 3], 3)
    del rows.rows[row(2, 0).tobytes()]
    assert made.compare(rows) == (0, 0)
    del rows.rows[row(2, 1).tobytes()]
    assert made.compare(rows) == (1, 0)


def test_wrong_counts_are_found_without_the_content():
    made = account(*[transition(number) for number in (1, 2, 3)])  # of a running episode
    assert made.compare(learned([], 3, 3)) == (0, 0)
    assert made.compare(learned([], 2, 2)) == (1, 0)
    assert made.compare(learned([], 3, 2)) == (1, 0)
    assert made.compare(learned([], 3, 4)) == (0, 1)


def test_an_aborted_episode_need_not_be_remembered():
    made = account(transition(1), transition(2), marker(3))
    assert made.compare(learned([], 3, 2)) == (0, 0)


def test_records_that_a_fault_removed_from_the_journal_still_count():
    made = account(*whole(3))
    made.read(whole(3)[:1])
    assert made.compare(learned([1], 3, 1)) == (2, 0)


def test_a_number_used_twice_is_a_conflict():
    made = account(*whole(3))
    made.read([transition(3, episode='b')])
    assert made.compare(learned([1, 2, 3], 3))[1] == 1
