# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A base policy that acts by chunks, and the correction of each of its steps."""
from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.diffusion import DiffusionPolicy
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.residual import correct, ResidualPolicy

VECTORS = json.loads((Path(__file__).parents[1] / 'vectors' / 'resip.json').read_text())


def config(**changes: object) -> ModelConfig:
    return ModelConfig(**{
        'observation_size': 2, 'action_size': 3, 'kind': 'residual', 'chunk_length': 4,
        'actor_width': 16, 'residual_width': 16, **changes})


def policy_of(**changes: object) -> ResidualPolicy:
    torch.manual_seed(0)
    return correct(DiffusionPolicy(config()), config(**changes), torch.Generator().manual_seed(0))


def tensor(name: str) -> torch.Tensor:
    return torch.tensor(VECTORS[name], dtype=torch.float32)


def test_actions_and_log_probabilities_are_those_of_resip() -> None:
    policy = policy_of(residual_scale=VECTORS['scale'], residual_std=VECTORS['std'])
    base, mean, residual = tensor('base'), tensor('mean'), tensor('residual')
    torch.testing.assert_close(policy.compose(base, residual), tensor('action').clamp(-1, 1))
    torch.testing.assert_close(policy.compose(base, mean), tensor('mean_action').clamp(-1, 1))
    torch.testing.assert_close(policy.log_probability(residual, mean), tensor('log_probability'),
                               atol=1e-5, rtol=1e-5)


def test_the_policy_starts_as_the_base_followed_open_loop() -> None:
    policy = policy_of()
    observations = Observations(torch.randn(2, 2))
    memory = policy.begin(2)
    generator = torch.Generator().manual_seed(5)
    plan = policy.base.sample(observations, torch.Generator().manual_seed(5))
    for step in range(4):
        # The observation changes from step to step; the plan does not.
        now = observations if step == 0 else Observations(torch.randn(2, 2))
        decision = policy.decide(now, memory, generator, explore=False)
        assert decision.actions.shape == (2, 1, 3)
        torch.testing.assert_close(decision.actions[:, 0], plan[:, step])
    decision = policy.decide(observations, memory, generator, explore=False)
    assert not torch.equal(decision.actions[:, 0], plan[:, 0])


def test_a_lane_that_continues_alone_keeps_its_own_plan() -> None:
    policy = policy_of()
    observations = Observations(torch.randn(3, 2))
    generator = torch.Generator().manual_seed(5)
    memory = policy.begin(3)
    policy.decide(observations, memory, generator, explore=False)
    expected = memory.plans[2, 1].clone()
    memory = memory.rows(torch.tensor([2]))
    decision = policy.decide(observations[2:], memory, generator, explore=False)
    torch.testing.assert_close(decision.actions[0, 0], expected)


def test_extras_hold_the_actions_before_clipping() -> None:
    policy = policy_of(residual_scale=2.0, residual_std=0.5)
    torch.nn.init.normal_(policy.correction.network[-1].weight)
    observations = Observations(torch.randn(50, 2))
    decision = policy.decide(
        observations, policy.begin(50), torch.Generator().manual_seed(0), explore=True)
    assert decision.extras.shape == (50, policy.extras_size)
    base, residual, recorded = policy.unpack(decision.extras)
    wanted = base + 2.0 * residual
    assert (wanted.abs() > 1.0).any()
    torch.testing.assert_close(decision.actions[:, 0], wanted.clamp(-1, 1))
    mean = policy.correction(observations, base)
    torch.testing.assert_close(policy.log_probability(residual, mean), recorded)
    spread = ((residual - mean.detach()) / 0.5).std()
    assert 0.8 < float(spread) < 1.2


def test_without_exploration_the_mean_is_added() -> None:
    policy = policy_of(residual_scale=0.1)
    torch.nn.init.normal_(policy.correction.network[-1].weight)
    observations = Observations(torch.randn(4, 2))
    generator = torch.Generator().manual_seed(0)
    decision = policy.decide(observations, policy.begin(4), generator, explore=False)
    base, residual, _ = policy.unpack(decision.extras)
    torch.testing.assert_close(residual, policy.correction(observations, base))


def test_squashing_bounds_the_correction() -> None:
    policy = policy_of(residual_squash=True, residual_std=0.0, residual_scale=0.3)
    torch.nn.init.constant_(policy.correction.network[-1].weight, 100.0)
    observations = Observations(torch.randn(20, 2))
    decision = policy.decide(
        observations, policy.begin(20), torch.Generator().manual_seed(0), explore=True)
    base, _, recorded = policy.unpack(decision.extras)
    assert float((decision.actions[:, 0] - base).abs().max()) <= 0.3 + 1e-6
    assert not recorded.any()  # without noise there is no density


def test_a_gaussian_density_of_one_dimension_by_hand() -> None:
    policy = policy_of(residual_std=2.0)
    found = policy.log_probability(torch.tensor([[1.0]]), torch.tensor([[0.0]]))
    assert float(found) == pytest.approx(-0.125 - math.log(2.0 * math.sqrt(2.0 * math.pi)))
