# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Teleop devices on topics: the newest message of each as a command, one class per kind.

The meaning of the messages is in ``robot/teleop/mapping.py``. A device that is silent for its
timeout is released, whatever it sent last.
"""

from collections.abc import Callable
import math
import time
from typing import Any

import numpy as np
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import JointState, Joy

from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.message_types import message_type
from inril_ros.robot.teleop.mapping import (
    DeviceCommand,
    joystick_command,
    leader_command,
    RELEASED,
    spacemouse_command,
    with_switches,
)
from inril_ros.robot.teleop.settings import (
    Device,
    JointJog,
    Joystick,
    Leader,
    SpaceMouse,
)

#: Matches every publisher; a lost message is replaced by the next.
_PROFILE = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
_JOY = 'joy'
_MOTION = 'motion'


class DeviceInput:
    """A device that sends messages.

    Args:
        on_motion: Called after each message of motion.

    Raises:
        ValueError: The type of its messages isn't installed.
    """

    def __init__(self, node: ManagedNode, settings: Any,
                 on_motion: Callable[[], None] = lambda: None) -> None:
        self.settings = settings
        self.joints: tuple[str, ...] = ()
        rules = node.contract.teleoperation
        if rules.joint_action:
            self.joints = node.contract.actions[rules.joint_action].joints
        self._log = node.get_logger()
        self._on_motion = on_motion
        self._newest: dict[str, tuple[float, Any]] = {}
        self.endpoints: list[Subscription] = []
        kind, topic = self._motion_topic()
        if kind:
            self.endpoints.append(node.create_subscription(
                message_type(kind), topic, self._receive_motion, _PROFILE))
        if settings.switches.joy_topic:
            self.endpoints.append(node.create_subscription(
                Joy, settings.switches.joy_topic, self._receive_joy, _PROFILE))

    @property
    def moves(self) -> bool:
        """Whether the device has sent motion within its timeout."""
        return self._fresh(_MOTION) is not None

    def command(self) -> DeviceCommand:
        """Return the person's present command."""
        joy, motion = self._fresh(_JOY), self._fresh(_MOTION)
        if self.settings.switches.joy_topic and joy is None:
            return RELEASED
        command = self._command(motion, joy)
        if joy is not None and not isinstance(self.settings, Joystick):
            command = with_switches(command, self.settings.switches, joy.axes, joy.buttons)
        return command

    def _motion_topic(self) -> tuple[str, str]:
        """Return type and topic of the motion; empty for a joystick."""
        return '', ''

    def _command(self, motion: Any, joy: Joy | None) -> DeviceCommand:
        """Return the command of the messages, without buttons; None: no fresh message."""
        raise NotImplementedError

    def _fresh(self, name: str) -> Any:
        at, message = self._newest.get(name, (-math.inf, None))
        return message if time.monotonic() - at <= self.settings.timeout else None

    def _receive_joy(self, message: Joy) -> None:
        self._newest[_JOY] = time.monotonic(), message

    def _receive_motion(self, message: Any) -> None:
        self._newest[_MOTION] = time.monotonic(), message
        self._on_motion()


class JoystickInput(DeviceInput):
    """A joystick: axes and buttons are one message."""

    def _command(self, motion: Any, joy: Joy | None) -> DeviceCommand:
        return joystick_command(self.settings, self.joints, joy.axes, joy.buttons)


class SpaceMouseInput(DeviceInput):
    """A SpaceMouse; it is silent while it rests, which means no motion."""

    def _motion_topic(self) -> tuple[str, str]:
        return self.settings.type, self.settings.twist_topic

    def _command(self, motion: Any, joy: Joy | None) -> DeviceCommand:
        if motion is None:
            return RELEASED
        twist = getattr(motion, 'twist', motion)
        return spacemouse_command(
            self.settings, (twist.linear.x, twist.linear.y, twist.linear.z),
            (twist.angular.x, twist.angular.y, twist.angular.z))


class LeaderInput(DeviceInput):
    """A leader arm."""

    def _motion_topic(self) -> tuple[str, str]:
        return 'sensor_msgs/msg/JointState', self.settings.topic

    def command(self) -> DeviceCommand:
        """Return the person's present command; none while the leader is silent."""
        return super().command() if self.moves else RELEASED

    def _command(self, motion: JointState, joy: Joy | None) -> DeviceCommand:
        try:
            return leader_command(self.settings, self.joints, dict(
                zip(motion.name, motion.position, strict=False)))
        except ValueError as error:
            self._log.error(f'{self.settings.topic} ignored: {error}', throttle_duration_sec=1.0)
            del self._newest[_MOTION]
            return RELEASED


class JointJogInput(DeviceInput):
    """Joint velocities from another program."""

    def _motion_topic(self) -> tuple[str, str]:
        return self.settings.type, self.settings.topic

    def _command(self, motion: Any, joy: Joy | None) -> DeviceCommand:
        if motion is None:
            return RELEASED
        if hasattr(motion, 'data'):
            given = dict(zip(self.joints, motion.data, strict=False))
            complete = len(motion.data) == len(self.joints)
        else:
            names = getattr(motion, 'joint_names', None) or motion.name
            values = motion.velocities if hasattr(motion, 'velocities') else motion.velocity
            given = dict(zip(names, values, strict=False))
            complete = len(names) == len(values) and set(names) <= set(self.joints)
        if not complete or not all(map(math.isfinite, given.values())):
            self._log.error(
                f'{self.settings.topic} ignored: each joint that it names must be one of '
                f'{list(self.joints)} and have one finite velocity', throttle_duration_sec=1.0)
            return RELEASED
        velocity = np.array([given.get(joint, 0.0) for joint in self.joints])
        velocity[np.abs(velocity) <= self.settings.dead_band] = 0.0
        return DeviceCommand(joint_velocity=self.settings.scale * velocity)


INPUTS: dict[type, type[DeviceInput]] = {
    Joystick: JoystickInput, SpaceMouse: SpaceMouseInput, Leader: LeaderInput,
    JointJog: JointJogInput}


def make_input(node: ManagedNode, settings: Device,
               on_motion: Callable[[], None] = lambda: None) -> DeviceInput:
    """Return the input of a device that sends messages; see ``DeviceInput``."""
    return INPUTS[type(settings)](node, settings, on_motion)
