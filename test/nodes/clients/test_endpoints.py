# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A graph is ready when the publishers and subscriptions of every topic are connected."""

import json
import time

import pytest
import rclpy
from rclpy.context import Context
from std_msgs.msg import Empty

from inril_ros.nodes.base.endpoints import describe_endpoints, matched_count, unmatched_endpoints


def described(*rows):
    return json.dumps([list(row) for row in rows])


def test_a_publisher_not_connected_to_all_subscriptions_is_named():
    # The writer has met one of two readers; that says nothing about the other one.
    missing = unmatched_endpoints({
        'writer': described(('/twist', True, 1)),
        'near': described(('/twist', False, 1)), 'far': described(('/twist', False, 1))})
    assert missing == {'writer': '/twist has met 1 of 2'}


def test_a_subscription_not_connected_to_all_publishers_is_named():
    missing = unmatched_endpoints({
        'first': described(('/event', True, 1), ('/event', False, 2)),
        'second': described(('/event', True, 1), ('/event', False, 1))})
    assert missing == {
        'first': '/event has met 1 of 2',
        'second': '/event has met 1 of 2, /event has met 1 of 2'}


def test_a_topic_with_only_one_end_misses_no_connection():
    assert unmatched_endpoints(
        {'alone': described(('/weights', False, 0), ('/log', True, 0))}) == {}


def test_endpoints_outside_the_graph_are_ignored():
    assert unmatched_endpoints({'writer': described(('/twist', True, 3)),
                       'reader': described(('/twist', False, 1))}) == {}


@pytest.fixture
def make_node():
    context = Context()
    rclpy.init(context=context)
    nodes = []

    def make(name):
        nodes.append(rclpy.create_node(name, context=context))
        return nodes[-1]
    yield make
    for node in nodes:
        node.destroy_node()
    context.shutdown()


def test_real_nodes_report_their_endpoints_and_connect(make_node):
    writer, first, second = map(make_node, ('writer', 'first', 'second'))
    publisher = writer.create_publisher(Empty, 'word', 1)
    readers = [node.create_subscription(Empty, 'word', lambda message: None, 1)
               for node in (first, second)]
    limit = time.monotonic() + 60.0
    while unmatched_endpoints({node.get_name(): describe_endpoints(node)
                               for node in (writer, first, second)}):
        assert time.monotonic() < limit
        time.sleep(0.01)
    assert matched_count(publisher) == 2
    assert [matched_count(reader) for reader in readers] == [1, 1]
    assert ['/word', True, 2] in json.loads(describe_endpoints(writer))
