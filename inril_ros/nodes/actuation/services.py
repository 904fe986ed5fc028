# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a person can tell the actuation node by a service: consent, stop, go on; on episodes."""

from collections.abc import Callable
from uuid import uuid4

from std_srvs.srv import SetBool, Trigger

from inril_ros.nodes.actuation.episode_life import EpisodeLife
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.robot.episode import Purpose, Request
from inril_ros.robot.motion.command_path import CommandPath


class ActuationServices:
    """The services ``~/enable``, ``~/estop``, ``~/resume``, and those of episodes.

    ``~/start`` asks for a demonstration, ``~/scene_ready`` says that it may begin, ``~/success``
    and ``~/failure`` judge it, ``~/abort`` ends any episode so that nothing of it is kept.

    Args:
        node: The node that they belong to.
        path: The robot's command path.
        life: The life of episodes.
        changed: Called after each call that did something.
    """

    def __init__(
        self, node: ManagedNode, path: CommandPath, life: EpisodeLife, changed: Callable[[], None],
    ) -> None:
        self._node = node
        self._path = path
        self._life = life
        self._changed = changed
        self._started = 0
        node.create_service(SetBool, '~/enable', self._enable)
        node.create_service(SetBool, '~/estop', self._estop)
        node.create_service(Trigger, '~/resume', self._resume)
        node.create_service(Trigger, '~/scene_ready', self._scene_ready)
        node.create_service(Trigger, '~/abort', self._abort)
        node.create_service(Trigger, '~/start', self._start)
        node.create_service(Trigger, '~/success', self._success)
        node.create_service(Trigger, '~/failure', self._failure)

    def press(self, reason: str) -> None:
        """Stop the arm, withdraw consent, end the episode."""
        self._node.get_logger().error(f'e-stop: {reason}')
        self._path.stop(reason)
        self._life.abort(f'e-stop: {reason}')
        self._changed()

    def _enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        """Give or withdraw consent to motion."""
        if request.data and not self._node.active:
            response.message = 'not active: consent is given to a node that can move the arm'
            return response
        self._path.modes.enable(request.data)
        response.success = True
        response.message = self._path.modes.obstacle() or 'motion is enabled'
        self._node.get_logger().warning(response.message)
        self._changed()
        return response

    def _estop(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        """Press the e-stop, or release it; nothing moves by that."""
        if request.data:
            self.press('~/estop')
            response.message = 'stopped: release, enable and resume to go on'
        else:
            self._path.modes.release()
            response.message = 'released; enable and resume to go on'
            self._changed()
        response.success = True
        return response

    def _resume(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Leave the e-stop, or a hold that a lasting fault has latched."""
        refusal = self._path.resume()
        return self._answer(response, refusal, 'resumed')

    def _scene_ready(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Say that the scene is set for the next episode."""
        return self._answer(response, self._life.scene_ready(), 'the episode begins')

    def _abort(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """End the running episode; nothing of it is learned from."""
        done = self._life.abort('asked for by ~/abort')
        return self._answer(response, '' if done else 'no episode is running', 'aborted')

    def begin(self) -> str:
        """Ask for a demonstration; return why there can't be one, empty if it begins."""
        node = self._node
        if not node.value('person_starts'):
            return 'episodes are not begun by a person here (parameter person_starts)'
        self._started += 1
        return self._life.ask(Request(
            node.run_id, str(uuid4()), Purpose.DEMONSTRATION, seed=self._started,
            task=node.value('task'), operator_name=node.value('operator_name')))

    def _start(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Ask for a demonstration."""
        return self._answer(response, self.begin(), 'a demonstration begins')

    def _success(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Judge the running episode a success, which ends it."""
        return self._answer(response, self._life.person_says(success=True), 'a success')

    def _failure(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Judge the running episode a failure, which ends it."""
        return self._answer(response, self._life.person_says(success=False), 'a failure')

    def _answer(
        self, response: Trigger.Response, refusal: str, done: str,
    ) -> Trigger.Response:
        response.success = not refusal
        response.message = refusal or done
        self._changed()
        return response
