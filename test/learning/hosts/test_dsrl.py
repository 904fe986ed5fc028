# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The host that steers a clone by its noise: targets, worth of noise, when it steers, learning."""
from __future__ import annotations

from dataclasses import replace

from actor_updates import update
import numpy as np
import pytest
import torch
from torch import nn

from inril_ros.learning.experience import Episode
from inril_ros.learning.hosts.dsrl import DSRL
from inril_ros.learning.hosts.settings.actor_critic import DSRLConfig
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.gaussian import GaussianPolicy
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.replay import Origin

MODEL = ModelConfig(observation_size=2, action_size=1, chunk_length=2, state_noise=0.0,
                    actor_width=16, critic_width=16, denoising_steps=6, sampling_steps=3)
CONFIG = DSRLConfig(warmup_steps=0, warmup_updates=2, batch=16, critic_members=3,
                    critic_width=16)
SEEN = Observations(torch.randn(6, 2, generator=torch.Generator().manual_seed(2)))


def cloned(seed: int = 0) -> BestOfN:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BestOfN(MODEL)


def make(config: DSRLConfig = CONFIG) -> DSRL:
    return DSRL(config, cloned(), np.random.default_rng(0), torch.Generator().manual_seed(0),
                torch.device('cpu'))


def episode(seed: int, success: bool, steps: int = 12) -> Episode:
    random = np.random.default_rng(seed)
    return Episode(random.normal(size=(steps + 1, 2)), random.uniform(-1, 1, (steps, 1)),
                   (np.arange(steps) == steps - 1) * success, success, success)


def filled(config: DSRLConfig = CONFIG) -> DSRL:
    host = make(config)
    host.remember(episode(100, True), Origin.DEMONSTRATION)
    for number in range(4):
        host.remember(episode(number, bool(number % 2)), Origin.ONLINE)
    return host


def disturb(host: DSRL) -> None:
    """Make values differ from zero."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        for critic in (host.critics.critic, host.critics.target, host.noise_critics.critic):
            nn.init.normal_(critic.values.value.weight)


def decided(host: DSRL, seed: int = 1, explore: bool = False) -> torch.Tensor:
    policy = host.policy
    return policy.decide(SEEN, policy.begin(6), torch.Generator().manual_seed(seed),
                         explore).actions


def test_it_acts_exactly_as_the_clone_until_the_critics_have_warmed_up() -> None:
    host, clone = filled(), cloned()
    optimiser = torch.optim.Adam(host.actor_parameters, lr=1e-3)
    update(host, optimiser)
    same = clone.act(SEEN, torch.Generator().manual_seed(1))
    assert host.warming_up and torch.equal(decided(host), same)
    update(host, optimiser)
    assert not host.warming_up and not torch.equal(decided(host), same)


def test_a_steered_decision_depends_on_chance_only_while_exploring() -> None:
    host = filled()
    host.policy.steering.fill_(1)
    assert torch.equal(decided(host, 1), decided(host, 2))
    assert not torch.equal(decided(host, 1, explore=True), decided(host, 2, explore=True))


def test_each_chunk_is_one_that_the_clone_makes_of_noise_within_the_bound() -> None:
    host = filled()
    clone, bounded = cloned().actor, torch.rand(6, 2, 1) * 2.0 - 1.0
    noise = CONFIG.noise_bound * bounded
    assert torch.equal(host.policy.chunks(SEEN, bounded),
                       clone.denoise(clone.encoder(SEEN), noise))


def test_the_target_is_the_value_of_the_chunk_of_the_actors_noise_at_the_next_state() -> None:
    host = filled(replace(CONFIG, lowest_value=-100.0, highest_value=100.0))
    disturb(host)
    batch = host.draw()
    rows, noise, members = batch.steps[0], batch.next_noise[0], batch.target_members[0]
    targets = host.target_values(rows, noise, members)
    with torch.no_grad():
        mean, log_std = host.policy.actor(rows.next_observations)
        chunks = host.policy.chunks(rows.next_observations, (mean + log_std.exp() * noise).tanh())
        target = host.critics.target
        values = target(target.encoder(rows.next_observations), chunks)[members].amin(dim=0)
    assert torch.allclose(targets, rows.returns + rows.discounts * values)


def test_noise_is_worth_what_the_critics_say_of_its_chunk() -> None:
    host = filled()
    disturb(host)
    batch = host.draw()
    rows, noise = batch.steps[-1], batch.random_noise
    bounded, worth = host.worth_of_noise(rows, noise)
    with torch.no_grad():
        critic = host.critics.critic
        chunks = host.policy.chunks(rows.observations, bounded)
        values = critic(critic.encoder(rows.observations), chunks)
    assert torch.allclose(worth, values.mean(dim=0))
    assert torch.allclose(bounded[::2], (noise[::2] / CONFIG.noise_bound).clamp(-1, 1))
    assert bounded.abs().max() <= 1.0 and bounded.std() > 0.2


def test_rl_moves_the_actor_and_never_the_clone() -> None:
    host = filled()
    disturb(host)
    optimiser = torch.optim.Adam(host.actor_parameters, lr=1e-3)
    base = [tensor.clone() for tensor in host.policy.base.state_dict().values()]
    actor = [tensor.clone() for tensor in host.policy.actor.network.state_dict().values()]
    for _ in range(4):
        update(host, optimiser)
    after = host.policy.base.state_dict().values()
    assert all(torch.equal(a, b) for a, b in zip(base, after))
    moved = host.policy.actor.network.state_dict().values()
    assert any(not torch.equal(a, b) for a, b in zip(actor, moved))


def test_it_learns_which_noise_pays() -> None:
    """Each chunk is worth its mean action: the actor must find the noise of the largest one."""
    config = replace(CONFIG, warmup_updates=100, batch=64, critic_width=32,
                     critic_learning_rate=3e-3, actor_learning_rate=3e-3, initial_temperature=0.0)
    host = make(config)
    random = np.random.default_rng(3)
    for _ in range(40):  # episodes of one decision
        actions = random.uniform(-1, 1, (2, 1)).astype(np.float32)
        host.remember(Episode(random.normal(size=(3, 2)), actions,
                              np.array([0.0, actions.mean() / 2 + 0.5]), True, True),
                      Origin.ONLINE)
    optimiser = torch.optim.Adam(host.actor_parameters, lr=3e-3)
    for _ in range(500):
        update(host, optimiser)
    drawn = torch.stack([cloned().act(SEEN, torch.Generator().manual_seed(seed))
                         for seed in range(64)]).mean(dim=(2, 3))
    steered = decided(host).mean(dim=(1, 2))
    assert (steered >= drawn.quantile(0.8, dim=0)).all()
    assert steered.mean() > drawn.mean() + 0.5


def test_it_needs_a_diffusion_policy() -> None:
    with pytest.raises(ValueError, match='needs a cloned diffusion policy, not the kind gaussian'):
        DSRL(CONFIG, GaussianPolicy(replace(MODEL, kind='gaussian')), np.random.default_rng(0),
             torch.Generator(), torch.device('cpu'))


def test_settings_without_effect_are_refused() -> None:
    with pytest.raises(ValueError, match='bc_weight and kl_weight must be 0'):
        DSRLConfig(kl_weight=1.0)
    assert CONFIG.control_changes('kl_to_pretrained', 1.0) is None
