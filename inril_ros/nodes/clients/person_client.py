# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A person's end of one robot's graph: statuses and episodes come in, the keys' calls go out.

It has a thread of its own, so that a call leaves at once whatever else the process waits for.
"""

from collections.abc import Callable
from threading import Thread
from types import TracebackType
from typing import Any

from inril_ros.msg import EpisodeEvent
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.diagnostics import DiagnosticStatus
from inril_ros.nodes.clients.conductor_status import TOPIC
from inril_ros.nodes.clients.graph_client import GraphClient
from inril_ros.nodes.teleop.person_services import PersonServices
from inril_ros.robot.teleop.person_keys import PersonKey


class PersonClient(GraphClient):
    """Calls the actuation node's services for a person; all callbacks come in its thread.

    Args:
        domain_id, namespace: See GraphClient.
        listen: Called with each status of a node.
        on_event: Called with each event of an episode.
        on_conductor: Called with each status of the conductor.
        answered: See PersonServices.
        failed: Called with an error of a callback; the next message is taken all the same.
        name: See GraphClient.
    """

    def __init__(
        self, domain_id: int | None, namespace: str, listen: Callable[[Any], None],
        on_event: Callable[[EpisodeEvent], None],
        on_conductor: Callable[[Any], None],
        answered: Callable[[PersonKey, bool, str], None],
        failed: Callable[[Exception], None], name: str = 'terminal',
    ) -> None:
        super().__init__(name, domain_id, namespace, listen=listen)
        self._failed = failed
        self._node.create_subscription(EpisodeEvent, 'episode/event', on_event, qos.EVENT)
        if DiagnosticStatus is not None:
            self._node.create_subscription(DiagnosticStatus, TOPIC, on_conductor, qos.STATE)
        self._services = PersonServices(self._node, answered)
        self._ending = False
        self._thread = Thread(target=self._spin, name=name, daemon=True)

    def __enter__(self) -> 'PersonClient':
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending = True
        self._executor.create_task(lambda: None)  # ends the wait
        self._thread.join()
        super().__exit__(kind, error, trace)

    def call(self, key: PersonKey) -> None:
        """Call the service of a key; from any thread."""
        self.do(self._services.call, key)

    def do(self, action: Callable[..., None], *arguments: Any) -> None:
        """Do something in this client's thread; from any thread."""
        self._executor.create_task(action, *arguments)

    def _spin(self) -> None:
        while not self._ending:
            try:
                self._executor.spin_once()
            except Exception as error:
                if self._ending:
                    return
                self._failed(error)
