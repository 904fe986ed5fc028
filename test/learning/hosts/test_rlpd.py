# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""RLPD: the steps on critics, actor and temperature are those of the paper's code."""
from __future__ import annotations

from dataclasses import replace
import json
from pathlib import Path

from actor_critics import changed, episode, filled, make, MODEL, weights
from actor_updates import update
import pytest
import torch
from torch import nn, Tensor

from inril_ros.learning.hosts.catalogue import HOSTS
from inril_ros.learning.hosts.gaussian_actor_critic import GaussianActorCritic, GaussianBatch
from inril_ros.learning.hosts.settings.actor_critic import GaussianActorCriticConfig
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.gaussian import GaussianActor
from inril_ros.learning.policies.networks import MovingAverage
from inril_ros.learning.replays.symmetric_replay import Steps

VECTORS = json.loads((Path(__file__).parents[1] / 'vectors' / 'rlpd.json').read_text())


class LinearActor(GaussianActor):
    """The policy of the vectors: mean m o, constant deviation."""

    def __init__(self) -> None:
        super().__init__(replace(MODEL, observation_size=3, action_size=2, chunk_length=1))
        self.m = nn.Parameter(torch.tensor(VECTORS['networks']['m']))
        self.s = nn.Parameter(torch.tensor(VECTORS['networks']['log_std']))

    def forward(self, observations: Observations,
                generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        mean = (observations.state @ self.m.T).unsqueeze(1)
        return mean, self.s.expand_as(mean)


class LinearCritics(nn.Module):
    """The critics of the vectors: w_e [o, a] + b_e."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(VECTORS['networks'][f'{prefix}w']))
        self.b = nn.Parameter(torch.tensor(VECTORS['networks'][f'{prefix}b']))

    def encoder(self, observations: Observations,
                generator: torch.Generator | None = None) -> Tensor:
        return observations.state

    def forward(self, features: Tensor, chunks: Tensor,
                members: list[int] | None = None) -> Tensor:
        values = self.w @ torch.cat([features, chunks.flatten(1)], dim=1).T + self.b[:, None]
        return values if members is None else values[members]


def host_of_the_vectors(**changes: object) -> GaussianActorCritic:
    model = replace(MODEL, observation_size=3, action_size=2, chunk_length=1)
    numbers = VECTORS['networks']
    host = make(GaussianActorCriticConfig(**{
        'gamma': numbers['discount'], 'polyak': numbers['tau'], 'critic_members': 4,
        'target_members': 4, 'lowest_value': -1e3, 'highest_value': 1e3, 'critic_steps': 1,
        'initial_temperature': numbers['temperature'], 'warmup_updates': 0,
        'temperature_learning_rate': VECTORS['temperature']['learning_rate'],
        'target_entropy': VECTORS['temperature']['target_entropy'] / 2, **changes}), model)
    host.policy.actor = LinearActor()
    host.critics.critic = LinearCritics('')
    host.critics.target = LinearCritics('target_').requires_grad_(False)
    host.critics._following = MovingAverage(host.critics.target, host.critics.critic)
    # The sum over critics here is a mean there.
    host.critics.optimiser = torch.optim.SGD(host.critics.critic.parameters(), lr=1 / 4)
    return host


def noise_behind(actions: list, observations: Tensor, actor: LinearActor) -> Tensor:
    mean, log_std = actor(Observations(observations))
    return ((torch.tensor(actions).unsqueeze(1).atanh() - mean) / log_std.exp()).detach()


def batch_of_the_vectors(actor: LinearActor, actions: list, next_actions: list) -> GaussianBatch:
    data = {name: torch.tensor(value) for name, value in VECTORS['batch'].items()}
    rows = Steps(
        Observations(data['observations']), torch.zeros(5, 0), data['actions'].unsqueeze(1),
        data['rewards'], VECTORS['networks']['discount'] * data['masks'],
        Observations(data['next_observations']), torch.zeros(5, 0))
    return GaussianBatch(
        [rows], [noise_behind(next_actions, data['next_observations'], actor)], [[0, 1, 2, 3]],
        None, torch.Generator(), noise_behind(actions, data['observations'], actor))


@pytest.mark.parametrize('backup', [False, True])
def test_the_critics_step_is_that_of_rlpd(backup: bool) -> None:
    host = host_of_the_vectors(entropy_in_target=backup)
    expected = VECTORS[f'critic_backup_{backup}']
    batch = batch_of_the_vectors(host.policy.actor, VECTORS['actor']['actions'],
                                 expected['next_actions'])
    before = host.critics.critic.w.detach().clone()
    logged = host.critic_update(batch)
    assert logged['rl_loss'] / 4 == pytest.approx(expected['loss'], rel=1e-4)
    torch.testing.assert_close(before - host.critics.critic.w.detach(),
                               torch.tensor(expected['gradient_w']), atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(host.critics.target.w.data, torch.tensor(expected['target_w']),
                               atol=1e-4, rtol=1e-3)


def test_the_actors_gradient_and_the_temperatures_step_are_those_of_rlpd() -> None:
    host = host_of_the_vectors()
    actor, expected = host.policy.actor, VECTORS['actor']
    batch = batch_of_the_vectors(actor, expected['actions'], expected['actions'])
    host._updates = 1
    loss = host.actor_loss(batch)
    gradients = torch.autograd.grad(loss, [actor.m, actor.s])
    assert float(loss.detach()) == pytest.approx(expected['loss'], rel=1e-4)
    torch.testing.assert_close(gradients[0], torch.tensor(expected['gradient_m']),
                               atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(gradients[1], torch.tensor(expected['gradient_s']),
                               atol=1e-4, rtol=1e-3)
    logged = host.finish(batch)
    assert logged['entropy'] * 2 == pytest.approx(expected['entropy'], rel=1e-4)
    assert logged['temperature'] == pytest.approx(VECTORS['temperature']['after'], rel=1e-6)


def test_the_host_rlpd_learns_as_published() -> None:
    # configs/rlpd_config.py and the command for Adroit, with its sparse rewards.
    config = HOSTS['rlpd'][0]()
    published = {
        'gamma': 0.99, 'polyak': 0.005, 'critic_learning_rate': 3e-4, 'actor_learning_rate': 3e-4,
        'temperature_learning_rate': 3e-4, 'initial_temperature': 1.0, 'target_entropy': -0.5,
        'entropy_in_target': False, 'critic_width': 256, 'critic_layers': 3, 'target_members': 2,
        'pessimism': 0.0, 'warmup_steps': 5000, 'lowest_value': None, 'highest_value': None}
    assert {name: getattr(config, name) for name in published} == published
    assert config.exploration.scale == 0.0

    host = filled(replace(config, critic_width=16, warmup_steps=0))
    assert host.updates_due(3) == 3
    optimiser = torch.optim.Adam(host.actor_parameters, lr=3e-4)
    update(host, optimiser)
    before = weights(host.policy)
    batch = host.draw()
    shown = torch.tensor(episode(100).observations)
    for rows in batch.steps:
        assert len(rows.returns) == 256
        of_demonstrations = torch.isin(rows.observations.state, shown).all(dim=1)
        assert of_demonstrations[:128].all() and not of_demonstrations[128:].any()
    assert host.critics.critic.values.members == 10
    logged = update(host, optimiser)
    assert {int(state['step']) for state in host.critics.optimiser.state.values()} == {2 * 20}
    assert changed(before, host.policy) and 0.0 < logged['temperature'] != 1.0


def test_values_of_rlpd_are_not_clipped() -> None:
    host = filled(replace(HOSTS['rlpd'][0](), critic_width=16))
    batch = host.draw()
    rows = batch.steps[0]
    with torch.no_grad():
        host.critics.target.values.value.weight.zero_()
        host.critics.target.values.value.bias.fill_(50.0)
    torch.testing.assert_close(
        host.target_values(rows, batch.next_noise[0], batch.target_members[0]),
        rows.returns + 50.0 * rows.discounts)
