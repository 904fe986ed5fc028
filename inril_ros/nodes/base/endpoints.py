# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Who has met whom: a message is lost if one end of a topic hasn't met the other yet.

ROS 2 knows only how many partners one end has met, not how many it should have. Each node of a
graph tells its own ends, and whoever starts the graph compares: every publisher must have met as
many subscriptions as the nodes have, and every subscription as many publishers.
"""

from collections import Counter
from collections.abc import Mapping
import json

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.subscription import Subscription


def matched_count(link: Publisher | Subscription) -> int:
    """Return how many partners one end has met."""
    if isinstance(link, Publisher):
        return link.get_subscription_count()
    return link.get_publisher_count()


def describe_endpoints(node: Node) -> str:
    """Return a node's ends as JSON: rows of topic, publishes or not, partners met."""
    return json.dumps([[link.topic_name, isinstance(link, Publisher), matched_count(link)]
                       for link in [*node.publishers, *node.subscriptions]])


def unmatched_endpoints(descriptions: Mapping[str, str]) -> dict[str, str]:
    """Compare the ends of all nodes; return what is missing by node, empty if nothing.

    Args:
        descriptions: What ``describe_endpoints`` gave, by node.
    """
    ends = {name: json.loads(text) for name, text in descriptions.items()}
    existing = Counter(
        (topic, publishes) for rows in ends.values() for topic, publishes, _ in rows)
    missing: dict[str, str] = {}
    for name, rows in ends.items():
        short = [f'{topic} has met {met} of {existing[topic, not publishes]}'
                 for topic, publishes, met in rows if met < existing[topic, not publishes]]
        if short:
            missing[name] = ', '.join(sorted(short))
    return missing
