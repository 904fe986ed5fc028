# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The Gaussian policy: densities, bounds, imitation and cloning."""
from __future__ import annotations

from dataclasses import replace
import json
import math
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
import torch

from inril_ros.learning.experience import Episode
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.artifact import load_policy, save_policy
from inril_ros.learning.policies.gaussian import GaussianPolicy, LARGEST_TARGET
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.pretrain import pretrain, PretrainConfig

CONFIG = ModelConfig(observation_size=3, action_size=2, chunk_length=2, state_noise=0.0,
                     kind='gaussian', actor_width=16)
FORMS = {'squashed': CONFIG, 'plain': replace(CONFIG, gaussian_squash=False)}
FOLDER = Path(__file__).parents[1] / 'vectors'
VECTORS = json.loads((FOLDER / 'rlpd.json').read_text())['tanh_normal']


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make(config: ModelConfig = CONFIG, seed: int = 0) -> GaussianPolicy:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return GaussianPolicy(config)


def some_observations(rows: int = 5) -> Observations:
    return Observations(torch.randn(rows, 3, generator=generator(1)))


def test_the_squashed_density_is_that_of_rlpd() -> None:
    actor = make(replace(CONFIG, action_size=4, chunk_length=1)).actor
    mean, log_std, actions = (torch.tensor(VECTORS[name]).unsqueeze(1)
                              for name in ('mean', 'log_std', 'actions'))
    torch.testing.assert_close(actor.log_probability(mean, log_std, actions),
                               torch.tensor(VECTORS['log_probability']), atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(actor.best(mean).squeeze(1), torch.tensor(VECTORS['mode']))


@pytest.mark.parametrize('form', FORMS)
def test_the_density_of_a_draw_is_that_of_its_chunk(form: str) -> None:
    actor = make(FORMS[form]).actor
    mean, log_std = actor(some_observations())
    noise = torch.randn(mean.shape, generator=generator())
    chunks, density = actor.draw(mean, log_std, noise)
    torch.testing.assert_close(density, actor.log_probability(mean, log_std, chunks),
                               atol=1e-3, rtol=1e-4)


@settings(max_examples=50, deadline=None)
@given(st.floats(-1.5, 1.5), st.floats(0.05, 0.8))
def test_the_squashed_density_integrates_to_one(mean: float, std: float) -> None:
    actor = make(replace(CONFIG, action_size=1, chunk_length=1)).actor
    x = torch.linspace(-1 + 1e-7, 1 - 1e-7, 200_001, dtype=torch.float64)[:, None, None]
    density = actor.log_probability(torch.full_like(x, mean), torch.full_like(x, math.log(std)),
                                    x).exp()
    assert float(torch.trapezoid(density, x[:, 0, 0])) == pytest.approx(1.0, abs=1e-3)


def test_the_density_stays_finite_where_tanh_is_flat() -> None:
    actor = make().actor
    mean = torch.full((1, 2, 2), 30.0, requires_grad=True)
    chunks, density = actor.draw(mean, torch.zeros(1, 2, 2), torch.zeros(1, 2, 2))
    density.sum().backward()
    assert torch.isfinite(density).all() and torch.isfinite(mean.grad).all()


@pytest.mark.parametrize('form', FORMS)
def test_the_deviation_starts_as_configured_and_stays_in_its_bounds(form: str) -> None:
    config = FORMS[form]
    actor = make(config).actor
    _, log_std = actor(some_observations())
    torch.testing.assert_close(log_std.exp(), torch.full_like(log_std, 0.1), atol=1e-4, rtol=0)
    with torch.no_grad():
        for parameter in actor.parameters():
            parameter.mul_(1e3)
    _, log_std = actor(some_observations())
    assert log_std.exp().min() >= config.gaussian_lowest_std - 1e-6
    assert log_std.exp().max() <= config.gaussian_highest_std + 1e-6


@pytest.mark.parametrize('form', FORMS)
def test_equal_generators_draw_equal_chunks_and_greedy_acting_draws_none(
        form: str) -> None:
    policy, seen = make(FORMS[form]), some_observations()
    memory = policy.begin(5)
    first = policy.decide(seen, memory, generator(3), explore=True).actions
    again = policy.decide(seen, memory, generator(3), explore=True).actions
    other = policy.decide(seen, memory, generator(4), explore=True).actions
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert first.abs().max() <= 1.0
    calm = [policy.decide(seen, memory, generator(seed), explore=False) for seed in (3, 4)]
    assert torch.equal(calm[0].actions, calm[1].actions)
    assert calm[0].extras.shape == (5, 0)


def test_imitating_the_largest_actions_ends_where_tanh_still_has_a_slope() -> None:
    actor, seen = make().actor, some_observations(1)
    chunks = torch.tensor([[[1.0, -1.0], [1.0, 0.3]]])
    optimiser = torch.optim.Adam(actor.parameters(), lr=1e-2)
    for _ in range(400):
        optimiser.zero_grad()
        actor.loss(seen, chunks, generator()).backward()
        optimiser.step()
    best = actor.best(actor(seen)[0])
    torch.testing.assert_close(best, chunks.clamp(-LARGEST_TARGET, LARGEST_TARGET),
                               atol=0.01, rtol=0)


def test_the_likelihood_trains_the_deviation_and_the_squared_error_does_not() -> None:
    noise = 0.2 * torch.randn(512, 2, 2, generator=generator(5))
    seen = Observations(torch.zeros(512, 3))
    deviations = {}
    for clone in ('nll', 'mse'):
        actor = make(replace(CONFIG, gaussian_clone=clone)).actor
        optimiser = torch.optim.Adam(actor.parameters(), lr=1e-2)
        for _ in range(300):
            optimiser.zero_grad()
            actor.loss(seen, noise.tanh(), generator()).backward()
            optimiser.step()
        deviations[clone] = float(actor(seen)[1].exp().mean().detach())
    assert deviations['nll'] == pytest.approx(0.2, abs=0.02)
    assert deviations['mse'] == pytest.approx(0.1, abs=1e-3)


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('clone', ['mse', 'nll'])
def test_pre_training_clones_the_policy_and_a_model_folder_restores_it(
        form: str, clone: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    episodes = []
    for _ in range(4):
        state = random.normal(size=(41, 3))
        episodes.append(Episode(state, np.tanh(state[:-1, :2]), np.zeros(40), True, True))
    # Chunks of one step: the following ones are white noise, which is unpredictable.
    model = replace(FORMS[form], chunk_length=1, gaussian_clone=clone)
    cloning = PretrainConfig(steps=500, batch=64, heldout_share=0.2)
    untrained = pretrain(episodes, model, PretrainConfig(steps=1, heldout_share=0.2), 0)
    result = pretrain(episodes, model, cloning, 0)
    assert result.heldout_loss < untrained.heldout_loss - 0.1
    again = pretrain(episodes, model, cloning, 0)
    assert again.heldout_loss == result.heldout_loss
    seen = Observations(torch.tensor(episodes[0].observations))
    acted = result.policy.decide(seen, result.policy.begin(41), generator(), False).actions
    error = (acted[:-1, 0] - torch.tensor(episodes[0].actions)).abs().mean()
    assert error < 0.15
    save_policy(tmp_path / 'model', result.policy)
    loaded = load_policy(tmp_path / 'model')
    assert torch.equal(loaded.decide(seen, loaded.begin(41), generator(), False).actions, acted)


@pytest.mark.parametrize(('key', 'value'), [
    ('gaussian_clone', 'mae'), ('gaussian_initial_std', 0.9), ('gaussian_lowest_std', 0.5)])
def test_impossible_configurations_are_refused(key: str, value: object) -> None:
    with pytest.raises(ValueError, match='gaussian'):
        replace(CONFIG, **{key: value})
