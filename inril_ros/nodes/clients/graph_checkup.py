# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What ``inril doctor`` measures in a running graph: topics, QoS and large messages."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
import os
import subprocess
import sys
import time

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter
from rclpy.qos import qos_check_compatible, QoSCompatibility, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from std_msgs.msg import UInt8MultiArray, UInt32

from inril_ros.data.frames.sync import FrameAligner
from inril_ros.doctor.publishers import published_topics
from inril_ros.doctor.streams import TopicRecord
from inril_ros.doctor.teleoperation import teleop_topics, TeleopRecord, why_not
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.message_types import message_type
from inril_ros.nodes.base.serialised_messages import MessageRefused, read_message
from inril_ros.nodes.base.topic_publishers import publishing_nodes
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.codecs import CodecError, stamp_ns
from inril_ros.robot.teleop.sources import source_of

_PATIENCE = 15.0  # [s] for another process to start and be discovered
_ECHO = 'inril_doctor/echo'
_LARGE = 'inril_doctor/large'

Pair = tuple[str, str, str, str]
"""Topic, publishing node, subscribing node, why their QoS doesn't match (empty if it does)."""


@dataclass(frozen=True)
class GraphLook:
    """What was seen of a graph.

    Attributes:
        records: Measurements by topic of the contract.
        pairs: All pairs of publishers and subscriptions.
        publishers: The publishing nodes by topic, each as often as it has publishers there.
        teleop: Measurements by teleop topic.
    """

    records: dict[str, TopicRecord]
    pairs: list[Pair]
    publishers: dict[str, list[str]]
    teleop: dict[str, TeleopRecord]


def look_at_graph(
    contract: Contract, namespace: str, seconds: float, simulated: bool,
    left: Callable[[float], object] = lambda seconds: None,
) -> GraphLook:
    """Listen to a robot for a while.

    Args:
        contract: The contract with its topics.
        namespace: The robot's namespace.
        seconds: Time to listen.
        simulated: Follow ``/clock``.
        left: Called now and then with the time [s] that is left.
    """
    context = rclpy.Context()
    rclpy.init(context=context)
    node = Node('inril_doctor', context=context, namespace=namespace, parameter_overrides=[
        RosParameter('use_sim_time', value=simulated)])
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    try:
        listener, devices = _Listener(node, contract), _Devices(node, contract)
        end = time.monotonic() + seconds
        while (rest := end - time.monotonic()) > 0.0:
            executor.spin_once(timeout_sec=0.05)
            left(rest)
        return GraphLook(listener.records(), _pairs(node), {
            topic: sorted(publishing_nodes(node, node.resolve_topic_name(topic)).elements())
            for topic in published_topics(contract)}, devices.records())
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown(context=context)


class _Listener:
    """Subscribes to all topics of a contract, and decodes messages as a run does."""

    def __init__(self, node: Node, contract: Contract) -> None:
        self._node = node
        self._aligner = FrameAligner(contract, images=False)
        self._actions = tuple(contract.action_topics())
        self._by_action = {topic: kind for topic, kind in contract.action_topics().items()
                           if '/action/' in kind}
        cameras = {camera.topic: camera.type for camera in contract.cameras.values()}
        self._times: dict[str, list[tuple[float, float]]] = {}
        self._errors: dict[str, set[str]] = {}
        once = contract.latched_topics()
        for topic, kind in {**self._aligner.topics, **cameras}.items():
            self._times[topic], self._errors[topic] = [], set()
            try:
                kind_of = message_type(kind)
            except (ImportError, AttributeError) as error:
                self._errors[topic].add(f'{kind} is not installed here ({error})')
                continue
            node.create_subscription(
                kind_of, topic, partial(self._on_message, topic, kind_of),
                qos.STATE if topic in once else QoSProfile(
                    depth=10, reliability=ReliabilityPolicy.BEST_EFFORT), raw=True)

    def _on_message(self, topic: str, kind: type, raw: bytes) -> None:
        now = self._node.get_clock().now().nanoseconds
        try:
            message = read_message(raw, kind)
        except MessageRefused as error:
            self._errors[topic].add(str(error))
            return
        stamp = stamp_ns(message) if hasattr(message, 'header') else 0
        self._times[topic].append((now / 1e9, stamp / 1e9))
        if topic in self._aligner.topics:
            try:
                self._aligner.add(topic, message, now)
            except CodecError as error:
                self._errors[topic].add(str(error))

    def records(self) -> dict[str, TopicRecord]:
        """Return the measurements of each topic so far."""
        for topic, reason in self._aligner.missing().items():
            if self._times[topic]:  # messages come, but without something that is observed
                self._errors[topic].add(reason)
        return {topic: self._record(topic) for topic in (*self._times, *self._actions)}

    def _record(self, topic: str) -> TopicRecord:
        if topic in self._by_action:  # a gripper's action: its server subscribes
            name = f'{self._node.resolve_topic_name(topic)}/_action/send_goal'
            servers = sum(service == name
                          for service, _ in self._node.get_service_names_and_types())
            return TopicRecord((self._by_action[topic],), 0, servers)
        times = self._times.get(topic, [])
        # The node's own subscription has a type too: only the types of others count.
        ends = [*self._node.get_publishers_info_by_topic(topic)] if topic in self._times \
            else [*self._node.get_subscriptions_info_by_topic(topic)]
        types = tuple(dict.fromkeys(end.topic_type for end in ends))
        return TopicRecord(
            types, self._node.count_publishers(topic),
            sum(end.node_name != self._node.get_name()
                for end in self._node.get_subscriptions_info_by_topic(topic)),
            tuple(came for came, _ in times), tuple(stamp for _, stamp in times),
            tuple(sorted(self._errors.get(topic, ()))))


class _Devices:
    """Subscribes to the topics of teleop devices, and tells their sources apart."""

    def __init__(self, node: Node, contract: Contract) -> None:
        self._node, self._contract = node, contract
        self._topics = teleop_topics(contract)
        self._times: dict[str, dict[str, list[float]]] = {topic: {} for topic in self._topics}
        self._errors: dict[str, set[str]] = {topic: set() for topic in self._topics}
        for topic, kind in self._topics.items():
            kind_of = message_type(kind)
            node.create_subscription(
                kind_of, topic, partial(self._on_message, topic, kind_of), QoSProfile(
                    depth=10, reliability=ReliabilityPolicy.BEST_EFFORT), raw=True)

    def _on_message(self, topic: str, kind: type, raw: bytes) -> None:
        try:
            message = read_message(raw, kind)
        except MessageRefused as error:
            self._errors[topic].add(str(error))
            return
        reason = why_not(self._contract, topic, message)
        if reason:
            self._errors[topic].add(reason)
        source = source_of(message.header.frame_id)
        self._times[topic].setdefault(source, []).append(time.monotonic())

    def records(self) -> dict[str, TeleopRecord]:
        """Return the measurements of each topic so far."""
        return {topic: TeleopRecord(
            tuple(dict.fromkeys(
                end.topic_type for end in self._node.get_publishers_info_by_topic(topic))),
            self._node.count_publishers(topic),
            {source: tuple(times) for source, times in self._times[topic].items()},
            tuple(sorted(self._errors[topic]))) for topic in self._topics}


def _pairs(node: Node) -> list[Pair]:
    """Compare the QoS of every publisher with that of every subscription to its topic."""
    found: list[Pair] = []
    for topic, _ in node.get_topic_names_and_types():
        for publisher in node.get_publishers_info_by_topic(topic):
            for subscriber in node.get_subscriptions_info_by_topic(topic):
                if node.get_name() in (publisher.node_name, subscriber.node_name):
                    continue
                verdict, reason = qos_check_compatible(
                    publisher.qos_profile, subscriber.qos_profile)
                found.append((topic, publisher.node_name, subscriber.node_name,
                              reason if verdict == QoSCompatibility.ERROR else ''))
    return found


def send_large_message(size: int) -> float | None:
    """Send a message to another process of this machine and wait for its answer.

    Args:
        size: [byte] Size of the message.

    Returns:
        Round-trip time [s]; None if the message didn't arrive.
    """
    context = rclpy.Context()
    rclpy.init(context=context)
    node = Node('inril_doctor_sender', context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    answers: list[int] = []
    node.create_subscription(
        UInt32, _ECHO, lambda message: answers.append(message.data), qos.EVENT)
    publisher = node.create_publisher(UInt8MultiArray, _LARGE, qos.EVENT)
    other = subprocess.Popen([sys.executable, '-m', 'inril_ros.nodes.clients.graph_checkup'],
                             env={**os.environ, 'PYTHONWARNINGS': 'ignore'})
    try:
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and not (
                publisher.get_subscription_count() and node.count_publishers(_ECHO)):
            executor.spin_once(timeout_sec=0.05)
        began = time.monotonic()
        publisher.publish(UInt8MultiArray(data=bytes(size)))
        while time.monotonic() < end and size not in answers:
            executor.spin_once(timeout_sec=0.05)
        return time.monotonic() - began if size in answers else None
    finally:
        other.terminate()
        with suppress(subprocess.TimeoutExpired):
            other.wait(timeout=10.0)
        other.kill()  # it may hang at its end
        other.wait()
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown(context=context)


def answer_large_messages() -> None:
    """Answer each message with its size until terminated; runs in the other process."""
    # Without rclpy's handlers SIGTERM ends the process at once; with them it can also end in the
    # traceback of a wait on a context that was shut down a moment before.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = Node('inril_doctor_echo')
    publisher = node.create_publisher(UInt32, _ECHO, qos.EVENT)
    node.create_subscription(
        UInt8MultiArray, _LARGE,
        lambda message: publisher.publish(UInt32(data=len(message.data))), qos.EVENT)
    rclpy.spin(node)


if __name__ == '__main__':
    answer_large_messages()
