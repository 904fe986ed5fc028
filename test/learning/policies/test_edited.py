# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The policy that edits its proposals: bounds, choice, and the start as a clone."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings, strategies
import pytest
import torch
from torch import nn

from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.artifact import load_policy, save_policy
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.edited import EditedPolicy, with_editor
from inril_ros.learning.policies.model_config import ModelConfig

CLONE = ModelConfig(observation_size=3, action_size=2, chunk_length=4, actor_width=16,
                    critic_width=16, denoising_steps=4, sampling_steps=2)
CONFIG = replace(CLONE, kind='edited', critic_members=4, residual_scale=0.2, residual_width=16)
SEEN = Observations(torch.randn(5, 3, generator=torch.Generator().manual_seed(2)))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def clone() -> BestOfN:
    torch.manual_seed(0)
    return BestOfN(CLONE)


def editing(clone: BestOfN, candidates: int = 3, config: ModelConfig = CONFIG,
            size: float = 1.0) -> EditedPolicy:
    """Return a policy that edits, with edits of some size."""
    policy = with_editor(clone.cloned, config, generator())
    policy.candidates.fill_(candidates)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        nn.init.normal_(policy.editor.network[-1].weight, std=size)
        nn.init.normal_(policy.critic.values.value.weight, std=1.0)
    return policy


def test_a_new_policy_acts_exactly_as_the_clone(clone: BestOfN) -> None:
    policy = with_editor(clone.cloned, CONFIG, generator(7))
    assert torch.equal(policy.act(SEEN, generator(1)), clone.act(SEEN, generator(1)))
    with torch.no_grad():
        mean, log_std = policy.editor(torch.randn(5, 3), torch.randn(5, 4, 2))
    assert not mean.any()
    torch.testing.assert_close(log_std.exp(), torch.full((5, 4, 2), CONFIG.gaussian_initial_std))


@pytest.mark.parametrize('pessimism', [0.0, 0.8])
def test_acting_chooses_among_proposals_and_edits(clone: BestOfN, pessimism: float) -> None:
    policy = editing(clone, config=replace(CONFIG, pessimism=pessimism))
    random = generator(1)
    proposals = policy.propose(SEEN, 3, random)
    noise = torch.randn(proposals.shape, generator=random)
    edited = 0
    acted = policy.act(SEEN, generator(1))
    with torch.no_grad():
        features, seen = policy.critic.encoder(SEEN), policy.editor.encoder(SEEN)
        for row in range(5):
            found, worth = [], []
            for j in range(3):
                mean, log_std = policy.editor(seen[row:row + 1], proposals[row, j][None])
                edit = (mean + log_std.exp() * noise[row, j]).tanh()[0]
                for chunk in (proposals[row, j], (proposals[row, j] + 0.2 * edit).clamp(-1, 1)):
                    found.append(chunk)
                    values = policy.critic(features[row:row + 1], chunk[None])[:, 0]
                    worth.append(float(values.mean() - pessimism * values.std()))
            best = max(range(6), key=worth.__getitem__)
            edited += best % 2
            torch.testing.assert_close(acted[row], found[best])
    assert edited > 0  # an edit was chosen at least once


@settings(max_examples=15, deadline=None)
@given(bound=strategies.floats(0.01, 1.0), size=strategies.floats(0.0, 1e6),
       seed=strategies.integers(0, 1000))
def test_edits_stay_within_their_bound_and_chunks_within_the_limits(
        bound: float, size: float, seed: int) -> None:
    torch.manual_seed(0)
    policy = editing(BestOfN(CLONE), config=replace(CONFIG, residual_scale=bound), size=size)
    chunks = torch.rand(5, 3, 4, 2, generator=generator(seed)) * 2 - 1
    with torch.no_grad():
        both = policy.extended(SEEN, chunks, generator(seed))
    assert torch.equal(both[:, :3], chunks)
    assert float((both[:, 3:] - chunks).abs().max()) <= bound + 1e-6
    assert float(both.abs().max()) <= 1.0


def test_the_best_of_proposals_and_edits_are_refined_where_that_is_set(clone: BestOfN) -> None:
    plain, refining = editing(clone), editing(
        clone, config=replace(CONFIG, refine_steps=2, refine_radius=0.1, refine_chunks=2))
    proposals = plain.propose(SEEN, 3, generator(1))
    with torch.no_grad():
        both = plain.extended(SEEN, proposals, generator(2))
        all_three = refining.extended(SEEN, proposals, generator(2))
        features = refining.critic.encoder(SEEN)
        worth, best = refining.worth(features, all_three), refining.worth(features, both)
    assert torch.equal(all_three[:, :6], both) and all_three.shape[1] == 8
    assert (worth[:, 6:].amax(dim=1) > best.amax(dim=1)).all()


def test_the_density_of_edits_integrates_to_one(clone: BestOfN) -> None:
    # One number per chunk: the density over (-1, 1) is a curve whose area is 1.
    config = replace(CONFIG, action_size=1, chunk_length=1)
    policy = EditedPolicy(config)
    noise = torch.linspace(-6.0, 6.0, 4001).view(-1, 1, 1)
    with torch.no_grad():
        _, edits, log_density = policy.editor.edit(
            torch.zeros(4001, 3), torch.zeros(4001, 1, 1), noise)
    area = torch.trapezoid(log_density.exp(), edits[:, 0, 0])
    assert float(area) == pytest.approx(1.0, abs=1e-3)


def test_a_saved_policy_edits_as_before(clone: BestOfN, tmp_path: Path) -> None:
    policy = editing(clone)
    save_policy(tmp_path / 'model', policy)
    loaded = load_policy(tmp_path / 'model')
    assert isinstance(loaded, EditedPolicy) and loaded.config == policy.config
    assert torch.equal(loaded.act(SEEN, generator(3)), policy.act(SEEN, generator(3)))


def test_a_number_of_candidates_out_of_bounds_is_refused(clone: BestOfN, tmp_path: Path) -> None:
    save_policy(tmp_path / 'model', editing(clone, candidates=100_000))
    with pytest.raises(ValueError, match='candidates is 100000'):
        load_policy(tmp_path / 'model')
