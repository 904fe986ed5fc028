# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which publishers and subscriptions have met: a message is lost if the two have not.

ROS 2 knows only how many counterparts an endpoint has met, not how many it should have. So each
node of a graph reports its endpoints, and the client that starts the graph compares: every
publisher must have met as many subscriptions as the nodes have, and every subscription as many
publishers.
"""

from collections import Counter
from collections.abc import Mapping
import json

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.subscription import Subscription

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
        for endpoint in [*node.publishers, *node.subscriptions]])


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
