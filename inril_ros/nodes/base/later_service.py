# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Services that answer later than their callback returns.

rclpy has coroutines for this, but not all of its executors finish them (ros2/rclpy#1473), and the
usual one holds up the other callbacks of their group meanwhile.
"""

from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.service import Service

Answer = Callable[[Any], None]
"""Sends the response to one request; called once, within the callback or later."""


def create_later_service(
    node: Node, kind: type, name: str, callback: Callable[[Any, Answer], None],
) -> Service:
    """Offer a service.

    Args:
        node: The node.
        kind: Class of the service.
        name: Its name.
        callback: Gets a request and the function that sends the response to it.
    """
    def receive(request: Any, _: Any) -> '_Answer':
        answer = _Answer(service)
        callback(request, answer)
        return answer

    service = node.create_service(kind, name, receive)
    # The executor passes what the callback returned, and whom to answer.
    service.send_response = lambda answer, header: answer.address(header)
    return service


class _Answer:
    """The response to one request, and whom it is for, whichever is known first."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._header: Any = None
        self._response: Any = None

    def __call__(self, response: Any) -> None:
        self._response = response
        self._send()

    def address(self, header: Any) -> None:
        """Say whom the response is for."""
        self._header = header
        self._send()

    def _send(self) -> None:
        if self._header is not None and self._response is not None:
            Service.send_response(self._service, self._response, self._header)
