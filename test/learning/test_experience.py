# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Transitions are checked at construction, and against each other when joined."""
from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.learning.experience import Transition
from inril_ros.learning.joining import join_transitions

OBSERVATION_SIZE, ACTION_SIZE = 3, 2


def transition(**changes: Any) -> Transition:
    """Return a valid transition of two steps, with some fields replaced."""
    fields: dict[str, Any] = {
        'episode_id': 'e', 'first_tick': 0, 'observations': np.zeros((3, OBSERVATION_SIZE)),
        'actions': np.zeros((2, ACTION_SIZE)), 'rewards': np.zeros(2), 'source': np.zeros(2),
        'terminated': False, 'truncated': False, 'success': False}
    return Transition(**{**fields, **changes})


def cut(observations: np.ndarray, actions: np.ndarray, lengths: list[int],
        success: bool) -> list[Transition]:
    """Return an episode as consecutive transitions of these lengths."""
    pieces, first = [], 0
    for index, length in enumerate(lengths):
        last = index == len(lengths) - 1
        pieces.append(Transition(
            'e', first, observations[first:first + length + 1], actions[first:first + length],
            np.zeros(length), np.zeros(length), last and success, last and not success,
            last and success))
        first += length
    return pieces


@given(st.lists(st.integers(1, 5), min_size=1, max_size=8), st.booleans())
def test_joining_cut_transitions_restores_the_episode(lengths: list[int], success: bool) -> None:
    steps = sum(lengths)
    random = np.random.default_rng(steps)
    observations = random.normal(size=(steps + 1, OBSERVATION_SIZE)).astype(np.float32)
    actions = random.uniform(-1, 1, (steps, ACTION_SIZE)).astype(np.float32)
    episode = join_transitions(cut(observations, actions, lengths, success))
    np.testing.assert_array_equal(episode.observations, observations)
    np.testing.assert_array_equal(episode.actions, actions)
    assert (episode.terminated, episode.success, episode.steps) == (success, success, steps)


@pytest.mark.parametrize(('changes', 'message'), [
    ({'episode_id': ''}, 'episode_id'),
    ({'first_tick': -1}, 'first_tick'),
    ({'observations': np.zeros((2, 3))}, 'observations has shape'),
    ({'actions': np.zeros((0, 2))}, 'actions has shape'),
    ({'rewards': np.zeros(3)}, 'rewards has shape'),
    ({'source': np.zeros(1)}, 'source has shape'),
    ({'actions': np.full((2, 2), 1.01)}, 'normalised'),
    ({'observations': np.diag(np.full(3, np.nan))}, 'observations is not finite'),
    ({'rewards': np.array([0.0, np.inf])}, 'rewards is not finite'),
    ({'terminated': True, 'truncated': True}, 'exclude'),
    ({'success': True}, 'success without an end'),
])
def test_a_bad_transition_is_refused_with_the_field_named(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        transition(**changes)


def test_actions_just_past_the_limit_are_rounding_and_are_clipped() -> None:
    made = transition(actions=np.full((2, ACTION_SIZE), -1.00005))
    assert (made.actions == -1.0).all()


def test_a_transition_cannot_change_after_it_was_made() -> None:
    observations = np.zeros((3, OBSERVATION_SIZE), np.float32)
    made = transition(observations=observations)
    observations[:] = 7.0
    assert not made.observations.any()
    with pytest.raises(ValueError, match='read-only'):
        made.actions[0, 0] = 1.0


@pytest.mark.parametrize(('second', 'message'), [
    ({'first_tick': 3}, 'expected tick 2'),
    ({'first_tick': 2, 'episode_id': 'f'}, 'belongs to episode'),
    ({'first_tick': 2, 'observations': np.ones((3, OBSERVATION_SIZE))}, 'differs'),
])
def test_pieces_that_do_not_fit_are_not_joined(second: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        join_transitions([transition(), transition(**second)])


def test_nothing_follows_the_end_of_an_episode() -> None:
    with pytest.raises(ValueError, match='after the end'):
        join_transitions([transition(truncated=True), transition(first_tick=2)])
    with pytest.raises(ValueError, match='no transitions'):
        join_transitions([])


def test_a_record_without_an_end_counts_as_cut_off() -> None:
    episode = join_transitions([transition(), transition(first_tick=2)])
    assert (episode.steps, episode.terminated, episode.success) == (4, False, False)
