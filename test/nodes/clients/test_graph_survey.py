# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A contract draft is written from the topics of a running graph, over real DDS."""

import threading

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, JointState
from trajectory_msgs.msg import JointTrajectory
from typer.testing import CliRunner

from inril_ros.cli.main import app
from inril_ros.nodes.clients.graph_survey import survey_graph
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.messages.images import encode_jpeg


@pytest.fixture
def arm():
    """An arm that publishes at 50 Hz until the test ends."""
    import numpy as np

    context = rclpy.Context()
    rclpy.init(context=context)
    node = Node('arm', context=context, namespace='/lab')
    joints = node.create_publisher(JointState, 'joint_states', 10)
    images = node.create_publisher(CompressedImage, 'front/compressed', 10)
    node.create_subscription(JointTrajectory, 'controller/joint_trajectory', print, 10)
    # As a controller of ros2_control: its joints are a parameter of its node.
    node.declare_parameter('joints', ['b', 'a'])
    node.declare_parameter('interface_name', 'position')
    picture = CompressedImage(format='jpeg')
    picture.data.frombytes(encode_jpeg(np.zeros((24, 32, 3), np.uint8)))

    def publish_states():
        joints.publish(JointState(name=['a', 'b'], position=[1.0, 2.0], velocity=[0.0, 0.0]))
        images.publish(picture)

    node.create_timer(0.02, publish_states)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin, daemon=True)
    thread.start()
    yield node
    executor.shutdown()
    thread.join()
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_a_draft_is_written_from_the_running_graph(arm, tmp_path):
    path = tmp_path / 'arm.yaml'
    result = CliRunner().invoke(app, [
        'contract', 'new', str(path), '--name', 'lab_arm', '--namespace', '/lab',
        '--seconds', '4'])
    assert result.exit_code == 0, result.output
    contract = load_contract(path)
    assert contract.name == 'lab_arm'
    assert contract.observations['joint_states_position'].joints == ('a', 'b')
    [action] = contract.actions.values()
    assert action.topic == 'controller/joint_trajectory'
    assert action.joints == ('b', 'a'), 'the order of the controller, not of the joint states'
    [camera] = contract.cameras.values()
    assert (camera.topic, camera.width, camera.height) == ('front/compressed', 32, 24)
    again = CliRunner().invoke(app, ['contract', 'new', str(path)])
    assert isinstance(again.exception, FileExistsError)


def test_topics_are_listed_with_their_types_and_rates(arm):
    seen = {topic.name: topic for topic in survey_graph(3.0)}
    assert seen['/lab/joint_states'].type == 'sensor_msgs/msg/JointState'
    assert list(seen['/lab/joint_states'].sample.position) == [1.0, 2.0]
    assert not seen['/lab/joint_states'].awaited
    assert seen['/lab/joint_states'].rate > 0.0
    assert seen['/lab/controller/joint_trajectory'].awaited
    assert not seen['/lab/controller/joint_trajectory'].published
    assert seen['/lab/controller/joint_trajectory'].receiver_joints == ('b', 'a')
    assert seen['/lab/controller/joint_trajectory'].receiver_interface == 'position'
    assert len(seen['/lab/joint_states'].messages) > 20, 'a series, to compare commands with'
    assert len(seen['/lab/front/compressed'].messages) == 1


def test_a_topic_whose_bytes_are_no_messages_is_listed_without_one(arm):
    broken = arm.create_publisher(JointState, 'broken', 10)
    arm.create_timer(0.02, lambda: broken.publish(b'\0\0\0\1' * 9))
    seen = {topic.name: topic for topic in survey_graph(3.0)}
    assert seen['/lab/broken'].sample is None and seen['/lab/joint_states'].sample is not None
