# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rows of the bounded replay equal the episodes, however many were removed."""
from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.learning.experience import Episode
from inril_ros.learning.replays.step_replay import StepBatch, StepReplay

GAMMA = 0.9


def episode(number: int, steps: int, terminated: bool, success: bool = False,
            images: bool = False, intervened: np.ndarray | None = None) -> Episode:
    """Return an episode in which each number encodes its episode and step."""
    ticks = np.arange(steps + 1)
    state = np.stack([np.full(steps + 1, float(number)), ticks], axis=1)
    actions = (np.arange(steps)[:, None] + 1) * 1e-3 + number * 1e-5
    rewards = np.random.default_rng(number).integers(0, 3, steps).astype(float)
    pictures = None
    if images:
        pictures = (ticks[:, None, None, None, None] + np.zeros((1, 1, 2, 3))).astype(np.uint8)
        pictures = np.ascontiguousarray(np.broadcast_to(pictures, (steps + 1, 1, 2, 2, 3)))
    return Episode(state, actions, rewards, terminated, success, images=pictures,
                   intervened=intervened)


def context(of: Episode) -> np.ndarray:
    return of.observations[:, ::-1] * 10


def replay(chunk: int, horizon: int, capacity: int) -> StepReplay:
    return StepReplay(2, 1, (2,), chunk, horizon, GAMMA, capacity)


episodes = st.lists(st.tuples(st.integers(1, 12), st.booleans(), st.booleans()),
                    min_size=1, max_size=12)


@settings(max_examples=150, deadline=None)
@given(episodes, st.integers(1, 4), st.integers(0, 4), st.integers(13, 40))
def test_rows_equal_the_episodes_by_definition(
        described: list[tuple[int, bool, bool]], chunk: int, more: int, capacity: int) -> None:
    horizon = chunk + more
    memory = replay(chunk, horizon, capacity)
    added = [episode(number, *specification) for number, specification in enumerate(described)]
    for one in added:
        memory.add(one, context(one))
    # The memory holds whole episodes, in their order; see `test_removal` for which ones.
    kept = [added[each.order] for each in memory.stored]
    assert kept[-1] is added[-1] and memory.episodes == len(kept) == len(added) - memory.removed
    assert sum(one.steps + 1 for one in kept) <= capacity

    batch = memory.batch(memory.rows)
    row = 0
    for one in kept:
        for t in range(one.steps):
            if not one.terminated and t + chunk > one.steps:
                continue  # its later actions are unknown
            after = min(t + horizon, one.steps)
            np.testing.assert_array_equal(batch.observations[row], one.observations[t])
            np.testing.assert_array_equal(batch.next_observations[row], one.observations[after])
            np.testing.assert_array_equal(batch.context[row], context(one)[t])
            np.testing.assert_array_equal(batch.next_context[row], context(one)[after])
            np.testing.assert_array_equal(batch.chunks[row], one.actions[
                [min(t + k, one.steps - 1) for k in range(chunk)]])
            assert batch.returns[row] == pytest.approx(
                sum(GAMMA ** k * one.rewards[t + k] for k in range(after - t)), rel=1e-5)
            ends = one.terminated and after == one.steps
            assert batch.discounts[row] == pytest.approx(0.0 if ends else GAMMA ** (after - t))
            row += 1
    assert row == len(batch.returns) == len(memory.rows)
    successes = {tuple(o) for one in kept if one.success for o in one.observations.tolist()}
    positive = memory.batch(memory.positive_rows).observations.tolist()
    expected = [o for o in batch.observations.tolist() if tuple(o) in successes]
    assert positive == expected


@settings(max_examples=60, deadline=None)
@given(episodes, st.lists(st.tuples(st.integers(1, 12), st.booleans(), st.booleans()),
                          max_size=6), st.integers(13, 40))
def test_a_restored_replay_continues_like_an_uninterrupted_one(
        before: list[tuple[int, bool, bool]], after: list[tuple[int, bool, bool]],
        capacity: int) -> None:
    going, restored = replay(2, 3, capacity), replay(2, 3, capacity)
    for number, specification in enumerate(before):
        one = episode(number, *specification)
        going.add(one, context(one))
    restored.load_state_dict(going.state_dict())
    for number, specification in enumerate(after):
        one = episode(100 + number, *specification)
        going.add(one, context(one))
        restored.add(one, context(one))
    for rows in ('rows', 'positive_rows', 'intervention_rows'):
        assert same(going.batch(getattr(going, rows)), restored.batch(getattr(restored, rows)))
    parts = [one.batch(one.rows_of_part(one.rows, 1, 2)) for one in (going, restored)]
    assert same(*parts)


def same(a: StepBatch, b: StepBatch) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(vars(a).values(),
                                                                vars(b).values()))


def test_a_timeout_bootstraps_from_the_final_observation_with_the_steps_left() -> None:
    memory = replay(1, 4, 100)
    one = episode(0, 6, terminated=False)
    memory.add(one, context(one))
    batch = memory.batch(memory.rows)
    np.testing.assert_allclose(batch.discounts, GAMMA ** np.array([4, 4, 4, 3, 2, 1]), rtol=1e-6)
    np.testing.assert_array_equal(batch.next_observations[:, 1], [4, 5, 6, 6, 6, 6])


def test_images_are_kept_and_dropped_with_their_observations() -> None:
    memory = replay(1, 2, 20)
    for number in range(5):
        one = episode(number, 7, terminated=True, images=True)
        memory.add(one, context(one))
    batch = memory.batch(memory.rows)
    assert memory.episodes == 2
    np.testing.assert_array_equal(batch.images[:, 0, 0, 0, 0], batch.observations[:, 1])
    np.testing.assert_array_equal(batch.next_images[:, 0, 0, 0, 0],
                                  batch.next_observations[:, 1])
    restored = replay(1, 2, 20)
    restored.load_state_dict(memory.state_dict())
    assert same(restored.batch(restored.rows), batch)
    with pytest.raises(ValueError, match='images'):
        memory.add(episode(9, 3, True), np.zeros((4, 2)))


def test_a_person_s_steps_are_positive_even_in_a_failure() -> None:
    memory = replay(1, 1, 100)
    by_person = np.array([False, True, True, False])
    one = episode(0, 4, terminated=False, intervened=by_person)
    memory.add(one, context(one))
    np.testing.assert_array_equal(memory.batch(memory.positive_rows).observations[:, 1], [1, 2])


@pytest.mark.parametrize(('horizon', 'expected'), [(1, [3, 6]), (3, [1, 2, 3, 4, 5, 6])])
def test_a_person_s_steps_are_kept_with_the_rows_that_reach_them(
        horizon: int, expected: list[int]) -> None:
    memory = replay(1, horizon, 20)
    for number in range(3):  # two fit
        one = episode(number, 9, terminated=False, intervened=np.isin(np.arange(9), (3, 6)))
        memory.add(one, context(one))
    rows = memory.batch(memory.intervention_rows).observations
    assert rows.tolist() == [[number, step] for number in (1, 2) for step in expected]


@pytest.mark.parametrize('steps', [1, 3])
def test_episodes_that_do_not_fit_are_refused(steps: int) -> None:
    memory = replay(1, 1, 4)
    with pytest.raises(ValueError, match='needs 5 slots'):
        memory.add(episode(0, 4, True), np.zeros((5, 2)))
    with pytest.raises(ValueError, match='context'):
        memory.add(episode(0, steps, True), np.zeros((steps, 2)))
    with pytest.raises(ValueError, match='horizon'):
        replay(3, 2, 4)
