# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Who waits for nodes to become ready does not keep them busy with questions."""

import threading

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from std_srvs.srv import Trigger

from inril_ros.nodes.clients.graph_client import GraphClient, GraphStalled


@pytest.fixture
def questions():
    """The questions to a node that is never ready."""
    asked = []

    def answer(_, response):
        asked.append(True)
        response.message = 'no camera'
        return response

    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('camera_node', context=context, enable_rosout=False)
    node.create_service(Trigger, '~/ready', answer)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin)
    thread.start()
    yield asked
    executor.shutdown()
    thread.join()
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_nodes_are_asked_a_few_times_a_second(questions):
    client = GraphClient('client')
    with pytest.raises(GraphStalled, match='nothing has happened for 2 s: camera_node: no camera'):
        client.wait_ready(('camera_node',), timeout=2.0)
    client.close()
    assert 2 <= len(questions) <= 20
