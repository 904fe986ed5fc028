# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Keys by which a person controls episodes, as calls of the actuation node's services."""

from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import SetBool, Trigger

_SERVICES = {'start': 'start', 'ready': 'scene_ready', 'success': 'success',
             'failure': 'failure', 'discard': 'abort'}


class EpisodeKeys:
    """Clients of the services; answers are logged.

    Args:
        actuation: Name of the actuation node.
    """

    def __init__(self, node: Node, actuation: str = 'actuation_node') -> None:
        self._log = node.get_logger()
        self._clients = {meaning: node.create_client(Trigger, f'{actuation}/{service}')
                         for meaning, service in _SERVICES.items()}
        self._stop = node.create_client(SetBool, f'{actuation}/estop')

    def call(self, meaning: str) -> None:
        """Call the service for start, ready, success, failure, discard, or stop (the e-stop)."""
        client = self._stop if meaning == 'stop' else self._clients[meaning]
        if not client.service_is_ready():
            self._log.error(f'{meaning}: service {client.srv_name} is not available')
            return
        request = SetBool.Request(data=True) if meaning == 'stop' else Trigger.Request()
        client.call_async(request).add_done_callback(
            lambda future: self._log_answer(meaning, future))

    def _log_answer(self, meaning: str, future: Future) -> None:
        answer = future.result()
        if answer is not None and answer.success:
            self._log.info(f'{meaning}: {answer.message}')
        else:
            self._log.warning(f'{meaning}: {answer.message if answer else "no answer"}')
