# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Any Gymnasium id with vector spaces is a task; others are refused with the reason."""

import gymnasium
from gymnasium.spaces import Box, Dict, Discrete
import numpy as np
import pytest
import torch

from inril_ros.bench.robots import bench_of
from inril_ros.bench.task import StudyError, Success, Task
from inril_ros.bench.vectorised import Lanes
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig


class Slider(gymnasium.Env):
    """A point on a line with a goal position."""

    observation_space = Dict({name: Box(-9.0, 9.0, (size,)) for name, size in (
        ('observation', 2), ('achieved_goal', 1), ('desired_goal', 1))})
    action_space = Box(-2.0, 4.0, (1,))

    def __init__(self, key='is_success'):
        self._key = key

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._place, self._goal = 0.0, self.np_random.uniform(1.0, 2.0)
        return self._observation(), {}

    def step(self, action):
        self._place += 0.1 * float(action[0])
        near = abs(self._place - self._goal) < 0.2
        return self._observation(), -1.0, False, False, {self._key: near}

    def _observation(self):
        return {'observation': np.array([self._place, 7.0]),
                'achieved_goal': np.array([self._place]), 'desired_goal': np.array([self._goal])}


class Nested(Slider):
    observation_space = Dict({'goals': Dict({'light switch': Box(-9.0, 9.0, (1,))}),
                              'place': Box(-9.0, 9.0, (1,))})

    def _observation(self):
        return {'goals': {'light switch': np.array([self._goal])},
                'place': np.array([self._place])}


class Images(Slider):
    observation_space = Box(0, 255, (8, 8, 3), np.uint8)


class Buttons(Slider):
    action_space = Discrete(3)


@pytest.fixture(autouse=True)
def registered():
    names = {'test/Slider-v0': Slider, 'test/Nested-v0': Nested, 'test/Images-v0': Images,
             'test/Buttons-v0': Buttons}
    for name, kind in names.items():
        gymnasium.register(name, kind, max_episode_steps=12)
    yield
    for name in names:
        del gymnasium.registry[name]


def task(name='test/Slider-v0', **more):
    return Task(name, simulation='gymnasium', **more)


def test_a_goal_environment_gives_an_observation_for_each_key():
    bench = bench_of(task())
    contract = bench.contract
    assert contract.policy_observations == ('achieved_goal', 'desired_goal', 'observation')
    assert (contract.observation_size, contract.action_size, bench.time_limit) == (4, 1, 12)
    robot = bench.open()
    state = robot.reset(3)
    assert {name: value.shape for name, value in state.values.items()} == {
        'observation': (2,), 'achieved_goal': (1,), 'desired_goal': (1,)}
    # -1..1 is mapped to the space's own bounds, -2..4.
    np.testing.assert_allclose(contract.denormalise_action(np.array([[-1.0], [0.0], [1.0]])),
                               [[-2.0], [1.0], [4.0]])
    robot.step(np.array([4.0]))
    state = robot.step(np.array([4.0]))
    assert state.values['achieved_goal'][0] == pytest.approx(0.8)
    while state.outcome == 'none':
        state = robot.step(np.array([1.0]))
    assert (state.outcome, state.reward) == ('success', 1.0)


def test_nested_dictionaries_are_flattened():
    bench = bench_of(task('test/Nested-v0'))
    assert bench.contract.policy_observations == ('goals_light_switch', 'place')
    values = bench.open().reset(3).values
    assert 1.0 <= values['goals_light_switch'][0] <= 2.0
    assert values['place'][0] == 0.0


def test_a_policy_plays_episodes_in_a_gymnasium_task():
    bench = bench_of(task())
    policy = BestOfN(ModelConfig(4, 1, actor_width=16, critic_width=16))
    played = Lanes(bench.open, bench.contract, bench.time_limit, 2).play(
        policy, [1, 2], torch.Generator().manual_seed(0))
    assert all(1 <= each.steps <= 12 for each in played)
    assert played[0].observations[0][1] != played[1].observations[0][1]


def test_a_task_can_define_success_and_reward():
    bench = bench_of(task(success=Success(reward=-5.0), reward='environment', time_limit=0.1))
    assert bench.time_limit == 5
    robot = bench.open()
    robot.reset(0)
    state = robot.step(np.array([0.0]))
    assert (state.outcome, state.reward) == ('success', -1.0)


@pytest.mark.parametrize(('wrong', 'words'), [
    ({'name': 'test/Nothing-v0'}, 'cannot make it'),
    ({'name': 'test/Images-v0'}, 'one axis'),
    ({'name': 'test/Buttons-v0'}, 'Discrete'),
    ({'make': {'key': 'won'}}, "info has .*'won'.*none of .* set `success`"),
    ({'make': {'colour': 'red'}}, 'colour'),
])
def test_unsuitable_environments_are_refused(wrong, words):
    with pytest.raises(StudyError, match=words):
        bench_of(task(**wrong))
