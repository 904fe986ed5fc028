# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Who publishes on a topic, by the middleware's own account.

A message does not say who sent it: rclpy gives a callback no identity of the publisher. The graph
does say which nodes publish on a topic. So if somebody does who should not, that is known, but not
which messages are his. Names can be forged; only SROS2 prevents that.
"""

from collections import Counter
from collections.abc import Mapping

from rclpy.node import Node

_UNKNOWN = '_NODE_NAME_UNKNOWN_'  # the middleware's name of a node that it has not heard of yet
#: What such a node is called here.
NAMELESS = 'a node that has not told its name yet'


def full_name(namespace: str, name: str) -> str:
    """Return a node's name with its namespace."""
    return NAMELESS if name == _UNKNOWN else f'{namespace.rstrip("/")}/{name}'


def publishing_nodes(node: Node, topic: str) -> Counter[str]:
    """Return how many publishers of a topic each node has, by its full name."""
    return Counter(full_name(end.node_namespace, end.node_name)
                   for end in node.get_publishers_info_by_topic(topic))


class SolePublishers:
    """The topics of a node on which one other node publishes, and no more.

    If several do, their messages are still judged by what they are (run, numbers, hashes), because
    which is whose isn't known; it is reported, with the names.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._topics: dict[str, None] = {}
        self._known = ''

    def expect(self, *topics: str) -> None:
        """Expect one publishing node on each of some topics."""
        self._topics |= dict.fromkeys(map(self._node.resolve_topic_name, topics))

    def clear(self) -> None:
        """Expect nothing any more."""
        self._topics.clear()

    def look(self) -> str:
        """Ask the middleware; return where several nodes publish, empty if nowhere."""
        found = '; '.join(filter(None, (several(self._node, topic) for topic in self._topics)))
        if found and found != self._known:
            self._node.get_logger().error(found)
        self._known = found
        return found


def several(node: Node, topic: str) -> str:
    """Return which nodes publish on a topic, in words; empty unless they are several.

    A node that was killed and started again counts once, though both are known for a while.
    """
    names = sorted(publishing_nodes(node, topic))
    return f'{" and ".join(names)} publish on {topic}, one node should' if len(names) > 1 else ''


def strangers(found: Mapping[str, int], permitted: Mapping[str, int]) -> list[str]:
    """Return who publishes and should not; empty if nobody does.

    Args:
        found: Number of publishers by node.
        permitted: Most publishers of each node that may publish.
    """
    return [name if name not in permitted else f'another node called {name}'
            for name, count in sorted(found.items()) if count > permitted.get(name, 0)]
