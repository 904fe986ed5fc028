# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a person can tell the actuation node by a service or a button."""

from collections.abc import Callable
from uuid import uuid4

from std_srvs.srv import SetBool, Trigger

from inril_ros.nodes.actuation.episode_life import EpisodeLife
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.robot.episode import (
    ABORT_REQUESTED,
    DISCARDED,
    Purpose,
    Request,
    STOPPED,
)
from inril_ros.robot.motion.command_path import CommandPath


class ActuationServices:
    """The services ``~/enable``, ``~/estop``, ``~/resume``, and those of episodes.

    ``~/start`` requests a demonstration, ``~/scene_ready`` confirms that it may begin,
    ``~/success`` and ``~/failure`` judge it, ``~/abort`` ends any episode and keeps nothing of it.

    Args:
        other_commanders: Looks who else publishes commands; returns that, empty if nobody does.
        on_change: Called when the status has changed.
    """

    def __init__(
        self, node: ManagedNode, path: CommandPath, life: EpisodeLife,
        other_commanders: Callable[[], str], on_change: Callable[[], None],
    ) -> None:
        self._node = node
        self._path = path
        self._life = life
        self._other_commanders = other_commanders
        self._on_change = on_change
        self._started = 0
        node.create_service(SetBool, '~/enable', self._enable)
        node.create_service(SetBool, '~/estop', self._estop)
        for name, action, done in (
                ('~/resume', lambda: other_commanders() or path.resume(), 'resumed'),
                ('~/scene_ready', life.reset.scene_ready, 'the episode begins'),
                ('~/abort', self._abort, 'aborted'),
                ('~/start', self._request_demonstration, 'a demonstration begins'),
                ('~/success', lambda: life.publish_verdict(True), 'a success'),
                ('~/failure', lambda: life.publish_verdict(False), 'a failure')):
            node.create_service(Trigger, name, self._trigger(action, done))

    def why_no_consent(self) -> str:
        """Return what a person has to do before the arm may move; empty if nothing."""
        modes = self._path.modes
        if modes.enabled or modes.pressed:
            return modes.obstacle()
        return f'motion is not enabled: call {self._node.get_fully_qualified_name()}/enable'

    def on_button(self, meaning: str) -> None:
        """Carry out a button's meaning: discard, ready, start, success or failure."""
        if meaning == 'discard':
            self._life.abort(DISCARDED)
        elif meaning == 'ready':
            self._life.reset.scene_ready()
        elif meaning == 'start':
            self._request_demonstration()
        else:
            self._life.publish_verdict(success=meaning == 'success')

    def _enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        """Give or withdraw consent to motion."""
        if request.data and not self._node.active:
            response.message = 'not active: only a node that can move the arm takes consent'
            return response
        modes = self._path.modes
        refusal = self._other_commanders() if request.data else ''
        refusal = refusal or modes.enable(request.data)
        response.success = not refusal
        if refusal or not request.data:
            response.message = refusal or 'motion is not enabled'
        else:
            obstacle = modes.obstacle()
            response.message = 'motion is enabled' + (f'; resume to go on: {obstacle}' if obstacle
                                                      else '')
        self._node.get_logger().warning(response.message)
        self._on_change()
        return response

    def _estop(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        """Press the e-stop (stop, withdraw consent, end the episode), or release it."""
        if request.data:
            reason = '~/estop'
            self._node.get_logger().error(f'e-stop: {reason}')
            self._path.stop(reason)
            self._life.abort(f'{STOPPED}: {reason}')
            response.message = 'stopped: release, enable and resume to go on'
        else:
            self._path.modes.release()
            response.message = 'released: enable and resume to go on'
        self._on_change()
        response.success = True
        return response

    def _abort(self) -> str:
        return '' if self._life.abort(ABORT_REQUESTED) else 'no episode is running'

    def _request_demonstration(self) -> str:
        """Request a demonstration; return why it is refused, empty if it begins."""
        node = self._node
        if not node.value('person_starts'):
            return 'a person may not begin episodes here (parameter person_starts)'
        self._started += 1
        return self._life.request(Request(
            node.run_id, str(uuid4()), Purpose.DEMONSTRATION, seed=self._started,
            task=node.value('task'), operator_name=node.value('operator_name')))

    def _trigger(
        self, action: Callable[[], str], done: str,
    ) -> Callable[[Trigger.Request, Trigger.Response], Trigger.Response]:
        """Return a service callback for an action that returns why it was refused, or ''."""
        def answer(_: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            refusal = action()
            response.success = not refusal
            response.message = refusal or done
            self._on_change()
            return response
        return answer
