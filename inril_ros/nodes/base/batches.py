# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Subscriptions that take queued messages in batches.

rclpy's executor calls back once per message and turn, and each turn costs several times as much as
a small message does. Where a turn also runs something long, as a burst of updates, a queue of
messages would wait for as many of these.
"""

from collections.abc import Callable

from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

from inril_ros.nodes.base.managed_node import ManagedNode


def subscribe_in_batches(
    node: ManagedNode, kind: type, topic: str, profile: QoSProfile,
    take: Callable[[bytes], None], goes_on: Callable[[int], bool],
    ended: Callable[[], None] = lambda: None,
) -> Subscription:
    """Subscribe to a topic; the messages that are queued are taken one after the other.

    Args:
        node: The node.
        kind: Class of the messages.
        topic: The topic.
        profile: QoS.
        take: Gets each serialised message; raises MessageRefused if it can't take it.
        goes_on: Returns, given the number of messages of the batch so far, whether it may have
            another one. Other callbacks wait until the batch ends.
        ended: Called after each batch.
    """
    guarded = node.refused.guarded(topic, take)
    made: list[Subscription] = []

    def receive(raw: bytes) -> None:
        guarded(raw)
        subscription, taken = made[0], 1
        while goes_on(taken):
            with subscription.handle:
                more = subscription.handle.take_message(subscription.msg_type, True)
            if more is None:
                break
            guarded(more[0])
            taken += 1
        ended()

    made.append(node.create_subscription(kind, topic, receive, profile, raw=True))
    return made[0]
