# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The networks, the diffusion policy and the choice among candidates."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.diffusion import cosine_alpha_bar, DiffusionPolicy
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.networks import ChunkCritic, EnsembleLinear

CONFIG = ModelConfig(observation_size=3, action_size=2, chunk_length=4, actor_width=32,
                     critic_width=16)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def policy() -> BestOfN:
    torch.manual_seed(0)
    return BestOfN(CONFIG)


def test_the_cosine_schedule_goes_from_almost_clean_to_almost_noise() -> None:
    share = cosine_alpha_bar(20)
    assert (share[1:] < share[:-1]).all()
    assert share[0] > 0.98
    assert 0.0 < share[-1] < 0.001


def test_members_of_an_ensemble_are_independent() -> None:
    layer = EnsembleLinear(2, 3, 1)
    x = torch.randn(2, 5, 3, requires_grad=True)
    layer(x)[0].sum().backward()
    assert x.grad[0].abs().sum() > 0
    assert x.grad[1].abs().sum() == 0
    assert not torch.equal(layer.weight[0], layer.weight[1])


def test_the_critic_sees_the_observation_and_each_step_of_the_chunk() -> None:
    critic = ChunkCritic(3, 8, width=16, layers=2, members=2)
    observations = torch.randn(5, 3, requires_grad=True)
    chunks = torch.randn(5, 4, 2, requires_grad=True)
    values = critic(observations, chunks)
    assert values.shape == (2, 5)
    values.sum().backward()
    assert (observations.grad != 0).all()
    assert (chunks.grad != 0).all()


def test_samples_are_chunks_within_the_limits_and_repeatable(policy: BestOfN) -> None:
    observations = Observations(10 * torch.randn(50, 3))
    chunks = policy.actor.sample(observations, generator(1))
    assert chunks.shape == (50, 4, 2)
    assert chunks.abs().max() <= 1.0
    assert torch.equal(chunks, policy.actor.sample(observations, generator(1)))
    assert not torch.equal(chunks, policy.actor.sample(observations, generator(2)))


def test_random_numbers_come_from_the_given_generator_only(policy: BestOfN) -> None:
    state = torch.get_rng_state()
    policy.actor.loss(Observations(torch.zeros(4, 3)), torch.zeros(4, 4, 2), generator())
    policy.act(Observations(torch.zeros(4, 3)), generator())
    assert torch.equal(torch.get_rng_state(), state)


def test_a_trained_diffusion_policy_reproduces_both_modes() -> None:
    torch.manual_seed(0)
    actor = DiffusionPolicy(replace(CONFIG, actor_width=64))
    optimiser = torch.optim.Adam(actor.parameters(), lr=2e-3)
    decay = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.01, total_iters=1200)
    random = generator(3)
    for _ in range(1200):
        observations = torch.randn(128, 3, generator=random)
        side = torch.randint(2, (128, 1, 1), generator=random) * 2.0 - 1.0
        target = side * (0.5 + 0.3 * observations[:, :1, None].tanh()).expand(-1, 4, 2)
        loss = actor.loss(Observations(observations), target, random)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        decay.step()
    observations = torch.randn(400, 3, generator=random)
    chunks = actor.sample(Observations(observations), random)
    size = 0.5 + 0.3 * observations[:, :1, None].tanh()
    assert (chunks.abs() - size).abs().mean() < 0.18
    assert 0.3 < float((chunks[:, 0, 0] > 0).float().mean()) < 0.7


def test_acting_chooses_the_candidate_that_the_critics_value_most(policy: BestOfN) -> None:
    policy.candidates.fill_(16)
    observations = Observations(torch.randn(6, 3))
    chosen = policy.act(observations, generator(4))
    proposed = policy.propose(observations, 16, generator(4))
    values = torch.stack([policy.critic(policy.critic.encoder(observations), proposed[:, n])
                          .mean(0) for n in range(16)], dim=1)
    best = proposed[torch.arange(6), values.argmax(1)]
    assert torch.equal(chosen, best)
    assert not torch.equal(chosen, proposed[:, 0])


def test_one_candidate_is_executed_without_asking_the_critic(policy: BestOfN) -> None:
    observations = Observations(torch.randn(6, 3))
    before = policy.act(observations, generator(5))
    for parameter in policy.critic.parameters():
        parameter.data.fill_(float('nan'))
    assert torch.equal(policy.act(observations, generator(5)), before)


def test_the_state_dict_holds_everything_that_acting_needs(policy: BestOfN) -> None:
    policy.candidates.fill_(8)
    seen = np.random.default_rng(0).normal(2, 3, (50, 3)).astype('f4')
    policy.actor.encoder.normaliser.fit(seen)
    torch.manual_seed(99)
    other = BestOfN(ModelConfig.from_json(CONFIG.to_json()))
    other.load_state_dict(policy.state_dict(), strict=True)
    observations = Observations(torch.randn(3, 3))
    assert torch.equal(other.act(observations, generator()),
                       policy.act(observations, generator()))
