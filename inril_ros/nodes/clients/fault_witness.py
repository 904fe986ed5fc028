# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A client of a graph that records what happens in it, and acts in a person's place.

It spins in a thread of its own, so that its user may wait for, or kill, any process. Commands are
timed by the stamp that DDS gives them in the process that sends them.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
import threading
import time
from typing import Any
from uuid import uuid4

import numpy as np
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient
from rclpy.signals import SignalHandlerOptions
from rosgraph_msgs.msg import Clock as ClockMessage
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool, Trigger

from inril_ros.msg import (
    ActuationStatus,
    EpisodeEvent,
    EpisodeRequest,
    ExecutedAction,
    LearnerStatus,
    Outcome,
    PolicyStatus,
    PolicyWeights,
    RecorderStatus,
    TransitionAck,
    WeightsManifest,
)
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.belonging import why_foreign
from inril_ros.nodes.base.message_types import message_type
from inril_ros.nodes.clients.weights_relay import WeightsRelay
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.codecs import CodecError
from inril_ros.robot.messages.commands import decode_command

_CLOCK_STEP = 0.005  # [s]
_STATUSES = {'actuation_node': (ActuationStatus, 'actuation/status'),
             'policy_node': (PolicyStatus, 'policy/status'),
             'recorder_node': (RecorderStatus, 'recorder/status'),
             'learner_node': (LearnerStatus, 'learner/status')}


@dataclass(frozen=True, eq=False)
class Command:
    """A command or a measured pose: time sent [ns], action of the contract, values (A_i,)."""

    sent: int
    action: str
    values: np.ndarray


@dataclass(frozen=True)
class Tick:
    """A reported tick: time sent [ns], episode, number, source and version of the weights."""

    sent: int
    episode_id: str
    tick: int
    source: int
    weights_version: int


@dataclass(frozen=True)
class Sent:
    """A message with the time [ns] at which it was sent."""

    sent: int
    message: Any


class FaultWitness:
    """Records commands, ticks, events and statuses; requests and judges episodes.

    Args:
        relayed: Put a ``WeightsRelay`` between learner and policy.
        clock: Publish the graph's clock.
        pieces: Subscribe to the pieces of weights too. Over UDP a burst of them fills the buffer
            in which commands arrive, and a command lost there looks as if it was never sent.

    Attributes:
        commands, measured, ticks, events: All records so far, in the order of their arrival.
        announced: Versions of the weights whose manifest has come.
        relay: The relay; None without ``relayed``.
        on_piece, on_acknowledged: Called in the witness's thread, for faults that must be quick.
        clock_offset: [s] Offset of the graph's clock to the machine's.
        clock_stopped: Whether the graph's clock stands still.
    """

    def __init__(self, contract: Contract, run_id: str, domain_id: int, relayed: bool = False,
                 clock: bool = False, pieces: bool = True) -> None:
        self._contract, self._run_id = contract, run_id
        self.commands: list[Command] = []
        self.measured: list[Command] = []
        self.ticks: list[Tick] = []
        self.events: list[Sent] = []
        self.announced: set[int] = set()
        self._statuses: dict[str, Sent] = {}
        self.on_piece: Callable[[PolicyWeights], None] | None = None
        self.on_acknowledged: Callable[[int], None] | None = None
        self.clock_offset, self.clock_stopped = 0.0, False
        self._closing = threading.Event()
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain_id,
                   signal_handler_options=SignalHandlerOptions.NO)
        self._node = node = rclpy.create_node(
            'fault_witness', context=self._context, enable_rosout=False)
        self._request = node.create_publisher(EpisodeRequest, 'episode/request', qos.EVENT)
        self._verdict = node.create_publisher(
            Outcome, contract.episode.outcome_topic, qos.LOCKSTEP)
        self._clients: dict[str, Any] = {}
        self._arm: AsyncParameterClient | None = None
        self.relay = WeightsRelay(node) if relayed else None
        self._listen()
        if pieces:
            node.create_subscription(PolicyWeights, 'weights/pieces', self._on_piece, qos.EVENT)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(node)
        self._threads = [threading.Thread(target=self._spin, daemon=True)]
        if clock:
            self._clock = node.create_publisher(ClockMessage, '/clock', qos.COMMAND)
            self._threads.append(threading.Thread(target=self._publish_clock, daemon=True))
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> 'FaultWitness':
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the graph."""
        self._closing.set()
        for thread in self._threads:
            thread.join()
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    # Records.

    def _listen(self) -> None:
        node = self._node
        for topic, kind in self._contract.action_topics().items():
            entries = {name: entry for name, entry in self._contract.actions.items()
                       if entry.topic == topic}
            node.create_subscription(
                message_type(kind), topic,
                lambda message, info, entries=entries: self._on_command(entries, message, info),
                qos.RECORD)
        for topic, kind in self._contract.observation_topics().items():
            if kind == 'sensor_msgs/msg/JointState':
                node.create_subscription(
                    JointState, topic,
                    lambda message, info, topic=topic: self._on_joints(topic, message, info),
                    qos.SENSOR)
        node.create_subscription(ExecutedAction, 'executed_action', self._on_tick, qos.RECORD)
        node.create_subscription(EpisodeEvent, 'episode/event', self._on_event, qos.EVENT)
        node.create_subscription(
            WeightsManifest, 'weights/manifest',
            lambda message: self.announced.add(message.version), qos.MANIFEST)
        node.create_subscription(
            TransitionAck, 'transition_ack', self._on_ack, qos.EXPERIENCE)
        for name, (kind, topic) in _STATUSES.items():
            node.create_subscription(
                kind, topic,
                lambda message, info, name=name: self._on_status(name, message, info), qos.STATE)

    def _on_command(self, entries: dict[str, Any], message: Any, info: dict) -> None:
        for name, entry in entries.items():
            with suppress(CodecError):
                self.commands.append(Command(
                    info['source_timestamp'], name, decode_command(message, entry)))

    def _on_joints(self, topic: str, message: JointState, info: dict) -> None:
        position = dict(zip(message.name, message.position))
        for name, entry in self._contract.actions.items():
            measured = {place.topic for place in self._contract.places(name)} == {topic}
            if measured and all(joint in position for joint in entry.joints):
                self.measured.append(Command(info['source_timestamp'], name, np.array(
                    [position[joint] for joint in entry.joints])))

    def _on_tick(self, message: ExecutedAction, info: dict) -> None:
        self.ticks.append(Tick(info['source_timestamp'], message.episode_id, message.tick,
                               message.source, message.weights_version))

    def _on_event(self, message: EpisodeEvent, info: dict) -> None:
        if why_foreign(message, self._run_id, self._contract.hash):
            return  # a fault
        self.events.append(Sent(info['source_timestamp'], message))

    def _on_piece(self, message: PolicyWeights) -> None:
        if self.on_piece is not None:
            self.on_piece(message)

    def _on_ack(self, message: TransitionAck) -> None:
        if self.on_acknowledged is not None:
            self.on_acknowledged(message.sequence)

    def _on_status(self, name: str, message: Any, info: dict) -> None:
        self._statuses[name] = Sent(info['source_timestamp'], message)

    def status(self, node: str, since: int = 0) -> Any:
        """Return a node's last status; None if it sent none since a time [ns]."""
        last = self._statuses.get(node)
        return last.message if last is not None and last.sent >= since else None

    def forget(self) -> None:
        """Drop the records."""
        self.commands, self.measured, self.ticks, self.events = [], [], [], []

    def event(self, episode_id: str, *kinds: int) -> EpisodeEvent | None:
        """Return the first event of these kinds in an episode; None if there is none."""
        messages = [event.message for event in list(self.events)]
        return next((message for message in messages
                     if message.episode_id == episode_id and message.event in kinds), None)

    def driven(self, episode_id: str, since: int) -> bool:
        """Return whether the policy has commanded in an episode since a time [ns]."""
        return any(tick.source == ExecutedAction.POLICY and tick.sent >= since
                   and tick.episode_id == episode_id for tick in self.ticks[-100:])

    # Actions.

    def request(self) -> str:
        """Request an episode; return its UUID."""
        episode_id = str(uuid4())
        self._request.publish(EpisodeRequest(
            run_id=self._run_id, episode_id=episode_id, purpose=EpisodeRequest.ROLLOUT,
            explore=True, seed=len(self.events), task='faults'))
        return episode_id

    def judge(self, stamp: int) -> None:
        """Judge the running episode a success, at a stamp [ns] of the graph's clock."""
        verdict = Outcome(outcome=Outcome.SUCCESS, reward=1.0)
        verdict.header.stamp.sec, verdict.header.stamp.nanosec = divmod(stamp, 1_000_000_000)
        self._verdict.publish(verdict)

    def call(self, service: str, data: bool | None = None) -> Callable[[], Any]:
        """Call a Trigger, or with ``data`` a SetBool.

        Returns:
            A function that returns the answer; None before it has come, or if there is no service.
        """
        kind = Trigger if data is None else SetBool
        client = self._clients.get(service)
        if client is None:
            client = self._clients[service] = self._node.create_client(kind, service)
        if not client.service_is_ready():
            return lambda: None
        future = client.call_async(kind.Request() if data is None else kind.Request(data=data))
        return lambda: future.result() if future.done() else None

    def set_arm_fault(self, fault: str) -> Callable[[], bool]:
        """Set the mock arm's fault, empty: none; return a function that says whether it is set."""
        if self._arm is None:
            self._arm = AsyncParameterClient(self._node, 'mock_arm_node')
        if not self._arm.services_are_ready():
            return lambda: False
        future = self._arm.set_parameters([Parameter('fault', value=fault)])
        return lambda: future.done() and future.result().results[0].successful

    def now(self) -> int:
        """Return the time [ns] of the graph."""
        return time.time_ns() + round(1e9 * self.clock_offset)

    def _spin(self) -> None:
        while not self._closing.is_set():
            self._executor.spin_once(timeout_sec=0.1)

    def _publish_clock(self) -> None:
        while not self._closing.wait(_CLOCK_STEP):
            if not self.clock_stopped:
                message = ClockMessage()
                message.clock.sec, message.clock.nanosec = divmod(self.now(), 1_000_000_000)
                self._clock.publish(message)
