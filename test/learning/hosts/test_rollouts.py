# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rollouts of on-policy hosts: decisions, cut at interventions and ends, used once per epoch."""
from __future__ import annotations

from collections import Counter
import json

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
import torch

from inril_ros.learning.experience import Episode
from inril_ros.learning.hosts.decisions import advantages_of, decisions_of, join_decisions
from inril_ros.learning.hosts.rollouts import Rollouts


def episode(steps: int = 6, chunk: int = 2, terminated: bool = True, offset: float = 0.0,
            intervened: tuple[int, ...] = ()) -> Episode:
    """Return an episode whose observation, reward and extras encode step and decision."""
    starts = np.arange(0, steps, chunk)
    marks = np.zeros(steps, np.bool_)
    marks[list(intervened)] = True
    return Episode(
        offset + np.arange(steps + 1, dtype=np.float32)[:, None], np.zeros((steps, 1)),
        np.arange(steps), terminated, terminated, intervened=marks, decision_starts=starts,
        extras=offset + starts[:, None])


def test_rewards_are_summed_over_the_steps_of_a_decision() -> None:
    found = decisions_of(episode(steps=5), 1)
    assert found.observations.state.flatten().tolist() == [0.0, 2.0, 4.0]
    assert found.extras.flatten().tolist() == [0.0, 2.0, 4.0]
    assert found.rewards.tolist() == [1.0, 5.0, 4.0]  # the last decision was cut off
    assert found.ends.tolist() == [False, False, True]
    assert found.final_observations.state.flatten().tolist() == [5.0]
    assert found.terminal.tolist() == [True]


def test_a_timeout_bootstraps_from_its_own_last_observation() -> None:
    both = join_decisions([decisions_of(episode(terminated=False), 1),
                           decisions_of(episode(offset=100.0), 1)])
    assert both.final_observations.state.flatten().tolist() == [6.0, 106.0]
    assert both.terminal.tolist() == [False, True]
    values, finals = torch.zeros(6), both.final_observations.state.flatten()
    advantages, returns = advantages_of(both, np.zeros(6), values, finals, 0.5, 1.0)
    # 6 from the time-out, discounted per decision; nothing of the next episode, nothing of 106.
    assert advantages.tolist() == [0.75, 1.5, 3.0, 0.0, 0.0, 0.0]
    assert returns.tolist() == advantages.tolist()


def test_decisions_with_a_person_s_steps_end_the_segment() -> None:
    found = decisions_of(episode(steps=10, intervened=(5,)), 1)  # the third decision of five
    assert found.observations.state.flatten().tolist() == [0.0, 2.0, 6.0, 8.0]
    assert found.ends.tolist() == [False, True, False, True]
    assert found.final_observations.state.flatten().tolist() == [4.0, 10.0]
    assert found.terminal.tolist() == [False, True]


def test_an_episode_ended_by_a_person_is_no_success_of_the_policy() -> None:
    found = decisions_of(episode(intervened=(4, 5)), 1)
    assert found.observations.state.flatten().tolist() == [0.0, 2.0]
    assert found.terminal.tolist() == [False]
    assert found.final_observations.state.flatten().tolist() == [4.0]
    assert decisions_of(episode(intervened=tuple(range(6))), 1) is None


def test_extras_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match='1 extras, the policy gives 7'):
        decisions_of(episode(), 7)


def rollouts(**changes: object) -> Rollouts:
    return Rollouts(**{'extras_size': 1, 'samples_per_decision': 2, 'rollout_steps': 12,
                       'epochs': 2, 'batch': 4, 'heldout_share': 0.0, **changes})


def begun(store: Rollouts, seed: int = 0) -> Rollouts:
    decisions = store.begin(np.random.default_rng(seed))
    count = len(decisions)
    store.learn(torch.arange(float(count)), torch.zeros(count))
    return store


def test_a_rollout_is_complete_when_whole_episodes_have_enough_steps() -> None:
    store = rollouts(rollout_steps=13)
    store.add(episode())
    store.add(episode())
    assert not store.complete
    store.add(episode())
    assert store.complete
    assert store.remaining == 0
    begun(store)
    assert not store.complete
    assert store.remaining == 2 * (9 * 2 // 4)
    assert store.decisions.episodes.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_an_epoch_uses_each_sample_at_most_once_and_only_full_batches() -> None:
    store = rollouts()
    for _ in range(3):
        store.add(episode())
    begun(store)
    random = np.random.default_rng(1)
    for _ in range(2):
        drawn = Counter()
        for _ in range(4):
            rows, indices = store.deal(random)
            assert len(rows) == 4
            drawn.update(zip(rows.tolist(), indices.tolist()))
            store.advance(stop=False)
        assert len(drawn) == 16  # of 18; the remaining 2 fill no batch
        assert set(drawn.values()) == {1}
        assert all(0 <= row < 9 and index in (0, 1) for row, index in drawn)
    assert store.iterations == 1
    assert store.remaining == 0
    with pytest.raises(RuntimeError, match='no rollout is complete'):
        store.deal(random)


def test_stopping_ends_the_iteration_and_the_next_one_shuffles_again() -> None:
    store = rollouts()
    for _ in range(2):
        store.add(episode())
    begun(store)
    random = np.random.default_rng(1)
    store.deal(random)
    assert store.advance(stop=True)
    assert (store.iterations, store.remaining) == (1, 0)
    for _ in range(4):
        store.add(episode())
    begun(store)
    rows, _ = store.deal(random)
    assert store.remaining == 2 * 6
    assert int(rows.max()) < 12


def test_fewer_samples_than_a_batch_are_one_batch() -> None:
    store = rollouts(batch=1000)
    store.add(episode(steps=12))
    begun(store)
    rows, _ = store.deal(np.random.default_rng(0))
    assert len(rows) == 12
    assert store.remaining == 2


@given(st.integers(4, 20), st.floats(0.05, 0.4), st.integers(0, 5))
def test_held_out_episodes_are_whole_and_never_trained_on(number, share, seed) -> None:
    store = rollouts(heldout_share=share, batch=2, epochs=1)
    for _ in range(number):
        store.add(episode())
    begun(store, seed)
    parts = store.heldout_parts(4)
    expected = max(round(share * number), 2)
    episodes = [set(store.decisions.episodes[rows].tolist()) for rows, _ in parts]
    assert len(parts) == min(4, expected)
    assert sum(map(len, episodes)) == len(set.union(*episodes)) == expected
    for (rows, indices), names in zip(parts, episodes):
        pairs = list(zip(rows.tolist(), indices.tolist()))
        assert len(set(pairs)) == len(pairs) == len(names) * 3 * 2
    drawn: set[int] = set()
    random = np.random.default_rng(seed)
    while store.remaining:
        drawn.update(store.decisions.episodes[store.deal(random)[0]].tolist())
        store.advance(stop=False)
    assert drawn == set(range(number)) - set.union(*episodes)


def test_nothing_is_held_out_of_few_episodes_or_with_a_share_of_0() -> None:
    for share, number in ((0.3, 3), (0.0, 20)):
        store = rollouts(heldout_share=share)
        for _ in range(number):
            store.add(episode())
        begun(store)
        assert store.heldout_parts(4) == []
        assert len(store.training) == number * 3


def test_held_out_advantages_are_scaled_like_the_trained_ones() -> None:
    store = rollouts()
    for _ in range(2):
        store.add(episode())
    store.begin(np.random.default_rng(0))
    store.learn(torch.tensor([0.0, 0.0, 0.0, 6.0, 6.0, 6.0]), torch.zeros(6))
    found = store.on_trained_scale(torch.tensor([3.0, 3.0 + float(store.advantages.std())]))
    torch.testing.assert_close(found, torch.tensor([0.0, 1.0]))


@given(st.integers(0, 9), st.booleans())
def test_a_saved_rollout_continues_identically(advanced: int, images: bool) -> None:
    def recorded() -> Rollouts:
        store = rollouts(heldout_share=0.3)
        for index in range(8):
            one = episode(offset=float(index), intervened=(2,) if index % 3 == 0 else ())
            if images:
                pictures = np.full((7, 1, 2, 2, 3), index, np.uint8)
                one = Episode(**{**vars(one), 'images': pictures})
            store.add(one)
            if index == 5:
                begun(store)
        return store

    store, random = recorded(), np.random.default_rng(3)
    for _ in range(advanced):
        if not store.remaining:
            break
        store.deal(random)
        store.advance(stop=False)
    tensors, document = store.state_dict()
    again = rollouts(heldout_share=0.3)
    again.load_state_dict({name: tensor.clone() for name, tensor in tensors.items()},
                          json.loads(json.dumps(document)))
    state = random.bit_generator.state
    sequences = []
    for one in (store, again):
        generator = np.random.default_rng()
        generator.bit_generator.state = state
        drawn = []
        while one.remaining:
            rows, indices = one.deal(generator)
            drawn.append((rows.tolist(), indices.tolist()))
            one.advance(stop=False)
        begun(one, seed=7)
        drawn.append(one.decisions.observations.state.flatten().tolist())
        drawn.append([rows.tolist() for rows, _ in one.heldout_parts(4)])
        drawn.append(None if one.decisions.observations.images is None
                     else one.decisions.observations.images.sum().item())
        sequences.append(drawn)
    assert sequences[0] == sequences[1]
