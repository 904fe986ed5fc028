# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Lists the topics of the running graph, with a message of each."""

from collections.abc import Callable
import time
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy

from inril_ros.nodes.base.message_types import message_type
from inril_ros.robot.contract.draft import image_size, TopicSeen

_OWN = ('/rosout', '/parameter_events', '/clock')
_MOST_SAMPLES = 50


def survey_graph(seconds: float, clock: Callable[[], float] = time.monotonic) -> list[TopicSeen]:
    """Return the topics of the graph, with a message of each one that is published meanwhile.

    Args:
        seconds: Time to listen.
        clock: Returns the time [s].
    """
    context = rclpy.Context()
    rclpy.init(context=context)
    node = Node('contract_draft', context=context)
    try:
        return _listen(node, seconds, clock)
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)


def _listen(node: Node, seconds: float, clock: Callable[[], float]) -> list[TopicSeen]:
    samples: dict[str, list[tuple[float, Any]]] = {}
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    end = clock() + seconds
    while clock() < end:
        for name, types in node.get_topic_names_and_types():
            if name not in samples and name not in _OWN and node.count_publishers(name):
                samples[name] = []
                _subscribe(node, name, types[0], samples[name], clock)
        executor.spin_once(timeout_sec=min(0.05, max(0.0, end - clock())))
    executor.remove_node(node)
    return [_seen(node, name, types[0], samples.get(name, []))
            for name, types in node.get_topic_names_and_types() if name not in _OWN]


def _subscribe(
    node: Node, name: str, kind: str, samples: list[tuple[float, Any]], clock: Callable[[], float],
) -> None:
    def receive(message: Any) -> None:
        if len(samples) < _MOST_SAMPLES:
            samples.append((clock(), message))

    try:
        kind_of = message_type(kind)
    except (ImportError, AttributeError):
        return  # its package is not installed here; the topic is listed without a message
    node.create_subscription(
        kind_of, name, receive, QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT))


def _seen(node: Node, name: str, kind: str, samples: list[tuple[float, Any]]) -> TopicSeen:
    ours = 1 if any(entry.topic_name == name for entry in node.subscriptions) else 0
    rate = 0.0
    if len(samples) > 2 and samples[-1][0] > samples[0][0]:
        rate = (len(samples) - 1) / (samples[-1][0] - samples[0][0])
    return TopicSeen(
        name, kind, samples[-1][1] if samples else None, node.count_publishers(name) > 0,
        node.count_subscribers(name) > ours, rate, image_size(samples[-1][1]) if samples else None)
