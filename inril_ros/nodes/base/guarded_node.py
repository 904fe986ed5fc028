# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Nodes that no message can end: what they can't take is refused, counted and reported.

The middleware drops unreadable bytes silently. So all subscriptions of these nodes get bytes, and
read them themselves.

Publishers and subscriptions are made without rclpy's handlers of QoS events. With two of these for
each, a node at rest spent a third of its time on asking them, and the events executor has crashed
with such handlers (ros2/rclpy#1644). What they would report is found by ``base/endpoints.py``.
"""

from collections.abc import Callable, Iterable, Iterator
import time
from typing import Any

from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.subscription import Subscription

from inril_ros.nodes.base.message_bounds import check_bounds
from inril_ros.nodes.base.refused_messages import RefusedMessages
from inril_ros.nodes.base.serialised_messages import read_message


class GuardedSubscriptions:
    """What makes the subscriptions of a node guarded; mixed into a class of rclpy, before it.

    Some subscriptions rest at times: the executor doesn't serve them, and their newest messages
    wait, as many as their QoS says.

    Attributes:
        refused: The messages that could not be taken.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        # rclpy subscribes to the clock before the node is complete.
        self.refused = RefusedMessages(
            lambda text: self.get_logger().error(text), time.monotonic)
        self._resting: set[Subscription] = set()
        super().__init__(*arguments, **named)

    @property
    def subscriptions(self) -> Iterator[Subscription]:
        """The subscriptions that an executor serves."""
        return (each for each in super().subscriptions if each not in self._resting)

    @property
    def all_subscriptions(self) -> list[Subscription]:
        """The subscriptions, those that rest too."""
        return list(super().subscriptions)

    def rest(self, subscriptions: Iterable[Subscription]) -> None:
        """Let subscriptions rest."""
        self._resting.update(subscriptions)
        self._notice()

    def rouse(self, subscriptions: Iterable[Subscription]) -> None:
        """Have subscriptions served again, with the messages that wait."""
        self._resting.difference_update(subscriptions)
        self._notice()

    def _notice(self) -> None:
        if self.executor is not None:
            self.executor.wake()

    def destroy_subscription(self, subscription: Subscription) -> bool:
        """Destroy a subscription; return whether it was this node's."""
        self._resting.discard(subscription)
        return super().destroy_subscription(subscription)

    def create_subscription(
        self, msg_type: type, topic: str, callback: Callable[[Any], None], *arguments: Any,
        raw: bool = False, **named: Any,
    ) -> Subscription:
        """Subscribe to a topic.

        Args:
            msg_type: Class of the messages.
            topic: The topic.
            callback: Gets each message; raises MessageRefused if it can't take it.
            arguments: As in rclpy.
            raw: The callback gets the bytes, and reads them itself.
            named: As in rclpy.
        """
        def read(serialised: bytes) -> None:
            message = read_message(serialised, msg_type)
            check_bounds(message)
            callback(message)

        return super().create_subscription(
            msg_type, topic, self.refused.guarded(topic, callback if raw else read),
            *arguments, raw=True,
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False), **named)

    def create_publisher(self, *arguments: Any, **named: Any) -> Publisher:
        """Advertise a topic; the arguments are those of rclpy."""
        return super().create_publisher(
            *arguments, event_callbacks=PublisherEventCallbacks(use_default_callbacks=False),
            **named)


class GuardedNode(GuardedSubscriptions, Node):
    """A node without a lifecycle whose subscriptions are guarded."""
