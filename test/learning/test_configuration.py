# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Configurations are read from plain data, and misspelt or impossible ones are refused."""
from __future__ import annotations

from dataclasses import replace
import math

import pytest
import torch

from inril_ros.learning.device import select_device
from inril_ros.learning.exploration import ExplorationConfig
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.pretrain import PretrainConfig
from inril_ros.learning.session_config import SessionConfig


def test_a_session_configuration_survives_conversion_to_plain_data() -> None:
    config = SessionConfig(m=7, imitation_source='demonstrations')
    assert SessionConfig.from_mapping(config.to_mapping()) == config
    assert SessionConfig.from_mapping({}) == SessionConfig()


@pytest.mark.parametrize('m', [None, math.inf])
def test_no_m_and_infinite_m_are_rl_only(m: float | None) -> None:
    assert SessionConfig.from_mapping({'m': m}).m is None


@pytest.mark.parametrize(('values', 'message'), [
    ({'n': 0.9}, r"unknown keys \['n'\]; allowed are .*'m'"),
    ({'host': {'gamma': 'high'}}, 'IDQLConfig.gamma: expected float'),
    ({'imitation_batch': 12.5}, 'imitation_batch: expected int'),
    ({'imitation_batch': True}, 'imitation_batch: expected int'),
    ({'host': 'sarsa'}, "'sarsa' is unknown; allowed are .*'idql'"),
    ({'host': {'name': 'idql', 'gama': 1.0}}, 'IDQLConfig: unknown keys'),
    ({'host': 3}, 'SessionConfig.host: expected a name'),
    ({'m': 0}, 'm: 0'),
    ({'m': 2.5}, 'm: 2.5'),
    ({'m': math.nan}, 'm: nan'),
    ({'imitation_source': 'dreams'}, 'dreams.*own_successes'),
    ({'host': {'gamma': 1.5}}, 'gamma: 1.5 is not in'),
    ({'host': {'candidates': 10_000}}, 'candidates'),
    ({'host': {'lowest_value': 1.0}}, 'lowest_value'),
    ([('m', 4)], 'expected a mapping'),
    ({'heldout_share': 0.2}, 'decided when they are cloned.*pretrain --heldout-share'),
    ({'episode_cut': 0.0}, r'episode_cut: 0.0 is not in \[0.1'),
])
def test_a_wrong_value_is_refused_with_its_key(values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SessionConfig.from_mapping(values)


def test_a_model_configuration_survives_conversion_to_json() -> None:
    config = ModelConfig(45, 4, chunk_length=8)
    assert ModelConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(('text', 'message'), [
    ('{', 'no JSON'),
    ('[]', 'expected a mapping'),
    ('{"observation_size": 3}', 'action_size'),
    ('{"observation_size": 3, "action_size": 2, "layers": 9}', 'unknown keys'),
    ('{"observation_size": 3, "action_size": 2, "actor_width": 1000000}', 'actor_width'),
    ('{"observation_size": NaN, "action_size": 2}', 'observation_size'),
    ('{"observation_size": 3, "action_size": 2, "std_floor": NaN}', 'std_floor'),
    ('{"observation_size": 3, "action_size": 2, "sampling_steps": 50}', 'sampling_steps'),
    ('{"observation_size": 3, "action_size": 2, "time_embedding_size": 33}', 'odd'),
])
def test_a_model_of_impossible_size_is_refused_before_it_is_built(text: str,
                                                                  message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ModelConfig.from_json(text)


def test_other_configurations_check_their_ranges() -> None:
    with pytest.raises(ValueError, match='reversion'):
        ExplorationConfig(reversion=0.0)
    with pytest.raises(ValueError, match='final_learning_rate'):
        replace(PretrainConfig(), final_learning_rate=1.0)


def test_a_device_is_chosen_or_refused_by_name() -> None:
    assert select_device('cpu') == torch.device('cpu')
    assert select_device('auto').type == ('cuda' if torch.cuda.is_available() else 'cpu')
    for name in ('gpu', 'cuda:x', 'cuda:99'):
        with pytest.raises(ValueError, match='auto'):
            select_device(name)
