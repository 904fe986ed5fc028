# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The world file in DART, Gazebo's engine: the arm stands at its targets and can do the task.

Whether links without gravity are held up depends on Gazebo's version, so both are tried.
"""

from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
import pytest
from simulated_episode import run_episode

from inril_ros.robot.contract.contract import load_contract
from inril_ros.sim.environment import make_operator
from inril_ros.sim.gazebo.sdf_scene import read_scene
from inril_ros.sim.gazebo.sdf_to_mujoco import limit_velocities, mujoco_xml
from inril_ros.sim.gazebo.top_down_arm import top_down_arm
from inril_ros.sim.mapping import find_task, load_mapping

pytest.importorskip('dartpy', reason='pip install inril_ros[dart]', exc_type=ImportError)
from dart_world import DartArm, DartWorld  # noqa: E402

CONFIG = Path(__file__).parents[2] / 'config'
FILE = CONFIG / 'simulations' / 'gazebo_arm.yaml'
CONTRACT = load_contract(CONFIG / 'robots' / 'gazebo_arm.yaml')
TASK = find_task(load_mapping(FILE), 'lift')
SCENE = read_scene(CONFIG / 'gazebo' / 'arm_world.sdf')
ARM = SCENE.model('arm')
JOINTS = [drive.joint for drive in ARM.drives]
AWAY = np.array([0.0, -0.55, 0.02, 0.0, 0.0, 0.0, 1.0])  # of the cube


def without_integrals():
    """Return the world with proportional controllers only."""
    arm = replace(ARM, drives=tuple(
        replace(drive, integral=0.0, integral_effort=0.0) for drive in ARM.drives))
    return replace(SCENE, models=tuple(
        arm if model is ARM else model for model in SCENE.models))


def targets_above_the_table(count):
    kinematics, generator, found = top_down_arm(ARM), np.random.default_rng(0), []
    while len(found) < count:
        target = generator.uniform(CONTRACT.action_minimum, CONTRACT.action_maximum)
        if kinematics.tool_position(target[:6])[2] > 0.15:
            found.append(target)
    return found


@pytest.mark.parametrize('servo', [False, True])
@pytest.mark.parametrize('weightless', [True, False])
def test_the_arm_stands_at_its_targets_with_and_without_gravity_on_its_links(weightless, servo):
    world = DartWorld(SCENE, weightless, servo)
    world.place('cube', AWAY)
    world.run(3.0)
    assert world.errors().max() < 2e-3
    for target in targets_above_the_table(5):
        world.targets = target
        world.run(3.0)
        assert world.errors().max() < 2e-3


def test_without_integrals_the_arm_would_sag():
    world = DartWorld(without_integrals(), weightless=False)
    world.run(1.0)
    assert world.errors().max() > 0.02


@pytest.mark.parametrize(('weightless', 'servo', 'noise'), [
    (True, False, 0.0), (False, False, 0.3), (False, True, 0.0)])
def test_the_scripted_operator_lifts_the_cube(weightless, servo, noise):
    robot = DartArm(CONTRACT, TASK, SCENE, weightless, servo)
    operator = make_operator('lift', CONTRACT, noise, FILE)

    def outcome(seed):
        operator.begin(seed)
        return run_episode(robot, CONTRACT, lambda _, values: operator.command(values), seed,
                           CONTRACT.time_limit_ticks).outcome

    assert [outcome(seed) for seed in range(10)].count('success') >= 9


class InMujoco:
    """The world's MuJoCo model with targets, as ``DartWorld`` has."""

    def __init__(self):
        self._model = mujoco.MjModel.from_xml_string(mujoco_xml(SCENE))
        self._data = mujoco.MjData(self._model)
        self._limit = limit_velocities(self._model, SCENE)
        for drive in ARM.drives:
            self._data.joint(drive.joint).qpos[0] = drive.start

    def run(self, seconds, target):
        for name, position in zip(JOINTS, target):
            self._data.actuator(name).ctrl[0] = position
        highest = np.zeros(len(JOINTS))
        for _ in range(round(seconds / SCENE.step)):
            mujoco.mj_step(self._model, self._data)
            self._limit(self._data)
            highest = np.maximum(highest, np.abs(
                [self._data.joint(name).qvel[0] for name in JOINTS]))
        return highest

    def positions(self):
        return np.array([self._data.joint(name).qpos[0] for name in JOINTS])


def test_mujoco_s_arm_moves_as_dart_s_does():
    """Along a motion of 2 s within the contract's limits, and where it ends."""
    world, twin = DartWorld(SCENE), InMujoco()
    end = np.array([0.5, -0.4, 0.3, 0.2, 0.4, -0.6, 0.0])
    start = np.array([drive.start for drive in ARM.drives])
    for share in [*np.linspace(0.0, 1.0, 40), *[1.0] * 20]:
        target = start + share * (end - start)
        world.targets = target
        world.run(0.05)
        twin.run(0.05, target)
        np.testing.assert_allclose(twin.positions(), world.positions(), atol=2e-3)


def test_both_engines_keep_the_limits_of_velocity():
    """A step of the target that no gate has smoothed runs into them."""
    world, twin = DartWorld(SCENE), InMujoco()
    target = np.array([1.0, -0.8, 0.5, 0.5, 0.5, 1.0, 0.0])
    world.targets = target
    limits = np.array([ARM.joint(name).velocity for name in JOINTS])
    in_dart, in_mujoco = world.run(0.3), twin.run(0.3, target)
    for highest in (in_dart, in_mujoco):
        assert (highest < 1.06 * limits).all() and (highest > 0.98 * limits).sum() >= 4
    world.run(3.0)
    twin.run(3.0, target)
    np.testing.assert_allclose(twin.positions(), world.positions(), atol=2e-3)
