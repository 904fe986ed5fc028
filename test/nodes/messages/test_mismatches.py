# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A node knows which endpoints of others it can't meet, and says so once."""

from collections import Counter
import time

import pytest
import rclpy
from rclpy.context import Context
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Int32, String

from inril_ros.nodes.base.endpoints import Mismatches
from inril_ros.nodes.base.guarded_node import GuardedNode

RELIABLE = QoSProfile(depth=5)
BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(depth=5, durability=DurabilityPolicy.TRANSIENT_LOCAL)


@pytest.fixture
def nodes():
    """Two nodes that are two participants, as in two processes."""
    contexts = Context(), Context()
    for context in contexts:
        rclpy.init(context=context)
    made = (GuardedNode('own', context=contexts[0]),
            rclpy.create_node('other', context=contexts[1], namespace='left'))
    yield made
    for node, context in zip(made, contexts, strict=True):
        node.destroy_node()
        rclpy.shutdown(context=context)


def looked(node, other, topic='/number'):
    """The result of a look after both have been discovered, with their names."""
    def ends(each):
        return Counter(end.node_name for end in [
            *each.get_publishers_info_by_topic(topic),
            *each.get_subscriptions_info_by_topic(topic)])

    end = time.monotonic() + 20.0
    while any(ends(each) != {'own': 1, 'other': 1} for each in (node, other)):
        assert time.monotonic() < end
        time.sleep(0.01)
    return Mismatches(node).look()


def subscribe(node, kind, profile):
    node.create_subscription(kind, '/number', lambda message: None, profile)


def publish(node, kind, profile):
    node.create_publisher(kind, '/number', profile)


@pytest.mark.parametrize(('own', 'others', 'reason'), [
    (RELIABLE, BEST_EFFORT, 'Best effort publisher and reliable subscription'),
    (LATCHED, RELIABLE, 'Volatile publisher and transient local subscription')])
def test_a_publisher_that_offers_too_little_is_named(nodes, own, others, reason):
    subscribe(nodes[0], Int32, own)
    publish(nodes[1], Int32, others)
    assert looked(*nodes) == ('/number: /left/other publishes it with another QoS, so no message '
                              f'passes: {reason}')


def test_a_subscription_that_wants_too_much_is_named(nodes):
    publish(nodes[0], Int32, BEST_EFFORT)
    subscribe(nodes[1], Int32, RELIABLE)
    assert looked(*nodes).startswith('/number: /left/other subscribes to it with another QoS')


def test_another_type_is_named(nodes):
    subscribe(nodes[0], Int32, RELIABLE)
    publish(nodes[1], String, RELIABLE)
    assert looked(*nodes) == ('/number: /left/other publishes std_msgs/msg/String, but it is '
                              'std_msgs/msg/Int32 here')


def test_nobody_is_named_who_can_be_met(nodes):
    subscribe(nodes[0], Int32, BEST_EFFORT)
    publish(nodes[1], Int32, RELIABLE)
    assert looked(*nodes) == ''


def test_a_mismatch_is_logged_once(nodes, monkeypatch):
    subscribe(nodes[0], Int32, RELIABLE)
    publish(nodes[1], Int32, BEST_EFFORT)
    assert looked(*nodes)
    said = []
    monkeypatch.setattr(nodes[0].get_logger(), 'warning', said.append)
    mismatches = Mismatches(nodes[0])
    assert [bool(mismatches.look()) for _ in range(3)] == [True] * 3
    assert len(said) == 1


def test_no_entity_beside_the_topics_is_waited_for(nodes):
    """Each handler of a QoS event would be one more entity that an executor asks."""
    subscribe(nodes[0], Int32, RELIABLE)
    publish(nodes[0], Int32, RELIABLE)
    assert not list(nodes[0].waitables)
