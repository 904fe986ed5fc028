# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A client of one robot's graph: its nodes' statuses, their readiness and their services.

Each wait ends when the caller's ``check`` reports that a process of the graph has died. Beside
that it has a time limit, or, where a person attends the robot, none: then it is told what is
missing, until somebody has mended it.
"""

from collections.abc import Callable, Iterable
from functools import partial
import time
from types import TracebackType
from typing import Any, TypeVar

import rclpy
from rclpy.client import Client
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from std_srvs.srv import SetBool, Trigger

from inril_ros.msg import ActuationStatus, LearnerStatus, PolicyStatus, RecorderStatus
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.endpoints import describe_endpoints, NOT_CONFIGURED, unmatched_endpoints
from inril_ros.nodes.base.guarded_node import GuardedNode
from inril_ros.nodes.clients.person_wait import obstacle, ToldWaits, Wait
from inril_ros.nodes.clients.start_patience import StartPatience
from inril_ros.nodes.dds.several_participants import delivered_as_among_processes
from inril_ros.robot.messages.codecs import stamp_ns

_Client = TypeVar('_Client', bound='GraphClient')
_NOT_STARTED, _SILENT = 'not started yet', 'does not answer'
_STARTING = (_NOT_STARTED, _SILENT, NOT_CONFIGURED)
_ASK_AGAIN = 0.2  # [s] between two questions whether nodes are ready, which cost both sides
_QUIET = 10.0  # [s] after which it is told what is waited for
#: [s] Statuses come every second; one whose stamp nothing reaches for so long has a wrong stamp.
_OUTDATED = 3.0
# Clients of broken graphs, kept until the process ends: Fast DDS sometimes crashes when a
# participant is deleted at the moment when others die.
_ABANDONED: list['GraphClient'] = []


class GraphStalled(RuntimeError):
    """The graph runs but doesn't do what was requested; the message says what is missing."""


class GraphClient:
    """A node beside one robot's graph.

    As a context manager it leaves the graph at the end. After an exception it stays in the graph
    until the process ends, which should end by ``os._exit``.

    Args:
        name: Name of the node and of its enclave.
        domain_id: ROS domain of the graph; None: that of the environment.
        namespace: ROS namespace of the robot.
        check: Called while waiting; raises when a process of the graph has died, and returns the
            names of those that were started again.
        listen: Called with each status of a node.
        attended: A person attends the robot: no wait has a time limit.
        say: Takes a line about what is waited for, and when it goes on.
        clock: Returns the time [s].
        arguments: Command line with the node's name, namespace and enclave; None: those above.

    Attributes:
        say: See above.
        actuation: Last status of the actuation node; None: none yet.
        policy: Last status of the policy node.
        learner: Last status of the learner.
        recorder: Last status of the recorder.
    """

    def __init__(
        self, name: str, domain_id: int | None = None, namespace: str = '',
        check: Callable[[], Iterable[str]] = lambda: (),
        listen: Callable[[Any], None] = lambda status: None, attended: bool = False,
        say: Callable[[str], None] = lambda text: None,
        clock: Callable[[], float] = time.monotonic, arguments: list[str] | None = None,
    ) -> None:
        self._name = name
        self._namespace = namespace
        self._attended = attended
        self._clock = clock
        self.say = say
        self._told = ToldWaits(lambda text: self.say(text), clock=clock)
        self._check = check
        self._listen = listen
        self._context = Context()
        rclpy.init(args=arguments or ['--ros-args', '--enclave', f'/inril/{name}'],
                   context=self._context, domain_id=domain_id,
                   signal_handler_options=rclpy.signals.SignalHandlerOptions.NO)
        with delivered_as_among_processes():
            self._node = GuardedNode(
                name, namespace=namespace, context=self._context, enable_rosout=False)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self.actuation: ActuationStatus | None = None
        self.policy: PolicyStatus | None = None
        self.learner: LearnerStatus | None = None
        self.recorder: RecorderStatus | None = None
        for kind, topic, role in ((ActuationStatus, 'actuation/status', 'actuation'),
                                  (PolicyStatus, 'policy/status', 'policy'),
                                  (RecorderStatus, 'recorder/status', 'recorder'),
                                  (LearnerStatus, 'learner/status', 'learner')):
            self._node.create_subscription(
                kind, topic, lambda message, role=role: self._on_status(role, message), qos.STATE)
        self._clients: dict[str, Any] = {}
        self._ready_again: Callable[[], None] = lambda: None
        self._restarted: set[str] = set()
        self._unready = False  # a node may wait for something: it is asked before an episode
        self._arrived: dict[str, float] = {}  # time of the last status, by node
        self._heard = clock()  # the last status of the actuation node

    def __enter__(self: _Client) -> _Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._executor.shutdown()
            _ABANDONED.append(self)

    @property
    def node(self) -> GuardedNode:
        """The node beside the graph."""
        return self._node

    def spin(self) -> None:
        """Take what has come, and wait a moment for more."""
        self._wait_once()

    @property
    def attended(self) -> bool:
        """Whether a person attends the robot."""
        return self._attended

    def close(self) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._node.destroy_node()
        self._context.try_shutdown()

    def wait_ready(
        self, nodes: tuple[str, ...], timeout: float = 90.0,
        cpu_seconds: Callable[[Iterable[str]], float] = lambda names: 0.0,
    ) -> None:
        """Wait until the named nodes are ready and have met each other.

        Args:
            nodes: Names of nodes of the graph, for example ``('actuation_node', 'policy_node')``.
            timeout: [s] Longest wait in which nothing happens, by a steady clock.
            cpu_seconds: Returns the CPU time that nodes have used, which shows that they are
                being started however slowly; by default only what is ready shows it. Where a
                person attends the robot, only nodes that are being started have this limit: what
                those that run lack, a person can give.

        Raises:
            GraphStalled: A node isn't ready, and nothing happens any more; the message says which
                one.
        """
        self._ready_again = partial(self.wait_ready, nodes, timeout, cpu_seconds)
        patience = StartPatience(timeout, self._clock())
        while missing := self._missing(nodes):
            starting = frozenset(name for name, text in missing.items() if text in _STARTING)
            reasons = '; '.join(f'{name}: {reason}' for name, reason in missing.items())
            over = patience.is_over(len(missing), starting, cpu_seconds(starting), self._clock())
            if over and (starting or not self._attended):
                raise GraphStalled(
                    f'not ready, and nothing has happened for {timeout:.0f} s: {reasons}')
            self._note_wait(self._obstacle() or Wait(reasons))
            asked_again = time.monotonic() + _ASK_AGAIN
            while time.monotonic() < asked_again:
                self._wait_once()
        self._note_wait(None)
        roles = ['actuation', *(
            role for role in ('learner', 'policy')
            if f'{role}_node' in {name.rpartition('/')[2] for name in nodes})]

        def silent() -> list[str]:
            return [role for role in roles if getattr(self, role) is None]
        self._wait(lambda: not silent(), timeout, lambda: f'no status of {", ".join(silent())}')

    def _missing(self, nodes: tuple[str, ...]) -> dict[str, str]:
        """Return what is missing by node."""
        missing, endpoints = {}, {self._name: describe_endpoints(self._node)}
        for name in nodes:
            ready, text = self._ask_ready(name)
            (endpoints if ready else missing)[name] = text
        return missing or unmatched_endpoints(endpoints)

    def _ask_ready(self, name: str) -> tuple[bool, str]:
        """Return whether a node is ready, and its endpoints or what is missing."""
        client = self._client(Trigger, f'{name}/ready')
        if not client.service_is_ready():
            return False, _NOT_STARTED
        future = client.call_async(Trigger.Request())
        limit = time.monotonic() + 2.0
        while not future.done() and time.monotonic() < limit:
            self._wait_once()
        if not future.done():
            client.remove_pending_request(future)
            return False, _SILENT
        answer = future.result()
        return answer.success, answer.message or NOT_CONFIGURED

    def call(self, service: str, timeout: float = 60.0, data: bool | None = None) -> str:
        """Call a std_srvs/Trigger service, or with ``data`` a SetBool; return its message.

        Raises:
            GraphStalled: It is missing, doesn't answer, or answers no.
        """
        client = self._client(Trigger if data is None else SetBool, service)
        self._wait(client.service_is_ready, timeout, lambda: f'service {service} is missing')
        future = client.call_async(
            Trigger.Request() if data is None else SetBool.Request(data=data))
        self._wait(future.done, timeout, lambda: f'service {service} does not answer')
        if not future.result().success:
            raise GraphStalled(f'service {service}: {future.result().message}')
        return future.result().message

    def _client(self, kind: type, service: str) -> Client:
        client = self._clients.get(service)
        if client is None:
            client = self._clients[service] = self._node.create_client(kind, service)
        return client

    def _on_status(self, name: str, message: Any) -> None:
        if name == 'actuation':
            self._heard = self._clock()
        previous, now = getattr(self, name), self._clock()
        # The last status of a process that died may come late. But if none is newer for so long,
        # it is the stamp of the previous one that is wrong.
        if previous is None or stamp_ns(message) >= stamp_ns(previous) \
                or now - self._arrived[name] > _OUTDATED:
            setattr(self, name, message)
            self._arrived[name] = now
        if name == 'policy' and not message.ready:  # it is waited for before the next episode
            self._unready = True
        self._listen(message)

    def _wait(
        self, done: Callable[[], bool], timeout: float, complaint: Callable[[], str],
        elapsed: Callable[[], float] | None = None,
    ) -> None:
        began = self._clock()
        while not done():
            self._wait_once()
            waited = elapsed() if elapsed else self._clock() - began
            if waited > timeout and not self._attended:
                raise GraphStalled(f'{complaint()} (waited {timeout:.0f} s)')
            if waited > min(timeout, _QUIET):
                self._note_wait(self._obstacle() or Wait(complaint()))
        self._note_wait(None)

    def _obstacle(self) -> Wait | None:
        """Return what keeps the arm from moving, None if nothing that is known."""
        found = obstacle(self.actuation, self._namespace)
        return found if found and found.action else None

    def _note_wait(self, wait: Wait | None) -> None:
        """Note what is waited for now, None for nothing."""
        self._told.note(wait)

    def _wait_once(self) -> None:
        self._executor.spin_once(timeout_sec=0.1)
        self._restarted.update(self._check() or ())
