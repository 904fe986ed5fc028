# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The learner's topics of one robot: transitions and policy status in, status and acks out.

Robots that feed one learner are distinguished by their namespaces. Each one has its own topics,
sequence numbers and acknowledgements, and none of its nodes knows of the other robots.
"""

from collections.abc import Callable
import posixpath
import time

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.subscription import Subscription
from rclpy.validate_namespace import validate_namespace

from inril_ros.msg import LearnerStatus, PolicyStatus, Transition, TransitionAck
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.batches import subscribe_in_batches
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.serialised_messages import read_message
from inril_ros.transport.journal.ledger import IngestLedger

_BATCH = 0.2  # [s] for which queued transitions are taken before other callbacks get their turn
_ACKNOWLEDGED = 32  # transitions after which the recorder may send more, within a batch
_REMEMBERED = 5.0  # [s] for which a refusal is reported: a stranger may send a single one


def full_names(node: Node, robots: list[str]) -> dict[str, str]:
    """Return the full namespace of each robot, by the namespace that was given.

    Args:
        node: The node that relative namespaces begin at.
        robots: Namespaces; an empty one is the node's own.

    Raises:
        ValueError: There is no robot, or two are the same.
        InvalidNamespaceException: ROS refuses a namespace.
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


class RobotConnection:
    """The learner's publishers and subscriptions for one robot.

    Args:
        node: The node that publishers and subscriptions belong to.
        namespace: The robot's namespace, relative to the node's; empty: the node's own.
        name: The robot's full namespace.
        ledger: The account of what is ingested of its experience.
        on_transition: Called with each transition.
        acknowledge: Called to acknowledge the transitions of a batch, and in between.
        on_policy_status: Called with each status of its policy.
        clock: Returns the steady time [s].

    Attributes:
        durable: Every transition up to this sequence is in a checkpoint on disk.
        transition_topic: Full name of the topic of its transitions.
        untaken: Number of transitions that belong here and can't be learned from.
        run_id: Run of the last transition that belongs here; empty: there was none.
        endpoints: The endpoints that the learner needs a counterpart of.
    """

    def __init__(
        self, node: ManagedNode, namespace: str, name: str, ledger: IngestLedger,
        on_transition: Callable[['RobotConnection', Transition], None],
        acknowledge: Callable[['RobotConnection'], None],
        on_policy_status: Callable[['RobotConnection', PolicyStatus], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.namespace, self.name, self.ledger = namespace, name, ledger
        self.durable = ledger.sequence
        self.transition_topic = posixpath.join(name, 'transition')
        self.untaken = 0
        self._clock = clock
        self._refusal, self._refused_at = '', 0.0
        self._unanswered, self.run_id = False, ''

        def topic(name: str) -> str:
            return posixpath.join(namespace, name)

        self._statuses = node.create_publisher(LearnerStatus, topic('learner/status'), qos.STATE)
        self._acks = node.create_publisher(
            TransitionAck, topic('transition_ack'), qos.EXPERIENCE)
        began = 0.0

        def take(raw: bytes) -> None:
            on_transition(self, read_message(raw, Transition))

        def goes_on(taken: int) -> bool:
            nonlocal began
            if taken == 1:
                began = clock()
            if taken % _ACKNOWLEDGED == 0:
                answer()
            return clock() - began < _BATCH

        def answer() -> None:
            if self._unanswered:
                acknowledge(self)

        transitions = subscribe_in_batches(
            node, Transition, topic('transition'), qos.EXPERIENCE, take, goes_on, answer)
        node.create_subscription(
            PolicyStatus, topic('policy/status'),
            lambda message: on_policy_status(self, message), qos.STATE)
        self.endpoints: tuple[Publisher | Subscription, ...] = (transitions, self._acks)

    def refuse(self, reason: str) -> None:
        """Note that a transition was refused."""
        self._refusal, self._refused_at = reason, self._clock()

    def accept(self, run_id: str) -> None:
        """Note that a transition belongs here, and which run it is of."""
        self._refusal, self._unanswered, self.run_id = '', True, run_id

    @property
    def refusal(self) -> str:
        """Why its last transition was refused; empty if it wasn't, or some seconds ago."""
        recent = self._clock() - self._refused_at < _REMEMBERED
        return self._refusal if recent else ''

    @property
    def account(self) -> dict[str, str]:
        """What was wrong with its transitions so far, for the diagnostics."""
        return {'transitions not learned from': str(self.untaken),
                'gaps in the numbers': str(self.ledger.gaps),
                'numbers that went back': str(self.ledger.restarts)}

    def acknowledge(self, message: TransitionAck) -> None:
        """Publish how far this robot's transitions are ingested; `sequence` is filled in here."""
        message.sequence, self._unanswered = self.ledger.sequence, False
        self._acks.publish(message)

    def report(self, message: LearnerStatus) -> None:
        """Publish the learner's status; the fields of this robot alone are filled in here."""
        message.sequence, message.durable_sequence = self.ledger.sequence, self.durable
        message.duplicates = self.ledger.duplicates
        self._statuses.publish(message)
