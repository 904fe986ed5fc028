# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The denoising steps of DPPO: Gaussians, log probabilities, and the network of each step."""
from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.denoising_chain import (
    denoising_tables,
    DenoisingChainPolicy,
    fine_tuned,
)
from inril_ros.learning.policies.diffusion import cosine_alpha_bar, ddim_grid, DiffusionPolicy
from inril_ros.learning.policies.model_config import ModelConfig

VECTORS = json.loads((Path(__file__).parents[1] / 'vectors' / 'dppo.json').read_text())


def config(**changes: object) -> ModelConfig:
    return ModelConfig(**{
        'observation_size': 2, 'action_size': 2, 'kind': 'dppo', 'chunk_length': 2,
        'actor_width': 16, **changes})


def tensor(name: str) -> torch.Tensor:
    return torch.tensor(VECTORS[name], dtype=torch.float32)


class Linear(DiffusionPolicy):
    """The network of the vectors: 0.7 x + 0.05 t - 0.3 sum(s)."""

    def predict_noise(self, chunks, steps, features):
        return (0.7 * chunks + 0.05 * steps.view(-1, 1, 1)
                - 0.3 * features.sum(dim=1).view(-1, 1, 1))


def linear_policy(**changes: object) -> DenoisingChainPolicy:
    policy = DenoisingChainPolicy(config(**changes))
    policy.tuned = Linear(policy.config)
    return policy


def on_the_grid_of_the_vectors(policy: DenoisingChainPolicy) -> DenoisingChainPolicy:
    """Replace our DDIM grid by DPPO's."""
    alpha_bar = cosine_alpha_bar(20)
    for prefix, eta in (('exploring', 1.0), ('greedy', 0.0)):
        policy._add_tables(
            prefix, denoising_tables(alpha_bar, torch.tensor(VECTORS['ddim_grid']), eta))
    return policy


def test_the_cosine_schedule_is_that_of_dppo() -> None:
    torch.testing.assert_close(cosine_alpha_bar(20).float(), tensor('alpha_bar'),
                               atol=1e-6, rtol=1e-5)


def test_the_ddim_grid_is_even_from_the_noisiest_step_to_the_cleanest() -> None:
    assert ddim_grid(20, 5).tolist() == [19, 14, 10, 5, 0]
    assert ddim_grid(20, 20).tolist() == list(range(19, -1, -1))
    assert ddim_grid(100, 5).tolist() == [99, 74, 50, 25, 0]


def step_of(tables, position: int, chunks: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Return mean and std of a step of the vectors' network, from the tables alone."""
    sums = tensor('observations').sum(dim=1).view(-1, 1, 1)
    noise = 0.7 * chunks + 0.05 * tables.steps[position] - 0.3 * sums
    clean = ((chunks - tables.noise[position] * noise) / tables.signal[position]).clamp(-1, 1)
    mean = tables.from_clean[position] * clean + tables.from_noisy[position] * chunks
    return mean, float(tables.std[position])


@pytest.mark.parametrize('case', VECTORS['ddpm'], ids=lambda case: f'step {case["step"]}')
def test_a_ddpm_step_is_that_of_dppo(case: dict) -> None:
    tables = denoising_tables(cosine_alpha_bar(20), torch.arange(19, -1, -1), 1.0)
    mean, std = step_of(tables, 19 - case['step'], tensor('chunks'))
    torch.testing.assert_close(mean, torch.tensor(case['mean']), atol=2e-5, rtol=1e-5)
    assert std == pytest.approx(case['std'], abs=1e-6)


@pytest.mark.parametrize('case', VECTORS['ddim'],
                         ids=lambda case: f'eta {case["eta"]} step {case["index"]}')
def test_a_ddim_step_is_that_of_dppo(case: dict) -> None:
    tables = denoising_tables(
        cosine_alpha_bar(20), torch.tensor(VECTORS['ddim_grid']), case['eta'])
    mean, std = step_of(tables, case['index'], tensor('chunks'))
    torch.testing.assert_close(mean, torch.tensor(case['mean']), atol=2e-5, rtol=1e-5)
    assert std == pytest.approx(case['std'], abs=1e-6)


@pytest.mark.parametrize('sampler', ['ddpm', 'ddim'])
def test_log_probabilities_of_chains_are_those_of_dppo(sampler: str) -> None:
    policy = linear_policy(chain_ddim=sampler == 'ddim')
    if sampler == 'ddim':
        on_the_grid_of_the_vectors(policy)
    chains, expected = tensor(f'{sampler}_chains'), tensor(f'{sampler}_log_probabilities')
    observations = Observations(tensor('observations'))
    for index in range(5):
        found = policy.log_probability(observations, chains[:, index], chains[:, index + 1],
                                       torch.full((3,), index))
        torch.testing.assert_close(found, expected[:, index], atol=2e-4, rtol=1e-5)
    assert float(expected.min()) == -5.0  # one number of the chain is far out: the clamp binds


@pytest.mark.parametrize('changes', [
    {}, {'chain_steps': 1}, {'chain_steps': 20}, {'chain_ddim': True},
    {'chain_ddim': True, 'chain_steps': 2}], ids=str)
def test_extras_hold_the_chain_and_its_probability(changes: dict) -> None:
    torch.manual_seed(0)
    policy = DenoisingChainPolicy(config(**changes))
    observations = Observations(torch.randn(7, 2))
    decision = policy.decide(
        observations, policy.begin(7), torch.Generator().manual_seed(1), explore=True)
    assert decision.extras.shape == (7, policy.extras_size)
    chains, recorded = policy.unpack(decision.extras)
    assert chains.shape == (7, policy.config.chain_steps + 1, 2, 2)
    torch.testing.assert_close(decision.actions, chains[:, -1].clamp(-1, 1))
    for index in range(policy.config.chain_steps):
        found = policy.log_probability(observations, chains[:, index], chains[:, index + 1],
                                       torch.full((7,), index))
        torch.testing.assert_close(found, recorded[:, index], atol=1e-5, rtol=1e-5)


def test_the_frozen_copy_takes_the_first_steps_and_the_tuned_one_the_last() -> None:
    torch.manual_seed(0)
    policy = fine_tuned(DiffusionPolicy(config()), config(chain_steps=5))
    seen: dict[str, set[int]] = {'frozen': set(), 'tuned': set()}
    for name, steps in seen.items():
        network = getattr(policy, name)
        inner = network.predict_noise

        def predict(chunks, now, features, inner=inner, steps=steps):
            steps.update(now.tolist())
            return inner(chunks, now, features)

        network.predict_noise = predict
    observations = Observations(torch.randn(2, 2))
    policy.decide(observations, policy.begin(2), torch.Generator().manual_seed(0), True)
    assert seen == {'frozen': set(range(5, 20)), 'tuned': set(range(5))}


def test_imitation_trains_the_tuned_network_where_it_acts() -> None:
    torch.manual_seed(0)
    policy = DenoisingChainPolicy(config(chain_steps=3))
    seen: set[int] = set()
    inner = policy.tuned.loss_at

    def loss_at(observations, chunks, steps, generator):
        seen.update(steps.tolist())
        return inner(observations, chunks, steps, generator)

    policy.tuned.loss_at = loss_at
    loss = policy.imitation_loss(Observations(torch.randn(200, 2)), torch.rand(200, 2, 2),
                                 torch.Generator().manual_seed(0))
    loss.backward()
    assert seen == {0, 1, 2}
    assert all(p.grad is not None and p.grad.any() for p in policy.tuned.network.parameters())
    assert all(p.grad is None for p in policy.frozen.parameters())


def test_exploring_keeps_the_noise_of_each_step_above_the_floor() -> None:
    policy = linear_policy(chain_std=0.17)
    indices = torch.arange(5)
    chunks = torch.zeros(5, 2, 2)
    _, std = policy.step_gaussian(policy.tuned, Observations(torch.zeros(5, 2)), chunks, indices)
    # sqrt of DDPM's posterior variance at t = 4 .. 0 is .195, .162, .123, .076, 0.
    expected = [0.1954, 0.17, 0.17, 0.17, 0.17]
    assert std.flatten().tolist() == pytest.approx(expected, abs=5e-4)


def test_a_greedy_ddim_chain_is_the_sample_of_the_clone() -> None:
    torch.manual_seed(0)
    clone = DiffusionPolicy(config())
    policy = fine_tuned(clone, config(chain_ddim=True))
    observations, generator = Observations(torch.randn(4, 2)), torch.Generator()
    decision = policy.decide(
        observations, policy.begin(4), generator.manual_seed(3), explore=False)
    assert decision.extras.shape == (4, 0)  # not for learning
    torch.testing.assert_close(decision.actions,
                               clone.sample(observations, generator.manual_seed(3)),
                               atol=1e-5, rtol=1e-5)


def test_greedy_ddpm_ends_without_noise() -> None:
    torch.manual_seed(0)
    policy = fine_tuned(DiffusionPolicy(config()), config())
    last_mean = []
    inner = policy.tuned.predict_noise

    def predict(chunks, steps, features):
        predicted = inner(chunks, steps, features)
        if int(steps[0]) == 0:
            noise, signal = policy.greedy_noise[-1], policy.greedy_signal[-1]
            last_mean.append(((chunks - noise * predicted) / signal).clamp(-1, 1))
        return predicted

    policy.tuned.predict_noise = predict
    decision = policy.decide(Observations(torch.randn(4, 2)), policy.begin(4),
                             torch.Generator().manual_seed(0), explore=False)
    torch.testing.assert_close(decision.actions, last_mean[0])


def test_more_fine_tuned_steps_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match='chain_steps: 6 is more than the 5 steps'):
        config(chain_ddim=True, chain_steps=6)
    with pytest.raises(ValueError, match='chain_steps: 21'):
        config(chain_steps=21)
