# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Rest at the ends of a demonstration is left out where it is learned from, and told."""

from dataclasses import fields

from hypothesis import given
from hypothesis.strategies import booleans, integers
import numpy as np
import pytest
from small_arm import CONTRACT as VELOCITIES  # 10 Hz

from inril_ros.data.audit.rest import all_without_rest, rest_of, rest_rules, without_rest
from inril_ros.data.audit.rest_rules import ALL_KEPT, RestRules
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.robot.contract.contract import parse_contract

JOINTS = parse_contract({
    'name': 'arm', 'control_rate': 10, 'policy_observations': ['angle'],
    'observations': {'angle': {'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState',
                               'joints': ['j']}},
    'actions': {'arm': {'topic': 'command', 'type': 'trajectory_msgs/msg/JointTrajectory',
                        'joints': ['j'], 'minimum': [-2], 'maximum': [2], 'hold': 'last'}},
    'episode': {'time_limit': 5}})
NOISE = 0.01  # rad, below 0.5 % of 4 rad


def episode(before, moving, after, velocities=False, images=False, seed=0):
    """An episode of ticks at rest, in motion, and at rest, with noise on what is measured."""
    random = np.random.default_rng(seed)
    number = before + moving + after
    steps = np.concatenate([np.zeros(before), np.full(moving, 0.1), np.zeros(after)])
    path = np.concatenate([[0.0], np.cumsum(steps)])
    if velocities:
        actions = np.column_stack([steps, np.zeros(number), np.zeros(number)])
        observations = np.zeros((number + 1, VELOCITIES.observation_size))
    else:
        actions, observations = path[1:, None], path[:, None]
        observations = observations + random.uniform(-NOISE, NOISE, observations.shape)
    rewards = np.zeros(number, np.float32)
    rewards[-1] = 1.0
    ticks = np.arange(number + 1, dtype=np.float32)
    return RecordedEpisode(
        'e', observations.astype(np.float32), actions.astype(np.float32),
        np.full(number, 2, np.uint8), rewards, 1, ticks, ticks, ticks,
        images=np.arange(number + 1, dtype=np.uint8)[:, None, None, None, None]
        * np.ones((1, 1, 2, 2, 3), np.uint8) if images else None)


@pytest.mark.parametrize('velocities', [False, True])
def test_rest_beyond_what_is_kept_is_left_out_and_told(velocities):
    contract = VELOCITIES if velocities else JOINTS
    whole = episode(10, 20, 25, velocities)
    found = rest_of(whole, contract, RestRules())  # keeps 0.2 s and 1 s: 2 and 10 ticks
    assert (found.begin, found.end) == (8, 15)
    assert str(found) == ('0.8 s of rest at the beginning and 1.5 s of rest at the end left out')
    assert found.to_json() == {'begin': 0.8, 'end': 1.5}
    cut = without_rest(whole, found)
    assert len(cut.actions) == 32 and len(cut.observations) == 33
    np.testing.assert_array_equal(cut.actions, whole.actions[8:40])
    np.testing.assert_array_equal(cut.observations, whole.observations[8:41])
    assert cut.rewards.sum() == 1.0 and cut.rewards[-1] == 1.0
    assert len(whole.actions) == 55 and whole.rewards[-1] == 1.0, 'the episode keeps everything'


def test_without_rest_the_episode_is_the_same_object():
    for whole in (episode(0, 20, 0), episode(2, 20, 10), episode(1, 20, 3)):
        found = rest_of(whole, JOINTS, RestRules())
        assert not found and str(found) == '' and without_rest(whole, found) is whole


def test_what_never_moves_is_left_to_the_audit():
    assert not rest_of(episode(30, 0, 0), JOINTS, RestRules())


def test_a_joint_that_moves_without_a_command_is_no_rest():
    whole = episode(10, 20, 0)
    whole.observations[:6, 0] += 0.5  # it falls in the sixth tick
    assert rest_of(whole, JOINTS, RestRules()).begin == 5 - 2
    whole.observations[0, 0] = np.nan
    assert rest_of(whole, JOINTS, RestRules()).begin == 0


def test_a_reward_at_rest_is_kept():
    whole = episode(10, 20, 25)
    whole.rewards[4] = 0.5
    assert rest_of(whole, JOINTS, RestRules()).begin == 2
    whole.rewards[:] = 0.0
    whole.rewards[[50, -1]] = 1.0
    assert rest_of(whole, JOINTS, RestRules(end=0.0)).end == 4


def test_nothing_is_left_out_if_the_share_is_zero():
    assert not rest_of(episode(30, 20, 30), JOINTS, ALL_KEPT)
    assert not rest_of(episode(30, 20, 30), JOINTS, RestRules(share=0.0, begin=0.0, end=0.0))


def test_of_several_those_with_rest_are_named():
    cut, told = all_without_rest(
        {'a': episode(10, 20, 0), 'b': episode(0, 20, 0)}, JOINTS, RestRules())
    assert list(told) == ['a'] and len(cut['a'].actions) == 22 and len(cut['b'].actions) == 20
    assert str(told['a']) == '0.8 s of rest at the beginning left out'


def test_rules_come_from_a_model_and_old_models_have_none():
    assert rest_rules(None) == ALL_KEPT
    assert rest_rules(RestRules(0.01, 0.5, 2.0).to_json()) == RestRules(0.01, 0.5, 2.0)
    for wrong in ({'share': -1.0}, {'share': float('nan')}, {'begin': 1e9}, {'other': 1.0}, [1.0]):
        with pytest.raises(ValueError, match='rest'):
            rest_rules(wrong)


@given(before=integers(0, 40), moving=integers(1, 40), after=integers(0, 40), images=booleans())
def test_what_is_left_is_one_piece_with_all_of_the_motion(before, moving, after, images):
    whole = episode(before, moving, after, images=images, seed=before)
    found = rest_of(whole, JOINTS, RestRules())
    cut = without_rest(whole, found)
    assert found.begin <= max(0, before - 2) and found.end <= max(0, after - 10)
    number = len(cut.actions)
    assert number == before + moving + after - found.begin - found.end >= moving
    assert cut.rewards.sum() == whole.rewards.sum()
    for each in fields(RecordedEpisode):
        value = getattr(cut, each.name)
        if isinstance(value, np.ndarray):
            full = getattr(whole, each.name)
            assert len(value) == number + len(full) - len(whole.actions)
            if each.name != 'rewards':
                np.testing.assert_array_equal(value, full[found.begin:found.begin + len(value)])
