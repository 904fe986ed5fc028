# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An arm that is described for Gazebo, simulated by MuJoCo: the same topics without Gazebo.

Model and controllers are derived from the world file that Gazebo reads. Thus the task can be
tested, and learned many times faster than real time, on a machine without Gazebo.
"""

from pathlib import Path

import mujoco
import numpy as np

from inril_ros.robot.contract.contract import Action, Contract, Observation
from inril_ros.sim.gazebo.lift_task import LiftJudge
from inril_ros.sim.gazebo.scene import Scene, SceneError
from inril_ros.sim.gazebo.sdf_scene import read_scene
from inril_ros.sim.gazebo.sdf_to_mujoco import limit_velocities, mujoco_xml
from inril_ros.sim.mapping import find_task, MappingError, SdfMapping
from inril_ros.sim.rendering import SceneRenderer
from inril_ros.sim.simulated_robot import Outcome, SimulatedRobot, SimulatedState


class GazeboArm(SimulatedRobot):
    """An arm of a Gazebo world.

    Args:
        mapping: The mapping, which names the world and its tasks.
        task: Name of a task.
        contract: The arm's contract. Its observations are joints and ``<model>_pose``; its actions
            are positions of joints that the world has a controller for.
        folder: Folder to which the world's path is relative.

    Raises:
        MappingError: The mapping, the contract and the world don't fit together.
    """

    def __init__(
        self, mapping: SdfMapping, task: str, contract: Contract, folder: Path,
    ) -> None:
        super().__init__(contract)
        self._task = find_task(mapping, task)
        path = folder / mapping.world
        try:
            scene = read_scene(path)
            scene.model(self._task.object)
        except SceneError as error:
            raise MappingError(str(error)) from error
        self._model = mujoco.MjModel.from_xml_string(mujoco_xml(scene))
        self._data = mujoco.MjData(self._model)
        self._limit_velocities = limit_velocities(self._model, scene)
        self._steps = round(contract.period / scene.step)
        self._judge = LiftJudge(self._task)
        self._renderer = SceneRenderer(self._model, self._data)
        if abs(self._steps * scene.step - contract.period) > 1e-9:
            raise MappingError(f'{path}: steps of {scene.step} s do not add up to the period of '
                               f'contract {contract.name!r}, {contract.period} s')
        _check_cameras(contract, scene, path)
        names = [self._model.joint(index).name for index in range(self._model.njnt)]
        for name, entry in contract.observations.items():
            self._check_observation(name, entry, names)
        self._actuators = np.concatenate([
            self._actuators_of(name, entry) for name, entry in contract.actions.items()])
        if len(set(self._actuators)) < len(self._actuators):
            raise MappingError(f'contract {contract.name!r}: two actions command joints of the '
                               'same name, which the world has once')

    def _begin(self, seed: int) -> SimulatedState:
        mujoco.mj_resetData(self._model, self._data)
        for action in self._contract.actions:
            for name, position in self._contract.home(action).items():
                self._data.joint(name).qpos[0] = position
                self._data.actuator(name).ctrl[0] = position
        x, y, z, *rotation = self._task.start.draw(seed)
        self._data.joint(self._task.object).qpos[:] = x, y, z, rotation[3], *rotation[:3]
        mujoco.mj_forward(self._model, self._data)
        self._judge.begin()
        return self._state()

    def _apply(self, action: np.ndarray) -> SimulatedState:
        self._data.ctrl[self._actuators] = action
        for _ in range(self._steps):
            mujoco.mj_step(self._model, self._data)
            self._limit_velocities(self._data)
        return self._state()

    def _draw(self, camera: str, height: int, width: int) -> np.ndarray:
        return self._renderer.image(camera, height, width)

    def close(self) -> None:
        """Release OpenGL."""
        super().close()
        self._renderer.close()

    def _state(self) -> SimulatedState:
        success = self._judge.observe(
            self._data.time, float(self._data.body(self._task.object).xpos[2]))
        outcome: Outcome = 'success' if success else 'none'
        return SimulatedState(
            {name: self._read(name, entry) for name, entry in self._contract.observations.items()},
            outcome, float(success), success)

    def _read(self, name: str, entry: Observation) -> np.ndarray:
        if not entry.joints:
            body = self._data.body(name.removesuffix('_pose'))
            return np.concatenate([body.xpos, np.roll(body.xquat, -1)])
        joints = [self._data.joint(joint) for joint in entry.joints]
        return np.array([joint.qvel[0] if entry.quantity == 'velocity' else joint.qpos[0]
                         for joint in joints])

    def _check_observation(self, name: str, entry: Observation, joints: list[str]) -> None:
        if entry.joints:
            known = set(entry.joints) <= set(joints) and entry.quantity != 'effort'
        else:
            body = name.removesuffix('_pose')
            known = entry.is_pose and mujoco.mj_name2id(
                self._model, mujoco.mjtObj.mjOBJ_BODY, body) > 0
        if not known:
            raise MappingError(f'contract {self._contract.name!r}: observations.{name}: the world '
                               f'gives position and velocity of the joints {joints} and '
                               '<model>_pose')

    def _actuators_of(self, name: str, entry: Action) -> np.ndarray:
        driven = [self._model.actuator(index).name for index in range(self._model.nu)]
        if not entry.commands_positions or not set(entry.joints) <= set(driven):
            raise MappingError(f'contract {self._contract.name!r}: actions.{name}: the world '
                               f'takes positions of the joints {driven}')
        return np.array([driven.index(joint) for joint in entry.joints])


def _check_cameras(contract: Contract, scene: Scene, path: Path) -> None:
    sizes = {camera.name: (camera.width, camera.height)
             for model in scene.models for camera in model.cameras}
    for name, camera in contract.cameras.items():
        if sizes.get(name) != (camera.width, camera.height):
            raise MappingError(f'contract {contract.name!r}: cameras.{name} is {camera.width} x '
                               f'{camera.height}; {path} has {sizes}')
