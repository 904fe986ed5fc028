# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Asks the running graph which topics there are, and waits for one message of each."""

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
    """Return the topics of the graph with a message of each that speaks within some seconds.

    Args:
        seconds: How long to listen.
        clock: [s] Of the listening.
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
    heard: dict[str, list[tuple[float, Any]]] = {}
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    end = clock() + seconds
    while clock() < end:
        for name, types in node.get_topic_names_and_types():
            if name not in heard and name not in _OWN and node.count_publishers(name):
                heard[name] = []
                _subscribe(node, name, types[0], heard[name], clock)
        executor.spin_once(timeout_sec=min(0.05, max(0.0, end - clock())))
    executor.remove_node(node)
    return [_seen(node, name, types[0], heard.get(name, []))
            for name, types in node.get_topic_names_and_types() if name not in _OWN]


def _subscribe(
    node: Node, name: str, kind: str, heard: list[tuple[float, Any]], clock: Callable[[], float],
) -> None:
    def take(message: Any) -> None:
        if len(heard) < _MOST_SAMPLES:
            heard.append((clock(), message))

    try:
        kind_of = message_type(kind)
    except (ImportError, AttributeError):
        return  # its package is not installed here; the topic is listed all the same
    node.create_subscription(
        kind_of, name, take, QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT))


def _seen(node: Node, name: str, kind: str, heard: list[tuple[float, Any]]) -> TopicSeen:
    ours = 1 if any(entry.topic_name == name for entry in node.subscriptions) else 0
    rate = 0.0
    if len(heard) > 2 and heard[-1][0] > heard[0][0]:
        rate = (len(heard) - 1) / (heard[-1][0] - heard[0][0])
    return TopicSeen(
        name, kind, heard[-1][1] if heard else None, node.count_publishers(name) > 0,
        node.count_subscribers(name) > ours, rate, image_size(heard[-1][1]) if heard else None)
