# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The choice among proposals, and their refinement by the gradient of the critics."""
from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import BestOfN, with_critics
from inril_ros.learning.policies.model_config import ModelConfig

CONFIG = ModelConfig(observation_size=2, action_size=1, chunk_length=2, actor_width=16,
                     critic_width=16, critic_members=3)
OBSERVATIONS = Observations(torch.linspace(-1.0, 1.0, 10).view(5, 2))


def policy_of(**changes: int | float) -> BestOfN:
    torch.manual_seed(0)
    policy = BestOfN(replace(CONFIG, **changes))
    policy.candidates.fill_(8)
    return policy


def proposals(policy: BestOfN) -> torch.Tensor:
    return policy.propose(OBSERVATIONS, 8, torch.Generator().manual_seed(0))


def worth(policy: BestOfN, chunks: torch.Tensor) -> torch.Tensor:
    return policy.worth(policy.critic.encoder(OBSERVATIONS), chunks)


def test_the_proposal_that_the_critics_value_most_is_executed() -> None:
    policy = policy_of()
    chosen = policy.act(OBSERVATIONS, torch.Generator().manual_seed(0))
    values = worth(policy, proposals(policy))
    torch.testing.assert_close(worth(policy, chosen[:, None])[:, 0], values.amax(dim=1))


@pytest.mark.parametrize('acting', [torch.inference_mode, torch.no_grad])
def test_refined_proposals_are_worth_more_and_stay_within_the_radius(acting: type) -> None:
    policy = policy_of(refine_steps=3, refine_radius=0.2, refine_chunks=4)
    with acting():
        chunks = proposals(policy)
        extended = policy.extended(OBSERVATIONS, chunks, torch.Generator())
    assert extended.shape == (5, 12, 2, 1)
    torch.testing.assert_close(extended[:, :8], chunks)
    best = worth(policy, chunks).topk(4, dim=1).indices
    originals = chunks[torch.arange(5)[:, None], best]
    refined = extended[:, 8:].clone()
    assert (worth(policy, refined) - worth(policy, originals)).amin(dim=1).mean() > 0.0
    moved = (refined - originals).abs()
    assert 0.05 < float(moved.max()) <= 0.2 + 1e-6
    assert float(refined.abs().max()) <= 1.0


def test_critics_are_new_only_if_their_number_changes() -> None:
    policy = policy_of()
    same = with_critics(policy, replace(CONFIG, refine_steps=2), torch.Generator())
    more = with_critics(policy, replace(CONFIG, critic_members=7), torch.Generator())
    assert all(torch.equal(a, b) for a, b in zip(policy.critic.parameters(),
                                                 same.critic.parameters()))
    assert same.config.refine_steps == 2
    assert more.critic.values.members == 7
    assert all(torch.equal(a, b) for a, b in zip(policy.actor.parameters(),
                                                 more.actor.parameters()))
