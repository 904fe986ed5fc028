# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which publishers and subscriptions have met: a message is lost if the two have not.

ROS 2 knows only how many counterparts an endpoint has met, not how many it should have. So each
node of a graph reports its endpoints, and the client that starts the graph compares: every
publisher must have met as many subscriptions as the nodes have, and every subscription as many
publishers.

A publisher and a subscription of one topic that never will meet, because of their type or QoS, are
known to each of the two nodes.
"""

from collections import Counter
from collections.abc import Mapping
import json

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import qos_check_compatible, QoSCompatibility
from rclpy.subscription import Subscription
from rclpy.topic_endpoint_info import TopicEndpointInfo

from inril_ros.nodes.base.guarded_node import GuardedSubscriptions
from inril_ros.nodes.base.topic_publishers import full_name

#: What a node lacks that has not been configured yet.
NOT_CONFIGURED = 'not configured'


def matched_count(endpoint: Publisher | Subscription) -> int:
    """Return how many counterparts an endpoint has met."""
    if isinstance(endpoint, Publisher):
        return endpoint.get_subscription_count()
    return endpoint.get_publisher_count()


def describe_endpoints(node: Node) -> str:
    """Return a node's endpoints as JSON: rows of topic, whether it publishes, matched count."""
    return json.dumps([
        [endpoint.topic_name, isinstance(endpoint, Publisher), matched_count(endpoint)]
        for endpoint in _endpoints(node)])


def unmatched_endpoints(descriptions: Mapping[str, str]) -> dict[str, str]:
    """Compare the endpoints of all nodes; return what is missing by node, empty if nothing is.

    Args:
        descriptions: The result of ``describe_endpoints`` by node.
    """
    endpoints = {name: json.loads(text) for name, text in descriptions.items()}
    existing = Counter(
        (topic, publishes) for rows in endpoints.values() for topic, publishes, _ in rows)
    missing: dict[str, str] = {}
    for name, rows in endpoints.items():
        short = [f'{topic} has met {met} of {existing[topic, not publishes]}'
                 for topic, publishes, met in rows if met < existing[topic, not publishes]]
        if short:
            missing[name] = ', '.join(sorted(short))
    return missing


class Mismatches:
    """The endpoints of other nodes that can't meet those of a node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._known: list[str] = []

    def look(self) -> str:
        """Ask the middleware; return who can't be met and why, empty if all can."""
        found = [
            f'{endpoint.topic_name}: {full_name(other.node_namespace, other.node_name)} {reason}'
            for endpoint in _endpoints(self._node)
            for other in _unmet(self._node, endpoint)
            for reason in [_why_apart(endpoint, other)] if reason]
        for text in found:
            if text not in self._known:
                self._node.get_logger().warning(text)
        self._known = found
        return '; '.join(found)


def _endpoints(node: Node) -> list[Publisher | Subscription]:
    """Return a node's publishers and subscriptions, those that rest too."""
    return [*node.publishers, *(node.all_subscriptions if isinstance(node, GuardedSubscriptions)
                                else node.subscriptions)]


def _unmet(node: Node, endpoint: Publisher | Subscription) -> list[TopicEndpointInfo]:
    """Return the possible counterparts of an endpoint if it hasn't met all of them."""
    topic = endpoint.topic_name
    if isinstance(endpoint, Publisher):
        count, ask = node.count_subscribers, node.get_subscriptions_info_by_topic
    else:
        count, ask = node.count_publishers, node.get_publishers_info_by_topic
    return ask(topic) if matched_count(endpoint) < count(topic) else []


def _why_apart(own: Publisher | Subscription, other: TopicEndpointInfo) -> str:
    """Return why two endpoints of a topic never meet; empty if they will."""
    publishes = isinstance(own, Publisher)
    kind = f'{own.msg_type.__module__.split(".")[0]}/msg/{own.msg_type.__name__}'
    verb = 'subscribes to' if publishes else 'publishes'
    if other.topic_type != kind:
        return f'{verb} {other.topic_type}, but it is {kind} here'
    pair = (own.qos_profile, other.qos_profile) if publishes else (
        other.qos_profile, own.qos_profile)
    verdict, reason = qos_check_compatible(*pair)
    if verdict != QoSCompatibility.ERROR:
        return ''
    reason = reason.removeprefix('ERROR: ').rstrip(';')
    return f'{verb} it with another QoS, so no message passes: {reason}'
