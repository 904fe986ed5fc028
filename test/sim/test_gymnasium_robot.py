# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A mapping makes any Gymnasium environment a robot: a car on a hill, and gym-hil's arm."""

import copy

import gymnasium
import numpy as np
import pytest
from simulated_episode import run_episode
import yaml

from inril_ros.robot.contract.contract import load_contract, parse_contract
from inril_ros.sim.environment import make_simulation
from inril_ros.sim.mapping import built_in_mapping, contract_file, load_mapping, MappingError

# Gymnasium's MountainCarContinuous: position and velocity; a force -1..1; 100 for the hilltop.
CAR_CONTRACT = {
    'name': 'car', 'control_rate': 10.0,
    'observations': {
        'position': {'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState',
                     'joints': ['car']},
        'velocity': {'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState',
                     'joints': ['car'], 'quantity': 'velocity'},
    },
    'policy_observations': ['position', 'velocity'],
    'actions': {'force': {'topic': 'command', 'type': 'std_msgs/msg/Float64MultiArray',
                          'field': 'data', 'minimum': [-5.0], 'maximum': [5.0]}},
    'cameras': {'side': {'topic': 'side', 'width': 600, 'height': 400}},
    'episode': {'time_limit': 99.0},
}
CAR = {
    'simulator': 'gymnasium', 'contract': 'car.yaml',
    'tasks': {'hill': {'environment': 'MountainCarContinuous-v0'}},
    'observations': {
        'position': {'observation': '', 'elements': [0, 1]},
        'velocity': {'observation': '', 'elements': [1, 2], 'scale': 10.0, 'offset': 0.5},
    },
    'actions': {'force': {'elements': [0, 1], 'scale': 0.2}},  # 5 N is the engine's 1
    'success': {'terminated_with_reward': 90.0},
}


@pytest.fixture
def make_car(tmp_path):
    robots = []

    def make(task='hill', contract=None, **keys):
        file = tmp_path / 'car.yaml'
        file.write_text(yaml.safe_dump({**CAR, **keys}))
        contract = parse_contract({**CAR_CONTRACT, **(contract or {})})
        robots.append(make_simulation(file, task, contract))
        return robots[-1], contract

    yield make
    for robot in robots:
        robot.close()


def uphill(observation, values):
    """Push in the direction of motion; the mapping has shifted the velocity by 0.5."""
    return np.where(values['velocity'] >= 0.5, 5.0, -5.0)


def test_values_and_actions_are_those_of_the_environment(make_car):
    robot, _ = make_car()
    env = gymnasium.make('MountainCarContinuous-v0')
    observation, _ = env.reset(seed=3)
    state = robot.reset(3)
    for force in (5.0, -2.5, 0.0, 40.0):
        assert state.values['position'].tolist() == [observation[0]]
        assert state.values['velocity'][0] == pytest.approx(10.0 * observation[1] + 0.5)
        observation, *_ = env.step(np.array([np.clip(force * 0.2, -1, 1)], dtype=np.float32))
        state = robot.step(np.array([force]))
    env.close()


def test_success_ends_an_episode_and_nothing_changes_after_it(make_car):
    robot, contract = make_car()
    run = run_episode(robot, contract, uphill, 0, contract.time_limit_ticks)
    assert run.outcome == 'success'
    assert run.rewards[-1] == 1.0
    assert not run.rewards[:-1].any()
    assert robot.step(np.array([-5.0])).values['position'] == run.values['position'][-1]
    assert robot.reset(0).outcome == 'none'


def test_an_end_without_success_is_a_failure_only_if_the_mapping_says_so(make_car):
    for failure, outcome in (('terminated', 'failure'), ('never', 'none')):
        robot, contract = make_car(success={'terminated_with_reward': 1e6}, failure=failure)
        assert run_episode(robot, contract, uphill, 0, 400).outcome == outcome


def test_success_can_be_a_reward_and_the_reward_the_environment_s(make_car):
    robot, contract = make_car(success={'reward': 90.0}, reward='environment')
    run = run_episode(robot, contract, uphill, 0, 400)
    assert run.outcome == 'success'
    assert run.rewards[-1] == pytest.approx(99.9)
    assert run.rewards[0] == pytest.approx(-0.1)


def test_the_environment_s_own_time_limit_does_not_count(make_car):
    robot, contract = make_car()
    assert gymnasium.spec('MountainCarContinuous-v0').max_episode_steps == 999
    run = run_episode(robot, contract, lambda *_: np.zeros(1), 0, 1100)
    assert len(run.actions) == 1100
    assert (run.observations[1050] != run.observations[1051]).any()


def test_mismatches_are_reported(make_car):
    def mapped(name, **keys):
        return {'observations': {**CAR['observations'], name: keys}}

    def refused(message, **keys):
        with pytest.raises(MappingError, match=message):
            robot, _ = make_car(**keys)
            robot.reset(0)

    refused(r"observations: missing \['velocity'\], unknown \[\]; contract 'car' has",
            observations={'position': CAR['observations']['position']})
    refused(r"actions: missing \['force'\], unknown \['forse'\]",
            actions={'forse': {'elements': [0, 1]}})
    refused('observations.position: the environment gives 2 values, the contract 1',
            **mapped('position', observation=''))
    refused("observations.position.observation: 'state.car' is not there: no 'state' in ndarray",
            **mapped('position', observation='state.car'))
    refused(r"observations.position.info: 'car' is not there: no 'car' in \[\]",
            **mapped('position', info='car'))
    refused('observations.position.joints: the environment has no MuJoCo model',
            **mapped('position', joints=['car']))
    refused(r'actions.force.elements: \[1, 2\] is beyond the 1 elements',
            actions={'force': {'elements': [1, 2]}})
    refused('actions.force.elements: has 2 elements, the action has 1 values',
            actions={'force': {'elements': [0, 2]}})
    refused('tasks.hill: NoSuchEnvironment-v0 cannot be made: NameNotFound',
            tasks={'hill': {'environment': 'NoSuchEnvironment-v0'}})
    refused("tasks.hill: .*unexpected keyword argument 'speed'", tasks={
        'hill': {'environment': 'MountainCarContinuous-v0', 'make': {'speed': 1}}})
    refused(r'the action space is Discrete\(3\), a Box with one axis is needed',
            tasks={'hill': {'environment': 'MountainCar-v0'}})
    robot, _ = make_car(success={'info': 'top'})
    robot.reset(0)
    with pytest.raises(MappingError, match="success.info: 'top' is not there"):
        robot.step(np.zeros(1))


def test_images_come_from_render_or_from_the_observation(make_car):
    pytest.importorskip('pygame', reason='MountainCarContinuous draws with pygame')
    tasks = {'hill': {'environment': 'MountainCarContinuous-v0',
                      'make': {'render_mode': 'rgb_array'}}}
    robot, _ = make_car(tasks=tasks, cameras={'side': {'render': 0}})
    robot.reset(0)
    assert robot.image('side').shape == (400, 600, 3)
    assert robot.image('side').std() > 1
    robot, _ = make_car(tasks=tasks, cameras={'side': {'render': 1}})
    robot.reset(0)
    with pytest.raises(MappingError, match=r'cameras.side.render: is 1, but .* 1 image\(s\)'):
        robot.image('side')
    robot, _ = make_car(cameras={'side': {'observation': ''}})
    robot.reset(0)
    with pytest.raises(MappingError, match=r'cameras.side: the environment gives \(2,\)'):
        robot.image('side')


@pytest.fixture(scope='module')
def panda(opengl):
    """Return gym-hil's arm; it renders even if only states are used, so it needs OpenGL."""
    pytest.importorskip('gym_hil')
    path = built_in_mapping('gym_hil_panda')
    contract = load_contract(contract_file(path, load_mapping(path)))
    robot = make_simulation(path, 'pick-cube', contract)
    yield robot, contract
    robot.close()


def pick(observation, values):
    """Go above the cube, down, close, lift."""
    error = values['cube_position'] - values['hand_position']
    if np.abs(error[:2]).max() > 0.02:
        return np.append(np.clip(3.0 * error * [1, 1, 0], -0.25, 0.25), -1.0)
    if error[2] < -0.005 and values['gripper_closure'] < 0.5:
        return np.append(np.clip(3.0 * error, -0.25, 0.25), -1.0)
    if values['gripper_closure'] < 0.95:
        return np.array([0.0, 0.0, 0.0, 1.0])
    return np.array([0.0, 0.0, 0.25, 1.0])


def test_the_panda_gives_the_observations_of_its_contract(panda):
    robot, contract = panda
    state = robot.reset(0)
    for _ in range(5):
        assert {name: value.shape for name, value in state.values.items()} == {
            name: (entry.length,) for name, entry in contract.observations.items()}
        assert all(np.isfinite(value).all() for value in state.values.values())
        state = robot.step(np.array([0.1, 0.0, 0.1, 0.0]))
    # 5 ticks of 0.1 s at 0.1 m/s, less the hand's delay.
    moved = state.values['hand_position'] - robot.reset(0).values['hand_position']
    np.testing.assert_allclose(moved, [0.05, 0.0, 0.05], atol=0.012)
    assert robot._env.unwrapped.control_dt == pytest.approx(robot.period)


def test_the_panda_is_deterministic_and_the_seed_places_the_cube(panda):
    robot, contract = panda
    np.random.seed(0)
    one = run_episode(robot, contract, pick, 5, 20)
    run_episode(robot, contract, pick, 6, 60)
    np.random.seed(1)
    two = run_episode(robot, contract, pick, 5, 20)
    np.testing.assert_array_equal(one.observations, two.observations)
    assert (robot.reset(6).values['cube_position'] != one.values['cube_position'][0]).any()


def test_the_panda_reports_success_and_failure(panda):
    robot, contract = panda
    run = run_episode(robot, contract, pick, 1, contract.time_limit_ticks)
    assert run.outcome == 'success'
    assert run.rewards.sum() == 1.0
    assert run.values['cube_position'][-1, 2] > 0.1
    block = robot._env.unwrapped.data.jnt('block')
    robot.reset(1)
    block.qpos[0] = 0.9  # out of reach: gym-hil terminates
    assert robot.step(np.zeros(4)).outcome == 'failure'


def test_the_panda_s_cameras_show_the_scene(panda):
    robot, contract = panda
    robot.reset(0)
    images = {name: robot.image(name) for name in contract.cameras}
    for name, camera in contract.cameras.items():
        assert images[name].shape == (camera.height, camera.width, 3)
        assert images[name].std() > 5
    assert (images['front'] != images['wrist']).any()


def test_a_joint_missing_in_the_panda_is_named(panda, tmp_path):
    _, contract = panda
    data = copy.deepcopy(yaml.safe_load(built_in_mapping('gym_hil_panda').read_text()))
    data['observations']['arm_position']['joints'][0] = 'shoulder'
    file = tmp_path / 'panda.yaml'
    file.write_text(yaml.safe_dump(data))
    robot = make_simulation(file, 'pick-cube', contract)
    with pytest.raises(MappingError, match="observations.arm_position.joints: .*'shoulder'"):
        robot.reset(0)
    robot.close()
