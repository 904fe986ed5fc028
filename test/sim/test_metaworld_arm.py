# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The built-in arm keeps to the contract in all tasks, and is deterministic."""

from dataclasses import replace

from metaworld.env_dict import ALL_V3_ENVIRONMENTS
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from simulated_episode import run_episode

from inril_ros.sim.environment import make_operator, make_simulation
from inril_ros.sim.mapping import built_in_mapping, load_mapping, MappingError
from inril_ros.sim.metaworld_arm import MetaworldArm
from inril_ros.sim.rendering import RenderingError
from inril_ros.sim.scripted import ScriptedOperator

pytestmark = pytest.mark.filterwarnings('ignore:Constant')
TASKS = sorted(load_mapping(built_in_mapping('metaworld')).tasks)

# The MuJoCo body or site whose orientation an observed pose has.
BODIES = {
    'assembly': [('body', 'RoundNut')],
    'basketball': [('body', 'bsktball')],
    'bin-picking': [('body', 'obj')],
    'box-close': [('body', 'top_link')],
    'button-press': [('body', 'button')],
    'button-press-topdown': [('body', 'button')],
    'button-press-topdown-wall': [('body', 'button')],
    'button-press-wall': [('body', 'button')],
    'coffee-button': [],
    'coffee-pull': [('geom', 'mug')],
    'coffee-push': [('geom', 'mug')],
    'dial-turn': [('body', 'dial')],
    'disassemble': [('body', 'RoundNut')],
    'door-close': [('geom', 'handle')],
    'door-lock': [('body', 'door_link')],
    'door-open': [('geom', 'handle')],
    'door-unlock': [('body', 'door_link')],
    'drawer-close': [],
    'drawer-open': [('body', 'drawer_link')],
    'faucet-close': [('body', 'faucetBase')],
    'faucet-open': [('body', 'faucetBase')],
    'hammer': [('body', 'hammer'), ('body', 'nail_link')],
    'hand-insert': [('body', 'obj')],
    'handle-press': [],
    'handle-press-side': [],
    'handle-pull': [],
    'handle-pull-side': [],
    'lever-pull': [('geom', 'objGeom')],
    'peg-insert': [('site', 'pegGrasp')],
    'peg-unplug-side': [('body', 'plug1')],
    'pick-out-of-hole': [('body', 'obj')],
    'pick-place': [('geom', 'objGeom')],
    'pick-place-wall': [('geom', 'objGeom')],
    'plate-slide': [('geom', 'puck')],
    'plate-slide-back': [('geom', 'puck')],
    'plate-slide-back-side': [('geom', 'puck')],
    'plate-slide-side': [('geom', 'puck')],
    'push': [('geom', 'objGeom')],
    'push-back': [('geom', 'objGeom')],
    'push-wall': [('geom', 'objGeom')],
    'reach': [('geom', 'objGeom')],
    'reach-wall': [('geom', 'objGeom')],
    'shelf-place': [('geom', 'objGeom')],
    'soccer': [('body', 'soccer_ball')],
    'stick-pull': [('body', 'stick')],
    'stick-push': [('body', 'stick')],
    'sweep': [('body', 'obj')],
    'sweep-into': [('geom', 'objGeom')],
    'window-close': [],
    'window-open': [],
}


def play(arm, seed, actions):
    """Return all values of an episode with given actions, one row per tick, and the outcomes."""
    states = [arm.reset(seed), *(arm.step(action) for action in actions)]
    rows = np.stack([np.concatenate(list(state.values.values())) for state in states])
    return rows, [state.outcome for state in states]


def random_actions(contract, count, seed):
    generator = np.random.default_rng(seed)
    return generator.uniform(
        contract.action_minimum, contract.action_maximum, (count, contract.action_size))


def test_all_tasks_of_meta_world_are_available():
    mapping = load_mapping(built_in_mapping('metaworld'))
    assert set(BODIES) == set(TASKS)
    assert {task.environment for task in mapping.tasks.values()} == set(ALL_V3_ENVIRONMENTS)


def test_a_success_counts_once_it_has_lasted_and_anew_after_it_was_left(metaworld_file, contract):
    """The success of reach is a place of the hand: the expert goes there, away, and back."""
    outcomes = {}
    for lasts in (0.0, 0.1):
        arm = MetaworldArm(replace(load_mapping(metaworld_file), success_lasts=lasts), 'reach',
                           contract)
        expert = make_operator('reach', contract, 0.0, metaworld_file)
        state, outcomes[lasts] = arm.reset(3), []
        expert.begin(3)
        for step in range(300):
            away = 120 <= step < 160
            state = arm.step(contract.action_maximum if away else expert.command(state.values))
            outcomes[lasts].append(state.outcome)
        arm.close()
    at_once, lasting = (np.array(outcomes[lasts]) == 'success' for lasts in (0.0, 0.1))
    began = np.flatnonzero(np.diff(at_once.astype(int), prepend=0) == 1)
    assert len(began) == 2 and not at_once[159]
    for first in began:
        assert not lasting[first:first + 7].any(), '8 steps of 12.5 ms'
        assert lasting[first + 7]


@pytest.mark.parametrize('task', TASKS)
def test_each_task_gives_the_observations_of_the_contract(task, arm, contract):
    robot = arm(task)
    states = [robot.reset(11)]
    states += [robot.step(action) for action in random_actions(contract, 30, seed=1)]
    for state in states:
        assert {name: value.shape for name, value in state.values.items()} == {
            name: (entry.length,) for name, entry in contract.observations.items()}
        assert all(value.dtype == np.float64 for value in state.values.values())
        assert all(np.isfinite(value).all() for value in state.values.values())
        assert state.reward == (1.0 if state.outcome == 'success' else 0.0)
    assert states[0].outcome == 'none'
    assert robot.period == pytest.approx(contract.period)


@pytest.mark.parametrize('task', TASKS)
def test_a_seed_gives_the_same_episode_whatever_happened_before(task, arm, contract):
    robot = arm(task)
    actions = random_actions(contract, 15, seed=2)
    first, _ = play(robot, 7, actions)
    operator = ScriptedOperator(task, contract)
    for seed in (100, 101):  # by an expert, so that objects are really moved in between
        operator.begin(seed)
        run_episode(robot, contract, lambda _, values: operator.command(values), seed, 70)
    again, _ = play(robot, 7, actions)
    np.testing.assert_array_equal(first, again)
    other, _ = play(robot, 8, actions)
    assert not np.array_equal(first[0], other[0])


def test_two_arms_give_the_same_episode(arm, metaworld_file, contract):
    actions = random_actions(contract, 40, seed=3)
    fresh = make_simulation(metaworld_file, 'peg-insert', contract)
    seed = 2**64 - 1  # the largest that a message can carry
    np.testing.assert_array_equal(
        play(fresh, seed, actions)[0], play(arm('peg-insert'), seed, actions)[0])
    fresh.close()


def test_global_random_state_is_neither_used_nor_changed(metaworld_file, contract):
    np.random.seed(5)
    expected = np.random.get_state()[1].copy()
    robot = make_simulation(metaworld_file, 'pick-place', contract)
    one = robot.reset(4)
    np.testing.assert_array_equal(np.random.get_state()[1], expected)
    np.random.seed(6)
    two = robot.reset(4)
    np.testing.assert_array_equal(one.values['object_pose'], two.values['object_pose'])
    robot.close()


@pytest.mark.parametrize('task', TASKS)
def test_orientations_are_in_the_order_of_ros(task, arm, contract):
    robot = arm(task)
    operator = ScriptedOperator(task, contract)
    operator.begin(0)
    state = robot.reset(21)
    for _ in range(60):
        state = robot.step(operator.command(state.values))
    for name, element in zip(('object_pose', 'second_object_pose'), BODIES[task]):
        matrix = getattr(robot._env.data, element[0])(element[1]).xmat.reshape(3, 3)
        expected = Rotation.from_matrix(matrix).as_quat()  # x y z w
        assert abs(np.dot(state.values[name][3:], expected)) == pytest.approx(1.0, abs=1e-6)
    if len(BODIES[task]) < 2:
        assert state.values['second_object_pose'][3:].tolist() == [0.0, 0.0, 0.0, 1.0]


def test_the_pose_moves_with_the_object_and_the_goal_is_seen(arm, contract):
    robot = arm('pick-place')
    operator = ScriptedOperator('pick-place', contract, noise=0.0)
    operator.begin(0)
    run = run_episode(
        robot, contract, lambda _, values: operator.command(values), 31, contract.time_limit_ticks)
    assert run.outcome == 'success'
    np.testing.assert_array_equal(
        run.values['object_pose'][:, :3], run.values['object_position'])
    distance = np.linalg.norm(run.values['object_position'] - run.values['goal_position'], axis=1)
    assert distance[0] > 0.1 > 0.08 > distance[-1]


def test_arm_position_is_that_of_the_named_joints(arm):
    # In coffee-push the mug's free joint comes first: joints by number would be the mug's.
    robot = arm('coffee-push')
    state = robot.reset(0)
    expected = [robot._env.data.joint(f'right_j{index}').qpos[0] for index in range(7)]
    assert state.values['arm_position'].tolist() == expected


def test_velocity_is_in_metres_per_second(arm, contract):
    robot = arm('reach')
    start = robot.reset(0).values['hand_position']
    velocity = np.array([0.2, -0.1, 0.1])
    for _ in range(40):
        state = robot.step(np.append(velocity, 0.0))
    moved = state.values['hand_position'] - start
    # The hand follows its command with a delay of a few ticks.
    np.testing.assert_allclose(moved, velocity * 40 * contract.period, rtol=0.15, atol=0.002)
    before = robot._env.data.mocap_pos[0].copy()
    robot.step(np.array([0.3, 0.0, 0.0, 0.0]))
    np.testing.assert_allclose(
        robot._env.data.mocap_pos[0] - before, [0.3 * contract.period, 0, 0], atol=1e-12)


def test_effort_closes_and_opens_the_gripper(arm):
    robot = arm('reach')
    opening = [robot.reset(0).values['gripper_opening'][0]]
    for effort in (1.0, -1.0):
        for _ in range(30):
            state = robot.step(np.array([0.0, 0.0, 0.0, effort]))
        opening.append(state.values['gripper_opening'][0])
    assert opening[0] > 0.9
    assert opening[1] < 0.5
    assert opening[2] > 0.9


def test_actions_are_kept_to_the_limits_and_nonsense_is_refused(arm):
    robot = arm('reach')
    np.testing.assert_array_equal(
        play(robot, 0, [np.array([9.0, 0, 0, 9.0])] * 5)[0],
        play(robot, 0, [np.array([0.8, 0, 0, 1.0])] * 5)[0])
    with pytest.raises(ValueError, match=r'shape \(3,\), \(4,\) is needed'):
        robot.step(np.zeros(3))
    with pytest.raises(ValueError, match='not finite'):
        robot.step(np.array([np.nan, 0, 0, 0]))


def test_a_step_before_the_first_reset_is_refused(metaworld_file, contract):
    robot = make_simulation(metaworld_file, 'reach', contract)
    with pytest.raises(RuntimeError, match='reset'):
        robot.step(np.zeros(4))
    robot.close()


def test_values_of_earlier_ticks_do_not_change(arm, contract):
    robot = arm('pick-place')
    state = robot.reset(0)
    kept = {name: value.copy() for name, value in state.values.items()}
    for action in random_actions(contract, 5, seed=4):
        robot.step(action)
    for name, value in state.values.items():
        np.testing.assert_array_equal(value, kept[name])


def test_a_contract_that_does_not_fit_is_refused(metaworld_file, contract):
    with pytest.raises(MappingError, match='control_rate 50.0 Hz, Meta-World 80 Hz'):
        make_simulation(metaworld_file, 'reach', replace(contract, control_rate=50.0))
    renamed = {'force' if name == 'arm_position' else name: entry
               for name, entry in contract.observations.items()}
    with pytest.raises(MappingError, match="no observation 'force' of 7 values"):
        make_simulation(metaworld_file, 'reach', replace(contract, observations=renamed))
    fewer = {'hand_velocity': contract.actions['hand_velocity']}
    teleoperation = replace(contract.teleoperation, gripper_action='')
    with pytest.raises(MappingError, match='Meta-World takes'):
        make_simulation(metaworld_file, 'reach', replace(
            contract, actions=fewer, teleoperation=teleoperation))


def test_images_show_the_scene_at_the_contract_s_size(arm, contract, opengl):
    robot = arm('pick-place')
    robot.reset(0)
    first = robot.image('front')
    camera = contract.cameras['front']
    assert first.shape == (camera.height, camera.width, 3)
    assert first.dtype == np.uint8
    assert first.std() > 10
    # The arm's stand is dark and below its red hand, if the image is the right way up.
    red = (first[..., 0] > 100) & (first[..., 1] < 60)
    dark = first.max(axis=2) < 60
    assert np.nonzero(red)[0].mean() < np.nonzero(dark)[0].mean()
    for _ in range(20):
        robot.step(np.array([0.5, 0.0, 0.2, 0.0]))
    assert np.abs(robot.image('front').astype(int) - first).mean() > 0.5
    with pytest.raises(MappingError, match=r"no camera 'wrist'; cameras are \['front'\]"):
        robot.image('wrist')


def test_a_camera_missing_in_the_model_is_named(arm, opengl):
    robot = arm('pick-place')
    robot.reset(0)
    robot.image('front')
    with pytest.raises(RenderingError, match="no camera 'side' in the model; it has .*corner4"):
        robot._renderer.image('side', 128, 128)
