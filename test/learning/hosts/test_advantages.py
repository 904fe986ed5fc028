# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Advantages of decisions, the scale of rewards, and the clipped surrogate."""
from __future__ import annotations

import json
import math
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
import torch

from inril_ros.learning.hosts.surrogate import clipped_surrogate, normalised
from inril_ros.learning.hosts.values.advantages import (
    discounted_sums,
    generalised_advantages,
    RewardScale,
)

FOLDER = Path(__file__).parents[1] / 'vectors'
RESIP = json.loads((FOLDER / 'resip.json').read_text())['gae']
DPPO = json.loads((FOLDER / 'dppo.json').read_text())
CHUNKS = json.loads((FOLDER / 'dppo_advantages.json').read_text())

small = st.floats(-2.0, 2.0)


@pytest.mark.parametrize('lane', [0, 1])
def test_advantages_are_those_of_resip(lane: int) -> None:
    # ResiP's done[t] says that step t began after an end; here the step before it is an end.
    ends = np.array([*RESIP['dones'][lane][1:], RESIP['next_done'][lane]], np.bool_)
    bootstraps = np.zeros(6)
    if not ends[-1]:
        ends[-1], bootstraps[-1] = True, RESIP['next_value'][lane]
    values = np.array(RESIP['values'][lane])
    advantages = generalised_advantages(
        np.array(RESIP['rewards'][lane]), values, ends, bootstraps, RESIP['gamma'],
        RESIP['trace'])
    np.testing.assert_allclose(advantages, RESIP['advantages'][lane], atol=1e-5)
    np.testing.assert_allclose(advantages + values, RESIP['returns'][lane], atol=1e-5)


@pytest.mark.parametrize('lane', [0, 1, 2])
def test_advantages_of_chunks_are_those_of_dppo(lane: int) -> None:
    rewards, values, terminated = (np.array(CHUNKS[name])[:, lane] for name in (
        'step_rewards', 'values', 'terminated'))
    ends = terminated.astype(np.bool_)
    bootstraps = np.zeros(len(values))
    if not ends[-1]:  # the rollout is cut there, and continues
        ends[-1], bootstraps[-1] = True, CHUNKS['next_values'][lane]
    advantages = generalised_advantages(
        rewards.sum(axis=1), values, ends, bootstraps, CHUNKS['gamma'], CHUNKS['trace'])
    for found, name in (rewards.sum(axis=1), 'chunk_rewards'), (advantages, 'advantages'), (
            advantages + values, 'returns'):
        np.testing.assert_allclose(found, np.array(CHUNKS[name])[:, lane], atol=1e-8)


def test_chunks_of_two_episodes_by_hand() -> None:
    # The first episode ends in success, the second one at its time limit, worth 0.5 there.
    found = generalised_advantages(
        rewards=np.array([0.0, 1.0, 0.0, 0.0]), values=np.array([0.4, 0.6, 0.2, 0.3]),
        ends=np.array([False, True, False, True]), bootstraps=np.array([9.0, 0.0, 9.0, 0.5]),
        gamma=0.9, trace=0.5)
    last = 1.0 - 0.6
    first = 0.9 * 0.6 - 0.4 + 0.45 * last
    late = 0.9 * 0.5 - 0.3
    early = 0.9 * 0.3 - 0.2 + 0.45 * late
    np.testing.assert_allclose(found, [first, last, early, late])


@given(st.lists(st.tuples(small, small, st.booleans(), small), min_size=1, max_size=12),
       st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.randoms())
def test_advantages_do_not_depend_on_other_segments(rows, gamma, trace, random) -> None:
    rewards, values, ends, bootstraps = (np.array(column) for column in zip(*rows))
    ends[-1] = True
    cut = random.choice(np.flatnonzero(ends)) + 1
    whole = generalised_advantages(rewards, values, ends, bootstraps, gamma, trace)
    apart = [generalised_advantages(rewards[part], values[part], ends[part], bootstraps[part],
                                    gamma, trace) for part in (slice(cut), slice(cut, None))]
    np.testing.assert_allclose(whole, np.concatenate(apart), atol=1e-12)


@given(st.lists(st.tuples(small, small), min_size=1, max_size=8), st.floats(0.1, 1.0), small)
def test_with_lambda_1_advantages_are_returns_less_values(rows, gamma, bootstrap) -> None:
    rewards, values = (np.array(column) for column in zip(*rows))
    ends = np.arange(len(rows)) == len(rows) - 1
    found = generalised_advantages(rewards, values, ends, np.full(len(rows), bootstrap), gamma,
                                   1.0)
    powers = gamma ** np.arange(len(rows) + 1)
    total = (powers * np.append(rewards, bootstrap)).sum()
    assert found[0] + values[0] == pytest.approx(total, abs=1e-9)


def test_discounted_sums_restart_after_an_end() -> None:
    found = discounted_sums(np.ones(4), np.array([False, True, False, True]), 0.5)
    np.testing.assert_allclose(found, [1.0, 1.5, 1.0, 1.5])


def test_rewards_are_scaled_about_as_in_dppo() -> None:
    # DPPO starts with a pseudo-count and divides sums of squares by n - 1 twice: up to 2 % of n.
    vectors = DPPO['reward_scale']
    scale = RewardScale(vectors['gamma'])
    for rewards, firsts, expected in zip(vectors['rewards'], vectors['firsts'],
                                         vectors['scaled_reward_of_1']):
        ends = np.roll(np.array(firsts, np.bool_), -1, axis=1)
        ends[:, -1] = True
        scale.update(np.array(rewards).ravel(), ends.ravel())
        assert scale.scale(np.ones(1))[0] == pytest.approx(expected, rel=0.02)


@given(st.lists(st.lists(small, min_size=1, max_size=6), min_size=1, max_size=5))
def test_the_running_spread_is_that_of_all_sums_together(rollouts) -> None:
    scale, all_sums = RewardScale(0.9), []
    for rewards in rollouts:
        ends = np.arange(len(rewards)) == len(rewards) - 1
        scale.update(np.array(rewards), ends)
        all_sums += discounted_sums(np.array(rewards), ends, 0.9).tolist()
    expected = np.std(all_sums, ddof=1) if len(all_sums) > 1 else 1.0
    assert scale.std == pytest.approx(expected, abs=1e-9)
    again = RewardScale(0.9)
    again.load_state_dict(json.loads(json.dumps(scale.state_dict())))
    assert again.std == scale.std


def test_zero_rewards_stay_zero() -> None:
    scale = RewardScale(0.99)
    scale.update(np.zeros(10), np.zeros(10, np.bool_))
    assert not scale.scale(np.zeros(10)).any()
    assert scale.scale(np.ones(1))[0] == 10.0  # the first one is bounded


def test_the_surrogate_by_hand() -> None:
    ratios = torch.tensor([0.5, 1.1, 1.5, 0.5, 1.5])
    advantages = torch.tensor([1.0, 1.0, 1.0, -1.0, -1.0])
    log_probabilities = ratios.log().requires_grad_()
    found = clipped_surrogate(log_probabilities, torch.zeros(5), advantages, 0.2)
    # Clipped where the ratio has already moved in the advantage's direction: rows 2 and 3.
    expected = -(0.5 + 1.1 + 1.2 - 0.8 - 1.5) / 5
    assert float(found.loss.detach()) == pytest.approx(expected)
    found.loss.backward()
    assert (log_probabilities.grad == 0).tolist() == [False, False, True, True, False]
    assert found.clip_fraction == pytest.approx(4 / 5)
    divergences = [ratio - 1 - math.log(ratio) for ratio in ratios.tolist()]
    assert found.divergence == pytest.approx(sum(divergences) / 5)


def test_the_clip_range_can_differ_by_row() -> None:
    found = clipped_surrogate(torch.full((2,), 1.05).log(), torch.zeros(2), torch.ones(2),
                              torch.tensor([0.01, 0.1]))
    assert float(found.loss) == pytest.approx(-(1.01 + 1.05) / 2)
    assert found.clip_fraction == 0.5


def test_normalised_advantages_of_one_row_are_finite() -> None:
    assert normalised(torch.tensor([3.0])).tolist() == [0.0]
    found = normalised(torch.tensor([1.0, 2.0, 6.0]))
    assert float(found.mean()) == pytest.approx(0.0, abs=1e-6)
    assert float(found.std()) == pytest.approx(1.0, abs=1e-6)
