# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A scripted operator that grasps an object from above and lifts it, with a leader arm.

From the contract's observations it commands joint positions as a person with a leader arm does: a
little ahead of the follower, with an unsteady hand.
"""

from collections.abc import Mapping
import math

import numpy as np

from inril_ros.robot.contract.contract import Contract
from inril_ros.sim.gazebo.lift_task import LiftTask
from inril_ros.sim.gazebo.top_down_arm import TopDownArm, Unreachable
from inril_ros.sim.operator import Operator

#: Observations that it needs, beside the pose of the task's object.
NEEDED = ('joint_positions', 'gripper_position')
#: Actions that it commands.
COMMANDED = ('arm_position', 'gripper_position')

_OPEN, _CLOSED = 0.08, 0.02  # [m] commanded distance of the jaws; less than the object is wide
_GRIPPING = 0.065  # [m] less: the jaws have begun to close
_HELD = 0.05  # [m] less: they have met the object
_CLEARANCE = 0.02  # [m] distance of the fixed jaw from the object before they close
_HOVER = 0.07  # [m] height above the object before the jaws are aligned
_AHEAD = 0.06  # [m] highest distance of the leader from the tool
_ALIGNED, _DOWN = 0.014, 0.014  # [m] tolerances sideways, and above the object
_LIFT = 0.08  # [m] height above what the task asks for
_TREMBLE = 0.05  # share of the noise: the jaws must hit a few centimetres


class LiftOperator(Operator):
    """Commands a lifting task.

    Args:
        task: The task.
        contract: The robot's contract.
        arm: Geometry of the arm.
        noise: Standard deviation of the noise on the action as normalised to -1..1, for an action
            that is a velocity. A position trembles by a twentieth of it.

    Raises:
        MappingError: The contract lacks something that it needs.
        ValueError: The noise is negative or not finite.
    """

    def __init__(
        self, task: LiftTask, contract: Contract, arm: TopDownArm, noise: float,
    ) -> None:
        super().__init__(contract, noise, (*NEEDED, f'{task.object}_pose'), COMMANDED)
        self._task = task
        self._arm = arm

    def command(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the action (A,) float64 in contract units for a tick's observations by name."""
        contract = self._contract
        goal, yaw, opening = self._goal(values)
        tool = self._arm.tool_position(values['joint_positions'])
        way = goal - tool
        distance = float(np.linalg.norm(way))
        leader = goal if distance <= _AHEAD else tool + way * (_AHEAD / distance)
        action = np.empty(contract.action_size)
        try:
            joints = self._arm.joints(leader, yaw)
        except Unreachable:  # the object was pushed away: wait for the time limit
            joints = values['joint_positions']
        action[contract.action_slice('arm_position')] = joints
        action[contract.action_slice('gripper_position')] = opening
        low, high = contract.action_minimum, contract.action_maximum
        action += 0.5 * (high - low) * self._noise * _TREMBLE * self._generator.standard_normal(
            action.size)
        return np.clip(action, low, high)

    def _goal(self, values: Mapping[str, np.ndarray]) -> tuple[np.ndarray, float, float]:
        """Return the tool's target [m], the yaw of the jaws [rad] and their opening [m]."""
        pose, opening = values[f'{self._task.object}_pose'], values['gripper_position'][0]
        position, yaw = pose[:3], _square_yaw(pose[3:])
        tool = self._arm.tool_position(values['joint_positions'])
        # The fixed jaw goes down at a distance; the other one then pushes the object against it.
        side = np.array([-math.sin(yaw), math.cos(yaw), 0.0])
        grasp = position - _CLEARANCE * side
        near = float(np.linalg.norm((tool - position)[:2])) < 2.0 * _ALIGNED + _CLEARANCE
        low = tool[2] - position[2] < 2.0 * _DOWN
        if near and low and opening < _HELD:
            return np.array([*position[:2], self._task.height + _LIFT]), yaw, _CLOSED
        if near and low and opening < _GRIPPING:
            return tool * [1.0, 1.0, 0.0] + position * [0.0, 0.0, 1.0], yaw, _CLOSED
        aside = float(np.linalg.norm((tool - grasp)[:2]))
        if aside < _ALIGNED and tool[2] - position[2] < _DOWN:
            return grasp, yaw, _CLOSED
        if aside < _ALIGNED:
            return grasp, yaw, _OPEN
        return grasp + [0.0, 0.0, _HOVER], yaw, _OPEN


def _square_yaw(rotation: np.ndarray) -> float:
    """Return the yaw [rad] of a cube's quaternion x y z w, within -45..45 degrees."""
    x, y, z, w = rotation
    yaw = math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
    return (yaw + 0.25 * math.pi) % (0.5 * math.pi) - 0.25 * math.pi
