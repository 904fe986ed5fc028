# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The teleop device as the actuation node sees it: a twist, a joystick, a dead man's switch."""

from collections.abc import Callable

from geometry_msgs.msg import TwistStamped
import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import Joy

from inril_ros.nodes import qos
from inril_ros.robot.codecs import stamp_ns
from inril_ros.robot.contract import Contract


class TeleopInput:
    """The newest command of a person.

    Args:
        node: The node that the subscriptions belong to.
        contract: Says which topics, buttons and axes.
        lockstep: A command belongs to the observation with the same stamp. In real time the newest
            one holds until it is too old.
        arrived: Called after each message.
    """

    def __init__(
        self, node: Node, contract: Contract, lockstep: bool, arrived: Callable[[], None],
    ) -> None:
        self._contract = contract
        self._rules = contract.teleoperation
        self._lockstep = lockstep
        self._arrived = arrived
        self._twist: TwistStamped | None = None
        self._joy: Joy | None = None
        profile = qos.commands(lockstep)
        node.create_subscription(TwistStamped, self._rules.twist_topic, self._take_twist, profile)
        node.create_subscription(Joy, self._rules.joy_topic, self._take_joy, profile)

    def begin(self) -> None:
        """Forget what came before: a new episode starts."""
        self._twist = self._joy = None

    def arrived(self, stamp: int) -> bool:
        """Say whether the command for the tick at ``stamp`` [ns] is there."""
        if self._twist is None or self._joy is None:
            return False
        stamps = (stamp_ns(self._twist), stamp_ns(self._joy))
        if self._lockstep:
            return stamps == (stamp, stamp)
        return stamp - min(stamps) <= self._rules.max_age * 1e9

    def engaged(self, stamp: int) -> bool:
        """Say whether a person drives: a fresh command with the dead man's switch held."""
        if not self.arrived(stamp):
            return False
        buttons = self._joy.buttons
        return len(buttons) > self._rules.deadman_button and bool(
            buttons[self._rules.deadman_button])

    def action(self, stamp: int) -> np.ndarray | None:
        """Return the commanded action (A,) in contract units, None if nobody drives."""
        if not self.engaged(stamp):
            return None
        action = np.zeros(self._contract.action_size, np.float32)
        if self._rules.twist_action:
            linear = self._twist.twist.linear
            action[self._contract.action_slice(self._rules.twist_action)] = (
                linear.x, linear.y, linear.z)
        if self._rules.gripper_action and len(self._joy.axes) > self._rules.gripper_axis:
            part = self._contract.action_slice(self._rules.gripper_action)
            normalised = np.full_like(action, self._joy.axes[self._rules.gripper_axis])
            action[part] = self._contract.denormalise_action(normalised)[part]
        return action

    def _take_twist(self, message: TwistStamped) -> None:
        self._twist = message
        self._arrived()

    def _take_joy(self, message: Joy) -> None:
        self._joy = message
        self._arrived()
