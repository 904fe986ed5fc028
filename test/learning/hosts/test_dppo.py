# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""DPPO's chains: clip range, loss and gradient are those of its own code, and they learn."""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from on_policy_bench import Bench, flat
import pytest
import torch
from torch import nn

from inril_ros.learning.hosts.dppo import ChainBatch, DPPO
from inril_ros.learning.hosts.settings.on_policy import DPPOConfig
from inril_ros.learning.hosts.surrogate import clip_range
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig

VECTORS = json.loads((Path(__file__).parents[1] / 'vectors' / 'dppo.json').read_text())


def test_the_clip_range_is_that_of_dppo() -> None:
    vectors = VECTORS['clip_range']
    found = clip_range(torch.arange(5), 5, vectors['first'], vectors['last'], vectors['growth'])
    assert found.tolist() == pytest.approx(vectors['range'], abs=2e-6)


def test_the_only_step_of_a_chain_has_the_last_clip_range() -> None:
    assert clip_range(torch.zeros(3, dtype=torch.int64), 1, 0.01, 0.05, 3.0).tolist() == (
        pytest.approx([0.05] * 3))


def test_a_chain_of_one_step_learns_without_a_nan() -> None:
    bench = Bench('dppo', chain_steps=1, first_clip=0.01, batch=6)
    before = bench.weights()
    bench.act()
    bench.learn()
    assert torch.isfinite(bench.weights()).all()
    assert not torch.equal(bench.weights(), before)


def test_ddim_chains_learn() -> None:
    bench = Bench('dppo', chain_ddim=True, chain_steps=3)
    before = bench.weights()
    bench.act()
    logged = bench.learn()
    assert logged[0]['divergence'] == pytest.approx(0.0, abs=1e-6)
    assert not torch.equal(bench.weights(), before)


def test_the_loss_and_its_gradient_are_those_of_dppo() -> None:
    vectors = VECTORS['loss']
    model = ModelConfig(observation_size=2, action_size=2, chunk_length=2, actor_width=16)
    host = DPPO(DPPOConfig(clip=vectors['clip'], first_clip=vectors['first_clip'],
                           warmup_iterations=0), BestOfN(model),
                np.random.default_rng(0), torch.Generator(), torch.device('cpu'))
    factor = nn.Parameter(torch.tensor(0.7))

    def predict(chunks, steps, features):
        return (factor * chunks + 0.05 * steps.view(-1, 1, 1)
                - 0.3 * features.sum(dim=1).view(-1, 1, 1))

    host.policy.tuned.predict_noise = predict
    chains = torch.tensor(VECTORS['ddpm_chains'])
    rows, indices = torch.tensor(vectors['rows']), torch.tensor(vectors['indices'])
    batch = ChainBatch(
        Observations(torch.tensor(VECTORS['observations'])[rows]),
        torch.tensor(vectors['advantages']), torch.zeros(len(rows)), torch.tensor(vectors['old']),
        chains[rows, indices], chains[rows, indices + 1], indices)
    loss = host.actor_loss(batch)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(vectors['policy_loss'], abs=1e-5)
    assert float(factor.grad) == pytest.approx(vectors['gradient_of_factor'], abs=1e-4)
    assert host._divergence == pytest.approx(vectors['divergence'], abs=1e-6)
    assert host._clip_fraction == pytest.approx(vectors['clip_fraction'])


def test_the_clone_s_weight_limits_the_change_of_the_policy() -> None:
    def moved(weight: float) -> float:
        bench = Bench('dppo', clone_weight=weight, epochs=20, actor_learning_rate=1e-3)
        bench.act()
        bench.learn()
        return float((bench.weights() - flat(Bench('dppo').host.policy)).norm())

    bench = Bench('dppo', clone_weight=1.0)
    bench.act()
    batch = bench.host.draw()
    drift = bench.host.policy.divergence_from_clone(
        batch.observations, batch.before, batch.indices)
    assert float(drift.detach()) == 0.0
    assert moved(100.0) < 0.7 * moved(0.0)
