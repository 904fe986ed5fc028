# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A mock arm: a robot's topics without hardware, and faults on request.

It takes commands as ros2_control's joint_trajectory_controller and forward controllers do,
publishes its state at a robot's rate in real time, drives home when the reset service is called,
and fails as arms and drivers do while the parameter ``fault`` names a fault:

    ros2 param set /mock_arm_node fault nan

The model is inril_ros/sim/mock_arm/arm.py, the faults are described in sim/mock_arm/faults.py.
"""

from functools import partial
from typing import Any

import numpy as np
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.executors import Executor
from rclpy.parameter import Parameter as RosParameter
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from inril_ros.nodes.actuation.tick_timer import TickTimer
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.later_service import Answer, create_later_service
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.message_types import message_type
from inril_ros.nodes.base.node_process import run
from inril_ros.nodes.base.parameters import Parameter
from inril_ros.nodes.dds.network_only import use_network_only
from inril_ros.robot.messages.images import encode_image
from inril_ros.robot.motion.kinematics import urdf_of
from inril_ros.sim.mock_arm.arm import MockArm, MockArmConfig
from inril_ros.sim.mock_arm.faults import Fault, FaultyStream, JointSample
from inril_ros.sim.mock_arm.picture import ArmPicture

FAULTS = tuple(fault.value for fault in Fault if fault is not Fault.NONE)
PARAMETERS = (
    Parameter('rate', 125.0, '[Hz] rate of the joint states', minimum=1.0, maximum=500.0),
    Parameter('latency', 0.008, '[s] delay from controllers to motors', minimum=0.0, maximum=1.0),
    Parameter('noise', 1e-4, '[rad or m] standard deviation of measured positions',
              minimum=0.0, maximum=0.1),
    Parameter('command_timeout', 0.0, '[s] time after its end when a trajectory is aborted; 0: '
              'the arm holds its last point', minimum=0.0, maximum=60.0),
    Parameter('seed', 0, 'seed of the noise', minimum=0, maximum=2 ** 62),
    Parameter('camera', True, 'publish drawn pictures on the cameras of the contract'),
    Parameter('fault', '', f'present fault; empty: none, or one of {", ".join(FAULTS)}',
              read_only=False),
)
_STATE = 'sensor_msgs/msg/JointState'


class MockArmNode(ManagedNode):
    """The arm's driver: state out, commands in."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__('mock_arm_node', PARAMETERS, **arguments)
        self._stream = FaultyStream()
        self._arm: MockArm | None = None
        self.add_on_set_parameters_callback(self._set_parameters)

    def setup(self) -> None:
        """Build the arm, and make publishers and subscriptions."""
        contract = self.contract
        if self.lockstep:
            raise ValueError('the mock arm has no lockstep: like a real one, it never waits')
        robot = urdf_of(contract, self.value('contract'))
        if robot is None:
            raise ValueError(f'{self.value("contract")}: kinematics.urdf is missing; the mock arm '
                             'is made from it')
        others = {topic: kind for topic, kind in contract.observation_topics().items()
                  if kind != _STATE}
        if others:
            raise ValueError(f'the mock arm has joint states only; it cannot publish {others}')
        self._arm = MockArm(contract, robot, MockArmConfig(
            latency=self.value('latency'), noise=self.value('noise'),
            timeout=self.value('command_timeout')), self.value('seed'))
        self._change_fault(self.value('fault'))
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._origin = self.now()  # of the model's time, by the stamps' clock
        self._aborted = ''
        self._arrived: Answer | None = None
        self._states = {topic: self.create_publisher(JointState, topic, qos.observations(False))
                        for topic in contract.observation_topics()}
        for topic, kind in contract.action_topics().items():
            self.require(self.create_subscription(
                message_type(kind), topic, partial(self._on_command, topic), qos.commands(False)))
        self.require(*self._states.values())
        create_later_service(self, Trigger, contract.episode.reset_service, self._reset)
        # Due at multiples of the period, however long a callback takes.
        self._ticks = TickTimer(self, None, round(1e9 / self.value('rate')),
                                lambda _: self._publish_state())
        if self.value('camera'):
            if contract.cameras and len(set(self._arm.joints)) < len(self._arm.joints):
                raise ValueError('two arms have joints of the same name, which the pictures of '
                                 'one URDF cannot show: set camera to false')
            for index, (name, camera) in enumerate(contract.cameras.items()):
                picture = ArmPicture(robot, self._arm.joints, camera.width, camera.height, index)
                publisher = self.create_publisher(
                    message_type(camera.type), camera.topic, qos.SENSOR)
                self.create_timer(1.0 / camera.rate, partial(
                    self._publish_picture, name, picture, publisher, []), clock=self._steady)

    def spin_once(self, executor: Executor) -> None:
        """Run one callback, or wait for one; publish the state if it is time."""
        if self.configured:
            self._ticks.spin_once(executor)
        else:
            super().spin_once(executor)

    def _seconds(self) -> float:
        return (self.now() - self._origin) / 1e9

    def _on_command(self, topic: str, message: Any) -> None:
        refusal = self._arm.command(topic, message, self._seconds(), self._origin)
        if refusal:
            self.get_logger().warning(f'{topic}: refused: {refusal}', throttle_duration_sec=1.0)

    def _publish_state(self) -> None:
        arm = self._arm
        arm.advance(self._seconds())
        for sample in self._stream.published(arm.measure(self.now())):
            for topic, publisher in self._states.items():
                publisher.publish(self._message(sample.on(topic)))
        if arm.aborted != self._aborted:
            self._aborted = arm.aborted
            if arm.aborted:
                self.get_logger().warning(f'trajectory aborted: {arm.aborted}')
        if self._arrived is not None and not arm.homing:
            self._arrived(Trigger.Response(success=True, message='at home'))
            self._arrived = None

    def _message(self, sample: JointSample) -> JointState:
        return JointState(
            header=self.header(sample.stamp), name=list(sample.names),
            position=sample.position.tolist(), velocity=sample.velocity.tolist(),
            effort=[] if self._stream.fault is Fault.NO_EFFORT else sample.effort.tolist())

    def _publish_picture(
        self, name: str, picture: ArmPicture, publisher: Any, last: list[np.ndarray],
    ) -> None:
        fault = self._stream.fault
        if fault is Fault.CAMERA_SILENT:
            return
        if fault is not Fault.CAMERA_FROZEN or not last:
            last[:] = [picture.take(self._arm.position)]
        publisher.publish(encode_image(
            self.contract.cameras[name], last[0], self.now(), message_type))

    def _reset(self, _: Trigger.Request, answer: Answer) -> None:
        """Drive home and answer on arrival; the state is published meanwhile."""
        refusal = 'already on the way home' if self._arm.homing \
            else self._arm.drive_home(self._seconds())
        if refusal:
            answer(Trigger.Response(success=False, message=refusal))
        else:
            self._arrived = answer

    def _set_parameters(self, parameters: list[RosParameter]) -> SetParametersResult:
        for parameter in parameters:
            if parameter.name == 'fault':
                try:
                    self._change_fault(parameter.value)
                except ValueError as error:
                    return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _change_fault(self, name: str) -> None:
        """Begin or end a fault.

        Raises:
            ValueError: The fault is unknown.
        """
        if name not in ('', *FAULTS):
            raise ValueError(f'fault is {name!r}: empty, or one of {", ".join(FAULTS)}')
        fault = Fault(name)
        if self._arm is not None and fault is not self._stream.fault:
            self._stream.change(fault)
            self._arm.deaf = fault is Fault.DEAF
            self._arm.stalled = fault is Fault.STALL
            self.get_logger().warning(f'fault: {name or "none any more"}')


def main(arguments: list[str] | None = None) -> int:
    """Run the node."""
    use_network_only()
    return run(MockArmNode, PARAMETERS, __doc__, arguments)


if __name__ == '__main__':
    raise SystemExit(main())
