# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The scripted operator solves tasks imperfectly, within limits, and deterministically."""

from dataclasses import replace

from metaworld.policies import ENV_POLICY_MAP
import numpy as np
import pytest
from simulated_episode import run_episode

from inril_ros.sim.mapping import built_in_mapping, load_mapping, MappingError
from inril_ros.sim.scripted import ScriptedOperator
from inril_ros.sim.simulated_robot import admissible_action

pytestmark = pytest.mark.filterwarnings('ignore:Constant')
TASKS = load_mapping(built_in_mapping('metaworld')).tasks


def episode(arm, contract, task, seed, noise):
    operator = ScriptedOperator(task, contract, noise=noise)
    operator.begin(seed)
    return run_episode(arm(task), contract, lambda _, values: operator.command(values), seed,
                       contract.time_limit_ticks)


def test_the_operator_solves_pick_place_mostly(arm, contract):
    outcomes = [episode(arm, contract, 'pick-place', seed, 0.3).outcome for seed in range(5)]
    assert outcomes.count('success') >= 3


def test_a_seed_gives_the_same_episode(arm, contract):
    one, two = (episode(arm, contract, 'push', 3, 0.3) for _ in range(2))
    np.testing.assert_array_equal(one.actions, two.actions)
    np.testing.assert_array_equal(one.observations, two.observations)


def test_the_seed_decides_the_noise(arm, contract):
    values = arm('reach').reset(0).values
    operator = ScriptedOperator('reach', contract)
    commands = []
    for seed in (1, 1, 2):
        operator.begin(seed)
        commands.append(operator.command(values))
    np.testing.assert_array_equal(commands[0], commands[1])
    assert not np.array_equal(commands[0], commands[2])


@pytest.mark.parametrize('task', sorted(TASKS))
def test_without_noise_the_operator_is_the_expert_on_the_simulator_s_state(task, arm, contract):
    robot = arm(task)
    operator = ScriptedOperator(task, contract, noise=0.0)
    expert = ENV_POLICY_MAP[TASKS[task].environment]()
    robot.reset(5)
    state = robot.step(np.zeros(4))
    for _ in range(25):
        command = operator.command(state.values)
        seen = robot._env._last_stable_obs
        given = operator._observation(state.values)[:18]
        for turn in (slice(7, 11), slice(14, 18)):
            if not seen[turn].any():  # no rotation, which a robot can't send
                given[turn] = 0.0
        if not seen[11:18].any():  # no second object, which is given where the first one is
            given[11:18] = 0.0
        np.testing.assert_array_equal(given, seen[:18])
        wanted = np.clip(expert.get_action(seen), -1.0, 1.0) * [0.8, 0.8, 0.8, 1.0]
        np.testing.assert_allclose(command, wanted, atol=1e-6)
        state = robot.step(command)


def test_the_noise_has_the_configured_spread(arm, contract):
    # In reach the expert leaves the gripper at effort 0, far from both limits.
    values = arm('reach').reset(0).values
    operator = ScriptedOperator('reach', contract, noise=0.2)
    operator.begin(0)
    efforts = [operator.command(values)[3] for _ in range(2000)]
    assert np.std(efforts) == pytest.approx(0.2, rel=0.1)
    assert np.mean(efforts) == pytest.approx(0.0, abs=0.02)


def test_commands_stay_within_the_limits(arm, contract):
    values = arm('peg-insert').reset(0).values
    operator = ScriptedOperator('peg-insert', contract, noise=3.0)
    operator.begin(0)
    for _ in range(200):
        command = operator.command(values)
        np.testing.assert_array_equal(command, admissible_action(contract, command))


def test_unsupported_tasks_and_contracts_are_reported(contract):
    with pytest.raises(MappingError, match=r"no task 'pick-plaec'; tasks are \['assembly'"):
        ScriptedOperator('pick-plaec', contract)
    with pytest.raises(MappingError, match="task 'pick-cube' has no scripted operator"):
        ScriptedOperator('pick-cube', contract, mapping_file=built_in_mapping('gym_hil_panda'))
    blind = replace(contract, policy_observations=('hand_position',), derived={}, observations={
        'hand_position': contract.observations['hand_position']})
    with pytest.raises(MappingError, match="lacks .*'goal_position'"):
        ScriptedOperator('reach', blind)
    for noise in (-0.1, float('nan')):
        with pytest.raises(ValueError, match='noise'):
            ScriptedOperator('reach', contract, noise=noise)
