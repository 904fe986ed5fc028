# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Lists the topics of the running graph, with messages of each and what takes its commands."""

from collections.abc import Callable
from contextlib import suppress
import time
from typing import Any

from rcl_interfaces.srv import GetParameters
import rclpy
from rclpy.client import Client
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python
from rclpy.qos import QoSProfile, ReliabilityPolicy

from inril_ros.nodes.base.message_types import message_type
from inril_ros.nodes.base.serialised_messages import MessageRefused, read_message
from inril_ros.robot.draft.image_look import depth_seen, image_size
from inril_ros.robot.draft.roles import IMAGES, JOINT_COMMANDS
from inril_ros.robot.draft.topic_seen import MOST_MESSAGES, TopicSeen

_OWN = ('/rosout', '/parameter_events', '/clock')
_ANSWER = 1.0  # [s] within which a controller says what its joints are
_ASKED = ('joints', 'interface_name', 'command_interfaces')


def survey_graph(seconds: float, clock: Callable[[], float] = time.monotonic) -> list[TopicSeen]:
    """Return the topics of the graph, with the messages that are published meanwhile.

    Args:
        seconds: Time to listen.
        clock: Returns the time [s].
    """
    context = rclpy.Context()
    rclpy.init(context=context)
    node = Node('contract_draft', context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    try:
        samples = _listen(node, executor, seconds, clock)
        return [_seen(node, executor, name, types[0], samples.get(name, []))
                for name, types in node.get_topic_names_and_types() if name not in _OWN]
    finally:
        executor.remove_node(node)
        node.destroy_node()
        rclpy.shutdown(context=context)


def _listen(
    node: Node, executor: SingleThreadedExecutor, seconds: float, clock: Callable[[], float],
) -> dict[str, list[tuple[float, Any]]]:
    samples: dict[str, list[tuple[float, Any]]] = {}
    end = clock() + seconds
    while clock() < end:
        for name, types in node.get_topic_names_and_types():
            if name not in samples and name not in _OWN and node.count_publishers(name):
                samples[name] = []
                _subscribe(node, name, types[0], samples[name], clock)
        executor.spin_once(timeout_sec=min(0.05, max(0.0, end - clock())))
    return samples


def _subscribe(
    node: Node, name: str, kind: str, samples: list[tuple[float, Any]], clock: Callable[[], float],
) -> None:
    def receive(raw: bytes) -> None:
        if len(samples) < MOST_MESSAGES:
            # The time of each image is counted, its content is not kept.
            counted = samples and kind in IMAGES
            with suppress(MessageRefused):  # the topic is listed without this message
                samples.append((clock(), None if counted else read_message(raw, kind_of)))

    try:
        kind_of = message_type(kind)
    except ValueError:
        return  # its package is not installed here; the topic is listed without a message
    node.create_subscription(
        kind_of, name, receive, QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT),
        raw=True)


def _seen(
    node: Node, executor: SingleThreadedExecutor, name: str, kind: str,
    samples: list[tuple[float, Any]],
) -> TopicSeen:
    ours = 1 if any(entry.topic_name == name for entry in node.subscriptions) else 0
    rate = 0.0
    if len(samples) > 2 and samples[-1][0] > samples[0][0]:
        rate = (len(samples) - 1) / (samples[-1][0] - samples[0][0])
    first = samples[0][1] if samples else None
    awaited = node.count_subscribers(name) > ours
    told = _receiver(node, executor, name) if awaited and kind in JOINT_COMMANDS else {}
    interfaces = told.get('command_interfaces') or [told.get('interface_name')]
    return TopicSeen(
        name, kind, tuple((at, message) for at, message in samples if message is not None),
        node.count_publishers(name) > 0, awaited, rate, image_size(first), depth_seen(first),
        tuple(told.get('joints') or ()), str(interfaces[0] or '') if len(interfaces) == 1 else '')


def _receiver(
    node: Node, executor: SingleThreadedExecutor, topic: str,
) -> dict[str, Any]:
    """Return the parameters of the controller that receives a topic; empty if not one says them.

    Controllers of ros2_control are nodes, and have their joints as a parameter.
    """
    found = []
    for entry in node.get_subscriptions_info_by_topic(topic):
        if entry.node_name == node.get_name():
            continue
        space = entry.node_namespace.rstrip('/')
        client = node.create_client(GetParameters, f'{space}/{entry.node_name}/get_parameters')
        try:
            told = {}
            if client.wait_for_service(_ANSWER):
                told = {name: _parameter(client, executor, name) for name in _ASKED}
            if isinstance(told.get('joints'), list) and told['joints']:
                found.append(told)
        finally:
            node.destroy_client(client)
    return found[0] if len(found) == 1 else {}


def _parameter(client: Client, executor: SingleThreadedExecutor, name: str) -> Any:
    """Return the value of a parameter; None if the node hasn't declared it.

    Asked for several at once, a node says nothing if it lacks one of them.
    """
    answer = client.call_async(GetParameters.Request(names=[name]))
    executor.spin_until_future_complete(answer, _ANSWER)
    values = answer.result().values if answer.done() and answer.result() else ()
    return parameter_value_to_python(values[0]) if values else None
