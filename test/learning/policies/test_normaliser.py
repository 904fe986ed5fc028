# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Normalised observations, near the demonstrations and far from them."""
from __future__ import annotations

import json

from hypothesis import given, strategies
import numpy as np
import torch

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


def test_states_like_those_of_the_demonstrations_have_zero_mean_and_unit_variance() -> None:
    scaled = normaliser()(torch.from_numpy(DEMONSTRATED))
    assert abs(float(scaled.mean())) < 1e-5
    assert abs(float(scaled.std(correction=0)) - 1.0) < 1e-5


def test_a_model_that_was_saved_with_a_bound_keeps_it() -> None:
    now = ModelConfig(observation_size=2, action_size=1)
    assert ModelConfig.from_json(now.to_json()) == now
    assert not now.observation_bound
    older = json.loads(now.to_json())
    del older['observation_bound']
    assert ModelConfig.from_json(json.dumps(older)).observation_bound
