# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Cloning: held-out episodes, learning, repeatability."""
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
import torch

from inril_ros.learning.experience import Episode
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.pretrain import (
    heldout_indices,
    imitation_pairs,
    pretrain,
    PretrainConfig,
    PretrainResult,
    split_episodes,
)

MODEL = ModelConfig(observation_size=2, action_size=1, chunk_length=3, actor_width=32)


def episode(number: int, steps: int = 20) -> Episode:
    """Return an episode whose action is a function of its observation."""
    random = np.random.default_rng(number)
    observations = random.normal(3.0, 2.0, (steps + 1, 2))
    actions = np.tanh(observations[:-1, :1] - 3.0)
    return Episode(observations, actions, np.zeros(steps), True, True)


EPISODES = [episode(number) for number in range(8)]


def clone(seed: int, steps: int = 400, heldout_share: float = 0.2) -> PretrainResult:
    return pretrain(EPISODES, MODEL, PretrainConfig(
        steps=steps, batch=64, heldout_share=heldout_share), seed)


@given(st.integers(1, 40), st.floats(0.0, 0.5))
def test_a_split_is_by_whole_episodes_and_at_least_one_is_held_out_of_four(
        number: int, share: float) -> None:
    episodes = [episode(0, steps=k + 1) for k in range(number)]
    chosen = heldout_indices(number, share)
    training, heldout = split_episodes(episodes, chosen)
    assert sorted(e.steps for e in training + heldout) == list(range(1, number + 1))
    expected = max(1, round(share * number)) if number >= 4 and share > 0 else 0
    assert len(heldout) == expected
    assert [e.steps - 1 for e in heldout] == sorted(chosen)


def test_windows_stay_in_their_episode_and_repeat_the_last_action() -> None:
    observations, chunks = imitation_pairs([episode(0, 5), episode(1, 4)], 3)
    assert (observations.state.shape, chunks.shape) == ((9, 2), (9, 3, 1))
    actions = episode(0, 5).actions
    np.testing.assert_array_equal(chunks[0], actions[:3])
    np.testing.assert_array_equal(chunks[4], actions[[4, 4, 4]])
    np.testing.assert_array_equal(observations.state[5], episode(1, 4).observations[0])


def test_cloning_learns_and_the_same_seed_gives_the_same_weights() -> None:
    calls: list[tuple[int, float]] = []
    first = pretrain(EPISODES, MODEL, PretrainConfig(steps=400, batch=64, heldout_share=0.2), 0,
                     progress=lambda step, loss: calls.append((step, loss)))
    assert [step for step, _ in calls] == list(range(1, 401))
    assert first.training_loss < 0.7 * np.mean([loss for _, loss in calls[:10]])
    assert first.heldout_loss is not None
    second, other = clone(0), clone(1)
    same = [torch.equal(a, b) for a, b in zip(first.policy.state_dict().values(),
                                              second.policy.state_dict().values())]
    assert all(same)
    assert (second.training_loss, second.heldout_loss) == (first.training_loss,
                                                           first.heldout_loss)
    assert other.training_loss != first.training_loss


def test_cloning_neither_changes_nor_uses_the_global_random_state() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = clone(0, steps=3)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert clone(0, steps=3).training_loss == first.training_loss


def test_the_normaliser_has_the_statistics_of_the_training_episodes() -> None:
    result = clone(0, steps=1)
    assert result.heldout == (2, 6)
    training, _ = split_episodes(EPISODES, result.heldout)
    observations, _ = imitation_pairs(training, 3)
    normaliser = result.policy.cloned.encoder.normaliser
    np.testing.assert_allclose(normaliser.mean, observations.state.mean(0), rtol=1e-5)
    np.testing.assert_allclose(normaliser.std, observations.state.std(0, correction=0), rtol=1e-5)


def test_every_demonstration_is_learned_from_unless_a_share_is_held_out() -> None:
    result = pretrain(EPISODES, MODEL, PretrainConfig(steps=1), 0)
    assert (result.heldout, result.heldout_loss) == ((), None)
    observations, _ = imitation_pairs(EPISODES, 3)
    np.testing.assert_allclose(result.policy.cloned.encoder.normaliser.mean,
                               observations.state.mean(0), rtol=1e-5)


def test_demonstrations_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r'\(2, 1\), the model \(2, 3\)'):
        pretrain(EPISODES, ModelConfig(2, 3), PretrainConfig(), 0)
    with pytest.raises(ValueError, match='no episodes'):
        pretrain([], MODEL, PretrainConfig(), 0)
