# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The reset before an episode: the way home, the reset service, a person's confirmation."""

from collections.abc import Callable, Mapping

import numpy as np
from rclpy.task import Future
from std_srvs.srv import Trigger

from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.robot.episode import (
    EpisodeMachine,
    PERSON_READY,
    Phase,
    ResetProcedure,
    ResetStep,
)
from inril_ros.robot.motion.command_path import CommandPath
from inril_ros.robot.motion.home_path import ResetRefused
from inril_ros.robot.motion.modes import IllegalMode

_WAITS_FOR = {ResetStep.IDLE: 'the arm at rest, and a valid observation',
              ResetStep.HOMING: 'the arm to come home',
              ResetStep.SCRIPT: 'an answer from the reset service',
              ResetStep.PERSON: PERSON_READY}


class EpisodeReset:
    """Resets of one robot, one per episode.

    Args:
        observations: Returns the present observations by name; None: they are not valid.
        on_step: Called with each step that begins, and if it is FAILED with the reason.
    """

    def __init__(
        self, node: ManagedNode, path: CommandPath, machine: EpisodeMachine,
        observations: Callable[[], Mapping[str, np.ndarray] | None],
        on_step: Callable[[ResetStep, str], None],
    ) -> None:
        self._rules = rules = node.contract.episode
        self._lockstep = node.lockstep
        self._path = path
        self._machine = machine
        self._observations = observations
        self._on_step = on_step
        self._procedure = ResetProcedure(
            home=bool(rules.home) and not node.lockstep, person=rules.ready == 'person',
            script=bool(rules.reset_service))
        self._home_seconds = 0.0
        self._client = node.create_client(
            Trigger, rules.reset_service) if rules.reset_service else None

    def why_not_ready(self) -> str:
        """Return whether the reset service is missing, in words; empty if it isn't."""
        if self._client is None or self._client.service_is_ready():
            return ''
        return f'no service {self._client.srv_name}'

    def begin(self) -> None:
        """Begin the reset of the next episode."""
        self._procedure.step = ResetStep.IDLE
        self.advance()

    def advance(self) -> None:
        """Go on with a running reset as far as possible; called in each tick too."""
        if self._machine.phase is not Phase.RESETTING:
            return
        before = self._procedure.step
        if before is ResetStep.IDLE and self._can_begin():
            self._procedure.begin()
        elif before is ResetStep.HOMING and self._path.at_home:
            self._procedure.arrived()
        if self._procedure.step is not before:
            self._enter(self._procedure.step)

    def _can_begin(self) -> bool:
        """Return whether the arm is at rest, and observed if it must be driven home."""
        if self._lockstep:
            return True
        return not self._path.gate.moving and (
            not self._rules.home or self._observations() is not None)

    def _enter(self, step: ResetStep) -> None:
        reason = self._procedure.reason
        if step is ResetStep.HOMING:
            values = self._observations()
            try:
                if values is None:
                    raise ResetRefused('no valid observation')
                self._home_seconds = self._path.go_home(values)
            except (ResetRefused, IllegalMode) as error:
                step, reason = ResetStep.FAILED, f'reset refused: {error}'
        elif step is ResetStep.SCRIPT:
            future = self._client.call_async(Trigger.Request())
            episode = self._machine.request.episode_id
            future.add_done_callback(lambda done: self._on_answer(done, episode))
        self._on_step(step, reason)

    def _on_answer(self, future: Future, episode: str) -> None:
        request = self._machine.request
        if request is None or request.episode_id != episode:
            return  # aborted meanwhile
        answer = future.result()
        self._enter(self._procedure.script_answered(
            answer is not None and answer.success, answer.message if answer else 'no answer'))

    def scene_ready(self) -> str:
        """Note a person's confirmation that the scene is set; return why it doesn't count."""
        if self._machine.phase is not Phase.RESETTING \
                or self._procedure.step is not ResetStep.PERSON:
            return 'no episode waits for this'
        self._enter(self._procedure.ready())
        return ''

    def time_limit(self) -> float:
        """Return how long [s] the present step may take: infinite while a person is awaited."""
        if self._procedure.step is ResetStep.PERSON:
            return float('inf')
        homing = self._procedure.step is ResetStep.HOMING
        return self._rules.reset_timeout + self._home_seconds * homing

    def waits_for(self) -> str:
        """Return what the reset waits for."""
        return _WAITS_FOR.get(self._procedure.step, '')
