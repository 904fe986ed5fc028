# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The recorder's subscriptions: their topics and their QoS.

In real time subscriptions adapt to the QoS that the publishers offer: a reliable subscription gets
nothing from a best-effort publisher, and a best-effort one loses what a reliable publisher would
have sent again. The offers are known only once the publishers exist. Subscribing again loses
messages for a moment, so it is done between episodes; during one only for a publisher that would
not be recorded at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)

from inril_ros.data.bags.bags import EVENT_TOPIC, EXECUTED_TOPIC
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.batches import subscribe_in_batches, take_waiting
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.message_types import message_type
from inril_ros.robot.contract.contract import Contract

_AT_ONCE = 50  # most messages of one topic before the others get their turn
_PICTURES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')


@dataclass
class _Recorded:
    """A topic that is recorded."""

    kind: str
    wanted: QoSProfile
    subscription: Subscription
    adapts: bool
    adapts_durability: bool


@dataclass(frozen=True)
class StreamPlan:
    """The topics of an episode by kind; mappings hold message types by topic.

    Attributes:
        observed: Topics that frames are made of.
        latched: Observed topics that are sent once and belong to every episode.
        bagged: Commands and a person's device, which only bags have.
        pictures: Cameras that only bags have.
        ours: Executed actions and verdicts.
        unused: Topics of a person's device that need not publish; recorded if they do.
        every_tick: Topics with a message at each tick in lockstep.
        timed_here: Observations whose stamp is the time of their arrival.
        longest_gap: [s] Longest pause of a stream that the contract allows.
    """

    observed: dict[str, str]
    latched: frozenset[str]
    bagged: dict[str, str]
    pictures: dict[str, str]
    ours: dict[str, str]
    unused: frozenset[str]
    every_tick: frozenset[str]
    timed_here: frozenset[str]
    longest_gap: float

    @classmethod
    def of(cls, contract: Contract, observed: dict[str, str], bags: bool,
           person: bool = True) -> 'StreamPlan':
        """Return the plan for a contract.

        Args:
            contract: The robot's contract.
            observed: The topics of its frames.
            bags: Whether bags are recorded, not only transitions.
            person: Whether they are of demonstrations, in which a person's device must publish.
        """
        rules = contract.teleoperation
        commanded = {topic: kind for topic, kind in contract.action_topics().items()
                     if '/msg/' in kind}  # goals of an action are on no topic
        driven = {rules.twist_topic: 'geometry_msgs/msg/TwistStamped',
                  rules.joy_topic: 'sensor_msgs/msg/Joy'}
        if rules.joint_action:
            driven[rules.joint_topic] = 'sensor_msgs/msg/JointState'
        unused = set() if rules.twist_action or rules.rotation_action else {rules.twist_topic}
        if rules.takeover == 'motion' and not rules.gripper_action:
            unused.add(rules.joy_topic)
        if not person:
            unused |= driven.keys()
        pictures = {camera.topic: camera.type for camera in contract.cameras.values()
                    if camera.topic not in observed}
        ours = {EXECUTED_TOPIC: 'inril_ros/msg/ExecutedAction',
                contract.episode.outcome_topic: 'inril_ros/msg/Outcome'}
        latched = frozenset(contract.latched_topics())
        ages = [entry.max_age for entry in contract.observations.values()]
        if contract.policy_images is not None:
            ages.append(contract.policy_images.max_age)
        return cls(
            observed, latched, {**commanded, **driven} if bags else {}, pictures if bags else {},
            ours, frozenset(unused), frozenset(
                {*contract.observation_topics(), *commanded, *(driven if person else ()), *ours}
                - latched),
            frozenset(entry.topic for entry in contract.observations.values()
                      if entry.clock == 'receive'), max(ages))


class RecordedTopics:
    """The recorder's subscriptions.

    Args:
        on_message: Called with topic, type, serialised message, and when it came [ns] by the
            system's clock; 0: it comes now.
        on_repeat: Called with a topic whose latched messages will come again, because it is
            subscribed to again.
    """

    def __init__(
        self, node: ManagedNode, plan: StreamPlan,
        on_message: Callable[[str, str, bytes, int], None], on_repeat: Callable[[str], None],
    ) -> None:
        self._node = node
        self._on_message = on_message
        self._on_repeat = on_repeat
        self._topics: dict[str, _Recorded] = {}
        # Where time is simulated, the time when a message came isn't the middleware's.
        self._may_rest = not node.lockstep and not node.value('use_sim_time')
        self._resting = False
        self._steady = {*plan.latched, *plan.ours}
        for topic, kind in plan.pictures.items():
            self._add(topic, kind, qos.RECORDED_PICTURES)
        for topic, kind in {**plan.observed, **plan.bagged, **plan.ours}.items():
            if topic in plan.latched:
                self._add(topic, kind, qos.LATCHED)
            elif node.lockstep or topic in plan.ours:  # their QoS is known
                subscription = self._add(topic, kind, qos.RECORD, adapts=False)
                if topic not in plan.unused - plan.every_tick:
                    node.require(subscription)
            else:
                # A frame has no use for old messages of a stream that goes on.
                depth = qos.RECORDED_PICTURES if kind in _PICTURES else qos.RECORDED_SENSOR
                subscription = self._add(
                    topic, kind, depth, durability=topic not in plan.observed)
                if topic not in plan.unused:
                    node.require(subscription)

    def _add(self, topic: str, kind: str, wanted: QoSProfile, adapts: bool = True,
             durability: bool = True) -> Subscription:
        subscription = self._subscribe(topic, kind, wanted)
        self._topics[topic] = _Recorded(
            kind, wanted, subscription, adapts and not self._node.lockstep, durability)
        return subscription

    def _subscribe(self, topic: str, kind: str, profile: QoSProfile) -> Subscription:
        # A recorder that fell behind catches up.
        return subscribe_in_batches(
            self._node, message_type(kind), topic, profile,
            lambda raw: self._on_message(topic, kind, raw, 0), lambda taken: taken < _AT_ONCE)

    def rest(self) -> None:
        """No episode is recorded: serve only what is sent now and then."""
        self._resting = self._may_rest
        if self._resting:
            self._node.rest(self._streams().values())

    def rouse(self) -> None:
        """Take what has come, and serve all topics: an episode begins."""
        self.take_waiting()
        self._resting = False
        self._node.rouse(self._streams().values())

    def take_waiting(self) -> None:
        """Take the messages of resting topics, in the order in which they came."""
        if not self._resting:
            return
        waiting = [(came, topic, raw) for topic, subscription in self._streams().items()
                   for raw, came in take_waiting(subscription)]
        for came, topic, raw in sorted(waiting, key=itemgetter(0)):
            self._node.refused.guarded(topic, partial(
                self._on_message, topic, self._topics[topic].kind, came=came))(raw)

    def _streams(self) -> dict[str, Subscription]:
        """Return the subscriptions to topics that go on coming."""
        return {topic: entry.subscription for topic, entry in self._topics.items()
                if topic not in self._steady}

    def adapt(self, recording: bool) -> list[str]:
        """Subscribe again where publishers offer another QoS; return the topics.

        Args:
            recording: An episode is being recorded: only where the QoS is incompatible.
        """
        changed = []
        for topic, entry in self._topics.items():
            if not entry.adapts:
                continue
            present, offers = entry.subscription.qos_profile, offered(self._node, topic)
            profile = adapted(entry.wanted, offers, entry.adapts_durability)
            if offers and (incompatible(present, offers) if recording
                           else differ(profile, present)):
                self._resubscribe(topic, entry, profile)
                changed.append(topic)
        return changed

    def _resubscribe(self, topic: str, entry: _Recorded, profile: QoSProfile) -> None:
        if profile.durability == DurabilityPolicy.TRANSIENT_LOCAL:
            self._on_repeat(topic)
        self.take_waiting()
        subscription = self._subscribe(topic, entry.kind, profile)
        self._node.replace_required(entry.subscription, subscription)
        self._node.destroy_subscription(entry.subscription)
        entry.subscription = subscription
        if self._resting:
            self.rest()
        self._node.get_logger().info(
            f'{topic}: recorded as {profile.reliability.name}, {profile.durability.name}, as '
            'its publishers offer')

    def offers(self) -> dict[str, list[Qos]]:
        """Return the offered QoS of each recorded topic, for a bag."""
        return {topic: [bag_qos(profile) for profile in offered(self._node, topic)]
                for topic in (*self._topics, EVENT_TOPIC)}


def offered(node: Node, topic: str) -> list[QoSProfile]:
    """Return the profiles of all publishers of a topic that a node has discovered."""
    return [end.qos_profile for end in node.get_publishers_info_by_topic(topic)]


def adapted(wanted: QoSProfile, offers: Sequence[QoSProfile], durability: bool) -> QoSProfile:
    """Return the best profile that is compatible with every publisher.

    It is reliable, or transient local, only if every publisher is.

    Args:
        wanted: The profile's other settings, and all of them while there is no publisher.
        offers: The publishers' profiles.
        durability: Adapt the durability too.
    """
    if not offers:
        return wanted
    reliable = all(offer.reliability == ReliabilityPolicy.RELIABLE for offer in offers)
    latched = all(offer.durability == DurabilityPolicy.TRANSIENT_LOCAL for offer in offers)
    if not durability:
        latched = wanted.durability == DurabilityPolicy.TRANSIENT_LOCAL
    return QoSProfile(
        history=wanted.history, depth=wanted.depth,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE)


def differ(one: QoSProfile, other: QoSProfile) -> bool:
    """Return whether two profiles differ in what ``adapted`` changes."""
    return (one.reliability, one.durability) != (other.reliability, other.durability)


def incompatible(wanted: QoSProfile, offers: Sequence[QoSProfile]) -> bool:
    """Return whether a subscription gets nothing from one of the publishers."""
    return any(
        (wanted.reliability == ReliabilityPolicy.RELIABLE
         and offer.reliability == ReliabilityPolicy.BEST_EFFORT)
        or (wanted.durability == DurabilityPolicy.TRANSIENT_LOCAL
            and offer.durability == DurabilityPolicy.VOLATILE) for offer in offers)


def bag_qos(profile: QoSProfile) -> Qos:
    """Return a profile as in a bag's metadata, where policies have the same numbers."""
    return Qos(
        QosHistory(int(profile.history)), profile.depth, QosReliability(int(profile.reliability)),
        QosDurability(int(profile.durability)), _time(profile.deadline), _time(profile.lifespan),
        QosLiveliness(int(profile.liveliness)), _time(profile.liveliness_lease_duration),
        profile.avoid_ros_namespace_conventions)


def _time(duration: Duration) -> QosTime:
    return QosTime(*divmod(duration.nanoseconds, 1_000_000_000))
