# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A teleop device: turns what a person does into commands and a joystick with a dead man's switch.

The device here is a scripted operator, who looks at the same topics a person's eyes would stand
for, and drives imperfectly through the same teleop topics a person's device would use: a twist, or
the joints of a leader arm, as the contract says.
"""

from typing import Any

from geometry_msgs.msg import TwistStamped
import numpy as np
from sensor_msgs.msg import JointState, Joy

from inril_ros.data.sync import FrameAligner, FrameError
from inril_ros.msg import EpisodeEvent, EpisodeRequest
from inril_ros.nodes import qos
from inril_ros.nodes.managed_node import ManagedNode, run
from inril_ros.nodes.parameters import Parameter
from inril_ros.robot.codecs import stamp_ns
from inril_ros.sim.operators import make_operator

PARAMETERS = (
    Parameter('device', 'scripted', 'what drives: scripted'),
    Parameter('simulation', '', 'path of the simulation mapping (YAML) that has the task; empty: '
              'the built-in arm'),
    Parameter('task', '', 'task that the scripted operator knows how to do'),
    Parameter('noise', 0.3, "standard deviation of the scripted operator's errors, as a share of "
              'the largest action', minimum=0.0, maximum=2.0),
)
_BUTTONS = 12


class TeleopNode(ManagedNode):
    """The device and who holds it."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__('teleop_node', PARAMETERS, **arguments)

    def setup(self) -> None:
        """Make the streams."""
        contract = self.contract
        if self.value('device') != 'scripted':
            raise ValueError(f'device {self.value("device")!r} is unknown; known: scripted')
        self._operator = make_operator(
            self.value('task'), contract, self.value('noise'), self.value('simulation'))
        self._aligner = FrameAligner(contract)
        self._episode = ''
        self._start = 0
        self._last = 0
        profile = qos.commands(self.lockstep)
        self._twist = self.create_publisher(
            TwistStamped, contract.teleoperation.twist_topic, profile)
        self._joy = self.create_publisher(Joy, contract.teleoperation.joy_topic, profile)
        self.need(
            self.create_subscription(EpisodeEvent, 'episode/event', self._event, qos.EVENT),
            self._twist, self._joy)
        if contract.teleoperation.joint_action:
            self._leader = self.create_publisher(
                JointState, contract.teleoperation.joint_topic, profile)
            self.need(self._leader)
        self.watch(self._aligner, self._drive)

    def _event(self, message: EpisodeEvent) -> None:
        if message.purpose != EpisodeRequest.DEMONSTRATION:
            return
        if message.event == EpisodeEvent.STARTED:
            self._episode, self._start = message.episode_id, stamp_ns(message)
            self._operator.begin(message.seed)
            self._drive()
        elif message.event in (EpisodeEvent.RESETTING, EpisodeEvent.ENDED):
            self._episode = ''

    def _drive(self) -> None:
        """Answer an observation that is new and complete."""
        stamp = self._aligner.newest_complete()
        if not self._episode or stamp < self._start or stamp <= self._last:
            return
        try:
            frame = self._aligner.frame(stamp)
        except FrameError as error:
            self.get_logger().warning(str(error), throttle_duration_sec=1.0)
            return
        self._last = stamp
        self._send(stamp, self._operator.command(frame.values))

    def _send(self, stamp: int, action: np.ndarray) -> None:
        contract, rules = self.contract, self.contract.teleoperation
        twist = TwistStamped(header=self.header(stamp))
        if rules.twist_action:
            twist.header.frame_id = contract.actions[rules.twist_action].frame_id
            linear = action[contract.action_slice(rules.twist_action)]
            twist.twist.linear.x, twist.twist.linear.y, twist.twist.linear.z = map(float, linear)
        joy = Joy(header=self.header(stamp), axes=[0.0] * (rules.gripper_axis + 1),
                  buttons=[0] * _BUTTONS)
        joy.buttons[rules.deadman_button] = 1
        if rules.gripper_action:
            part = contract.action_slice(rules.gripper_action)
            joy.axes[rules.gripper_axis] = float(contract.normalise_action(action)[part][0])
        self._twist.publish(twist)
        if rules.joint_action:
            joints = contract.actions[rules.joint_action].joints
            self._leader.publish(JointState(
                header=self.header(stamp), name=list(joints),
                position=action[contract.action_slice(rules.joint_action)].tolist()))
        self._joy.publish(joy)


def main(arguments: list[str] | None = None) -> int:
    """Run the node."""
    return run(TeleopNode, PARAMETERS, __doc__, arguments)


if __name__ == '__main__':
    raise SystemExit(main())
