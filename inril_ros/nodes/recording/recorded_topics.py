# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the recorder listens to: which topics, and with which quality of service.

In real time subscriptions take up what the publishers offer. To subscribe anew costs a moment in
which nothing is heard, so it is done between episodes; during one only where a publisher that has
come would not be heard at all.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.subscription import Subscription
from rosbags.interfaces import Qos

from inril_ros.data.bags.bags import EVENT_TOPIC, EXECUTED_TOPIC
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.message_types import message_type
from inril_ros.nodes.recording.offered_qos import adapted, bag_qos, deaf, differ, offered
from inril_ros.robot.contract.contract import Contract

_AT_ONCE = 50  # messages of one topic before the others have their turn
_PICTURES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')


@dataclass
class _Recorded:
    """A topic that is recorded."""

    kind: str
    wanted: QoSProfile
    link: Subscription
    adapts: bool
    adapts_durability: bool


@dataclass(frozen=True)
class StreamPlan:
    """Which topics belong to an episode, by what they are: the type of each by its name.

    Attributes:
        observed: What frames are made of.
        latched: Those of them that are sent once, and are part of every episode.
        bagged: What only bags have: commands and a person's device.
        pictures: Cameras that only bags have.
        ours: Executed actions and verdicts.
        unused: Those of a person's device that command nothing: recorded if somebody sends them.
        every_tick: What speaks at each tick in lockstep.
        timed_here: Observations that are from when they came.
        longest_gap: [s] Pause of a stream that no observation bears.
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
    def of(cls, contract: Contract, observed: dict[str, str], bags: bool) -> 'StreamPlan':
        """Return the plan for a contract.

        Args:
            contract: Of the robot.
            observed: The topics of its frames.
            bags: Demonstrations are recorded, and not only transitions.
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
                {*contract.observation_topics(), *commanded, *driven, *ours} - latched),
            frozenset(entry.topic for entry in contract.observations.values()
                      if entry.clock == 'receive'), max(ages))


class RecordedTopics:
    """The recorder's subscriptions.

    Args:
        node: The recorder.
        plan: What to subscribe to.
        take: Called with topic, type and serialised message.
        anew: Called with a topic that is subscribed to anew and whose kept messages will come
            once more.
    """

    def __init__(
        self, node: ManagedNode, plan: StreamPlan, take: Callable[[str, str, bytes], None],
        anew: Callable[[str], None],
    ) -> None:
        self._node = node
        self._take = take
        self._anew = anew
        self._topics: dict[str, _Recorded] = {}
        for topic, kind in plan.pictures.items():
            self._add(topic, kind, qos.RECORDED_PICTURES)
        for topic, kind in {**plan.observed, **plan.bagged, **plan.ours}.items():
            if topic in plan.latched:
                self._add(topic, kind, qos.LATCHED)
            elif node.lockstep or topic in plan.ours:  # of nodes whose profiles are known
                node.require(self._add(topic, kind, qos.RECORD, adapts=False))
            else:
                # Of what is sent again and again, an old message is of no use to a frame.
                depth = qos.RECORDED_PICTURES if kind in _PICTURES else qos.RECORDED_SENSOR
                link = self._add(topic, kind, depth, durability=topic not in plan.observed)
                if topic not in plan.unused:
                    node.require(link)

    def _add(self, topic: str, kind: str, wanted: QoSProfile, adapts: bool = True,
             durability: bool = True) -> Subscription:
        link = self._subscribe(topic, kind, wanted)
        self._topics[topic] = _Recorded(
            kind, wanted, link, adapts and not self._node.lockstep, durability)
        return link

    def _subscribe(self, topic: str, kind: str, profile: QoSProfile) -> Subscription:
        made: list[Subscription] = []

        def take(raw: bytes) -> None:
            self._take(topic, kind, raw)
            # rclpy's executor costs several times what the rest does, each message anew: what has
            # piled up is taken here, or a recorder that fell behind would stay behind.
            link = made[0]
            for _ in range(_AT_ONCE):
                with link.handle:
                    more = link.handle.take_message(link.msg_type, True)
                if more is None:
                    return
                self._take(topic, kind, more[0])

        made.append(self._node.create_subscription(
            message_type(kind), topic, take, profile, raw=True))
        return made[0]

    def adapt(self, recording: bool) -> list[str]:
        """Subscribe anew where publishers offer something else; return the topics.

        Args:
            recording: An episode is being recorded: only where a publisher isn't heard.
        """
        changed = []
        for topic, entry in self._topics.items():
            if not entry.adapts:
                continue
            present, offers = entry.link.qos_profile, offered(self._node, topic)
            profile = adapted(entry.wanted, offers, entry.adapts_durability)
            if offers and (deaf(present, offers) if recording else differ(profile, present)):
                self._exchange(topic, entry, profile)
                changed.append(topic)
        return changed

    def _exchange(self, topic: str, entry: _Recorded, profile: QoSProfile) -> None:
        if profile.durability == DurabilityPolicy.TRANSIENT_LOCAL:
            self._anew(topic)
        link = self._subscribe(topic, entry.kind, profile)
        self._node.replace_required(entry.link, link)
        self._node.destroy_subscription(entry.link)
        entry.link = link
        self._node.get_logger().info(
            f'{topic}: recorded as {profile.reliability.name}, {profile.durability.name}, as '
            'its publishers offer it')

    def offers(self) -> dict[str, list[Qos]]:
        """Return what the publishers of each recorded topic offer, for a bag."""
        return {topic: [bag_qos(profile) for profile in offered(self._node, topic)]
                for topic in (*self._topics, EVENT_TOPIC)}
