# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a person may tell a conductor: to go on, to pause or to end after the present episode."""

from collections.abc import Callable

from rclpy.node import Node
from std_srvs.srv import Trigger

from inril_ros.nodes.clients.person_wait import GO_ON, Wait


class EndedByPerson(KeyboardInterrupt):
    """A person ended the stage between two episodes; what follows is as after Ctrl-C."""


class ConductorOrders:
    """The services ``~/go_on``, ``~/pause`` and ``~/end``.

    Args:
        node: The conductor's.
        waits: Returns what the conductor waits for now.
        changed: Called with the order that a person has given: pause, end, or none.

    Attributes:
        goes_on: A person has told to go on since this was set to false.
        order: ``pause`` or ``end`` once a person wants that after the present episode.
    """

    def __init__(
        self, node: Node, waits: Callable[[], Wait | None], changed: Callable[[str], None],
    ) -> None:
        self._waits, self._changed = waits, changed
        self.goes_on, self.order = False, ''
        for name, answer in (('go_on', self._go_on), ('pause', self._pause), ('end', self._end)):
            node.create_service(Trigger, f'~/{name}', answer)

    def _go_on(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        wait = self._waits()
        response.success = bool(self.order) or wait is not None and wait.action == GO_ON
        response.message = 'goes on' if response.success else 'nothing waits for this'
        self.goes_on = response.success
        self._set('')
        return response

    def _pause(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success = True
        response.message = 'after this episode it waits until a person lets it go on'
        self._set('pause')
        return response

    def _end(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success = True
        response.message = 'the stage ends after this episode; it can be continued later'
        self._set('end')
        return response

    def _set(self, order: str) -> None:
        self.order = order
        self._changed(order)
