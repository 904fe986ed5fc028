# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The host's critic: its target, what it converges to, and what an update touches."""
from __future__ import annotations

import pytest
import torch

from inril_ros.learning.learners.idql import CriticBatch, IDQL
from inril_ros.learning.policies.best_of_n import ActingPolicy
from inril_ros.learning.policies.model_config import ModelConfig

CONFIG = ModelConfig(observation_size=2, action_size=1, chunk_length=2, actor_width=16,
                     critic_width=32)


@pytest.fixture
def policy() -> ActingPolicy:
    torch.manual_seed(0)
    return ActingPolicy(CONFIG)


def batch(size: int = 8, **changes: torch.Tensor) -> CriticBatch:
    random = torch.Generator().manual_seed(1)
    fields = {
        'observations': torch.randn(size, 2, generator=random),
        'chunks': torch.rand(size, 2, 1, generator=random) * 2 - 1,
        'returns': torch.zeros(size), 'discounts': torch.full((size,), 0.9),
        'next_observations': torch.randn(size, 2, generator=random),
        'next_candidates': torch.rand(size, 3, 2, 1, generator=random) * 2 - 1}
    return CriticBatch(**{**fields, **changes})


def test_the_target_is_the_best_candidate_by_the_most_pessimistic_member(
        policy: ActingPolicy) -> None:
    host = IDQL(policy, 1e-3, 0.01, -10.0, 10.0)
    rows = batch(returns=torch.arange(8.0))
    targets = host.target_values(rows)
    for row in range(8):
        following = rows.next_observations[row].expand(3, -1)
        values = host.target(following, rows.next_candidates[row])  # (E, J)
        best = max(min(float(v) for v in values[:, j]) for j in range(3))
        assert float(targets[row]) == pytest.approx(row + 0.9 * best, abs=1e-5)


def test_bootstrapped_values_stay_in_the_range_of_possible_returns(policy: ActingPolicy) -> None:
    host = IDQL(policy, 1e-3, 0.01, 0.0, 1.0)
    host.target.value.bias.data.fill_(50.0)
    torch.testing.assert_close(host.target_values(batch()), torch.full((8,), 0.9))
    host.target.value.bias.data.fill_(-50.0)
    torch.testing.assert_close(host.target_values(batch()), torch.zeros(8))


def test_a_terminal_row_is_worth_its_return(policy: ActingPolicy) -> None:
    host = IDQL(policy, 1e-3, 0.01, 0.0, 1.0)
    host.target.value.bias.data.fill_(50.0)
    rows = batch(returns=torch.full((8,), 0.25), discounts=torch.zeros(8))
    torch.testing.assert_close(host.target_values(rows), rows.returns)


def test_the_critic_learns_the_value_of_a_chain_through_its_target(policy: ActingPolicy) -> None:
    # Three states in a row, the last one is rewarded: values are 0.81, 0.9 and 1.
    states = torch.tensor([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    rows = batch(
        3, observations=states, next_observations=states.roll(-1, 0),
        chunks=torch.zeros(3, 2, 1), next_candidates=torch.zeros(3, 1, 2, 1),
        returns=torch.tensor([0.0, 0.0, 1.0]), discounts=torch.tensor([0.9, 0.9, 0.0]))
    host = IDQL(policy, 3e-3, 0.05, 0.0, 1.0)
    for _ in range(600):
        host.update(rows)
    values = policy.critic(states, rows.chunks)
    torch.testing.assert_close(values, torch.tensor([[0.81, 0.9, 1.0]]).expand(2, -1),
                               atol=0.03, rtol=0)


def test_an_update_moves_the_critic_and_a_share_of_the_target_but_not_the_actor(
        policy: ActingPolicy) -> None:
    host = IDQL(policy, 1e-3, 0.25, 0.0, 1.0)
    actor = {name: value.clone() for name, value in policy.actor.state_dict().items()}
    old = [parameter.clone() for parameter in host.target.parameters()]
    host.update(batch(returns=torch.ones(8)))
    for before, slow, fast in zip(old, host.target.parameters(), policy.critic.parameters()):
        torch.testing.assert_close(slow, before + 0.25 * (fast - before))
    assert any(not torch.equal(a, b) for a, b in zip(old, policy.critic.parameters()))
    assert all(torch.equal(actor[name], value)
               for name, value in policy.actor.state_dict().items())
