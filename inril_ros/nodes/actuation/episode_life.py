# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The life of episodes: request, reset, tick 0, verdict, end; and what is told of it.

The actuation node ticks; this is what a tick can begin or end. Nothing here sends a command.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
import time

import numpy as np
from rclpy.task import Future
from std_srvs.srv import Trigger

from inril_ros.data.frames.sync import FrameAligner
from inril_ros.msg import EpisodeEvent, EpisodeRequest, Outcome
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.robot.episode import (
    EpisodeMachine,
    EpisodeOutcome,
    Phase,
    Purpose,
    Request,
    ResetProcedure,
    ResetStep,
)
from inril_ros.robot.messages.codecs import stamp_ns
from inril_ros.robot.motion.command_path import CommandPath
from inril_ros.robot.motion.home_path import ResetRefused
from inril_ros.robot.motion.modes import IllegalMode

_OVERTIME = 1.0  # [s] an episode without valid observations goes on so long after its time limit


@dataclass(frozen=True)
class Surroundings:
    """What the life of episodes asks the node around it, and tells it.

    Attributes:
        obstacle: Why no episode can begin now; empty if one can.
        faults: What is wrong with a source at this moment: tick 0 waits until it has passed.
        observations: What is seen now by name, None if that isn't valid.
        advance: A verdict has come.
        waiting: The reset is done: the next observation will be tick 0.
        over: The episode has ended; the argument says whether it was aborted while it ran.
        changed: Something of the status has changed.
    """

    obstacle: Callable[[], str]
    faults: Callable[[], tuple[str, ...]]
    observations: Callable[[], Mapping[str, np.ndarray] | None]
    advance: Callable[[], None]
    waiting: Callable[[], None]
    over: Callable[[bool], None]
    changed: Callable[[], None]


class EpisodeLife:
    """Episodes of one robot, one after the other.

    Args:
        node: The node that requests come to.
        path: The robot's command path.
        aligner: Of the observations.
        around: What else is needed.

    Attributes:
        machine: Phase, request and tick of the episode.
        last_tick: [ns] Stamp of the last tick, or of the end.
        reset_after: [ns] Observations up to here are from before the reset.
    """

    def __init__(
        self, node: ManagedNode, path: CommandPath, aligner: FrameAligner, around: Surroundings,
    ) -> None:
        self._node = node
        self._path = path
        self._aligner = aligner
        self._around = around
        self._contract = node.contract
        rules = self._contract.episode
        self.machine = EpisodeMachine(self._contract.time_limit_ticks)
        self.procedure = ResetProcedure(
            home=bool(rules.home) and not node.lockstep, person=rules.ready == 'person',
            script=bool(rules.reset_service))
        self.last_tick = self.reset_after = 0
        self.judged = 0
        self._outcomes: dict[int, tuple[EpisodeOutcome, str]] = {}
        self._home_seconds = 0.0
        self.progress()
        self._events = node.create_publisher(EpisodeEvent, 'episode/event', qos.EVENT)
        self._verdicts = node.create_publisher(Outcome, rules.outcome_topic, qos.LOCKSTEP)
        node.create_subscription(Outcome, rules.outcome_topic, self._judge, qos.LOCKSTEP)
        node.create_subscription(EpisodeRequest, 'episode/request', self._requested, qos.EVENT)
        self._reset = node.create_client(
            Trigger, rules.reset_service) if rules.reset_service else None

    @property
    def phase(self) -> Phase:
        """Where the episode is."""
        return self.machine.phase

    @property
    def running(self) -> bool:
        """Whether actions are being executed."""
        return self.machine.phase is Phase.RUNNING

    @property
    def person_only(self) -> bool:
        """Whether the episode is a demonstration."""
        request = self.machine.request
        return request is not None and request.purpose is Purpose.DEMONSTRATION

    def why_not_ready(self) -> str:
        """Say whether the reset service is missing."""
        if self._reset is None or self._reset.service_is_ready():
            return ''
        return f'no service {self._reset.srv_name}'

    def progress(self) -> None:
        """Note that the episode moves on."""
        self._progress = time.monotonic()

    # The beginning.

    def _requested(self, message: EpisodeRequest) -> None:
        try:
            request = Request(
                message.run_id, message.episode_id, Purpose(message.purpose), message.explore,
                message.seed, message.task,
                message.operator_name or self._node.value('operator_name'))
        except ValueError:
            self._node.get_logger().error(
                f'request refused: purpose {message.purpose} is unknown')
            return
        self.ask(request)

    def ask(self, request: Request) -> str:
        """Begin an episode; return why that can't be, empty if it begins."""
        refusal = (self.machine.refusal(request) or self._around.obstacle() or self._not_movable()
                   or self.why_not_ready())
        if refusal:
            self._node.get_logger().warning(f'episode {request.episode_id} refused: {refusal}')
            self._tell(request, EpisodeEvent.REFUSED, self._node.now(), reason=refusal)
            return refusal
        self.machine.begin_reset(request)
        self.reset_after = max(self.last_tick, self._aligner.newest_complete())
        self.progress()
        self._tell(request, EpisodeEvent.RESETTING, self.reset_after)
        self.procedure.step = ResetStep.IDLE
        self.advance_reset()
        self._around.changed()
        return ''

    def _not_movable(self) -> str:
        """Say why the arm can't be moved; if it is only braking, the reset waits for its end."""
        if self._path.gate.moving:
            return self._path.modes.obstacle()
        return self._path.refusal(self._around.observations())

    def advance_reset(self) -> None:
        """Go on with the reset as far as possible; called in each tick too."""
        if self.phase is not Phase.RESETTING:
            return
        before = self.procedure.step
        if before is ResetStep.IDLE and self._can_be_reset():
            self.procedure.begin()
        elif before is ResetStep.HOMING and self._path.at_home:
            self.procedure.arrived()
        if self.procedure.step is not before:
            self._enter(self.procedure.step)

    def _can_be_reset(self) -> bool:
        """Say whether the arm is at rest, and seen if it is to be driven home from there."""
        if self._node.lockstep:
            return True
        return not self._path.gate.moving and (
            not self._contract.episode.home or self._around.observations() is not None)

    def _enter(self, step: ResetStep) -> None:
        self.progress()
        if step is ResetStep.HOMING:
            values = self._around.observations()
            try:
                if values is None:
                    raise ResetRefused('no valid observation')
                self._home_seconds = self._path.go_home(values)
            except (ResetRefused, IllegalMode) as error:
                self.abort(f'reset refused: {error}')
        elif step is ResetStep.SCRIPT:
            future = self._reset.call_async(Trigger.Request())
            episode = self.machine.request.episode_id
            future.add_done_callback(lambda done: self._was_reset(done, episode))
        elif step is ResetStep.DONE:
            self._reset_done()
        elif step is ResetStep.FAILED:
            self.abort(self.procedure.reason)
        self._around.changed()

    def _was_reset(self, future: Future, episode: str) -> None:
        request = self.machine.request
        if request is None or request.episode_id != episode:
            return  # aborted meanwhile
        answer = future.result()
        self._enter(self.procedure.script_answered(
            answer is not None and answer.success, answer.message if answer else 'no answer'))

    def scene_ready(self) -> str:
        """Take a person's word that the scene is set; return why it doesn't count."""
        if self.phase is not Phase.RESETTING or self.procedure.step is not ResetStep.PERSON:
            return 'nobody waits for it'
        self._enter(self.procedure.ready())
        return ''

    def _reset_done(self) -> None:
        self.machine.reset_done()
        if not self._node.lockstep:  # what was seen during the reset is not the start
            self.reset_after = max(self.reset_after, self._aligner.newest_complete())
        self._outcomes.clear()
        self._around.waiting()

    def begin(self, stamp: int, values: Mapping[str, np.ndarray]) -> None:
        """Take the observation at ``stamp`` [ns] as tick 0."""
        try:
            self._path.begin(values, self.person_only)
        except IllegalMode as error:
            self.abort(str(error))
            return
        self.machine.start(stamp)
        self._tell(self.machine.request, EpisodeEvent.STARTED, stamp)
        self._around.changed()

    def hands_changed(self, stamp: int) -> None:
        """Tell that a person took over or handed back in the tick at ``stamp`` [ns]."""
        event = (EpisodeEvent.TAKEN_OVER if self._path.arbiter.person_drives
                 else EpisodeEvent.HANDED_BACK)
        self._tell(self.machine.request, event, stamp, tick=self.machine.tick)

    # The end.

    def _judge(self, message: Outcome) -> None:
        stamp = stamp_ns(message)
        self.judged = max(self.judged, stamp)
        if message.outcome != Outcome.RUNNING:
            self._outcomes[stamp] = (EpisodeOutcome(message.outcome), message.reason)
        self._around.advance()

    def person_says(self, success: bool) -> str:
        """Publish a person's verdict on the running episode, as a simulator does its own.

        Returns why it doesn't count, empty if it does.
        """
        if not self.running:
            return 'no episode is running'
        stamp = self.last_tick if self._node.lockstep else self._node.now()
        self._verdicts.publish(Outcome(
            header=self._node.header(stamp), reward=float(success), reason='said by a person',
            outcome=Outcome.SUCCESS if success else Outcome.FAILURE))
        return ''

    def ended(self, stamp: int) -> bool:
        """End the episode if the observation at ``stamp`` [ns] is its last one."""
        judged, reason = EpisodeOutcome.UNKNOWN, ''
        for at in [at for at in self._outcomes if self.machine.start_stamp <= at <= stamp]:
            judged, reason = self._outcomes.pop(at)
        outcome = self.machine.outcome_now(judged)
        if outcome is EpisodeOutcome.UNKNOWN:
            return False
        self._finish(stamp, outcome, reason)
        return True

    def ended_at(self, stamp: int, observed: bool) -> bool:
        """Do so in real time, where there may be no valid observation at a tick."""
        if observed:
            return self.ended(stamp)
        overtime = self.machine.tick - self._contract.time_limit_ticks
        return overtime * self._contract.period > _OVERTIME and self.abort(
            'no valid observation at its end')

    def _finish(self, stamp: int, outcome: EpisodeOutcome, reason: str = '') -> None:
        tick, ran = self.machine.tick, self.running
        request = self.machine.end()
        self.last_tick = max(self.last_tick, stamp)
        self._path.end(f'{outcome.name.lower()} {reason}'.strip())
        self._around.over(ran and outcome is EpisodeOutcome.ABORTED)
        self._tell(request, EpisodeEvent.ENDED, stamp, outcome, tick, reason)
        self._around.changed()

    def abort(self, reason: str) -> bool:
        """End the episode at once, if there is one; nothing of it is learned from."""
        if self.phase is Phase.IDLE:
            return False
        self._node.get_logger().error(
            f'episode {self.machine.request.episode_id} aborted: {reason}')
        self._finish(max(self.last_tick, self.reset_after), EpisodeOutcome.ABORTED, reason)
        return True

    # What it waits for.

    def check_progress(self) -> None:
        """Abort an episode that doesn't move on, by a clock that can't stop."""
        quiet = time.monotonic() - self._progress
        step = self.procedure.step
        limit = self._node.value('stall_timeout')
        if self.phase is Phase.RESETTING:
            if step is ResetStep.PERSON:
                return  # a person takes the time that it takes
            limit = self._contract.episode.reset_timeout + self._home_seconds * (
                step is ResetStep.HOMING)
        if self.phase is not Phase.IDLE and quiet > limit:
            self.abort(f'no progress for {quiet:.1f} s in phase {self.phase.value}, '
                       f'tick {self.machine.tick}: {self.waits_for()}')

    def waits_for(self) -> str:
        """Say what the episode waits for, or would if it went no further."""
        if self.phase is Phase.RESETTING:
            return {ResetStep.IDLE: 'the arm at rest, and a valid observation',
                    ResetStep.HOMING: 'the arm to be at home',
                    ResetStep.SCRIPT: 'an answer of the reset service',
                    ResetStep.PERSON: 'a person to say that the scene is ready',
                    }.get(self.procedure.step, '')
        silent = self._aligner.silent_topics()
        if silent:
            return f'nothing has ever come on {silent}'
        observed = self._aligner.newest_complete()
        if self._node.lockstep:
            observed = min(observed, self.judged)
        if observed <= max(self.last_tick, self.reset_after):
            return 'no observation from the robot'
        return self._around.obstacle() or ', '.join(self._around.faults()) or (
            f'no action from the {"teleop device" if self.person_only else "policy"}')

    def _tell(
        self, request: Request, event: int, stamp: int,
        outcome: EpisodeOutcome = EpisodeOutcome.UNKNOWN, tick: int = 0, reason: str = '',
    ) -> None:
        self._events.publish(EpisodeEvent(
            header=self._node.header(stamp), run_id=request.run_id, episode_id=request.episode_id,
            event=event, purpose=request.purpose.value, outcome=outcome.value, tick=tick,
            explore=request.explore, seed=request.seed, task=request.task,
            operator_name=request.operator_name, contract_hash=self._contract.hash,
            reason=reason))
