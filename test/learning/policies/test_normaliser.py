# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Normalised observations, near the demonstrations and far from them."""
from __future__ import annotations

import json

from hypothesis import given, strategies
import numpy as np
import pytest
import torch

from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.encoder import ObservationEncoder
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.policies.normaliser import Normaliser

DEMONSTRATED = np.random.default_rng(0).normal(3.0, 2.0, (100, 1)).astype(np.float32)


def normaliser(hard: bool = False) -> Normaliser:
    made = Normaliser(1, floor=0.02, knee=6.0, hard=hard)
    made.fit(DEMONSTRATED)
    return made


@given(strategies.floats(6.1, 500.0), strategies.floats(1.01, 2.0))
def test_states_far_from_the_demonstrations_can_be_told_apart(deviations: float,
                                                              further: float) -> None:
    made = normaliser()
    states = made.mean + made.std * torch.tensor([[deviations], [further * deviations]])
    near, far = made(states).flatten().tolist()
    assert 6.0 < near < far < 14.0
    torch.testing.assert_close(made(2 * made.mean - states), -made(states))
    assert normaliser(hard=True)(states).tolist() == [[6.0], [6.0]]


def test_a_model_that_was_saved_with_a_bound_keeps_it() -> None:
    now = ModelConfig(observation_size=2, action_size=1)
    assert ModelConfig.from_json(now.to_json()) == now
    assert not now.observation_bound
    older = json.loads(now.to_json())
    del older['observation_bound'], older['state_noise']
    read = ModelConfig.from_json(json.dumps(older))
    assert (read.observation_bound, read.state_noise) == (True, 0.0)


def test_states_are_noisy_for_learning_only() -> None:
    encoder = ObservationEncoder(ModelConfig(observation_size=1, action_size=1, state_noise=0.3))
    encoder.normaliser.fit(DEMONSTRATED)
    seen = Observations(torch.from_numpy(DEMONSTRATED).repeat(50, 1))
    still = encoder(seen)
    torch.testing.assert_close(encoder(seen), still)
    differences = encoder(seen, torch.Generator().manual_seed(0)) - still
    assert float(differences.std()) == pytest.approx(0.3, rel=0.05)


def test_normalised_observations_have_no_mean_and_unit_deviation() -> None:
    data = np.random.default_rng(0).normal([5.0, -2.0, 7.0], [3.0, 0.5, 0.0], (4000, 3))
    normaliser = Normaliser(3, floor=0.02, knee=6.0)
    normaliser.fit(data.astype(np.float32))
    out = normaliser(torch.tensor(data, dtype=torch.float32))
    torch.testing.assert_close(out.mean(0), torch.zeros(3), atol=2e-2, rtol=0)
    torch.testing.assert_close(out.std(0)[:2], torch.ones(2), atol=1e-2, rtol=0)


def test_a_constant_dimension_neither_explodes_nor_is_lost() -> None:
    normaliser = Normaliser(1, floor=0.02, knee=6.0)
    normaliser.fit(np.full((10, 1), 4.0, np.float32))
    small, large = normaliser(torch.tensor([[4.02], [9.0]]))
    assert float(small) == pytest.approx(1.0, abs=1e-3)
    assert 6.0 < float(large) < 12.0
