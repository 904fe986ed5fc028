# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""In a dry run nothing is sent to the robot."""

from pathlib import Path
import time

import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from trajectory_msgs.msg import JointTrajectory

from inril_ros.nodes.actuation.command_sender import CommandSender
from inril_ros.nodes.base import qos
from inril_ros.robot.contract.contract import load_contract

CONTRACT = load_contract(
    Path(__file__).parents[2] / 'config' / 'robots' / 'gazebo_arm.yaml')
TOPICS = list(CONTRACT.action_topics())


@pytest.mark.parametrize('silent', [True, False])
def test_only_a_run_that_is_not_dry_commands_the_robot(silent):
    """A last message by the same publishers arrives after all that they sent before."""
    context = Context()
    rclpy.init(context=context)
    node = rclpy.create_node('commander', context=context)
    robot = rclpy.create_node('robot', context=context)
    inbox = {topic: [] for topic in TOPICS}
    for topic in TOPICS:
        robot.create_subscription(JointTrajectory, topic, inbox[topic].append, qos.LOCKSTEP)
    sender = CommandSender(node, CONTRACT, lockstep=True, silent=silent)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(robot)
    deadline = time.monotonic() + 20.0

    def until(reached):
        while not reached():
            assert time.monotonic() < deadline, 'nothing came'
            executor.spin_once(timeout_sec=0.02)

    try:
        until(lambda: all(publisher.get_subscription_count() for publisher in sender.endpoints))
        for _ in range(3):
            sender.send(CONTRACT.action_maximum, 1)
        for publisher in sender.endpoints:
            publisher.publish(JointTrajectory(joint_names=['the end']))
        until(lambda: all(messages and messages[-1].joint_names == ['the end']
                          for messages in inbox.values()))
    finally:
        executor.shutdown()
        node.destroy_node()
        robot.destroy_node()
        rclpy.shutdown(context=context)
    assert [len(messages) for messages in inbox.values()] == [1 if silent else 4] * len(TOPICS)
