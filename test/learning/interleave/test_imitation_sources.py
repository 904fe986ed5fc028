# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Each imitation source gives its own rows, and unusable windows aren't kept."""
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.learning.experience import Episode
from inril_ros.learning.interleave.sources import ImitationMemory, ImitationSource
from inril_ros.learning.replay import Origin

DEMONSTRATION, SUCCESS, FAILURE, RESCUED = 0, 1, 2, 3


def memory(with_success: bool = True, with_intervention: bool = False) -> ImitationMemory:
    """Return a memory in which each observation encodes the kind of its episode."""
    made = ImitationMemory(1, 1, 2)
    for kind, length in ((DEMONSTRATION, 5), (SUCCESS, 50), (FAILURE, 500), (RESCUED, 20)):
        if kind == SUCCESS and not with_success or kind == RESCUED and not with_intervention:
            continue
        episode = Episode(
            np.full((length + 1, 1), kind), np.zeros((length, 1)), np.zeros(length),
            kind in (DEMONSTRATION, SUCCESS), kind in (DEMONSTRATION, SUCCESS),
            intervened=(np.arange(length) >= 10) & (kind == RESCUED))
        made.add(episode, Origin.DEMONSTRATION if kind == DEMONSTRATION else Origin.ONLINE)
    return made


@pytest.mark.parametrize(('kind', 'shares', 'expected'), [
    ('demonstrations', (0.5,), {DEMONSTRATION: 64}),
    ('own_successes', (0.5,), {SUCCESS: 64}),
    ('interventions', (0.5,), {RESCUED: 64}),
    ('both', (0.5,), {DEMONSTRATION: 32, SUCCESS: 32}),
    ('both', (0.25,), {DEMONSTRATION: 16, SUCCESS: 48}),
    ('both', (1.0,), {DEMONSTRATION: 64}),
    ('mixture', (0.25, 0.5), {DEMONSTRATION: 16, SUCCESS: 16, RESCUED: 32}),
])
def test_each_source_fills_the_same_batch_with_its_own_rows(
        kind: str, shares: tuple, expected: dict) -> None:
    full = memory(with_intervention=kind != 'both')
    rows = ImitationSource(kind, *shares).rows(full, 64, np.random.default_rng(0))
    kinds, counts = np.unique(full.pairs(rows)[0][:, 0].astype(int), return_counts=True)
    assert dict(zip(kinds.tolist(), counts.tolist())) == expected


def test_a_person_s_steps_in_a_failure_count_as_success() -> None:
    full = memory(with_intervention=True)
    rows = ImitationSource('both', 0.5).rows(full, 600, np.random.default_rng(0))
    kinds = full.pairs(rows)[0][:, 0].astype(int)
    assert np.count_nonzero(kinds == DEMONSTRATION) == 300
    # 50 windows of the success, 9 commanded by a person in the failure that follows.
    assert 20 < np.count_nonzero(kinds == RESCUED) < 80
    assert FAILURE not in kinds
    only_rescued = memory(with_success=False, with_intervention=True)
    rows = ImitationSource('both', 0.5).rows(only_rescued, 64, np.random.default_rng(0))
    kinds = only_rescued.pairs(rows)[0][:, 0].astype(int)
    assert np.count_nonzero(kinds == RESCUED) == 32


@pytest.mark.parametrize('kind', [
    'demonstrations', 'own_successes', 'interventions', 'both', 'mixture'])
def test_demonstrations_replace_an_empty_source(kind: str) -> None:
    poor = memory(with_success=False)
    rows = ImitationSource(kind, 0.5, 0.25).rows(poor, 64, np.random.default_rng(0))
    assert (poor.pairs(rows)[0] == DEMONSTRATION).all()
    assert len(rows) == 64


@pytest.mark.parametrize('wrong', [('dreams', 0.5), ('both', 1.5), ('both', float('nan')),
                                   ('mixture', 0.75, 0.5), ('mixture', 0.5, -0.1)])
def test_an_impossible_source_is_refused(wrong: tuple) -> None:
    with pytest.raises(ValueError, match='source|share'):
        ImitationSource(*wrong)


def online(person: list[bool], success: bool = True, terminated: bool = True) -> Episode:
    """Return an episode in which each observation and action tells its step."""
    steps = len(person)
    return Episode(np.arange(steps + 1.0)[:, None], np.arange(steps)[:, None] / 100,
                   np.zeros(steps), terminated, success, intervened=np.array(person))


def steps_of(memory: ImitationMemory, rows: np.ndarray) -> list[list[int]]:
    """Return the steps of each window."""
    return np.rint(100 * memory.pairs(rows)[2][..., 0]).astype(int).tolist()


def test_a_mistake_that_a_person_corrected_is_not_imitated() -> None:
    made = ImitationMemory(1, 1, 8)
    made.add(online([False] * 40 + [True] * 20 + [False] * 4), Origin.ONLINE)
    imitated = steps_of(made, made.own_rows)
    assert {step for window in imitated for step in window} == set(range(40, 64))
    assert [window[0] for window in imitated] == list(range(40, 64))
    assert steps_of(made, made.intervention_rows)[-1] == list(range(52, 60))
    assert steps_of(made, made.success_rows)[0] == [*range(53, 60), 60]  # on to the policy's own


def test_what_the_policy_did_between_two_interventions_is_not_imitated() -> None:
    made = ImitationMemory(1, 1, 2)
    made.add(online([False, True, True, False, False, True, True, False, False]), Origin.ONLINE)
    assert steps_of(made, made.own_rows) == [[1, 2], [5, 6], [6, 7], [7, 8], [8, 8]]
    assert steps_of(made, made.intervention_rows) == [[1, 2], [5, 6]]


def test_an_intervention_shorter_than_a_window_voids_what_came_before_it() -> None:
    made = ImitationMemory(1, 1, 4)
    made.add(online([False] * 5 + [True] + [False] * 4), Origin.ONLINE)
    assert [window[0] for window in steps_of(made, made.own_rows)] == [5, 6, 7, 8, 9]
    assert len(made.intervention_rows) == 0


@given(st.lists(st.tuples(st.integers(1, 12), st.booleans(), st.booleans(), st.booleans(),
                          st.lists(st.booleans(), min_size=12, max_size=12)), max_size=6),
       st.integers(1, 4))
def test_a_window_is_kept_if_it_is_complete_and_none_of_its_steps_was_corrected(
        episodes: list, length: int) -> None:
    made, expected = ImitationMemory(1, 1, length), {'d': [], 's': [], 'i': []}
    for steps, demonstrated, success, terminated, person in episodes:
        person = person[:steps]
        made.add(online(person, success, terminated),
                 Origin.DEMONSTRATION if demonstrated else Origin.ONLINE)
        # A person corrects all that the policy did before they take over.
        good = [person[step] or success and not any(
            by_person and not before for before, by_person in zip(
                person[step:], person[step + 1:])) for step in range(steps)]
        for start in range(steps if terminated else steps - length + 1):
            window = [min(start + step, steps - 1) for step in range(length)]
            if demonstrated:
                expected['d'].append(window)
            elif all(person[step] for step in window):
                expected['i'].append(window)
            elif all(good[step] for step in window):
                expected['s'].append(window)
    assert steps_of(made, made.demonstration_rows) == expected['d']
    assert steps_of(made, made.success_rows) == expected['s']
    assert steps_of(made, made.intervention_rows) == expected['i']
    assert made.own_rows.tolist() == sorted([*made.success_rows, *made.intervention_rows])
    copy = ImitationMemory(1, 1, length)
    copy.load_state_dict(made.state_dict())
    for name, array in made.state_dict().items():
        np.testing.assert_array_equal(copy.state_dict()[name], array)
    np.testing.assert_array_equal(copy.own_rows, made.own_rows)


def test_replay_is_all_own_windows_whatever_came_of_them() -> None:
    random = np.random.default_rng(0)
    full = ImitationMemory(1, 1, 2, keep_all=True)
    for kind, length in ((DEMONSTRATION, 5), (SUCCESS, 50), (FAILURE, 150)):
        full.add(Episode(np.full((length + 1, 1), kind), np.zeros((length, 1)), np.zeros(length),
                         kind != FAILURE, kind != FAILURE),
                 Origin.DEMONSTRATION if kind == DEMONSTRATION else Origin.ONLINE)
    rows = ImitationSource('replay', 0.5).rows(full, 4000, random)
    counts = np.bincount(full.pairs(rows)[0][:, 0].astype(int))
    assert counts[DEMONSTRATION] == 0
    assert counts[FAILURE] / counts[SUCCESS] == pytest.approx(149 / 50, rel=0.1)
    restored = ImitationMemory(1, 1, 2, keep_all=True)
    restored.load_state_dict(full.state_dict())
    np.testing.assert_array_equal(restored.replay_rows, full.replay_rows)
    # Other sources are the same as in a memory that keeps less.
    assert FAILURE not in full.pairs(full.own_rows)[0][:, 0]
