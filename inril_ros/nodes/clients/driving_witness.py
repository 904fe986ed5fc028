# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Listens to a person who drives a robot: device, commands and motion, by one clock.

It only listens. All times are those of arrival here, so that senders' clocks don't matter.
"""

from collections.abc import Callable
from contextlib import suppress
import time
from typing import Any

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy

from inril_ros.doctor.driving import DrivenTick, DrivingRecord
from inril_ros.doctor.motion_delay import Signal
from inril_ros.msg import ExecutedAction
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.message_types import message_type
from inril_ros.nodes.base.serialised_messages import MessageRefused, read_message
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.codecs import CodecError, decode

_JOINTS, _TWIST = 'sensor_msgs/msg/JointState', 'geometry_msgs/msg/TwistStamped'
_BEST_EFFORT = QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT)
_PERSON = ExecutedAction.TELEOP


class CannotBeDriven(ValueError):  # noqa: N818 said to the person who asked
    """The contract has nothing that a person commands; the message says so."""


def witness_driving(
    contract: Contract, namespace: str, seconds: float, patience: float,
    tell: Callable[[str], object],
) -> DrivingRecord:
    """Listen until a person drove for a while.

    Args:
        contract: The robot's contract.
        namespace: The robot's namespace.
        seconds: [s] How long to listen from the person's first command on.
        patience: [s] How long to wait for that.
        tell: Called with what is waited for, in words.

    Raises:
        CannotBeDriven: No action is commanded by a person.
    """
    context = rclpy.Context()
    rclpy.init(context=context)
    node = Node('inril_teleop_check', context=context, namespace=namespace)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    try:
        witness = _Witness(node, contract)
        end = time.monotonic() + patience
        while (rest := end - time.monotonic()) > 0.0 and not witness.driven:
            executor.spin_once(timeout_sec=0.05)
            tell(f'a person who drives, for {rest:.0f} s: begin a demonstration, hold the switch '
                 'and move')
        end = time.monotonic() + (seconds if witness.driven else 0.0)
        while (rest := end - time.monotonic()) > 0.0:
            executor.spin_once(timeout_sec=0.05)
            tell(f'the drive, for {rest:.0f} s: move every joint or axis to and fro')
        return witness.record()
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown(context=context)


class _Witness:
    """Subscribes to what is driven by, what is sent, and what is measured."""

    def __init__(self, node: Node, contract: Contract) -> None:
        rules = contract.teleoperation
        self._node, self._contract = node, contract
        self._ticks: list[DrivenTick] = []
        self._asked: list[tuple[float, np.ndarray]] = []
        self._moved: list[tuple[float, np.ndarray]] = []
        self._latest: dict[str, np.ndarray] = {}
        self._name = rules.joint_action or rules.twist_action
        if not self._name:
            raise CannotBeDriven('teleoperation of the contract names neither joint_action nor '
                                 'twist_action: nothing is commanded by a person')
        self._joints = contract.actions[self._name].joints if rules.joint_action else ()
        box = contract.workspace
        if self._joints:
            self._observed = tuple(dict.fromkeys(
                place.observation for place in contract.places(self._name)))
        else:
            self._observed = () if box is None or box.action != self._name else (box.observation,)
        self._listen(message_type(_JOINTS if self._joints else _TWIST),
                     rules.joint_topic if self._joints else rules.twist_topic, self._on_device)
        for topic in dict.fromkeys(contract.observations[name].topic for name in self._observed):
            kind = contract.observation_topics()[topic]
            self._listen(message_type(kind), topic,
                         lambda message, now, topic=topic: self._on_state(topic, message, now))
        node.create_subscription(ExecutedAction, 'executed_action', self._on_tick, qos.RECORD)

    @property
    def driven(self) -> bool:
        """Whether a person has commanded."""
        return any(tick.source == _PERSON for tick in self._ticks[-1:])

    def record(self) -> DrivingRecord:
        """Return what was seen."""
        return DrivingRecord(
            _signal(self._asked), _signal(self._moved) if self._observed else None,
            tuple(self._ticks), self._contract.action_slice(self._name), not self._joints)

    def _listen(
        self, kind: type, topic: str, take: Callable[[Any, float], None],
    ) -> None:
        def receive(raw: bytes) -> None:
            now = time.monotonic()
            with suppress(MessageRefused, CodecError):  # inril doctor tells what is wrong with it
                take(read_message(raw, kind), now)
        self._node.create_subscription(kind, topic, receive, _BEST_EFFORT, raw=True)

    def _on_device(self, message: Any, now: float) -> None:
        if not self._joints:
            linear = message.twist.linear
            self._asked.append((now, np.array([linear.x, linear.y, linear.z])))
            return
        position = dict(zip(message.name, message.position))
        if all(joint in position for joint in self._joints):
            self._asked.append((now, np.array([position[joint] for joint in self._joints])))

    def _on_state(self, topic: str, message: Any, now: float) -> None:
        for name in self._observed:
            entry = self._contract.observations[name]
            if entry.topic == topic:
                self._latest[name] = decode(message, entry)
        if len(self._latest) == len(self._observed):
            self._moved.append((now, self._contract.measured(self._name, self._latest)
                                if self._joints else self._latest[self._observed[0]].copy()))

    def _on_tick(self, message: ExecutedAction) -> None:
        self._ticks.append(DrivenTick(
            time.monotonic(), message.source, message.person_share,
            np.array(message.executed, np.float64), tuple(message.reasons)))


def _signal(samples: list[tuple[float, np.ndarray]]) -> Signal:
    if not samples:
        return Signal(np.zeros(0), np.zeros((0, 1)))
    times, values = zip(*samples, strict=True)
    return Signal(np.array(times), np.array(values))
