# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The off-policy residual host: composition, targets, what changes when, that it learns."""
from __future__ import annotations

import copy
from dataclasses import replace
import json
from pathlib import Path

from actor_updates import update
import numpy as np
import pytest
import torch
from torch import nn, Tensor

from inril_ros.learning.experience import Episode
from inril_ros.learning.hosts.catalogue import HOSTS
from inril_ros.learning.hosts.residual_sac import ResidualSAC
from inril_ros.learning.hosts.settings.actor_critic import ResidualSACConfig
from inril_ros.learning.hosts.settings.names import CONFIGS
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.catalogue import make_policy
from inril_ros.learning.policies.gaussian import GaussianPolicy
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.policy import Policy
from inril_ros.learning.replay import Origin

VECTORS = json.loads(
    (Path(__file__).parents[1] / 'vectors' / 'resfit_composition.json').read_text())
MODEL = ModelConfig(observation_size=2, action_size=1, chunk_length=2, state_noise=0.0,
                    actor_width=16, denoising_steps=4, sampling_steps=2)
CONFIG = ResidualSACConfig(warmup_steps=0, warmup_updates=2, batch=16, critic_width=16,
                           residual_width=16)


def make(config: ResidualSACConfig = CONFIG, model: ModelConfig = MODEL,
         seed: int = 0) -> ResidualSAC:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        policy = BestOfN(model)
    return ResidualSAC(config, policy, np.random.default_rng(seed),
                       torch.Generator().manual_seed(seed), torch.device('cpu'))


def demonstration(seed: int = 100, steps: int = 12) -> Episode:
    random = np.random.default_rng(seed)
    return Episode(random.normal(size=(steps + 1, 2)), random.uniform(-1, 1, (steps, 1)),
                   np.arange(steps) == steps - 1, terminated=True, success=True)


def acted_episode(policy: Policy, seed: int, success: bool, steps: int = 12) -> Episode:
    """Return an episode of decisions of the policy, in random states."""
    state = np.random.default_rng(seed).normal(size=(steps + 1, 2)).astype(np.float32)
    memory, generator = policy.begin(1), torch.Generator().manual_seed(seed)
    decisions = [policy.decide(Observations(torch.tensor(state[t:t + 1])), memory, generator,
                               explore=True) for t in range(steps)]
    rewards = np.zeros(steps)
    rewards[-1] = success
    return Episode(state, np.stack([one.actions[0, 0].numpy() for one in decisions]), rewards,
                   success, success, decision_starts=np.arange(steps),
                   extras=np.stack([one.extras[0].numpy() for one in decisions]))


def filled(config: ResidualSACConfig = CONFIG, seed: int = 0) -> ResidualSAC:
    host = make(config, seed=seed)
    host.remember(demonstration(), Origin.DEMONSTRATION)
    for number in range(4):
        host.remember(acted_episode(host.policy, number, bool(number % 2)), Origin.ONLINE)
    return host


def disturb(host: ResidualSAC) -> None:
    """Make the corrections nonzero."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        nn.init.normal_(host.policy.correction.network[-1].weight)


def weights(module: nn.Module) -> list[Tensor]:
    return [tensor.clone() for tensor in module.state_dict().values()]


def changed(before: list[Tensor], module: nn.Module) -> bool:
    return any(not torch.equal(a, b) for a, b in zip(before, module.state_dict().values()))


# ---- composition and base actions ----------------------------------------------------------


def test_base_and_residual_compose_as_in_resfit() -> None:
    host = make(replace(CONFIG, residual_scale=VECTORS['scale']), replace(MODEL, action_size=4))
    actions = host.policy.compose(torch.tensor(VECTORS['base']),
                                  torch.tensor(VECTORS['network_output']).tanh())
    torch.testing.assert_close(actions, torch.tensor(VECTORS['action']))


def test_the_policy_starts_as_the_clone_and_the_scale_bounds_corrections() -> None:
    host = make()
    assert float(host.policy.decide(
        Observations(torch.zeros(3, 2)), host.policy.begin(3),
        torch.Generator().manual_seed(0), explore=True).extras[:, 1].abs().max()) == 0.0
    disturb(host)
    with torch.no_grad():
        host.policy.correction.network[-1].weight.mul_(1e4)
    decision = host.policy.decide(Observations(torch.zeros(3, 2)), host.policy.begin(3),
                                  torch.Generator().manual_seed(0), explore=True)
    difference = decision.actions[:, 0] - decision.extras[:, :1]
    assert difference.abs().max() <= 0.5 + 1e-6
    assert difference.abs().max() > 0.1


def test_base_actions_of_decisions_are_kept_and_others_proposed() -> None:
    host = make()
    disturb(host)
    one = acted_episode(host.policy, 3, success=False)
    host.remember(one, Origin.ONLINE)
    rows = host.replay._lived.batch(host.replay._lived.rows)
    np.testing.assert_array_equal(rows.context[:, 0], one.extras[:, 0])
    # n = 4 steps later; the final observation has no decision, so the base acts.
    np.testing.assert_array_equal(rows.next_context[:8, 0], one.extras[4:, 0])
    assert (rows.next_context[8:] == rows.next_context[8]).all()
    assert np.abs(rows.next_context[8:]).max() <= 1.0


def test_a_person_s_steps_are_learned_as_positives() -> None:
    host = make()
    one = acted_episode(host.policy, 3, success=False)
    intervened = np.arange(12) >= 8
    host.remember(replace(one, intervened=intervened, decision_starts=one.decision_starts[:8],
                          extras=one.extras[:8]), Origin.ONLINE)
    assert host.replay._lived.positive_rows.tolist() == [8, 9, 10, 11]


@pytest.mark.parametrize('name', ['actor_critic', 'residual_sac', 'rlpd'])
def test_a_person_s_steps_reach_the_critics_however_rare_they_are(name: str) -> None:
    kind, host_kind = HOSTS[name]
    with torch.random.fork_rng():
        policy = make_policy(replace(MODEL, kind=CONFIGS[name].POLICY_KIND))
    host = host_kind(kind(batch=100, critic_width=16), policy, np.random.default_rng(0),
                     torch.Generator(), torch.device('cpu'))
    host.remember(demonstration(), Origin.DEMONSTRATION)
    for number in range(60):
        steps = 20
        state = np.full((steps + 1, 2), 100.0 + number)
        success, by_person = number > 0, np.arange(steps) >= 16
        host.remember(Episode(
            state, np.zeros((steps, 1)), np.eye(steps)[-1] * success, success, success,
            intervened=None if success else by_person), Origin.ONLINE)
    for rows in host.draw().steps:  # a sixtieth of the data, in an episode that failed
        assert (rows.observations.state[:, 0] == 100.0).sum() >= 10


# ---- one update ----------------------------------------------------------------------------


@pytest.mark.parametrize('guard', [False, True])
def test_the_target_follows_its_definition(guard: bool) -> None:
    host = filled(replace(CONFIG, guard=guard, lowest_value=-10.0, highest_value=10.0))
    disturb(host)
    batch = host.draw()
    rows, noise, members = batch.steps[0], batch.next_noise[0], batch.target_members[0]
    targets = host.target_values(rows, noise, members)
    features = host.critics.target.encoder(rows.next_observations)
    for row in range(len(targets)):
        base = rows.next_context[row]
        with torch.no_grad():
            correction = host.policy.correction(rows.next_observations[row:row + 1], base[None])
        action = (base + 0.5 * correction[0]).clamp(-1, 1) + 0.05 * noise[row]
        candidates = [action.clamp(-1, 1)] + [base] * guard
        values = [min(float(host.critics.target(features[row:row + 1], one.view(1, 1, 1))[member])
                      for member in members) for one in candidates]
        expected = rows.returns[row] + rows.discounts[row] * max(values)
        assert float(targets[row]) == pytest.approx(float(expected), abs=1e-5)


def test_bootstrapped_values_stay_in_the_range_of_possible_returns() -> None:
    host = filled()
    batch = host.draw()
    rows = batch.steps[0]
    for bias, value in ((50.0, 1.0), (-50.0, 0.0)):
        with torch.no_grad():
            host.critics.target.values.value.bias.fill_(bias)
        torch.testing.assert_close(
            host.target_values(rows, batch.next_noise[0], batch.target_members[0]),
            rows.returns + value * rows.discounts)


def test_the_correction_waits_until_the_critics_have_warmed_up() -> None:
    host = filled()
    optimiser = torch.optim.Adam(host.actor_parameters, lr=1e-3)
    assert host.warming_up and host.updates_due(0) == 2
    before = weights(host.policy)
    update(host, optimiser)
    assert not changed(before, host.policy)
    update(host, optimiser)
    assert not host.warming_up and changed(before, host.policy)
    assert host.updates_due(0) == 0 and host.updates_due(10) == 5


def test_rl_changes_only_the_correction_and_imitation_only_the_base() -> None:
    host = filled(replace(CONFIG, warmup_updates=0))
    disturb(host)
    names = {id(part): name for name, part in (
        *host.policy.named_parameters(), *host.critics.critic.named_parameters(prefix='critic'))}
    groups = {
        'actor': host.actor_parameters, 'il': host.imitation_parameters,
        'critic': host.critic_parameters}
    assert {name.split('.')[0] for part in groups['actor'] for name in [names[id(part)]]} == {
        'correction'}
    assert {names[id(part)].split('.')[0] for part in groups['il']} == {'base'}
    batch = host.draw()
    host.critic_update(batch)
    host.critics.optimiser.zero_grad(set_to_none=True)

    shown = demonstration()
    host.imitation_loss(
        Observations(torch.tensor(shown.observations[:-2])),
        torch.tensor(np.stack([shown.actions[:-1], shown.actions[1:]], axis=1)),
        torch.Generator().manual_seed(0)).backward()
    assert all(part.grad is None for part in groups['actor'] + groups['critic'])
    assert any(part.grad is not None and part.grad.any() for part in groups['il'])

    host.policy.zero_grad(set_to_none=True)
    host.actor_loss(batch).backward()
    assert all(part.grad is None for part in groups['il'])
    assert any(part.grad is not None and part.grad.any() for part in groups['actor'])
    before = weights(host.critics.critic), weights(host.policy.base)
    torch.optim.Adam(groups['actor'], lr=1e-2).step()
    assert not changed(before[0], host.critics.critic) and not changed(before[1], host.policy.base)


@pytest.mark.parametrize('pessimism', [0.0, 0.7])
def test_the_correction_learns_the_value_of_the_executed_action(pessimism: float) -> None:
    host = filled(replace(CONFIG, warmup_updates=0, pessimism=pessimism))
    disturb(host)
    host._updates = 1
    batch = host.draw()
    rows = batch.steps[-1]
    with torch.no_grad():
        residual = host.policy.correction(rows.observations, rows.context)
        executed = (rows.context + 0.5 * residual).clamp(-1, 1)
        critic = host.critics.critic
        values = critic(critic.encoder(rows.observations), executed.unsqueeze(1))
    expected = -(values.mean(dim=0) - pessimism * values.std(dim=0)).mean()
    torch.testing.assert_close(host.actor_loss(batch).detach(), expected)


def test_the_weights_of_cloning_and_of_staying_near_the_base_add_their_losses() -> None:
    host = filled(replace(CONFIG, warmup_updates=0, bc_weight=2.0, kl_weight=3.0))
    disturb(host)
    host._updates = 1
    batch = host.draw()
    plain = ResidualSAC(replace(CONFIG, warmup_updates=0), host.policy, host._random,
                        host._generator, torch.device('cpu'))
    plain.policy, plain.critics, plain._updates = host.policy, host.critics, 1
    extra = host.actor_loss(batch) - plain.actor_loss(replace(batch, demonstrations=None))
    rows, shown = batch.steps[-1], batch.demonstrations
    correction = host.policy.correction(rows.observations, rows.context)
    imitated = (shown.context + 0.5 * host.policy.correction(
        shown.observations, shown.context)).clamp(-1, 1)
    expected = 3 * 0.5 * correction.square().mean() + 2 * (
        imitated - shown.chunks[:, 0]).square().mean()
    torch.testing.assert_close(extra, expected, atol=1e-5, rtol=1e-4)


# ---- many updates --------------------------------------------------------------------------


def test_a_restored_host_continues_bit_for_bit() -> None:
    going = filled()
    optimiser = torch.optim.Adam(going.actor_parameters, lr=1e-3)
    for _ in range(4):
        update(going, optimiser)
    restored = make(seed=7)
    restored._random.bit_generator.state = going._random.bit_generator.state
    restored._generator.set_state(going._generator.get_state())
    tensors, document = going.state_dict()
    restored.load_state_dict({name: tensor.clone() for name, tensor in tensors.items()},
                             json.loads(json.dumps(document)))
    other = torch.optim.Adam(restored.actor_parameters, lr=1e-3)
    other.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    for number in range(4):
        if number == 2:
            for host in (going, restored):
                host.remember(acted_episode(host.policy, 50, True), Origin.ONLINE)
        assert update(going, optimiser) == update(restored, other)
    final = going.state_dict()[0], restored.state_dict()[0]
    assert final[0].keys() == final[1].keys()
    assert all(torch.equal(final[0][name], final[1][name]) for name in final[0])


def test_the_host_finds_the_rewarded_correction() -> None:
    # Episodes of one step: the nearer the action to 0.4 above the base's, the better.
    config = replace(CONFIG, warmup_updates=300, batch=64, positive_share=0.0, horizon=1,
                     critic_learning_rate=2e-3, guard=False)
    host = make(config, replace(MODEL, chunk_length=1))
    random = np.random.default_rng(0)
    for _ in range(300):
        base = random.uniform(-0.5, 0.5, (1, 1))
        action = np.clip(base + random.uniform(-0.5, 0.5, (1, 1)), -1, 1)
        reward = 1.0 - np.abs(action - base - 0.4)[0]
        host.remember(Episode(
            np.zeros((2, 2)), action, reward, True, False, decision_starts=np.array([0]),
            extras=np.concatenate([base, np.zeros((1, 2))], axis=1)), Origin.ONLINE)
    # The state is unrelated to the base here; the correction sees the base action.
    optimiser = torch.optim.Adam(host.actor_parameters, lr=3e-3)
    first = host.policy.correction(Observations(torch.zeros(3, 2)),
                                   torch.tensor([[-0.4], [0.0], [0.4]]))
    assert not first.any()
    for _ in range(900):
        update(host, optimiser)
    base = torch.zeros(64, 1).uniform_(-0.5, 0.5, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        acted = host.policy.compose(
            base, host.policy.correction(Observations(torch.zeros(64, 2)), base))
    assert float((acted - base).mean()) > 0.2


def test_policies_other_than_diffusion_are_refused() -> None:
    policy = GaussianPolicy(replace(MODEL, kind='gaussian'))
    with pytest.raises(ValueError, match='diffusion'):
        ResidualSAC(CONFIG, policy, np.random.default_rng(0), torch.Generator(),
                    torch.device('cpu'))


@pytest.mark.parametrize('change', [
    {'horizon': 0}, {'target_members': 6}, {'residual_scale': 0.0}, {'lowest_value': 2.0}])
def test_impossible_numbers_are_refused(change: dict) -> None:
    with pytest.raises(ValueError, match='ResidualSACConfig'):
        replace(CONFIG, **change)
