# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A robot as the learner sees it: its transitions and its policy's status in, the answers out.

Robots that feed one learner are told apart by their namespaces. Each has its own topics, numbers
and acknowledgements, and none of its nodes knows of the others.
"""

from collections.abc import Callable
import posixpath

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.subscription import Subscription
from rclpy.validate_namespace import validate_namespace

from inril_ros.msg import LearnerStatus, PolicyStatus, Transition, TransitionAck
from inril_ros.nodes.base import qos
from inril_ros.transport.journal.ledger import IngestLedger


def full_names(node: Node, robots: list[str]) -> dict[str, str]:
    """Return the full namespace of each robot, by the one that was given.

    Args:
        node: The node whose namespace relative ones begin in.
        robots: Namespaces; empty: the node's own.

    Raises:
        ValueError: There is none, or two are the same.
        InvalidNamespaceException: ROS doesn't take one.
    """
    if not robots:
        raise ValueError("robots is empty: give namespaces, or [''] for the learner's own")
    names = {robot: posixpath.join(node.get_namespace(), robot).rstrip('/') or '/'
             for robot in robots}
    if len(set(names.values())) != len(robots):
        raise ValueError(f'robots names one twice: {robots}')
    for name in names.values():
        validate_namespace(name)
    return names


class RobotLink:
    """The learner's end of one robot's experience.

    Args:
        node: The node that publishers and subscriptions belong to.
        namespace: Of the robot, relative to the node's; empty: the node's own.
        name: Its full namespace.
        ledger: What is in of its experience.
        take: Is given each transition.
        heard: Is given what its policy says.

    Attributes:
        durable: Every transition up to this one is in a checkpoint on disk.
        refusal: Why its last transition was refused; empty if it wasn't.
        endpoints: The ends that the learner needs somebody at.
    """

    def __init__(
        self, node: Node, namespace: str, name: str, ledger: IngestLedger,
        take: Callable[['RobotLink', Transition], None],
        heard: Callable[['RobotLink', PolicyStatus], None],
    ) -> None:
        self.namespace, self.name, self.ledger = namespace, name, ledger
        self.durable = ledger.sequence
        self.refusal = ''

        def topic(name: str) -> str:
            return posixpath.join(namespace, name)

        self._statuses = node.create_publisher(LearnerStatus, topic('learner/status'), qos.STATE)
        self._acks = node.create_publisher(
            TransitionAck, topic('transition_ack'), qos.EXPERIENCE)
        transitions = node.create_subscription(
            Transition, topic('transition'), lambda message: take(self, message), qos.EXPERIENCE)
        node.create_subscription(
            PolicyStatus, topic('policy/status'), lambda message: heard(self, message), qos.STATE)
        self.endpoints: tuple[Publisher | Subscription, ...] = (transitions, self._acks)

    def acknowledge(self, message: TransitionAck) -> None:
        """Tell up to where everything of this robot is in; the number is filled in here."""
        message.sequence = self.ledger.sequence
        self._acks.publish(message)

    def report(self, message: LearnerStatus) -> None:
        """Tell how the learner is doing; what concerns this robot alone is filled in here."""
        message.sequence, message.durable_sequence = self.ledger.sequence, self.durable
        message.duplicates = self.ledger.duplicates
        self._statuses.publish(message)
