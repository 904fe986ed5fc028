# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Asks for episodes, one after the other, and waits for what comes of them.

The ``inril`` command drives a running graph with it; a person with ``ros2 topic pub`` could do the
same. It never waits in silence: whoever uses it passes a function that raises when a process of
the graph has died, and each wait has a limit.
"""

from collections.abc import Callable
from dataclasses import dataclass
import time
from types import TracebackType
from typing import Any

import rclpy
from rclpy.client import Client
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient
from std_srvs.srv import Trigger

from inril_ros.msg import (
    ActuationStatus,
    EpisodeEvent,
    EpisodeRequest,
    LearnerStatus,
    PolicyStatus,
    RecorderStatus,
)
from inril_ros.nodes import qos
from inril_ros.nodes.links import describe_links, shortfalls
from inril_ros.robot.codecs import stamp_ns
from inril_ros.robot.episode import EpisodeOutcome, Purpose

_SAVE_TIMEOUT = 60.0  # [s] the recorder gives up long before
_EVENTS = {
    EpisodeEvent.ENDED: 'actuation_node that it ended',
    EpisodeEvent.REFUSED: 'that it was refused',
    EpisodeEvent.SAVED: 'recorder_node that it was saved',
    EpisodeEvent.DISCARDED: 'that it was discarded'}

# Clients of graphs that broke, until the process ends: Fast DDS crashes now and then when a
# participant is deleted at the moment at which others die.
_BROKEN_OFF: list['Conductor'] = []


class GraphStalled(RuntimeError):
    """The graph runs but doesn't do what was asked for; the message says what is missing."""


@dataclass(frozen=True)
class EpisodeResult:
    """What came of an episode.

    Attributes:
        episode_id: UUID.
        outcome: How it ended.
        ticks: Executed actions.
        saved: The recorder kept it.
        reason: What was said about it: the bag's path, or why it was aborted or discarded.
        wall_seconds: [s] From request to end.
        weights_version: Version that was acting when it ended.
        sequence: Transitions journaled when it was saved.
    """

    episode_id: str
    outcome: EpisodeOutcome
    ticks: int
    saved: bool
    reason: str
    wall_seconds: float
    weights_version: int
    sequence: int

    @property
    def success(self) -> bool:
        """Say whether it succeeded."""
        return self.outcome is EpisodeOutcome.SUCCESS


class Conductor:
    """A client of one robot's graph.

    As a context manager it leaves the graph in the end; after an exception it stays in it until
    the process ends, which should end by ``os._exit``.

    Args:
        run_id: UUID of the run.
        task: Name of the task, kept with the data.
        domain_id: ROS domain of the graph; None: that of the environment.
        namespace: ROS namespace of the robot.
        check: Called while waiting; raises when a process of the graph has died.
        listen: Called with each status of a node.
        most_aborted: Episodes aborted in a row that are borne, since a person may abort one.
        scene_node: Takes the seed of the next reset.
    """

    def __init__(
        self, run_id: str, task: str, domain_id: int | None = None, namespace: str = '',
        check: Callable[[], None] = lambda: None,
        listen: Callable[[Any], None] = lambda status: None, most_aborted: int = 2,
        scene_node: str = 'sim_node',
    ) -> None:
        self._run_id = run_id
        self._task = task
        self._check = check
        self._listen = listen
        self._most_aborted = most_aborted
        self._scene_node = scene_node
        self._aborted = 0
        self._context = Context()
        rclpy.init(args=['--ros-args', '--enclave', '/inril/conductor'],
                   context=self._context, domain_id=domain_id,
                   signal_handler_options=rclpy.signals.SignalHandlerOptions.NO)
        self._node = rclpy.create_node(
            'conductor', namespace=namespace, context=self._context, enable_rosout=False)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._events: dict[tuple[str, int], EpisodeEvent] = {}
        self.actuation: ActuationStatus | None = None
        self.policy: PolicyStatus | None = None
        self.learner: LearnerStatus | None = None
        self.recorder: RecorderStatus | None = None
        self._request = self._node.create_publisher(EpisodeRequest, 'episode/request', qos.EVENT)
        self._node.create_subscription(EpisodeEvent, 'episode/event', self._event, qos.EVENT)
        for kind, topic, name in ((ActuationStatus, 'actuation/status', 'actuation'),
                                  (PolicyStatus, 'policy/status', 'policy'),
                                  (RecorderStatus, 'recorder/status', 'recorder'),
                                  (LearnerStatus, 'learner/status', 'learner')):
            self._node.create_subscription(
                kind, topic, lambda message, name=name: self._status(name, message), qos.STATE)
        self._clients: dict[str, Any] = {}

    def __enter__(self) -> 'Conductor':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._executor.shutdown()
            _BROKEN_OFF.append(self)

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def wait_ready(self, nodes: tuple[str, ...], timeout: float = 90.0) -> None:
        """Wait until the named nodes are there and can work together.

        Args:
            nodes: Names of nodes of the graph, for example ``('actuation_node', 'policy_node')``.
            timeout: [s] How long, by a steady clock.

        Raises:
            GraphStalled: One of them isn't ready in time; the message says which.
        """
        limit = time.monotonic() + timeout
        while missing := self._missing(nodes):
            if time.monotonic() > limit:
                reasons = '; '.join(f'{name}: {reason}' for name, reason in missing.items())
                raise GraphStalled(f'not ready after {timeout:.0f} s: {reasons}')
            self._wait_once()
        self._wait(lambda: self.actuation is not None, timeout, lambda: 'the actuation is silent')
        if 'learner_node' in nodes:
            self._wait(lambda: self.learner is not None, timeout, lambda: 'the learner is silent')
        if 'policy_node' in nodes:
            self._wait(lambda: self.policy is not None, timeout, lambda: 'the policy is silent')

    def _missing(self, nodes: tuple[str, ...]) -> dict[str, str]:
        """Return what each node that isn't ready lacks."""
        missing, links = {}, {'conductor': describe_links(self._node)}
        for name in nodes:
            ready, text = self._ask_ready(name)
            (links if ready else missing)[name] = text
        return missing or shortfalls(links)

    def _ask_ready(self, name: str) -> tuple[bool, str]:
        """Return whether a node is ready, and its links or what it lacks."""
        client = self._trigger(f'{name}/ready')
        if not client.service_is_ready():
            return False, 'not there yet'
        future = client.call_async(Trigger.Request())
        limit = time.monotonic() + 2.0
        while not future.done() and time.monotonic() < limit:
            self._wait_once()
        if not future.done():
            client.remove_pending_request(future)
            return False, 'does not answer'
        answer = future.result()
        return answer.success, answer.message or 'not configured'

    def run_episode(
        self, episode_id: str, purpose: Purpose, seed: int, scene_seed: int | None = None,
        explore: bool = False, operator_name: str = '', timeout: float = 300.0,
    ) -> EpisodeResult:
        """Ask for one episode and wait for its end, and for the recorder if it records it.

        Args:
            episode_id: UUID of the episode.
            purpose: What it is for.
            seed: Of everything random in it but the scene.
            scene_seed: Of the simulator's reset; None: leave it alone (a real robot).
            explore: The policy may add exploration noise.
            operator_name: Who drives, kept with the data.
            timeout: [s] By a steady clock.

        Raises:
            GraphStalled: It was refused, didn't end in time, or was one aborted too many.
        """
        began = time.monotonic()
        if scene_seed is not None:
            self._set_scene_seed(scene_seed)
        self._events.clear()
        ticks_before = self.actuation.ticks
        self._request.publish(EpisodeRequest(
            run_id=self._run_id, episode_id=episode_id, purpose=purpose.value, explore=explore,
            seed=seed, task=self._task, operator_name=operator_name))
        ended = self._await_event(episode_id, (EpisodeEvent.ENDED, EpisodeEvent.REFUSED), timeout)
        if ended.event == EpisodeEvent.REFUSED:
            raise GraphStalled(f'episode {episode_id} refused: {ended.reason}')
        seconds = time.monotonic() - began
        self._aborted = self._aborted + 1 if ended.outcome == EpisodeEvent.ABORTED else 0
        if self._aborted > self._most_aborted:
            raise GraphStalled(f'episode {episode_id} aborted: {ended.reason}')
        kept = ended
        if purpose is not Purpose.EVALUATION:
            kept = self._await_event(
                episode_id, (EpisodeEvent.SAVED, EpisodeEvent.DISCARDED), _SAVE_TIMEOUT)
        # Topics are not ordered among each other: the counts may come after the event.
        self._wait(lambda: self.actuation.ticks - ticks_before >= ended.tick, timeout,
                   lambda: f'actuation_node counts {self.actuation.ticks} ticks')
        return EpisodeResult(
            episode_id, EpisodeOutcome(ended.outcome), ended.tick,
            kept.event == EpisodeEvent.SAVED, kept.reason, seconds,
            self.policy.weights_version if self.policy else 0, kept.sequence)

    def wait_first_weights(self, timeout: float = 600.0) -> None:
        """Wait until weights of the learner act, and no longer the model on disk.

        A host may act by another kind of policy than the clone that it began with.

        Raises:
            GraphStalled: The policy refused them, or they do not come.
        """
        self._wait(lambda: self.policy.weights_version or self.policy.refused_version, timeout,
                   lambda: f'no weights of the learner act: {self.policy.refusal}')
        if not self.policy.weights_version:
            raise GraphStalled(f"the learner's first weights were refused: {self.policy.refusal}")

    def _applied(self) -> bool:
        """Return whether the newest weights act, or never will."""
        return self.policy.pinned or self.learner.weights_version <= max(
            self.policy.weights_version, self.policy.refused_version)

    def wait_learner(self, lag: int, applied: bool = False, timeout: float = 600.0) -> None:
        """Wait until the learner has at most ``lag`` updates left to do.

        Args:
            lag: RL updates that may be due.
            applied: Wait too until the policy acts with the last published weights, or has
                refused them for good.
            timeout: [s] Without any progress of the learner.
        """
        def progress() -> tuple[int, int, int]:
            status, policy = self.learner, self.policy
            return status.rl_updates, status.sequence, policy.weights_version

        def done() -> bool:
            return self.learner.updates_due <= lag and (not applied or self._applied())

        before, since = progress(), time.monotonic()
        while not done():
            self._wait_once()
            if progress() != before:
                before, since = progress(), time.monotonic()
            if time.monotonic() - since > timeout:
                raise GraphStalled(f'the learner makes no progress: {self.learner}')

    def wait_ingested(self, sequence: int, timeout: float = 60.0) -> None:
        """Wait until the learner has every transition up to a sequence number."""
        self._wait(lambda: self.learner.sequence >= sequence, timeout,
                   lambda: f'the learner has transitions up to {self.learner.sequence}, '
                           f'{sequence} are journaled')

    def wait_acknowledged(self, timeout: float = 60.0) -> None:
        """Wait until the recorder knows that the learner has everything."""
        self._wait(lambda: self.recorder.acknowledged >= self.recorder.journaled, timeout,
                   lambda: f'{self.recorder.acknowledged} of {self.recorder.journaled} '
                           'transitions are acknowledged')

    def call(self, service: str, timeout: float = 60.0) -> str:
        """Call a std_srvs/Trigger service; return its message.

        Raises:
            GraphStalled: It isn't there, doesn't answer, or answers no.
        """
        client = self._trigger(service)
        self._wait(client.service_is_ready, timeout, lambda: f'service {service} is not there')
        future = client.call_async(Trigger.Request())
        self._wait(future.done, timeout, lambda: f'service {service} does not answer')
        if not future.result().success:
            raise GraphStalled(f'service {service}: {future.result().message}')
        return future.result().message

    def _trigger(self, service: str) -> Client:
        client = self._clients.get(service)
        if client is None:
            client = self._clients[service] = self._node.create_client(Trigger, service)
        return client

    def _set_scene_seed(self, seed: int) -> None:
        name = self._scene_node
        client = self._clients.get(name)
        if client is None:
            client = self._clients[name] = AsyncParameterClient(self._node, name)
        self._wait(client.services_are_ready, 30.0, lambda: f'{name} does not take parameters')
        future = client.set_parameters([Parameter('next_seed', value=seed)])
        self._wait(future.done, 30.0, lambda: f'{name} does not answer')
        if not future.result().results[0].successful:
            raise GraphStalled(f'next_seed refused: {future.result().results[0].reason}')

    def _await_event(
        self, episode_id: str, events: tuple[int, ...], timeout: float,
    ) -> EpisodeEvent:
        def found() -> EpisodeEvent | None:
            return next((self._events[episode_id, event] for event in events
                         if (episode_id, event) in self._events), None)
        names = ' or '.join(_EVENTS[event] for event in events)
        self._wait(lambda: found() is not None, timeout,
                   lambda: f'episode {episode_id}: no word from {names}; actuation_node says: '
                           f'{self.actuation.reason}')
        return found()

    def _event(self, message: EpisodeEvent) -> None:
        self._events[message.episode_id, message.event] = message

    def _status(self, name: str, message: Any) -> None:
        previous = getattr(self, name)
        if previous is None or stamp_ns(message) >= stamp_ns(previous):
            setattr(self, name, message)
        self._listen(message)

    def _wait(
        self, done: Callable[[], bool], timeout: float, complaint: Callable[[], str],
    ) -> None:
        limit = time.monotonic() + timeout
        while not done():
            self._wait_once()
            if time.monotonic() > limit:
                raise GraphStalled(f'{complaint()} (waited {timeout:.0f} s)')

    def _wait_once(self) -> None:
        self._executor.spin_once(timeout_sec=0.1)
        self._check()
