# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The arm's present state, for devices that command relative motion."""

from functools import partial
import math

import numpy as np
from sensor_msgs.msg import JointState

from inril_ros.data.bags.bags import EXECUTED_TOPIC
from inril_ros.msg import ExecutedAction
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.managed_node import ManagedNode

_STATE = 'sensor_msgs/msg/JointState'


class ArmState:
    """The measured joint positions, and the last command of the gripper."""

    def __init__(self, node: ManagedNode) -> None:
        self._contract = contract = node.contract
        self._positions: dict[tuple[str, str], float] = {}  # by topic and joint
        self._executed: np.ndarray | None = None
        topics = {entry.topic for entry in contract.observations.values()
                  if entry.type == _STATE and entry.quantity == 'position'}
        for topic in sorted(topics):
            node.create_subscription(JointState, topic, partial(self._on_state, topic),
                                     qos.observations(lockstep=False))
        node.create_subscription(ExecutedAction, EXECUTED_TOPIC, self._on_executed, qos.RECORD)

    def positions(self, action: str) -> np.ndarray | None:
        """Return the newest positions (n,) of an action's joints; None if one wasn't measured."""
        contract = self._contract
        values = [self._positions.get((place.topic, joint), math.nan) for joint, place in zip(
            contract.actions[action].joints, contract.places(action), strict=True)]
        return np.array(values) if np.isfinite(values).all() else None

    def gripper(self) -> float | None:
        """Return the command (-1..1) that keeps the gripper as it is; None if that is unknown.

        That is its last command, because a gripper that holds an object can't reach its command.
        """
        contract, name = self._contract, self._contract.teleoperation.gripper_action
        part, entry = contract.action_slice(name), contract.actions[name]
        if self._executed is not None:
            action = self._executed
        elif entry.commands_positions:
            measured = self.positions(name)
            if measured is None:
                return None
            action = np.zeros(contract.action_size, np.float32)
            action[part] = measured
        else:
            return 0.0  # no velocity, no effort
        return float(np.clip(contract.normalise_action(action)[part][0], -1.0, 1.0))

    def _on_state(self, topic: str, message: JointState) -> None:
        self._positions.update(((topic, joint), position) for joint, position in zip(
            message.name, message.position, strict=False))

    def _on_executed(self, message: ExecutedAction) -> None:
        executed = np.array(message.executed, np.float32)
        if executed.shape == (self._contract.action_size,) and np.isfinite(executed).all():
            self._executed = executed
