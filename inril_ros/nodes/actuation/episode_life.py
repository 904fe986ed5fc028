# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The life of episodes: request, reset, tick 0, verdict, end; each step is published as an event.

The actuation node ticks; this decides what a tick begins or ends. No command is sent here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from inril_ros.data.frames.sync import FrameAligner
from inril_ros.msg import EpisodeEvent, EpisodeRequest, Outcome
from inril_ros.nodes.actuation.episode_reset import EpisodeReset
from inril_ros.nodes.actuation.episode_verdicts import EpisodeVerdicts, VerdictCallbacks
from inril_ros.nodes.actuation.veto_time import VetoTime
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.serialised_messages import MessageRefused
from inril_ros.robot.episode import (
    EpisodeMachine,
    EpisodeOutcome,
    foreign_run,
    HELD,
    Phase,
    Purpose,
    Request,
    ResetStep,
)
from inril_ros.robot.motion.command_path import CommandPath
from inril_ros.robot.motion.modes import IllegalMode

_CLOCK_STOPPED = 1.0  # [s] simulated time that stands still for longer is named
_OVERTIME = 1.0  # [s] longest run beyond the time limit without a valid observation


@dataclass(frozen=True)
class EpisodeCallbacks:
    """Functions of the actuation node that the life of episodes calls.

    Attributes:
        obstacle: Returns why no episode can begin now; empty if one can.
        faults: Returns the present faults of the observation streams, which delay tick 0.
        observations: Returns the present observations by name; None: they are not valid.
        why_not_trusted: Returns why verdicts can't be trusted; empty if they can.
        on_verdict: Called when a verdict has come.
        on_waiting: Called when the reset is done: the next observation will be tick 0.
        on_end: Called when an episode has ended, with whether it was aborted while it ran.
        on_change: Called when the status has changed.
    """

    obstacle: Callable[[], str]
    faults: Callable[[], tuple[str, ...]]
    observations: Callable[[], Mapping[str, np.ndarray] | None]
    why_not_trusted: Callable[[], str]
    on_verdict: Callable[[], None]
    on_waiting: Callable[[], None]
    on_end: Callable[[bool], None]
    on_change: Callable[[], None]


class EpisodeLife:
    """Episodes of one robot, one after the other.

    Attributes:
        machine: Phase, request and tick of the episode.
        reset: The reset before it.
        last_tick: [ns] Stamp of the last tick, or of the end.
        reset_after: [ns] Observations up to this stamp are from before the reset.
        verdicts: The verdicts on it.
    """

    def __init__(
        self, node: ManagedNode, path: CommandPath, aligner: FrameAligner,
        callbacks: EpisodeCallbacks,
    ) -> None:
        self._node = node
        self._path = path
        self._aligner = aligner
        self._callbacks = callbacks
        self._contract = node.contract
        self.machine = EpisodeMachine(self._contract.time_limit_ticks)
        self.reset = EpisodeReset(
            node, path, self.machine, callbacks.observations, self._on_reset_step)
        self.last_tick = self.reset_after = 0
        self.verdicts = EpisodeVerdicts(node, self.machine, VerdictCallbacks(
            began=lambda: self.machine.start_stamp if self.running else self.reset_after,
            last_tick=lambda: self.last_tick, why_not_trusted=callbacks.why_not_trusted,
            on_verdict=callbacks.on_verdict, on_not_trusted=self.abort))
        self._veto = VetoTime(node, self.verdicts)
        self.note_progress()
        self._events = node.create_publisher(EpisodeEvent, 'episode/event', qos.EVENT)
        node.create_subscription(EpisodeRequest, 'episode/request', self._on_request, qos.EVENT)

    @property
    def phase(self) -> Phase:
        """Phase of the episode."""
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

    def note_progress(self) -> None:
        """Note that the episode makes progress."""
        self._progress = self._node.rule_clock.now()

    # The beginning.

    def _on_request(self, message: EpisodeRequest) -> None:
        try:
            request = Request(
                message.run_id or self._node.run_id, message.episode_id,
                Purpose(message.purpose), message.explore, message.seed, message.task,
                message.operator_name or self._node.value('operator_name'))
        except ValueError as error:
            raise MessageRefused(f'purpose {message.purpose} is unknown') from error
        self.request(request)

    def request(self, request: Request) -> str:
        """Begin an episode; return why it is refused, empty if it begins."""
        refusal = (self._why_foreign(request) or self.machine.refusal(request)
                   or self._callbacks.obstacle() or self._why_not_movable()
                   or self.reset.why_not_ready())
        if refusal:
            self._node.get_logger().warning(
                f'episode {request.episode_id[:64]} refused: {refusal}')
            self._publish(request, EpisodeEvent.REFUSED, self._node.now(), reason=refusal)
            return refusal
        learning = request.purpose is Purpose.ROLLOUT
        self.machine.begin_reset(
            request, self._node.value('longest_rollout') if learning else 0)
        observed = self._aligner.newest_complete()
        if self._node.lockstep and observed < self.last_tick:
            # A tick needs its observation, so time went back since: a simulator was restarted, or
            # a stamp was wrong. Otherwise no observation would be new any more.
            self.last_tick = observed
        self.reset_after = max(self.last_tick, observed)
        self.verdicts.judged = min(self.verdicts.judged, self.reset_after)
        self.note_progress()
        self._publish(request, EpisodeEvent.RESETTING, self.reset_after)
        self.reset.begin()
        self._callbacks.on_change()
        return ''

    def _why_foreign(self, request: Request) -> str:
        """Return whether a request is of another run, whose episodes nobody here records."""
        return foreign_run(request, self._node.run_id)

    def _why_not_movable(self) -> str:
        """Return why the arm can't be moved; the reset waits for an arm that is only braking."""
        if self._path.gate.moving:
            return self._path.modes.obstacle()
        return self._path.refusal(self._callbacks.observations())

    def _on_reset_step(self, step: ResetStep, reason: str) -> None:
        self.note_progress()
        if step is ResetStep.DONE:
            self.machine.reset_done()
            if not self._node.lockstep:  # observations made during the reset are not the start
                self.reset_after = max(self.reset_after, self._aligner.newest_complete())
            self.verdicts.forget()
            self._callbacks.on_waiting()
        elif step is ResetStep.FAILED:
            self.abort(reason)
        self._callbacks.on_change()

    def begin(self, stamp: int, values: Mapping[str, np.ndarray]) -> None:
        """Take the observation at ``stamp`` [ns] as tick 0."""
        try:
            self._path.begin(values, self.person_only)
        except IllegalMode as error:
            self.abort(str(error))
            return
        self.machine.start(stamp)
        self._publish(self.machine.request, EpisodeEvent.STARTED, stamp)
        self._callbacks.on_change()

    def publish_takeover(self, stamp: int) -> None:
        """Publish that a person took over or handed back in the tick at ``stamp`` [ns]."""
        event = (EpisodeEvent.TAKEN_OVER if self._path.arbiter.person_drives
                 else EpisodeEvent.HANDED_BACK)
        self._publish(self.machine.request, event, stamp, tick=self.machine.tick)

    # The end.

    def publish_verdict(self, success: bool) -> str:
        """Publish a person's verdict on the running episode, as a simulator does its own.

        Returns why it doesn't count, empty if it does.
        """
        if self.phase is Phase.JUDGED:
            return self._veto.overrule(success)
        if not self.running:
            return 'no episode is running'
        stamp = self.last_tick if self._node.lockstep else self._node.now()
        decided, _ = self.verdicts.between(self.machine.start_stamp, stamp)
        if decided is not EpisodeOutcome.UNKNOWN:
            return f'it is a {decided.name.lower()} already, and ends when there is an observation'
        self.verdicts.publish(success, stamp)
        return ''

    def end_if_judged(self, stamp: int, observed: bool = True) -> bool:
        """End the episode if the tick at ``stamp`` [ns] is its last; return whether it has ended.

        Args:
            stamp: [ns] Stamp of the tick.
            observed: Whether there is a valid observation, which real time doesn't guarantee.
        """
        if not observed:
            overtime = self.machine.tick - self.machine.time_limit_ticks
            return overtime * self._contract.period > _OVERTIME and self.abort(
                'no valid observation at its end')
        verdict, reason = self.verdicts.between(self.machine.start_stamp, stamp)
        word = self.verdicts.word(stamp)
        if verdict is EpisodeOutcome.UNKNOWN and word is not None:
            self._hold_for_veto(word, stamp)
            return True
        outcome = self.machine.outcome_now(verdict)
        if outcome is EpisodeOutcome.UNKNOWN:
            return False
        if outcome is EpisodeOutcome.ABORTED:
            held = self.machine.held_ticks * self._contract.period
            return self.abort(f'{HELD}: the arm was held for {held:.1f} s of the time limit')
        self._end(stamp, outcome, reason)
        return True

    def _hold_for_veto(self, word: Outcome, stamp: int) -> None:
        """Hold the arm at the final observation, while a person may overrule the judge."""
        self.machine.judge()
        self.last_tick = stamp
        self._path.end(word.reason or 'judged')
        self._veto.begin(word, stamp)
        self._node.get_logger().warning(self._veto.waits_for())
        self._callbacks.on_change()

    def end_unless_vetoed(self) -> None:
        """End an episode that is judged, by a person's verdict or once there was time for one."""
        if self.phase is not Phase.JUDGED:
            return
        outcome, reason = self.verdicts.between(self.machine.start_stamp, self.last_tick)
        if outcome is not EpisodeOutcome.UNKNOWN:
            self._end(self.last_tick, outcome, reason)
        elif self._veto.look():
            self.note_progress()

    def _end(self, stamp: int, outcome: EpisodeOutcome, reason: str) -> None:
        tick, ran = self.machine.tick, self.running
        request = self.machine.end()
        self.last_tick = max(self.last_tick, stamp)
        self._path.end(f'{outcome.name.lower()} {reason}'.strip())
        self._callbacks.on_end(ran and outcome is EpisodeOutcome.ABORTED)
        self._publish(request, EpisodeEvent.ENDED, stamp, outcome, tick, reason)
        self._callbacks.on_change()

    def abort(self, reason: str) -> bool:
        """End the episode at once, if there is one; nothing of it is learned from."""
        if self.phase is Phase.IDLE:
            return False
        self._node.get_logger().error(
            f'episode {self.machine.request.episode_id} aborted: {reason}')
        self._end(max(self.last_tick, self.reset_after), EpisodeOutcome.ABORTED, reason)
        return True

    # Progress.

    def check_progress(self) -> None:
        """Abort an episode that makes no progress.

        By the clock of rules; if that is simulated and stands still, by a steady clock.
        """
        clock, resetting = self._node.rule_clock, self.phase is Phase.RESETTING
        quiet = max(clock.now() - self._progress, clock.stopped())
        limit = self.reset.time_limit() if resetting else self._node.value('stall_timeout')
        if self.phase is not Phase.IDLE and quiet > limit:
            self.abort(f'no progress for {quiet:.1f} s in phase {self.phase.value}, '
                       f'tick {self.machine.tick}: {self.waits_for()}')

    def waits_for(self) -> str:
        """Return what the episode waits for, or would wait for if it made no more progress."""
        if self.phase is Phase.JUDGED:
            return self._veto.waits_for()
        stopped = self._node.rule_clock.why_stopped(_CLOCK_STOPPED)
        if stopped:
            return stopped
        missing = '; '.join(self._aligner.missing().values())
        if self.phase is Phase.RESETTING:
            held = '; '.join(filter(None, [missing, *self._path.held_on_the_way]))
            return f'{self.reset.waits_for()}, but {held}' if held else self.reset.waits_for()
        if missing:
            return missing
        observed = self._aligner.newest_complete()
        if self._node.lockstep:
            observed = min(observed, self.verdicts.judged)
        if observed <= max(self.last_tick, self.reset_after):
            return 'no observation from the robot'
        return self._callbacks.obstacle() or ', '.join(self._callbacks.faults()) or (
            f'no action from the {"teleop device" if self.person_only else "policy"}')

    def _publish(
        self, request: Request, event: int, stamp: int,
        outcome: EpisodeOutcome = EpisodeOutcome.UNKNOWN, tick: int = 0, reason: str = '',
    ) -> None:
        self._events.publish(EpisodeEvent(
            header=self._node.header(stamp), run_id=request.run_id, episode_id=request.episode_id,
            event=event, purpose=request.purpose.value, outcome=outcome.value, tick=tick,
            explore=request.explore, seed=request.seed, task=request.task,
            operator_name=request.operator_name, contract_hash=self._contract.hash,
            reason=reason))
