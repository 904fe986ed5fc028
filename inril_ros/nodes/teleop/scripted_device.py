# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A scripted operator as a teleop device.

It sees what a person would see, and drives with errors through the teleop topics of a person's
device: a twist, or the joints of a leader arm.
"""

import numpy as np

from inril_ros.data.frames.sync import FrameAligner
from inril_ros.msg import EpisodeEvent, EpisodeRequest
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.belonging import check_ours
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.teleop.teleop_sender import TeleopSender
from inril_ros.robot.messages.codecs import stamp_ns
from inril_ros.robot.teleop.mapping import DeviceCommand
from inril_ros.sim.operator import Operator


class ScriptedDevice:
    """The operator of a simulation: answers each new observation of a demonstration."""

    def __init__(self, node: ManagedNode, operator: Operator, sender: TeleopSender) -> None:
        self._node = node
        self._operator = operator
        self._sender = sender
        self._aligner = FrameAligner(node.contract)
        self._episode = ''
        self._start = 0
        self._last = 0
        node.require(node.create_subscription(
            EpisodeEvent, 'episode/event', self._on_event, qos.EVENT))
        node.subscribe_observations(self._aligner, self._drive)

    def _on_event(self, message: EpisodeEvent) -> None:
        check_ours(self._node, message)
        if message.purpose != EpisodeRequest.DEMONSTRATION:
            return
        if message.event == EpisodeEvent.STARTED:
            self._episode, self._start = message.episode_id, stamp_ns(message)
            self._operator.begin(message.seed)
            self._drive()
        elif message.event in (EpisodeEvent.RESETTING, EpisodeEvent.ENDED):
            self._episode = ''

    def _drive(self) -> None:
        """Answer a new observation if it is complete."""
        stamp = self._aligner.newest_complete()
        if not self._episode or stamp < self._start or stamp <= self._last:
            return
        try:
            frame = self._aligner.frame(stamp)
        except ValueError as error:
            self._node.get_logger().warning(str(error), throttle_duration_sec=1.0)
            return
        self._last = stamp
        self._sender.send(stamp, self._device_command(self._operator.command(frame.values)))

    def _device_command(self, action: np.ndarray) -> DeviceCommand:
        """Return an action (A,) in contract units as a device's command."""
        contract, rules = self._node.contract, self._node.contract.teleoperation
        twist, position, gripper = np.zeros(6), None, None
        if rules.twist_action:
            twist[:3] = action[contract.action_slice(rules.twist_action)]
        if rules.rotation_action:
            twist[3:] = action[contract.action_slice(rules.rotation_action)]
        if rules.joint_action:
            position = action[contract.action_slice(rules.joint_action)]
        if rules.gripper_action:
            part = contract.action_slice(rules.gripper_action)
            gripper = float(contract.normalise_action(action)[part][0])
        return DeviceCommand(
            twist=twist, joint_position=position, gripper=gripper, held=True)
