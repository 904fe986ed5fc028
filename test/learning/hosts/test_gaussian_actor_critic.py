# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Actor-critic: what changes when, what is measured, and learning."""
from __future__ import annotations

import copy
from dataclasses import replace
import json

from actor_critics import changed, CONFIG, episode, filled, make, MODEL, weights
from actor_updates import update
import numpy as np
import pytest
import torch
from torch import Tensor

from inril_ros.learning.experience import Episode
from inril_ros.learning.hosts.gaussian_actor_critic import (
    GaussianActorCritic,
    GaussianBatch,
)
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.gaussian import GaussianPolicy
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.replay import Origin

# ---- one update ----------------------------------------------------------------------------


def test_the_target_is_the_minimum_of_the_drawn_critics_within_the_possible_returns() -> None:
    host = filled()
    batch = host.draw()
    rows, noise, members = batch.steps[0], batch.next_noise[0], batch.target_members[0]
    assert len(members) == 2
    with torch.no_grad():
        chunks, _ = host.policy.actor.draw(*host.policy.actor(rows.next_observations), noise)
        every = host.critics.target(host.critics.target.encoder(rows.next_observations), chunks)
    expected = torch.minimum(every[members[0]], every[members[1]]).clamp(0.0, 1.0)
    torch.testing.assert_close(host.target_values(rows, noise, members),
                               rows.returns + rows.discounts * expected)
    with torch.no_grad():
        host.critics.target.values.value.bias.fill_(50.0)
    torch.testing.assert_close(host.target_values(rows, noise, members),
                               rows.returns + rows.discounts)


def test_the_actor_waits_until_the_critics_have_warmed_up() -> None:
    host = filled()
    optimiser = torch.optim.Adam(host.actor_parameters, lr=1e-3)
    assert host.warming_up and host.updates_due(0) == 2
    before = weights(host.policy)
    update(host, optimiser)
    assert host.warming_up and not changed(before, host.policy)
    update(host, optimiser)
    assert not host.warming_up and changed(before, host.policy)
    assert host.updates_due(0) == 0 and host.updates_due(10) == 5


def test_one_update_takes_the_configured_steps_on_the_critics() -> None:
    host = filled(replace(CONFIG, critic_steps=3))
    host.critic_update(host.draw())
    steps = {int(state['step']) for state in host.critics.optimiser.state.values()}
    assert steps == {3}


def test_the_actors_loss_changes_no_critic_and_the_critics_loss_no_actor() -> None:
    host = filled(replace(CONFIG, warmup_updates=0))
    batch = host.draw()
    before = weights(host.policy)
    host.critic_update(batch)
    assert not changed(before, host.policy)
    before = weights(host.critics.critic), weights(host.critics.target)
    host.actor_loss(batch).backward()
    host.finish(batch)
    assert not changed(before[0], host.critics.critic)
    assert not changed(before[1], host.critics.target)
    assert all(parameter.grad is not None for parameter in host.actor_parameters[:2])


def test_rl_and_imitation_change_the_same_parameters_and_imitation_no_critic() -> None:
    host = filled()
    assert [id(part) for part in host.actor_parameters] == [
        id(part) for part in host.imitation_parameters]
    shown = episode(100)
    loss = host.imitation_loss(
        Observations(torch.tensor(shown.observations[:-2])),
        torch.tensor(np.stack([shown.actions[:-1], shown.actions[1:]], axis=1)),
        torch.Generator())
    loss.backward()
    assert all(part.grad is None for part in host.critic_parameters)
    assert any(part.grad is not None and part.grad.any() for part in host.imitation_parameters)


def test_pessimism_prefers_actions_on_which_the_critics_agree() -> None:
    losses = []
    for pessimism in (0.0, 1.0):
        host = filled(replace(CONFIG, warmup_updates=0, pessimism=pessimism))
        batch = host.draw()
        host._updates = 1
        losses.append(float(host.actor_loss(batch).detach()))
        rows = batch.steps[-1]
        with torch.no_grad():
            chunks, _ = host.policy.actor.draw(*host.policy.actor(rows.observations),
                                               batch.noise)
            critic = host.critics.critic
            spread = critic(critic.encoder(rows.observations), chunks).std(dim=0)
    assert losses[1] - losses[0] == pytest.approx(float(spread.mean()), rel=1e-4)


def test_the_weight_of_cloning_adds_the_imitation_loss_of_demonstrations() -> None:
    host = filled(replace(CONFIG, warmup_updates=0, bc_weight=2.0))
    batch = host.draw()
    host._updates = 1
    whole = host.actor_loss(batch)
    shown = batch.demonstrations
    cloning = host.imitation_loss(shown.observations, shown.chunks, batch.generator)
    alone = host.actor_loss(replace(batch, demonstrations=None))
    assert float((whole - alone).detach()) == pytest.approx(2 * float(cloning.detach()), rel=1e-4)
    rewarded = torch.tensor(episode(100).observations)
    assert torch.isin(shown.observations.state, rewarded).all()


def test_the_divergence_from_the_clone_is_zero_at_first_then_that_of_gaussians() -> None:
    host = filled(replace(CONFIG, warmup_updates=0, kl_weight=1.0))
    batch = host.draw()
    host._updates = 1
    plain = filled(replace(CONFIG, warmup_updates=0))
    plain._updates = 1
    torch.testing.assert_close(host.actor_loss(batch), plain.actor_loss(batch))
    with torch.no_grad():
        for one in (host, plain):
            one.policy.actor.network.exit.bias.add_(0.3)
    rows = batch.steps[-1]
    with torch.no_grad():
        now, then = (torch.distributions.Normal(mean, log_std.exp()) for mean, log_std in (
            host.policy.actor(rows.observations), host.clone(rows.observations)))
    expected = torch.distributions.kl_divergence(now, then).mean()
    torch.testing.assert_close((host.actor_loss(batch) - plain.actor_loss(batch)).detach(),
                               expected, atol=1e-5, rtol=1e-4)


def test_measuring_changes_nothing_and_its_batches_share_no_episode() -> None:
    config = replace(CONFIG, initial_temperature=0.1)
    measured, other = filled(config), filled(config)
    for host in (measured, other):
        host.remember(episode(101), Origin.DEMONSTRATION)
        host._updates = 5
    first, again = measured.reference_batches(), measured.reference_batches()
    losses = [float(measured.actor_loss(batch).detach()) for batch in first]
    assert losses == [float(measured.actor_loss(batch).detach()) for batch in again]
    states = [set(map(tuple, batch.steps[0].observations.state.tolist())) for batch in first]
    assert len(states) == 2 and not states[0] & states[1]
    a, b = measured.draw(), other.draw()
    assert torch.equal(a.noise, b.noise)
    assert torch.equal(a.steps[0].chunks, b.steps[0].chunks)
    for host, batch in ((measured, a), (other, b)):
        host.actor_loss(batch)
    for batch in first:
        measured.actor_loss(batch)
    assert measured.finish(a) == other.finish(b)


def test_the_measured_gradient_is_that_of_the_distribution_that_is_learned_from() -> None:
    host = filled(replace(CONFIG, warmup_updates=0))
    shown = set(map(tuple, episode(100).observations.astype(np.float32).tolist()))
    with torch.no_grad():  # no noise of the policy: only the rows differ
        host.policy.actor.network.exit.bias[-1] = -20.0

    def mean_gradient(batches: list[GaussianBatch]) -> Tensor:
        found = [torch.autograd.grad(host.actor_loss(replace(batch, generator=None)),
                                     host.actor_parameters)
                 for batch in batches]
        return torch.stack([torch.cat([part.flatten() for part in one if part is not None])
                            for one in found]).mean(dim=0)

    host._updates, references = 1, []
    for host._updates in range(1, 101):
        references += host.reference_batches()
    learned, measured = (mean_gradient(batches) for batches in (
        [host.draw() for _ in range(200)], references))
    assert float((learned - measured).norm() / learned.norm()) < 0.06
    for batch in references[:2]:
        drawn = list(map(tuple, batch.steps[-1].observations.state.tolist()))
        assert sum(state in shown for state in drawn) == round(
            CONFIG.demonstration_share * CONFIG.batch)


# ---- many updates --------------------------------------------------------------------------


def test_a_restored_host_continues_bit_for_bit() -> None:
    config = replace(CONFIG, initial_temperature=0.1, kl_weight=0.1, bc_weight=0.1)
    going = filled(config)
    optimiser = torch.optim.Adam(going.actor_parameters, lr=1e-3)
    for _ in range(4):
        update(going, optimiser)
    restored = make(config, seed=7)
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
                host.remember(episode(50), Origin.ONLINE)
        assert update(going, optimiser) == update(restored, other)
    final = going.state_dict()[0], restored.state_dict()[0]
    assert final[0].keys() == final[1].keys()
    assert all(torch.equal(final[0][name], final[1][name]) for name in final[0])


def test_the_host_finds_the_rewarded_action() -> None:
    # One state; a chunk is rewarded by how near its actions are to 0.5.
    config = replace(CONFIG, warmup_updates=200, batch=64, initial_temperature=0.001,
                     critic_learning_rate=2e-3, positive_share=0.0)
    host = make(config)
    random = np.random.default_rng(0)
    for _ in range(200):
        actions = random.uniform(-1, 1, (2, 1))
        reward = 1.0 - np.abs(actions - 0.5).mean()
        host.remember(Episode(np.zeros((3, 2)), actions, np.array([0.0, reward]), True, False),
                      Origin.ONLINE)
    optimiser = torch.optim.Adam(host.actor_parameters, lr=3e-3)
    for _ in range(500):
        update(host, optimiser)
    acted = host.policy.decide(Observations(torch.zeros(1, 2)), host.policy.begin(1),
                               torch.Generator(), explore=False).actions
    # A window starting at the second step repeats its only action, which counts twice.
    assert float(acted.mean()) == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize('model', [
    replace(MODEL, kind='best_of_n'), replace(MODEL, gaussian_squash=False)])
def test_other_policies_are_refused(model: ModelConfig) -> None:
    policy = (BestOfN if model.kind == 'best_of_n' else GaussianPolicy)(model)
    with pytest.raises(ValueError, match='gaussian'):
        GaussianActorCritic(CONFIG, policy, np.random.default_rng(0), torch.Generator(),
                            torch.device('cpu'))


@pytest.mark.parametrize('change', [
    {'target_members': 6}, {'positive_share': 1.0}, {'critic_steps': 0},
    {'lowest_value': 2.0}, {'kl_weight': -1.0}])
def test_impossible_numbers_are_refused(change: dict) -> None:
    with pytest.raises(ValueError, match='GaussianActorCriticConfig'):
        replace(CONFIG, **change)
