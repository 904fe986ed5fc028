# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Demonstrations have the quality, and the robot the differences, that a study configures."""

import numpy as np
import pytest

from inril_ros.bench.demonstrations import demonstrate
from inril_ros.bench.robots import bench_of, ShiftedRobot
from inril_ros.bench.task import Demonstrations, Shift, StudyError, Task
from inril_ros.learning.policies.artifact import save_policy
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig

pytestmark = pytest.mark.filterwarnings('ignore:Constant')


def made(seed=0, time_limit=None, **knobs):
    task = Task('reach', demonstrations=Demonstrations(**knobs), time_limit=time_limit)
    return demonstrate(task, bench_of(task), seed)


def test_demonstrations_succeed_and_a_seed_repeats_them():
    first, again, other = (made(seed, number=2) for seed in (1, 1, 2))
    assert [episode.success for episode in first] == [True, True]
    for one, two in zip(first, again):
        np.testing.assert_array_equal(one.observations, two.observations)
        np.testing.assert_array_equal(one.actions, two.actions)
    assert not np.array_equal(first[0].observations[0], other[0].observations[0])


def test_expert_labels_are_the_actions_the_noisy_robot_should_have_taken():
    executed, = made(number=1, labels='executed')
    labelled, = made(number=1, labels='expert')
    # The same noise was executed, so the robot took the same path.
    np.testing.assert_array_equal(executed.observations, labelled.observations)
    clean, = made(number=1, action_noise=0.0)
    np.testing.assert_allclose(labelled.actions[0], clean.actions[0], atol=1e-6)
    assert np.abs(executed.actions[0] - clean.actions[0]).max() > 0.05


def test_failures_are_kept_only_if_configured():
    # Within 8 ticks nobody reaches the goal.
    kept = made(number=3, keep_failures=True, time_limit=0.1)
    assert [(episode.success, episode.steps) for episode in kept] == [(False, 8)] * 3
    with pytest.raises(StudyError, match='0 of 1 demonstrations in 50 attempts'):
        made(number=1, time_limit=0.1)


def test_a_share_of_the_region_is_its_lowest_part():
    task = Task('reach')
    robot = bench_of(task).open()
    starts = np.stack([robot.reset(seed).values['goal_position'] for seed in range(40)])
    axis = starts.std(axis=0).argmax()
    assert axis == 2, 'the policy observes the height of the goal'
    part = made(number=6, region_share=0.25)
    contract = bench_of(task).contract
    at = contract.policy_observations
    height = sum(contract.length(name) for name in at[:at.index('goal_height')])
    inside = [episode.observations[0][height] for episode in part]
    assert max(inside) <= np.quantile(starts[:, axis], 0.35)
    everywhere = [episode.observations[0][height] for episode in made(number=6)]
    assert max(everywhere) > max(inside)


def test_another_policy_can_demonstrate(tmp_path):
    contract = bench_of(Task('reach')).contract
    policy = BestOfN(ModelConfig(contract.observation_size, contract.action_size,
                                 actor_width=16, critic_width=16))
    save_policy(tmp_path / 'model', policy)
    kept = made(number=2, keep_failures=True, time_limit=0.1, source='policy',
                path=str(tmp_path / 'model'))
    assert [episode.steps for episode in kept] == [8, 8]
    assert not np.array_equal(kept[0].actions, kept[1].actions)
    small = BestOfN(ModelConfig(3, 4, actor_width=16, critic_width=16))
    save_policy(tmp_path / 'small', small)
    with pytest.raises(StudyError, match=r'\(3, 4\)'):
        made(number=1, source='policy', path=str(tmp_path / 'small'))


class RecordingRobot:
    """A robot that records its actions."""

    def __init__(self, robot):
        self.robot, self.actions = robot, []

    def reset(self, seed):
        return self.robot.reset(seed)

    def step(self, action):
        self.actions.append(action)
        return self.robot.step(action)


def test_a_shift_scales_delays_and_biases():
    bench = bench_of(Task('reach'))
    shift = Shift(action_gain=0.5, latency=2, observation_bias={
        'goal_position': (0.01, 0.0, -0.02), 'gripper_opening': 0.1})
    plain, inner = bench.open(), RecordingRobot(bench.open())
    shifted = ShiftedRobot(inner, bench.contract, shift)
    true, seen = plain.reset(3), shifted.reset(3)
    np.testing.assert_allclose(
        seen.values['goal_position'] - true.values['goal_position'], [0.01, 0, -0.02], atol=1e-12)
    np.testing.assert_allclose(
        seen.values['gripper_opening'] - true.values['gripper_opening'], [0.1])
    np.testing.assert_array_equal(seen.values['hand_position'], true.values['hand_position'])
    sent = [np.array([0.1 * step, -0.2, 0.3, 1.0]) for step in range(4)]
    for action in sent:
        shifted.step(action)
    np.testing.assert_allclose(
        inner.actions, [np.zeros(4)] * 2 + [0.5 * each for each in sent[:2]])
    shifted.reset(4)
    shifted.step(sent[3])
    np.testing.assert_array_equal(inner.actions[-1], np.zeros(4))  # no action of the last episode


def test_without_a_shift_the_robot_is_unwrapped():
    bench = bench_of(Task('reach'))
    assert type(bench.open_shifted()) is type(bench.open())
    assert isinstance(bench_of(Task('reach', shift=Shift(latency=1))).open_shifted(), ShiftedRobot)


def test_a_bias_for_an_unknown_observation_is_refused():
    with pytest.raises(StudyError, match='goal_pose'):
        bench_of(Task('reach', shift=Shift(observation_bias={'goal_pose': 0.1})))
    with pytest.raises(StudyError, match='2 values, 1 or 3'):
        bench_of(Task('reach', shift=Shift(observation_bias={'goal_position': (0.1, 0.2)})))
