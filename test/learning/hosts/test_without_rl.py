# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The baselines without reinforcement learning: a verifier of outcomes, a search for noise."""
from __future__ import annotations

from dataclasses import replace
import json

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
import torch

from inril_ros.learning.experience import Episode
from inril_ros.learning.hosts.noise_search import NoiseSearch
from inril_ros.learning.hosts.settings.without_rl import NoiseSearchConfig, VerifierConfig
from inril_ros.learning.hosts.verifier import Verifier
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.replay import Origin

MODEL = ModelConfig(observation_size=2, action_size=1, chunk_length=2, state_noise=0.0,
                    actor_width=16, critic_width=16, denoising_steps=4, sampling_steps=2)
SEEN = Observations(torch.randn(6, 2, generator=torch.Generator().manual_seed(2)))


def cloned() -> BestOfN:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return BestOfN(MODEL)


def episode(success: bool, steps: int = 12, extras: np.ndarray | None = None,
            intervened: bool = False) -> Episode:
    random = np.random.default_rng(steps)
    optional = {} if extras is None else {
        'extras': extras, 'decision_starts': np.arange(0, steps, 2)}
    return Episode(random.normal(size=(steps + 1, 2)), random.uniform(-1, 1, (steps, 1)),
                   (np.arange(steps) == steps - 1) * success, success, success,
                   intervened=np.full(steps, intervened), **optional)


# ---- the verifier --------------------------------------------------------------------------


def verifier(config: VerifierConfig) -> Verifier:
    return Verifier(config, cloned(), np.random.default_rng(0), torch.Generator().manual_seed(0),
                    torch.device('cpu'))


def test_each_row_is_worth_the_discounted_end_of_its_episode() -> None:
    host = verifier(VerifierConfig(batch=512, longest_outcome=30))
    host.remember(episode(True, 9), Origin.ONLINE)
    host.remember(episode(False, 14), Origin.ONLINE)
    batch = host.draw()
    targets = host.target_values(batch)
    expected = {round(0.99 ** (8 - step), 5) for step in range(9)} | {0.0}
    assert {round(float(value), 5) for value in targets} == expected


def test_an_episode_whose_end_would_not_count_is_refused() -> None:
    host = verifier(VerifierConfig(longest_outcome=10))
    with pytest.raises(ValueError, match='the episode has 12 steps.*set longest_outcome'):
        host.check('the episode', episode(True, 12))


def test_by_default_the_verifier_is_trained_once_on_episodes_of_the_clone() -> None:
    config = VerifierConfig(warmup_steps=20, warmup_updates=5)
    host = verifier(config)
    host.remember(episode(True), Origin.ONLINE)
    assert [host.updates_due(steps) for steps in (19, 20, 10_000)] == [0, 5, 5]
    for _ in range(5):
        batch = host.draw()
        host.critic_update(batch)
        host.finish(batch)
    assert host.updates_due(10_000) == 0
    assert int(host.policy.candidates) == config.candidates


# ---- the search for a noise ----------------------------------------------------------------


def search(config: NoiseSearchConfig) -> NoiseSearch:
    return NoiseSearch(config, cloned(), np.random.default_rng(0),
                       torch.Generator().manual_seed(0), torch.device('cpu'))


def decide(host: NoiseSearch, explore: bool) -> tuple[torch.Tensor, float]:
    decision = host.policy.decide(SEEN, host.policy.begin(6),
                                  torch.Generator().manual_seed(1), explore)
    assert (decision.extras == decision.extras[0, 0]).all()
    return decision.actions, float(decision.extras[0, 0])


def play(host: NoiseSearch, chance: list[float], random: np.random.Generator) -> int:
    """Let the policy act for an episode; return the noise that it used."""
    _, number = decide(host, explore=True)
    host.remember(episode(bool(random.random() < chance[int(number)]),
                          extras=np.full((6, 1), number, np.float32)), Origin.ONLINE)
    return int(number)


def test_it_acts_as_the_clone_until_a_noise_was_tried() -> None:
    host = search(NoiseSearchConfig(tickets=4))
    actions, number = decide(host, explore=False)
    assert number == -1
    assert torch.equal(actions, cloned().act(SEEN, torch.Generator().manual_seed(1)))


def test_it_finds_the_noise_that_works_and_acts_with_it() -> None:
    chance = [0.1] * 8
    chance[5] = 0.95
    host, random = search(NoiseSearchConfig(tickets=8, episodes_each=4)), np.random.default_rng(0)
    used = [play(host, chance, random) for _ in range(100)]
    assert set(used[:8]) == set(range(8)) and set(used[-20:]) == {5}
    actions, number = decide(host, explore=False)
    assert number == 5
    assert torch.equal(actions, decide(host, explore=False)[0])
    assert not torch.equal(actions, cloned().act(SEEN, torch.Generator().manual_seed(1)))


@settings(max_examples=30, deadline=None)
@given(tickets=st.integers(2, 9), each=st.integers(1, 3), share=st.floats(0.05, 0.95),
       chances=st.lists(st.floats(0, 1), min_size=9, max_size=9), seed=st.integers(0, 99))
def test_all_are_tried_fewer_stay_and_one_is_left(
    tickets: int, each: int, share: float, chances: list[float], seed: int,
) -> None:
    host = search(NoiseSearchConfig(tickets=tickets, episodes_each=each, kept_share=share))
    random, left = np.random.default_rng(seed), tickets
    for _ in range(tickets * each * 12):
        play(host, chances, random)
        assert 1 <= len(host._left) <= left
        left = len(host._left)
    assert left == 1 and host._tries.min() >= each


def test_what_a_person_or_two_noises_did_counts_for_none() -> None:
    host = search(NoiseSearchConfig(tickets=3))
    ones = np.ones((6, 1), np.float32)
    host.remember(episode(True, extras=ones, intervened=True), Origin.ONLINE)
    host.remember(episode(True, extras=np.concatenate([ones[:3], 2 * ones[:3]])), Origin.ONLINE)
    host.remember(episode(True, extras=ones), Origin.DEMONSTRATION)
    assert not host._tries.any()


def test_a_stopped_search_goes_on_where_it_stopped() -> None:
    config, chance = NoiseSearchConfig(tickets=5), [0.2, 0.9, 0.5, 0.1, 0.6]
    whole, first = search(config), search(config)
    for host in (whole, first):
        random = np.random.default_rng(4)
        for _ in range(7):
            play(host, chance, random)
    tensors, document = first.state_dict()
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    second = NoiseSearch(config, cloned(), np.random.default_rng(9),
                         torch.Generator().manual_seed(9), torch.device('cpu'))
    second.load_state_dict(tensors, json.loads(json.dumps(document)))
    after = [np.random.default_rng(5), np.random.default_rng(5)]
    assert ([play(whole, chance, after[0]) for _ in range(30)]
            == [play(second, chance, after[1]) for _ in range(30)])
    assert torch.equal(decide(whole, False)[0], decide(second, False)[0])


def test_it_takes_no_updates() -> None:
    host = search(NoiseSearchConfig())
    assert host.updates_due(10**6) == 0 and not list(host.critic_parameters)
    with pytest.raises(ValueError, match='tickets'):
        replace(host.config, tickets=1)
