# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The built-in arm: Meta-World's Sawyer (MuJoCo) as a simulated robot.

Meta-World [1] is used through its environment classes, not through ``gymnasium.make``: that wraps
50 fixed start states and steps at a third of the speed.

[1] Yu et al., Meta-World: A Benchmark and Evaluation for Multi-Task and Meta Reinforcement
    Learning, CoRL 2019; https://github.com/Farama-Foundation/Metaworld
"""

import sys

from metaworld.env_dict import ALL_V3_ENVIRONMENTS, ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE
import numpy as np

from inril_ros.robot.contract.contract import Contract
from inril_ros.sim.mapping import find_task, MappingError, MetaworldMapping
from inril_ros.sim.rendering import SceneRenderer
from inril_ros.sim.simulated_robot import SimulatedRobot, SimulatedState
from inril_ros.sim.sparse_metaworld import without_dense_reward

#: Observations that a contract may use, with their lengths.
OBSERVATIONS = {
    'arm_position': 7, 'gripper_opening': 1, 'hand_position': 3, 'object_pose': 7,
    'object_position': 3, 'object_orientation': 4, 'second_object_pose': 7,
    'second_object_position': 3, 'second_object_orientation': 4, 'goal_position': 3,
}
#: Actions that a contract must have, with their lengths.
ACTIONS = {'hand_velocity': 3, 'gripper_effort': 1}

_ARM = tuple(f'right_j{index}' for index in range(7))
# Positions in Meta-World's observation (39,): hand 3, gripper 1, two objects with position 3 and
# quaternion 4 each, the same 18 values one step earlier, goal 3.
_HAND, _GRIPPER, _GOAL = slice(0, 3), slice(3, 4), slice(36, 39)
_POSES = {
    'xyzw': ([4, 5, 6, 7, 8, 9, 10], [11, 12, 13, 14, 15, 16, 17]),
    'wxyz': ([4, 5, 6, 8, 9, 10, 7], [11, 12, 13, 15, 16, 17, 14]),
}
_NOT_TURNED = (0.0, 0.0, 0.0, 1.0)  # x y z w


class MetaworldArm(SimulatedRobot):
    """A Sawyer arm in one task of Meta-World.

    Raises:
        MappingError: The mapping, the contract and Meta-World don't fit together.
    """

    def __init__(self, mapping: MetaworldMapping, task: str, contract: Contract) -> None:
        super().__init__(contract)
        entry = find_task(mapping, task)
        if entry.environment not in ALL_V3_ENVIRONMENTS:
            raise MappingError(f'tasks.{task}.environment: Meta-World has no '
                               f'{entry.environment!r}; it has {sorted(ALL_V3_ENVIRONMENTS)}')
        _check_contract(contract)
        self._cameras = mapping.cameras
        self._steps_of_success = max(1, round(mapping.success_lasts * contract.control_rate))
        self._done_for = 0  # steps
        self._first_pose, self._second_pose = _POSES[entry.quaternion_order]
        observable = ALL_V3_ENVIRONMENTS_GOAL_OBSERVABLE[f'{entry.environment}-goal-observable']
        # With a seed the constructor doesn't change NumPy's global generator.
        self._env = without_dense_reward(observable(seed=0))
        self._env._freeze_rand_vec = False
        self._env.seeded_rand_vec = True
        # The contract has the time limit; Meta-World's own would raise an error.
        self._env.max_path_length = sys.maxsize
        self._joints = np.concatenate([self._env.model.joint(name).qposadr for name in _ARM])
        self._velocity = contract.action_slice('hand_velocity')
        self._effort = contract.action_slice('gripper_effort')
        self._renderer = SceneRenderer(self._env.model, self._env.data)
        if not np.isclose(contract.period, self.period, rtol=1e-6):
            raise MappingError(f'contract {contract.name!r} has control_rate '
                               f'{contract.control_rate} Hz, Meta-World {1 / self.period:g} Hz')

    @property
    def period(self) -> float:
        """Simulated time of one step [s]."""
        return float(self._env.dt)

    def _begin(self, seed: int) -> SimulatedState:
        self._env.seed(seed)
        observation, _ = self._env.reset()
        self._done_for = 0
        return SimulatedState(self._values(observation), 'none', 0.0)

    def _apply(self, action: np.ndarray) -> SimulatedState:
        # In Meta-World 1 moves the hand by action_scale metres per step.
        reach = self._env.action_scale / self.period
        command = np.concatenate([action[self._velocity] / reach, action[self._effort]])
        observation, _, _, _, info = self._env.step(command)
        done = bool(info['success'])
        self._done_for = self._done_for + 1 if done else 0
        success = self._done_for >= self._steps_of_success
        return SimulatedState(self._values(observation), 'success' if success else 'none',
                              float(success), done)

    def _draw(self, camera: str, height: int, width: int) -> np.ndarray:
        if camera not in self._cameras:
            raise MappingError(f'cameras: no entry for {camera!r} of contract '
                               f'{self._contract.name!r}; entries are {sorted(self._cameras)}')
        entry = self._cameras[camera]
        image = self._renderer.image(entry.camera, height, width)
        return np.ascontiguousarray(image[::-1, ::-1]) if entry.upside_down else image

    def close(self) -> None:
        """Release the simulator."""
        super().close()
        self._renderer.close()
        self._env.close()

    def _values(self, observation: np.ndarray) -> dict[str, np.ndarray]:
        """Return the contract's observations from Meta-World's (39,)."""
        first = _pose(observation[self._first_pose])
        second = observation[self._second_pose]
        # An object that the task hasn't is where the first one is: no distance, no direction.
        second = _pose(second if second.any() else np.append(first[:3], np.zeros(4)))
        values = {
            'arm_position': self._env.data.qpos[self._joints],
            'gripper_opening': observation[_GRIPPER],
            'hand_position': observation[_HAND],
            'object_pose': first,
            'object_position': first[:3],
            'object_orientation': first[3:],
            'second_object_pose': second,
            'second_object_position': second[:3],
            'second_object_orientation': second[3:],
            'goal_position': observation[_GOAL],
        }
        return {name: values[name] for name in self._contract.observations}


def _pose(values: np.ndarray) -> np.ndarray:
    """Return a pose (7,); an object that is not there, or has no rotation, isn't turned."""
    return values if values[3:].any() else np.append(values[:3], _NOT_TURNED)


def _check_contract(contract: Contract) -> None:
    for name, entry in contract.observations.items():
        if OBSERVATIONS.get(name) != entry.length:
            raise MappingError(f'contract {contract.name!r}: Meta-World gives no observation '
                               f'{name!r} of {entry.length} values; it gives {OBSERVATIONS}')
    lengths = {name: entry.length for name, entry in contract.actions.items()}
    if lengths != ACTIONS:
        raise MappingError(f'contract {contract.name!r} has actions {lengths}, '
                           f'Meta-World takes {ACTIONS}')
