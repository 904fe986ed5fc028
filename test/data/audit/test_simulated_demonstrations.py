# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Demonstrations of the simulations that ship are sound: nothing in them is wrong."""

from pathlib import Path

import numpy as np
import pytest
from simulated_episode import run_episode

from inril_ros.data.audit.audit import audit
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.motion.kinematics import urdf_of
from inril_ros.sim.environment import make_operator, make_simulation

CONFIG = Path(__file__).parents[3] / 'config'
OUTCOMES = {'success': 1, 'failure': 2, 'none': 3}


def demonstrations(robot, simulation, task, number, noise):
    file, mapping = CONFIG / 'robots' / f'{robot}.yaml', CONFIG / 'simulations' / simulation
    contract = load_contract(file)
    simulated = make_simulation(mapping, task, contract)
    operator = make_operator(task, contract, noise, mapping)
    shown = {}
    for seed in range(number):
        operator.begin(seed)
        run = run_episode(simulated, contract, lambda _, values: operator.command(values), seed,
                          contract.time_limit_ticks, urdf_of(contract, file))
        ticks = len(run.actions)
        zeros = np.zeros(ticks + 1, np.float32)
        shown[f'{seed:04d}'] = RecordedEpisode(
            str(seed), run.observations.astype(np.float32), run.actions.astype(np.float32),
            np.full(ticks, 2, np.uint8), run.rewards.astype(np.float32), OUTCOMES[run.outcome],
            zeros, zeros, zeros)
    simulated.close()
    return contract, shown


@pytest.mark.parametrize(('robot', 'simulation', 'task', 'noise'), [
    ('gazebo_arm', 'gazebo_arm.yaml', 'lift', 0.0),
    ('gazebo_arm', 'gazebo_arm.yaml', 'lift', 0.05),
    ('metaworld_sawyer', 'metaworld.yaml', 'pick-place', 0.1),
    ('metaworld_sawyer', 'metaworld.yaml', 'reach', 0.3)])
def test_nothing_is_wrong(robot, simulation, task, noise):
    contract, shown = demonstrations(robot, simulation, task, 8, noise)
    result = audit(shown, contract)
    assert result.verdict != 'wrong', [str(one) for one in result.findings]
    assert sum(row['verdict'] == 'fine' for row in result.episodes) >= 6, [
        str(one) for one in result.findings]


def test_positions_that_are_the_pose_of_their_own_tick_are_found_in_them():
    contract, shown = demonstrations('gazebo_arm', 'gazebo_arm.yaml', 'lift', 2, 0.0)
    part = contract.action_slice('arm_position')
    for name, each in shown.items():
        actions = np.array(each.actions)
        actions[:, part] = each.observations[:-1, part]
        shown[name] = type(each)(**{**vars(each), 'actions': actions})
    found = [one for one in audit(shown, contract).findings if one.kind == 'no command']
    assert {one.verdict for one in found} == {'wrong'}
    assert {one.episode for one in found} == {'0000', '0001'}
