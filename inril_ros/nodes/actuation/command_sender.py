# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Sends commands to the controllers: messages on topics, and goals of a gripper's action."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from rclpy.action import ActionClient
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.task import Future

from inril_ros.nodes.base import qos
from inril_ros.nodes.base.message_types import message_type
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.commands import encode_command, GRIPPER, MULTI_ARRAY

_PATIENCE = Duration(seconds=0.2)
_SAME = 1e-4  # [rad or m] smaller changes of a gripper's goal are not sent


class CommandSender:
    """The commands of one robot.

    Args:
        lockstep: Whether a simulator waits for each command.
        silent: Send nothing (dry run).

    Raises:
        ValueError: A message type isn't installed, or the contract has an action in lockstep.
    """

    def __init__(
        self, node: Node, contract: Contract, lockstep: bool, silent: bool = False,
    ) -> None:
        self._contract = contract
        self._silent = silent
        self._publishers: dict[str, Publisher] = {}
        self._grippers: dict[str, GripperGoals] = {}
        # Forward controllers never time out: a lost hold would leave them moving.
        self._lasting: set[str] = set()
        for topic, kind in contract.action_topics().items():
            if kind == GRIPPER:
                if lockstep:
                    raise ValueError(f'{topic}: an action has no stamp, which lockstep needs')
                self._grippers[topic] = GripperGoals(
                    node, ActionClient(node, message_type(kind), topic))
                continue
            self._publishers[topic] = node.create_publisher(
                message_type(kind), topic, qos.commands(lockstep))
            if kind == MULTI_ARRAY:
                self._lasting.add(topic)

    @property
    def endpoints(self) -> tuple[Publisher, ...]:
        """The publishers of commands."""
        return tuple(self._publishers.values())

    def send(
        self, action: np.ndarray, stamp: int, following: Mapping[str, np.ndarray] | None = None,
        lasting_only: bool = False,
    ) -> None:
        """Send an action (A,) in contract units.

        Args:
            action: The action that the safety gate returned.
            stamp: [ns] Stamp of the tick.
            following: See ``encode_command``.
            lasting_only: Send only to controllers that never abandon their last command.
        """
        if self._silent:
            return
        for topic, message in encode_command(
                self._contract, action, stamp, message_type, following):
            if lasting_only and topic not in self._lasting:
                continue
            if topic in self._grippers:
                self._grippers[topic].send(message)
            else:
                self._publishers[topic].publish(message)

    def wait_delivered(self) -> None:
        """Wait briefly until the controllers have all commands, before this process ends."""
        for publisher in self._publishers.values():
            publisher.wait_for_all_acked(_PATIENCE)


class GripperGoals:
    """Goals of one gripper: sent when they change, one at a time; the newest counts."""

    def __init__(self, node: Node, client: Any) -> None:
        self._node = node
        self._client = client
        self._sent: float | None = None
        self._answer: Future | None = None

    def send(self, goal: Any) -> None:
        """Send this tick's goal if it is new; one that can't be sent is tried in the next tick."""
        position = goal.command.position
        if self._sent is not None and abs(position - self._sent) < _SAME:
            return
        if self._answer is not None and not self._answer.done():
            return
        if not self._client.server_is_ready():
            self._node.get_logger().warning(
                "the gripper's action server is not available", throttle_duration_sec=5.0)
            return
        self._sent = position
        self._answer = self._client.send_goal_async(goal)
