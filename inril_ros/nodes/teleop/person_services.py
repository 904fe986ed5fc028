# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The services that a person's keys call; each call is answered."""

from collections.abc import Callable

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future
from rclpy.timer import Timer
from std_srvs.srv import SetBool, Trigger

from inril_ros.robot.teleop.person_keys import PERSON_KEYS, PersonKey

_PATIENCE = 2.0  # [s] after which it is said that there is no answer
_NOT_STOPPED = ': the arm is not stopped by this; use the stop of the robot itself'


class PersonServices:
    """Clients of the services.

    Args:
        node: Its executor must be the caller's.
        answered: Called with the key, whether it was done, and what was done or why it wasn't.
    """

    def __init__(self, node: Node, answered: Callable[[PersonKey, bool, str], None]) -> None:
        self._node = node
        self._answered = answered
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._clients = {
            key.service: node.create_client(
                Trigger if key.data is None else SetBool, f'{key.node}/{key.service}')
            for key in PERSON_KEYS if key.service}

    def call(self, key: PersonKey) -> None:
        """Call the service of a key."""
        client = self._clients[key.service]
        if not client.service_is_ready():
            self._fail(key, f'service {client.srv_name} is not available')
            return
        request = Trigger.Request() if key.data is None else SetBool.Request(data=key.data)
        future = client.call_async(request)
        timer = self._node.create_timer(
            _PATIENCE, lambda: self._complain(key, timer), clock=self._steady)
        future.add_done_callback(lambda done: self._answer(key, done, timer))

    def _answer(self, key: PersonKey, future: Future, timer: Timer) -> None:
        self._node.destroy_timer(timer)
        answer = future.result()
        if answer is not None:
            self._answered(key, answer.success, answer.message)

    def _complain(self, key: PersonKey, timer: Timer) -> None:
        timer.cancel()
        self._fail(key, f'{key.node} has not answered for {_PATIENCE:.0f} s')

    def _fail(self, key: PersonKey, why: str) -> None:
        self._answered(key, False, why + _NOT_STOPPED * (key.meaning == 'stop'))
