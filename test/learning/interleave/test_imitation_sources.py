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


@given(st.lists(st.tuples(st.integers(1, 12), st.booleans(), st.booleans(), st.booleans(),
                          st.lists(st.booleans(), min_size=12, max_size=12)), max_size=6),
       st.integers(1, 4))
def test_a_window_is_kept_if_it_is_complete_and_from_a_person_or_success(
        episodes: list, length: int) -> None:
    made, expected = ImitationMemory(1, 1, length), {'d': 0, 's': 0, 'i': 0}
    for number, (steps, demonstrated, success, terminated, person) in enumerate(episodes):
        person = np.array(person[:steps])
        actions = (number / 10 + np.arange(steps) / 100)[:, None]
        made.add(Episode(np.arange(steps + 1.0)[:, None], actions, np.zeros(steps), terminated,
                         success, intervened=person),
                 Origin.DEMONSTRATION if demonstrated else Origin.ONLINE)
        starts = steps if terminated else max(steps - length + 1, 0)
        by_person = sum(person[start:start + length].all() for start in range(starts))
        expected['d'] += starts * demonstrated
        expected['s'] += starts * (success and not demonstrated)
        expected['i'] += by_person * (not demonstrated)
    assert (len(made.demonstration_rows), len(made.success_rows),
            len(made.intervention_rows)) == tuple(expected.values())
    for rows in (made.demonstration_rows, made.success_rows, made.intervention_rows):
        states, _, chunks = made.pairs(rows)
        # Within an episode the action rises by 0.01 a step, up to its end.
        assert (np.diff(chunks[..., 0], axis=1) <= 0.0101).all()
    copy = ImitationMemory(1, 1, length)
    copy.load_state_dict(made.state_dict())
    for name, array in made.state_dict().items():
        np.testing.assert_array_equal(copy.state_dict()[name], array)
    np.testing.assert_array_equal(copy.own_rows, made.own_rows)
    assert set(made.own_rows) == {*made.success_rows, *made.intervention_rows}
