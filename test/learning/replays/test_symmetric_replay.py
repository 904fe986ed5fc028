# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a batch consists of, and the values that it leads to where outcomes are up to chance."""
from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from inril_ros.learning.experience import Episode
from inril_ros.learning.hosts.settings.actor_critic import GaussianActorCriticConfig
from inril_ros.learning.replay import Origin
from inril_ros.learning.replays.symmetric_replay import Steps, SymmetricReplay

GAMMA = 0.9


def replay(capacity: int = 1000, **settings: object) -> SymmetricReplay:
    return SymmetricReplay(2, 1, 0, 1, 1, GAMMA, capacity, GaussianActorCriticConfig(**settings),
                           torch.device('cpu'))


def add(memory: SymmetricReplay, number: int, origin: Origin, success: bool = False,
        intervened: np.ndarray | None = None) -> None:
    """Add an episode of 8 steps that is known by its number."""
    state = np.stack([np.full(9, number), np.arange(9)], axis=1)
    memory.add(Episode(state, np.zeros((8, 1)), np.eye(8)[-1] * success, True, success,
                       intervened=intervened), np.zeros((9, 0), np.float32), origin)


def filled(capacity: int = 1000, own: int = 4, **settings: object) -> SymmetricReplay:
    """Demonstrations are episodes -1 and -2; a person commanded steps 4 and 5 of all of 0, 1."""
    memory = replay(capacity, **settings)
    for number in (-1, -2):
        add(memory, number, Origin.DEMONSTRATION, True)
    by_person = np.isin(np.arange(8), (4, 5))
    for number in range(own):
        add(memory, number, Origin.ONLINE, success=number % 2 == 0,
            intervened=by_person if number < 2 else None)
    return memory


def numbers(rows: Steps) -> list[int]:
    return rows.observations.state[:, 0].int().tolist()


@pytest.mark.parametrize('own', [4, 40, 400])
def test_shares_of_demonstrations_and_of_a_person_do_not_sink_as_own_data_grows(own: int) -> None:
    memory = filled(100_000, own)
    rows = memory.draw(400, np.random.default_rng(0))
    assert set(numbers(rows)[:100]) == {-1, -2} and min(numbers(rows)[100:]) >= 0
    by_person = rows.observations.state[100:140]
    assert set(by_person[:, 0].tolist()) == {0, 1} and set(by_person[:, 1].tolist()) == {4, 5}


def test_own_rows_are_drawn_alike_whatever_came_of_them() -> None:
    drawn = Counter(numbers(filled(own=8).draw(8000, np.random.default_rng(0)))[2800:])
    assert sorted(drawn) == list(range(8))
    assert all(count == pytest.approx(650, abs=100) for count in drawn.values())


def test_the_former_way_begins_with_demonstrations_successes_and_a_person_s_steps() -> None:
    memory = filled(sampling='positives', positive_share=0.25)
    rows = memory.draw(4000, np.random.default_rng(0))
    positive = Counter(numbers(rows)[:1000])
    assert sorted(positive) == [-2, -1, 0, 1, 2]
    assert positive[1] < 100 < min(positive[number] for number in (-2, -1, 0, 2))
    assert set(numbers(rows)[1000:]) == {0, 1, 2, 3}


def test_demonstrations_can_be_imitated_even_if_critics_do_not_use_them() -> None:
    memory = filled(demonstration_share=0.0)
    assert min(numbers(memory.draw(400, np.random.default_rng(0)))) >= 0
    assert set(numbers(memory.demonstrations(50, np.random.default_rng(0)))) == {-1, -2}


def test_demonstrations_and_a_person_s_episodes_outlive_any_number_of_others() -> None:
    drawn = numbers(filled(capacity=40, own=20).draw(400, np.random.default_rng(0)))
    assert set(drawn[:100]) == {-1, -2}
    assert set(drawn[100:]) == {0, 1, 18, 19}


def test_parts_share_no_episode_and_have_the_shares_of_a_batch() -> None:
    memory = filled()
    parts = [numbers(rows) for rows in memory.parts(400, 2, np.random.default_rng(0))]
    assert not set(parts[0]) & set(parts[1])
    for part in parts:
        assert max(part[:100]) < 0 and set(part[100:140]) < {0, 1} and min(part[140:]) >= 0
    assert replay().parts(5, 2, np.random.default_rng(0)) == []


def test_all_parts_have_the_share_of_demonstrations_even_if_there_is_only_one() -> None:
    memory = replay()
    add(memory, -1, Origin.DEMONSTRATION, True)
    add(memory, 0, Origin.ONLINE)
    assert memory.parts(40, 2, np.random.default_rng(0)) == []
    add(memory, 1, Origin.ONLINE)
    for number, part in enumerate(memory.parts(40, 2, np.random.default_rng(0))):
        assert Counter(numbers(part)) == {-1: 10, number: 30}


def test_a_restored_replay_draws_the_same_batch() -> None:
    memory, restored = filled(), replay()
    restored.load_state_dict(memory.state_dict())
    assert torch.equal(*(one.draw(64, np.random.default_rng(0)).observations.state
                         for one in (memory, restored)))


# ---- a chance outcome ----------------------------------------------------------------------

COIN, SURE = 0.5, -0.5


def values_at_the_start(sampling: str) -> tuple[float, float]:
    """Return the values of two first actions, as Q-learning with a table finds them.

    After the first one, success in half of all cases, at once. After the other one, certain
    success by four more steps, as all demonstrations have it.
    """
    memory = replay(sampling=sampling)

    def attempt(actions: list[float], success: bool, origin: Origin) -> None:
        steps = len(actions)
        state = np.stack([np.arange(steps + 1), np.zeros(steps + 1)], axis=1)
        rewards = np.eye(steps)[-1] * success
        memory.add(Episode(state, np.array(actions)[:, None], rewards, True, success),
                   np.zeros((steps + 1, 0), np.float32), origin)

    for _ in range(6):
        attempt([SURE] * 5, True, Origin.DEMONSTRATION)
    for number in range(60):
        attempt([SURE] * 5, True, Origin.ONLINE)
        attempt([COIN], number % 2 == 0, Origin.ONLINE)
    rows = memory.draw(20_000, np.random.default_rng(0))
    state, following = (one.state[:, 0].int().numpy()
                        for one in (rows.observations, rows.next_observations))
    coin = rows.chunks[:, 0, 0].numpy() == COIN
    values = np.zeros((6, 2))
    for _ in range(5):
        targets = rows.returns.numpy() + rows.discounts.numpy() * values.max(axis=1)[following]
        for at in range(5):
            for action in (0, 1):
                chosen = (state == at) & (coin == action)
                values[at, action] = targets[chosen].mean() if chosen.any() else 0.0
    return values[0, 1], values[0, 0]


def test_a_coin_is_worth_its_chance_and_a_certain_path_is_preferred() -> None:
    coin, certain = values_at_the_start('shares')
    assert coin == pytest.approx(0.5, abs=0.03)
    assert certain == pytest.approx(GAMMA ** 4, abs=1e-3)  # .656


def test_the_former_way_prefers_the_coin() -> None:
    coin, certain = values_at_the_start('positives')
    assert coin > 0.66 > certain
