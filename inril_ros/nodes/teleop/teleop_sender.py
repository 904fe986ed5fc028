# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Sends a person's commands on the contract's topics: twist, leader joints, joystick."""

from uuid import uuid4

from geometry_msgs.msg import TwistStamped
from sensor_msgs.msg import JointState, Joy

from inril_ros.nodes.base import qos
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.robot.teleop.mapping import DeviceCommand
from inril_ros.robot.teleop.sources import source_tag

_BUTTONS = 12


class TeleopSender:
    """The publishers of a teleop device.

    Args:
        device: Kind of the device, which the messages tell.

    Attributes:
        gripper: Last command of the gripper, -1..1; None: none yet.
    """

    def __init__(self, node: ManagedNode, device: str) -> None:
        self._node = node
        # In lockstep one device drives, and the same seed must give the same messages.
        self._tag = '' if node.lockstep else source_tag(
            device, node.get_fully_qualified_name(), uuid4().hex[:8])
        contract = node.contract
        self._rules = rules = contract.teleoperation
        profile = qos.commands(node.lockstep)
        self._twist = node.create_publisher(TwistStamped, rules.twist_topic, profile)
        self._joy = node.create_publisher(Joy, rules.joy_topic, profile)
        node.require(self._twist, self._joy)
        self._joints: tuple[str, ...] = ()
        if rules.joint_action:
            self._joints = contract.actions[rules.joint_action].joints
            self._leader = node.create_publisher(JointState, rules.joint_topic, profile)
            node.require(self._leader)
        named = {meaning: getattr(rules, f'{meaning}_button') for meaning in (
            'success', 'failure', 'discard', 'ready', 'start')}
        self._buttons = {meaning: index for meaning, index in named.items() if index >= 0}
        self._size = max(_BUTTONS, rules.deadman_button + 1, *(
            index + 1 for index in self._buttons.values()))
        driven = rules.twist_action or rules.rotation_action
        self._frame = contract.actions[driven].frame_id if driven else ''
        self.gripper: float | None = None

    def send(self, stamp: int, command: DeviceCommand) -> None:
        """Publish a command with a stamp [ns]."""
        header = self._node.header(stamp)
        header.frame_id = self._tag
        twist = TwistStamped(header=self._node.header(stamp))
        twist.header.frame_id = self._tag or self._frame
        linear, angular = twist.twist.linear, twist.twist.angular
        linear.x, linear.y, linear.z, angular.x, angular.y, angular.z = map(float, command.twist)
        joy = Joy(header=header, axes=[0.0] * (self._rules.gripper_axis + 1),
                  buttons=[0] * self._size)
        joy.buttons[self._rules.deadman_button] = int(command.held)
        for meaning in command.pressed & self._buttons.keys():
            joy.buttons[self._buttons[meaning]] = 1
        if self._rules.gripper_action:
            if command.gripper is not None:
                self.gripper = command.gripper
            joy.axes[self._rules.gripper_axis] = self.gripper or 0.0
        self._twist.publish(twist)
        if self._joints and command.joint_position is not None:
            self._leader.publish(JointState(
                header=header, name=list(self._joints),
                position=command.joint_position.tolist()))
        self._joy.publish(joy)
