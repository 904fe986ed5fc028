# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Subscriptions whose queued messages are taken in batches.

rclpy's executor calls back once per message and turn, and each turn costs several times as much as
a small message does. Where a turn also runs something long, as a burst of updates, a queue of
messages would wait for as many of these. A node that has nothing to do with messages yet lets the
subscription rest, and takes what has come from time to time.
"""

from collections.abc import Callable, Iterator, Sequence

from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

from inril_ros.nodes.base.managed_node import ManagedNode


def subscribe_in_batches(
    node: ManagedNode, kind: type, topic: str, profile: QoSProfile,
    receiver: Callable[[bytes], None], goes_on: Callable[[int], bool],
    ended: Callable[[], None] = lambda: None,
) -> Subscription:
    """Subscribe to a topic; the messages that are queued are taken one after the other.

    Args:
        node: The node.
        kind: Class of the messages.
        topic: The topic.
        profile: QoS.
        receiver: Gets each serialised message; raises MessageRefused if it can't take it.
        goes_on: Returns, given the number of messages of the batch so far, whether it may have
            another one. Other callbacks wait until the batch ends.
        ended: Called after each batch.
    """
    guarded = node.refused.guarded(topic, receiver)
    made: list[Subscription] = []

    def receive(raw: bytes) -> None:
        guarded(raw)
        subscription, taken = made[0], 1
        while goes_on(taken):
            more = take(subscription)
            if more is None:
                break
            guarded(more[0])
            taken += 1
        ended()

    made.append(node.create_subscription(kind, topic, receive, profile, raw=True))
    return made[0]


def take_waiting(subscription: Subscription) -> Iterator[tuple[bytes, int]]:
    """Take the messages that wait, but no more than the subscription keeps.

    Yields:
        See ``take``.
    """
    for _ in range(subscription.qos_profile.depth):
        found = take(subscription)
        if found is None:
            return
        yield found


def take(subscription: Subscription) -> tuple[bytes, int] | None:
    """Take a message that waits; None if there is none.

    Returns:
        The serialised message, and when it came [ns] by the system's clock; 0 if the middleware
        doesn't say.
    """
    with subscription.handle:
        found = subscription.handle.take_message(subscription.msg_type, True)
    return None if found is None else (found[0], found[1].get('received_timestamp', 0))


class RestingObservations:
    """The observations of a node, which rest while it has no use for each of them.

    In lockstep, and where the time of a message is when it is received, they never rest.
    """

    def __init__(self, node: ManagedNode, streams: Sequence[Subscription]) -> None:
        self._node, self._streams = node, streams
        self._may_rest = not node.lockstep and all(
            entry.clock == 'header' for entry in node.contract.observations.values())
        self.resting = False

    def rest(self) -> None:
        """Don't serve them any more."""
        if self._may_rest and not self.resting:
            self.resting = True
            self._node.rest(self._streams)

    def rouse(self) -> None:
        """Serve them again; what waits is read at once."""
        if self.resting:
            self.look()
            self.resting = False
            self._node.rouse(self._streams)

    def look(self) -> None:
        """Read the newest messages, if they rest."""
        for stream in self._streams if self.resting else ():
            for raw, _ in take_waiting(stream):
                stream.callback(raw)
