# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A leader arm in a person's hand, with its switches, in a thread of its own."""

import math
from threading import Event, Thread

from rcl_interfaces.srv import SetParameters
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import JointState, Joy

from inril_ros.nodes.base import qos

PERIOD = 0.05  # [s]


class MovingLeader:
    """Publishes where the person's hand is: at the arm's home, or moving about it.

    Args:
        contract: The arm's contract.
        domain_id: The arm's domain.

    Attributes:
        held: Whether the person holds the dead man's switch, and moves the leader.
        joints: Where the arm is: positions by joint.
    """

    def __init__(self, contract, domain_id):
        rules, self._home = contract.teleoperation, contract.episode.home
        self._button = rules.deadman_button
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain_id,
                   signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node('leader', context=self._context, enable_rosout=False)
        self._joints = self._node.create_publisher(JointState, rules.joint_topic, qos.COMMAND)
        self._joys = self._node.create_publisher(Joy, rules.joy_topic, qos.COMMAND)
        self._faults = self._node.create_client(SetParameters, 'mock_arm_node/set_parameters')
        self._node.create_subscription(
            JointState, 'joint_states', self._on_joint_states, qos.SENSOR)
        self._node.create_timer(PERIOD, self._publish)
        self.joints, self.held, self._moved, self._ending = {}, False, 0.0, Event()
        self._thread = Thread(target=self._spin, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._ending.set()
        self._thread.join()
        self._node.destroy_node()
        self._context.try_shutdown()

    def fail(self, fault):
        """Set the arm's fault; empty: none."""
        self._faults.call_async(SetParameters.Request(
            parameters=[Parameter('fault', value=fault).to_parameter_msg()]))

    def _on_joint_states(self, message):
        self.joints = dict(zip(message.name, message.position, strict=True))

    def _spin(self):
        executor = SingleThreadedExecutor(context=self._context)
        executor.add_node(self._node)
        while not self._ending.is_set():
            executor.spin_once(timeout_sec=0.1)
        executor.shutdown()

    def _publish(self):
        self._moved = self._moved + PERIOD if self.held else 0.0
        way = 0.15 * math.sin(0.8 * self._moved)
        now = self._node.get_clock().now().to_msg()
        joints = JointState(name=list(self._home), position=[
            place + way * (index < 2) for index, place in enumerate(self._home.values())])
        joy = Joy(axes=[0.0] * 4, buttons=[
            int(self.held and index == self._button) for index in range(8)])
        joints.header.stamp = joy.header.stamp = now
        self._joints.publish(joints)
        self._joys.publish(joy)
