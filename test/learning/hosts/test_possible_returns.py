# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rewards that don't fit the range that values are clipped to are refused, not clipped."""
from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from inril_ros.learning.experience import Episode, Transition
from inril_ros.learning.hosts.catalogue import HOSTS
from inril_ros.learning.hosts.settings.names import CONFIGS
from inril_ros.learning.hosts.settings.off_policy import IDQLConfig
from inril_ros.learning.hosts.values.possible_returns import (
    check_rewards,
    clip_values,
    RewardsOutOfRangeError,
)
from inril_ros.learning.policies.catalogue import make_policy
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.session_config import SessionConfig

SPARSE = np.eye(50)[-1]
CLIPPING = sorted(name for name, (config, _) in HOSTS.items()
                  if getattr(config, 'highest_value', None) is not None)


def episode(rewards: object, terminated: bool = False) -> Episode:
    rewards = np.asarray(rewards)
    steps = len(rewards)
    return Episode(np.zeros((steps + 1, 2)), np.zeros((steps, 1)), rewards, terminated, terminated)


def within(low: float | None, high: float | None) -> SimpleNamespace:
    return SimpleNamespace(gamma=0.99, lowest_value=low, highest_value=high)


@pytest.mark.parametrize(('rewards', 'terminated'), [
    (SPARSE, True), (np.zeros(50), True), (np.zeros(50), False),
    (np.full(50, 0.0099), False),  # a return of .99 if it goes on for ever
    ([0.5] + [0.0] * 48 + [0.5], True)])  # in stages
def test_returns_within_the_range_are_accepted(rewards: object, terminated: bool) -> None:
    check_rewards('episode', episode(rewards, terminated), within(0.0, 1.0))


@pytest.mark.parametrize(('rewards', 'terminated', 'found'), [
    (SPARSE * 100, True, '100'),  # success is worth 100
    (np.full(50, 0.015), False, r'1\.197'),  # .59 so far, and it went on
    (np.full(50, -1.0), False, '-39'), (-SPARSE, True, '-1 '),
    (np.full(50, 0.03), True, r'1\.185')])
def test_returns_outside_of_it_are_refused_with_what_to_set(
        rewards: object, terminated: bool, found: str) -> None:
    unfit = episode(rewards, terminated)
    with pytest.raises(RewardsOutOfRangeError, match=rf'episode 7: .* return of {found}.*'
                       r'\[0, 1\]. Set lowest_value and highest_value'):
        check_rewards('episode 7', unfit, within(0.0, 1.0))
    check_rewards('episode 7', unfit, within(-100.0, 100.0))
    check_rewards('episode 7', unfit, within(None, None))


def test_one_end_of_the_range_can_be_open() -> None:
    values = torch.tensor([-5.0, 0.5, 5.0])
    for low, high, expected in ((0.0, None, [0, 0.5, 5]), (None, 1.0, [-5, 0.5, 1]),
                                (None, None, [-5, 0.5, 5])):
        assert clip_values(values, within(low, high)).tolist() == expected
    check_rewards('', episode(SPARSE * 100, True), within(0.0, None))
    with pytest.raises(RewardsOutOfRangeError, match=r'clipped to \[0, inf\]'):
        check_rewards('', episode(-SPARSE, True), within(0.0, None))


def session(host: str, demonstration: Episode, **settings: object) -> FineTuningSession:
    config, _ = HOSTS[host]
    model = ModelConfig(2, 1, kind=CONFIGS[host].POLICY_KIND, actor_width=8,
                        critic_width=8, denoising_steps=5)
    with torch.random.fork_rng():
        return FineTuningSession(SessionConfig(host=config(**settings)), make_policy(model),
                                 [demonstration], 0, 'cpu')


@pytest.mark.parametrize('host', CLIPPING)
def test_a_session_refuses_dense_rewards_before_it_learns_from_them(host: str) -> None:
    with pytest.raises(RewardsOutOfRangeError, match=r'a demonstration: .* \[0, 1\]'):
        session(host, episode(np.full(50, 0.3), True))
    going = session(host, episode(SPARSE, True))
    dense = Transition('a', 0, np.zeros((5, 2)), np.zeros((4, 1)), np.full(4, 0.3),
                       np.zeros(4, np.uint8), True, False, False)
    with pytest.raises(RewardsOutOfRangeError, match="episode 'a': .* possible"):
        going.ingest(dense)
    assert (going.host.replay.online, going.env_steps, going.intake.episodes) == (0, 0, 0)
    assert session(host, episode(SPARSE, True), highest_value=30.0).ingest(dense)
    assert session(host, episode(SPARSE, True), highest_value=None).ingest(dense)


def test_a_range_without_extent_is_refused() -> None:
    for low, high in ((1.0, 1.0), (2.0, 1.0)):
        with pytest.raises(ValueError, match='lowest_value'):
            replace(IDQLConfig(), lowest_value=low, highest_value=high)
