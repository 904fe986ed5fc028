# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""IDQL's critic: its target, its limit, and the parameters that an update changes."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from inril_ros.learning.hosts.idql import CriticBatch, IDQL, IDQLConfig
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig

CONFIG = ModelConfig(observation_size=2, action_size=1, chunk_length=2, actor_width=16,
                     critic_width=32)


@pytest.fixture
def policy() -> BestOfN:
    torch.manual_seed(0)
    return BestOfN(CONFIG)


def host_of(policy: BestOfN, learning_rate: float = 1e-3, polyak: float = 0.01,
            lowest: float = 0.0, highest: float = 1.0) -> IDQL:
    config = IDQLConfig(critic_learning_rate=learning_rate, polyak=polyak, lowest_value=lowest,
                        highest_value=highest)
    return IDQL(config, policy, np.random.default_rng(0), torch.Generator().manual_seed(0),
                torch.device('cpu'))


def update(host: IDQL, rows: CriticBatch) -> None:
    host.critic_update(rows)
    assert host.actor_loss(rows) is None
    host.finish(rows)


def batch(size: int = 8, **changes: torch.Tensor | Observations) -> CriticBatch:
    random = torch.Generator().manual_seed(1)
    fields = {
        'observations': Observations(torch.randn(size, 2, generator=random)),
        'candidates': torch.zeros(size, 3, 2, 1),
        'chunks': torch.rand(size, 2, 1, generator=random) * 2 - 1,
        'returns': torch.zeros(size), 'discounts': torch.full((size,), 0.9),
        'next_observations': Observations(torch.randn(size, 2, generator=random)),
        'next_candidates': torch.rand(size, 3, 2, 1, generator=random) * 2 - 1}
    return CriticBatch(**{**fields, **changes})


def test_the_target_is_the_best_candidate_by_the_most_pessimistic_member(
        policy: BestOfN) -> None:
    host = host_of(policy, lowest=-10.0, highest=10.0)
    rows = batch(returns=torch.arange(8.0))
    targets = host.target_values(rows)
    for row in range(8):
        following = rows.next_observations.state[row].expand(3, -1)
        values = host.target(following, rows.next_candidates[row])  # (E, J)
        best = max(min(float(v) for v in values[:, j]) for j in range(3))
        assert float(targets[row]) == pytest.approx(row + 0.9 * best, abs=1e-5)


def test_bootstrapped_values_stay_in_the_range_of_possible_returns(policy: BestOfN) -> None:
    host = host_of(policy)
    host.target.values.value.bias.data.fill_(50.0)
    torch.testing.assert_close(host.target_values(batch()), torch.full((8,), 0.9))
    host.target.values.value.bias.data.fill_(-50.0)
    torch.testing.assert_close(host.target_values(batch()), torch.zeros(8))


def test_a_terminal_row_is_worth_its_return(policy: BestOfN) -> None:
    host = host_of(policy)
    host.target.values.value.bias.data.fill_(50.0)
    rows = batch(returns=torch.full((8,), 0.25), discounts=torch.zeros(8))
    torch.testing.assert_close(host.target_values(rows), rows.returns)


def test_the_critic_learns_the_value_of_a_chain_through_its_target(policy: BestOfN) -> None:
    # Three states in a row, the last one is rewarded: values are 0.81, 0.9 and 1.
    states = torch.tensor([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    rows = batch(
        3, observations=Observations(states), next_observations=Observations(states.roll(-1, 0)),
        chunks=torch.zeros(3, 2, 1), next_candidates=torch.zeros(3, 1, 2, 1),
        returns=torch.tensor([0.0, 0.0, 1.0]), discounts=torch.tensor([0.9, 0.9, 0.0]))
    host = host_of(policy, 3e-3, 0.05)
    for _ in range(600):
        update(host, rows)
    critic = host.policy.critic
    values = critic(critic.encoder(rows.observations), rows.chunks)
    torch.testing.assert_close(values, torch.tensor([[0.81, 0.9, 1.0]]).expand(2, -1),
                               atol=0.03, rtol=0)


def test_an_update_changes_the_critic_and_part_of_the_target_but_not_the_actor(
        policy: BestOfN) -> None:
    host = host_of(policy, polyak=0.25)
    actor = {name: value.clone() for name, value in host.policy.actor.state_dict().items()}
    old = [parameter.clone() for parameter in host.target.parameters()]
    update(host, batch(returns=torch.ones(8)))
    for before, slow, fast in zip(old, host.target.parameters(), host.policy.critic.parameters()):
        torch.testing.assert_close(slow, before + 0.25 * (fast - before))
    assert any(not torch.equal(a, b) for a, b in zip(old, host.policy.critic.parameters()))
    assert all(torch.equal(actor[name], value)
               for name, value in host.policy.actor.state_dict().items())
