# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The built-in arm computes no dense reward, and plays the same episodes as Meta-World itself."""

from metaworld.env_dict import ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE
from metaworld.policies import ENV_POLICY_MAP
from metaworld.utils import reward_utils
import numpy as np
import pytest

from inril_ros.sim.sparse_metaworld import without_dense_reward

pytestmark = pytest.mark.filterwarnings('ignore:Constant')


def environment(name):
    made = ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE[f'{name}-goal-observable'](seed=0)
    made._freeze_rand_vec, made.seeded_rand_vec = False, True
    return made


def ticks(env, name, seed, noise):
    """Play an expert's episode until its 20th tick of success; return what each tick shows."""
    expert, generator = ENV_POLICY_MAP[name](), np.random.default_rng(seed)
    env.seed(seed)
    observation, _ = env.reset()
    played, successes = [observation], []
    while len(successes) < 250 and sum(successes) < 20:
        action = np.clip(expert.get_action(observation)
                         + noise * generator.standard_normal(4), -1.0, 1.0)
        observation, _, _, _, info = env.step(action)
        played.append(np.concatenate([observation, env.data.qpos, env.data.qvel]))
        successes.append(bool(info['success']))
    return played, successes


# Success is decided by a distance, by the contact of both fingers, inside the reward's own terms.
@pytest.mark.parametrize('name', ['pick-place-v3', 'stick-push-v3', 'assembly-v3'])
def test_episodes_without_the_dense_reward_are_the_same_bit_by_bit(name):
    whole, sparse = environment(name), without_dense_reward(environment(name))
    outcomes = set()
    for seed, noise in enumerate((0.1, 3.0)):
        expected, successes = ticks(whole, name, seed, noise)
        played, found = ticks(sparse, name, seed, noise)
        assert found == successes
        for one, other in zip(played, expected, strict=True):
            np.testing.assert_array_equal(one, other)
        outcomes.update(successes)
    assert outcomes == {True, False}


def test_a_grasp_is_found_in_the_contacts():
    whole = environment('pick-place-v3')
    grasped = without_dense_reward(environment('pick-place-v3')).touching_object
    grasped._data, seen = whole.data, set()
    expert = ENV_POLICY_MAP['pick-place-v3']()
    whole.seed(1)
    observation, _ = whole.reset()
    for _ in range(80):
        observation, *_ = whole.step(np.clip(expert.get_action(observation), -1.0, 1.0))
        expected = whole.touching_main_object
        assert grasped(whole._get_id_main_object()) == expected
        seen.add(bool(expected))
    assert seen == {True, False}


@pytest.mark.parametrize('task', ['pick-place', 'assembly', 'drawer-open'])
def test_a_step_of_the_arm_computes_no_dense_reward(task, arm, monkeypatch):
    robot = arm(task)
    robot.reset(0)

    def refuse(*_, **__):
        raise AssertionError('a term of the dense reward was computed')

    monkeypatch.setattr(reward_utils, 'tolerance', refuse)
    monkeypatch.setattr(reward_utils, 'hamacher_product', refuse)
    robot.step(np.zeros(4))


def test_other_environments_of_the_class_keep_their_dense_reward():
    without_dense_reward(environment('reach-v3'))
    whole = environment('reach-v3')
    whole.seed(0)
    whole.reset()
    assert whole.step(np.zeros(4))[1] > 0.0


def test_a_reset_of_the_arm_settles_the_scene_once(arm, monkeypatch):
    robot, settled = arm('pick-place'), []
    physics = robot._env._step_mujoco_simulation

    def counted(*arguments):
        settled.append(physics(*arguments))

    monkeypatch.setattr(robot._env, '_step_mujoco_simulation', counted)
    robot.reset(0)
    assert len(settled) == 50  # not once more for a scene that is cleared again
    robot.step(np.zeros(4))
    assert len(settled) == 51
