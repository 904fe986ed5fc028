# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Transitions become whole episodes with each step once; a call that raises changes nothing."""
from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.learning.episode_intake import EpisodeIntake
from inril_ros.learning.experience import Episode, Transition

PIECES, LENGTH = 5, 4  # transitions of an episode, and steps of a transition


def refuse_large_rewards(name: str, episode: Episode) -> None:
    if episode.rewards.max() > 1:
        raise ValueError(f'{name}: a reward above 1')


def intake() -> EpisodeIntake:
    return EpisodeIntake((3, 2), None, refuse_large_rewards)


def transitions(number: int) -> list[Transition]:
    """Return an episode that succeeds, whose observations say at which step they were made."""
    rows = np.arange(PIECES * LENGTH + 1, dtype=float)
    observations = np.stack([np.full_like(rows, number), rows, rows], axis=1)
    return [Transition(
        f'episode {number}', first, observations[first:first + LENGTH + 1],
        np.zeros((LENGTH, 2)), np.zeros(LENGTH), np.zeros(LENGTH), terminated=last,
        truncated=False, success=last)
        for first in range(0, PIECES * LENGTH, LENGTH)
        for last in [first + LENGTH == PIECES * LENGTH]]


def state(made: EpisodeIntake) -> tuple[dict[str, list[float]], dict[str, object]]:
    tensors, document = made.state_dict()
    return {name: tensor.tolist() for name, tensor in tensors.items()}, document


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, PIECES - 1)), max_size=40))
def test_whatever_comes_each_taken_step_is_in_one_episode(
        order: list[tuple[int, int]]) -> None:
    """Pieces are lost, come again, and come out of order, of three episodes at once."""
    made, taken = intake(), 0
    whole: list[Episode] = []
    for number, piece in order:
        episodes = made.add(transitions(number)[piece])
        taken += episodes is not None
        whole += episodes or []
    for number in range(3):
        whole += filter(None, [made.cut_off(f'episode {number}')])
    assert made.transitions == taken and made.duplicates == len(order) - taken
    assert made.env_steps == sum(episode.steps for episode in whole) == taken * LENGTH
    assert made.open_episodes == 0 and made.episodes == made.resets
    seen = [tuple(row[:2]) for episode in whole for row in episode.observations[:-1]]
    assert len(set(seen)) == len(seen)
    for episode in whole:  # no episode runs across a gap
        assert (np.diff(episode.observations[:, 1]) == 1).all()


@settings(deadline=None, max_examples=25)
@given(st.permutations([0] * PIECES + [1] * PIECES + [2] * PIECES))
def test_episodes_may_arrive_interleaved(order: list[int]) -> None:
    made, remaining = intake(), {number: transitions(number) for number in range(3)}
    whole = [episode for number in order for episode in made.add(remaining[number].pop(0))]
    assert [episode.steps for episode in whole] == [PIECES * LENGTH] * 3
    assert (made.episodes, made.successes, made.gaps) == (3, 3, 0)


def test_a_gap_cuts_an_episode_in_two_of_which_the_first_did_not_end() -> None:
    made, parts = intake(), transitions(0)
    assert made.add(parts[0]) == made.add(parts[1]) == []
    first, = made.add(parts[3])
    second, = made.add(parts[4])
    assert (first.steps, first.terminated, first.success) == (8, False, False)
    assert (second.steps, second.terminated, second.success) == (8, True, True)
    assert (made.gaps, made.episodes, made.successes) == (1, 1, 1)


@pytest.mark.parametrize('change, message', [
    ({'observations': np.full((LENGTH + 1, 3), 9.0)}, 'differs'),
    ({'observations': np.zeros((LENGTH + 1, 4))}, r'\(4, 2\), the model \(3, 2\)'),
    ({'rewards': np.full(LENGTH, 2.0)}, 'a reward above 1')])
def test_what_is_refused_changes_nothing(change: dict[str, object], message: str) -> None:
    made, parts = intake(), transitions(0)
    for part in parts[:-1]:
        made.add(part)
    before = state(made)
    with pytest.raises(ValueError, match=message):
        made.add(replace(parts[-1], **change))
    assert state(made) == before
    assert [episode.steps for episode in made.add(parts[-1])] == [PIECES * LENGTH]


def test_what_is_refused_after_a_gap_changes_nothing_either() -> None:
    """The part before the gap isn't learned from twice when the end comes again."""
    made, parts = intake(), transitions(0)
    made.add(parts[0])
    before = state(made)
    for _ in range(2):
        with pytest.raises(ValueError, match='a reward above 1'):
            made.add(replace(parts[-1], rewards=np.full(LENGTH, 2.0)))
        assert state(made) == before
    assert [episode.steps for episode in made.add(parts[-1])] == [LENGTH, LENGTH]


def test_the_steps_of_an_abandoned_episode_do_not_count() -> None:
    made, parts = intake(), transitions(0)
    for part in parts[:3]:
        made.add(part)
    assert (made.open_episodes, made.env_steps) == (1, 12) and made.is_open('episode 0')
    made.abandon('episode 0')
    made.abandon('episode 0')  # again, as at a repeated end
    assert made.add(parts[3]) is None  # it has ended
    assert (made.env_steps, made.forgotten_steps, made.resets, made.episodes) == (0, 12, 1, 0)


def test_an_intake_continues_from_its_state() -> None:
    made, again, parts = intake(), intake(), transitions(0)
    made.add(replace(parts[0], intervened=np.full(LENGTH, True)))
    made.abandon('another')
    again.load_state_dict(*made.state_dict())
    assert state(again) == state(made) and again.continues('episode 0', LENGTH)
    for part in parts[1:]:
        again.add(part)
    assert (again.successes, again.rescued, again.person_steps) == (0, 1, LENGTH)


@pytest.mark.parametrize('count', [-1, 1.5, True, 2 ** 64, None])
def test_a_counter_that_is_no_count_is_refused(count: object) -> None:
    tensors, document = intake().state_dict()
    document['counters']['gaps'] = count
    with pytest.raises(ValueError, match='the saved counter gaps is'):
        intake().load_state_dict(tensors, document)
