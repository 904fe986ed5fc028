# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Someone else in the ROS domain, who publishes on a graph's topics what nobody should."""

from collections.abc import Iterable
from contextlib import suppress
import time
from types import TracebackType
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions

from inril_ros.nodes.base.message_types import message_type

#: Offers what any subscription may ask for, so that each gets the messages.
_ANY = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE,
                  durability=DurabilityPolicy.TRANSIENT_LOCAL)
_MEETING = 10.0  # [s] for publisher and subscription to meet


class Intruder:
    """A node of its own, in the domain of the environment."""

    def __init__(self) -> None:
        self._context = Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = Node('intruder', context=self._context, enable_rosout=False)

    def __enter__(self) -> 'Intruder':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._node.destroy_node()
        self._context.try_shutdown()

    def topics(self) -> dict[str, type]:
        """Return the topics that anyone listens to, with the class of their messages."""
        found: dict[str, type] = {}
        for topic, kinds in self._node.get_topic_names_and_types():
            with suppress(ValueError):  # its package isn't installed here
                if self._node.count_subscribers(topic):
                    found[topic] = message_type(kinds[0])
        return found

    def send(self, topic: str, kind: type, messages: Iterable[Any], period: float = 0.0) -> int:
        """Publish messages, or bytes in the place of messages; return how many.

        Args:
            topic: The topic.
            kind: Class of its messages.
            messages: What is published.
            period: [s] Pause after each.
        """
        publisher = self._node.create_publisher(kind, topic, _ANY)
        limit, count = time.monotonic() + _MEETING, 0
        while publisher.get_subscription_count() < self._node.count_subscribers(topic) \
                and time.monotonic() < limit:
            time.sleep(0.02)
        for message in messages:
            publisher.publish(message)
            count += 1
            time.sleep(period)
        time.sleep(1.0)  # what was sent last is on its way
        self._node.destroy_publisher(publisher)
        return count
