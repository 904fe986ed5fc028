# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""IDQL's critic: its target, its limit, and the parameters that an update changes."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from inril_ros.learning.experience import Episode
from inril_ros.learning.hosts.idql import CriticBatch, IDQL
from inril_ros.learning.hosts.settings.off_policy import IDQLConfig
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.replay import Origin

CONFIG = ModelConfig(observation_size=2, action_size=1, chunk_length=2, actor_width=16,
                     critic_width=32)


@pytest.fixture
def policy() -> BestOfN:
    torch.manual_seed(0)
    return BestOfN(CONFIG)


def host_of(policy: BestOfN, learning_rate: float = 1e-3, polyak: float = 0.01,
            lowest: float = 0.0, highest: float = 1.0, **changes: float | str) -> IDQL:
    config = IDQLConfig(critic_learning_rate=learning_rate, polyak=polyak, lowest_value=lowest,
                        highest_value=highest, **{'critic_members': 3, **changes})
    return IDQL(config, policy, np.random.default_rng(0), torch.Generator().manual_seed(0),
                torch.device('cpu'))


def update(host: IDQL, rows: CriticBatch) -> None:
    host.critic_update(rows)
    assert host.actor_loss(rows) is None
    host.finish(rows)


def batch(size: int = 8, **changes: torch.Tensor | Observations | list[int]) -> CriticBatch:
    random = torch.Generator().manual_seed(1)
    fields = {
        'observations': Observations(torch.randn(size, 2, generator=random)),
        'candidates': torch.zeros(size, 3, 2, 1),
        'chunks': torch.rand(size, 2, 1, generator=random) * 2 - 1,
        'returns': torch.zeros(size), 'discounts': torch.full((size,), 0.9),
        'next_observations': Observations(torch.randn(size, 2, generator=random)),
        'next_candidates': torch.rand(size, 3, 2, 1, generator=random) * 2 - 1,
        'members': [0, 2]}
    return CriticBatch(**{**fields, **changes})


def episode(steps: int, *, success: bool, seed: int = 0, by_person: int = 0) -> Episode:
    random = np.random.default_rng(seed)
    rewards = np.zeros(steps)
    rewards[-1] = success
    return Episode(random.standard_normal((steps + 1, 2)), random.uniform(-1, 1, (steps, 1)),
                   rewards, terminated=success, success=success,
                   intervened=np.arange(steps) < by_person)


def test_the_target_is_the_best_candidate_by_the_lower_of_the_drawn_critics(
        policy: BestOfN) -> None:
    host = host_of(policy, lowest=-10.0, highest=10.0)
    rows = batch(returns=torch.arange(8.0))
    targets = host.target_values(rows)
    for row in range(8):
        following = rows.next_observations.state[row].expand(3, -1)
        values = host.target(following, rows.next_candidates[row])  # (E, J)
        best = max(min(float(v) for v in values[[0, 2], j]) for j in range(3))
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
    torch.testing.assert_close(values, torch.tensor([[0.81, 0.9, 1.0]]).expand(3, -1),
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


def test_more_critics_do_not_make_the_target_more_pessimistic(policy: BestOfN) -> None:
    # All critics are off by chance: the least of ten is far lower than that of two.
    def expected(members: int) -> float:
        host = host_of(policy, lowest=-10.0, highest=10.0, critic_members=members)
        remembered(host)
        offsets = torch.linspace(-1.0, 1.0, members).view(-1, 1, 1)
        host.target.values.value.weight.data.zero_()
        host.target.values.value.bias.data.copy_(offsets)
        return float(np.mean([host.target_values(host.draw()).mean() for _ in range(300)]))

    two, ten = expected(2), expected(10)
    assert two < -0.8  # the least of both
    assert ten > two / 2  # a third below their mean, not the least of all


def remembered(host: IDQL) -> None:
    host.remember(episode(9, success=True), Origin.DEMONSTRATION)
    for seed in range(6):
        host.remember(episode(30, success=seed == 0, seed=seed + 1, by_person=3 * (seed == 1)),
                      Origin.ONLINE)


def test_what_was_executed_next_is_among_the_candidates_of_the_target(policy: BestOfN) -> None:
    host = host_of(policy)
    shown, own = episode(9, success=True, seed=1), episode(30, success=False, seed=2)
    host.remember(shown, Origin.DEMONSTRATION)
    host.remember(own, Origin.ONLINE)
    rows = host.draw()
    assert rows.next_candidates.shape == (128, host.config.target_candidates + 1, 2, 1)
    at_time_out = 0
    for state, candidates in zip(rows.next_observations.state.numpy(),
                                 rows.next_candidates.numpy()):
        source, index = next((each, int(found[0])) for each in (shown, own) if len(
            found := np.flatnonzero((each.observations == state).all(axis=1))))
        if source is own and index + 2 > own.steps:  # what would have followed is unknown
            at_time_out += 1
            np.testing.assert_array_equal(candidates[-1], candidates[0])
        elif index < source.steps - 1:
            np.testing.assert_array_equal(candidates[-1], source.actions[index:index + 2])
    assert 0 < at_time_out < 64


def test_old_proposals_are_renewed_those_of_demonstrations_too(policy: BestOfN) -> None:
    host = host_of(policy, renewed=4.0)
    host.remember(episode(9, success=True), Origin.DEMONSTRATION)
    before, everywhere = host.replay.state_dict()['candidates'].copy(), slice(0, 10)
    for parameter in host.policy.actor.parameters():  # imitation has moved the actor
        parameter.data.mul_(0.5)
    host.remember(episode(30, success=False, seed=1), Origin.ONLINE)
    after = host.replay.state_dict()['candidates'][everywhere]
    assert (before != after).any(axis=(1, 2, 3)).mean() > 0.8
    still = host_of(policy, renewed=0.0)
    still.remember(episode(9, success=True), Origin.DEMONSTRATION)
    before = still.replay.state_dict()['candidates'].copy()
    still.remember(episode(30, success=False, seed=1), Origin.ONLINE)
    np.testing.assert_array_equal(still.replay.state_dict()['candidates'][everywhere], before)


def shares(host: IDQL) -> tuple[float, float]:
    """Return the shares of demonstrated rows and of rows within reach of a person's step."""
    rows, replay = np.concatenate([host._rows() for _ in range(20)]), host.replay
    return (float(np.isin(rows, replay.demonstration_rows).mean()),
            float(np.isin(rows, replay.intervention_rows).mean()))


def test_demonstrations_and_a_person_keep_their_shares(policy: BestOfN) -> None:
    host = host_of(policy, demonstration_share=0.25, intervention_share=0.125)
    remembered(host)
    demonstrated, commanded = shares(host)
    assert demonstrated == 0.25
    assert 0.125 <= commanded < 0.16  # own rows are drawn uniformly too
    former = host_of(policy, sampling='positives')
    remembered(former)
    assert shares(former)[0] < 0.2  # they share a half with own successes


def test_a_restored_replay_keeps_what_a_person_commanded(policy: BestOfN) -> None:
    host, restored = host_of(policy), host_of(policy)
    remembered(host)
    restored.load_state_dict(*host.state_dict())
    np.testing.assert_array_equal(restored.replay.intervention_rows,
                                  host.replay.intervention_rows)
    assert len(host.replay.intervention_rows) == 3
