# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Gazebo's arm in MuJoCo follows its commands, can do the task, and is deterministic."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from simulated_episode import run_episode

from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.contract.rules import Workspace
from inril_ros.robot.motion.kinematics import KinematicChain, urdf_of
from inril_ros.sim.environment import make_operator, make_simulation
from inril_ros.sim.gazebo.lift_task import LiftJudge, LiftTask, StartRegion
from inril_ros.sim.mapping import find_task, load_mapping, MappingError

CONFIG = Path(__file__).parents[2] / 'config'
FILE = CONFIG / 'simulations' / 'gazebo_arm.yaml'
CONTRACT = load_contract(CONFIG / 'robots' / 'gazebo_arm.yaml')
TASK = find_task(load_mapping(FILE), 'lift')


@pytest.fixture(scope='module')
def robot():
    made = make_simulation(FILE, 'lift', CONTRACT)
    yield made
    made.close()


def episode(robot, seed, noise):
    operator = make_operator('lift', CONTRACT, noise, FILE)
    operator.begin(seed)
    return run_episode(robot, CONTRACT, lambda _, values: operator.command(values), seed,
                       CONTRACT.time_limit_ticks)


@pytest.mark.parametrize('noise', [0.0, 0.3])
def test_demonstrations_succeed(robot, noise):
    outcomes = [episode(robot, seed, noise).outcome for seed in range(20)]
    assert outcomes.count('success') >= 19


def test_without_closing_the_jaws_nothing_is_lifted(robot):
    operator = make_operator('lift', CONTRACT, 0.0, FILE)

    def act(_, values):
        action = operator.command(values)
        action[CONTRACT.action_slice('gripper_position')] = 0.08
        return action

    rollout = run_episode(robot, CONTRACT, act, 3, CONTRACT.time_limit_ticks)
    assert rollout.outcome == 'none'
    assert rollout.values['cube_pose'][:, 2].max() < 0.03


def test_a_guarded_link_stays_in_its_box(robot):
    """The contract's gate uses the geometry of the URDF, as on a robot."""
    lowest = 0.12  # m; the cube lies below
    urdf = urdf_of(CONTRACT, CONFIG / 'robots' / 'gazebo_arm.yaml')
    fenced = replace(CONTRACT, workspace=Workspace(
        minimum=(-1.0, -1.0, lowest), maximum=(1.0, 1.0, 1.0), links=('tool0',)))
    operator = make_operator('lift', CONTRACT, 0.0, FILE)

    def heights(contract):
        run = run_episode(robot, contract, lambda _, values: operator.command(values), 3, 60, urdf)
        joints = [joint for name in CONTRACT.actions for joint in CONTRACT.actions[name].joints
                  if joint in urdf.joint_map]
        chain = KinematicChain(urdf, joints, ['tool0'])
        return chain.positions(run.actions[:, :len(joints)].astype(float))[0, :, 2]

    assert heights(fenced).min() > lowest - 1e-3
    assert heights(CONTRACT).min() < lowest - 0.02
    with pytest.raises(ValueError, match='workspace.links needs a URDF'):
        run_episode(robot, fenced, lambda *_: CONTRACT.action_minimum, 3, 1)


def test_a_seed_gives_the_same_episode_bit_for_bit(robot):
    one, two = (episode(robot, 7, 0.3) for _ in range(2))
    np.testing.assert_array_equal(one.actions, two.actions)
    np.testing.assert_array_equal(one.observations, two.observations)


def test_an_episode_starts_at_home_with_the_object_in_its_region(robot):
    places = []
    for seed in range(30):
        values = robot.reset(seed).values
        home = CONTRACT.episode.home
        np.testing.assert_array_equal(
            values['joint_positions'], [home[f'joint_{index}'] for index in range(1, 7)])
        assert values['gripper_position'][0] == home['finger_joint']
        np.testing.assert_allclose(values['cube_pose'], TASK.start.draw(seed), atol=1e-12)
        places.append(values['cube_pose'][:2])
    low, high = np.array([TASK.start.x, TASK.start.y]).T
    assert (np.array(places) >= low).all() and (np.array(places) <= high).all()
    assert np.ptp(places, axis=0).min() > 0.05


def test_the_arm_follows_commands_and_stays_at_home_without_them(robot):
    home = np.array([0.0] * 6 + [0.08])
    robot.reset(0)
    for _ in range(20):
        state = robot.step(home)
    assert np.abs(state.values['joint_positions']).max() < 1e-3
    target = np.array([0.3, -0.2, 0.1, 0.1, 0.2, -0.4, 0.02])
    for _ in range(40):
        state = robot.step(target)
    reached = np.append(state.values['joint_positions'], state.values['gripper_position'])
    np.testing.assert_allclose(reached, target, atol=2e-3)


def test_an_invalid_action_and_a_step_before_the_reset_are_refused():
    fresh = make_simulation(FILE, 'lift', CONTRACT)
    with pytest.raises(RuntimeError, match='reset the simulation'):
        fresh.step(np.zeros(7))
    fresh.reset(0)
    with pytest.raises(ValueError, match='not finite'):
        fresh.step(np.full(7, np.nan))
    fresh.close()


def test_the_camera_sees_the_cube_move(robot, opengl):
    robot.reset(0)
    before = robot.image('front')
    assert before.shape == (128, 128, 3) and before.std() > 10.0
    blue = (before[..., 2].astype(int) - before[..., 0] > 60).sum()
    assert 10 < blue < 2000
    robot.reset(1)
    assert (robot.image('front') != before).any()


@pytest.mark.parametrize(('change', 'message'), [
    ({'control_rate': 30.0}, 'do not add up to the period'),
    ({'cameras': {'front': replace(CONTRACT.cameras['front'], width=64)}}, r'cameras\.front'),
    ({'observations': {
        **CONTRACT.observations,
        'cube_pose': replace(CONTRACT.observations['cube_pose'], field='pose.position')}},
     r'observations\.cube_pose'),
    ({'episode': replace(CONTRACT.episode, home={'elbow': 0.0})}, 'elbow')])
def test_a_contract_that_does_not_fit_the_world_is_refused(change, message):
    with pytest.raises((MappingError, ValueError), match=message):
        make_simulation(FILE, 'lift', replace(CONTRACT, **change))


def test_a_task_without_an_operator_has_none(tmp_path):
    folder = tmp_path / 'simulations'
    folder.mkdir()
    text = FILE.read_text(encoding='utf-8').replace('operator: scripted', 'operator: none')
    (folder / 'arm.yaml').write_text(text, encoding='utf-8')
    with pytest.raises(MappingError, match='no scripted operator'):
        make_operator('lift', CONTRACT, 0.0, folder / 'arm.yaml')


@pytest.mark.parametrize('wrong', [
    dict(height=0.01), dict(start=dict(x=(0.5, 0.4), y=(0, 0), z=0.02)), dict(duration=0.0)])
def test_an_impossible_task_is_refused(wrong):
    given = dict(object='cube', height=0.1, duration=0.25,
                 start=dict(x=(0.4, 0.5), y=(0, 0), z=0.02))
    LiftTask(**given)
    with pytest.raises(ValueError):
        LiftTask(**{**given, **wrong})


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_success_is_an_uninterrupted_time_in_the_air(high):
    """Compared with the longest run of ticks in the air, counted independently."""
    judge = LiftJudge(LiftTask('cube', 0.1, 0.25, StartRegion((0, 1), (0, 1), 0.02)))
    for index, up in enumerate(high):
        done = judge.observe(1e9 + 0.05 * index, 0.12 if up else 0.05)
        runs = ''.join('#' if each else '.' for each in high[:index + 1]).split('.')
        assert done == (max(map(len, runs)) >= 6)


def test_a_clock_that_is_turned_back_does_not_make_a_success():
    judge = LiftJudge(LiftTask('cube', 0.1, 0.25, StartRegion((0, 1), (0, 1), 0.02)))
    judge.observe(10.0, 0.2)
    assert not judge.observe(0.0, 0.2)
    assert not judge.observe(0.2, 0.2)
    assert judge.observe(0.25, 0.2)
    judge.begin()
    assert not judge.observe(0.3, float('nan'))
