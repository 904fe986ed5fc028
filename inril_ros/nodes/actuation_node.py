# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The only node that commands the robot.

At each tick it takes the step that is due (from the policy's chunk or from a person), passes it
through the safety gate, sends it, and tells what was sent. It also runs the life of episodes:
reset, start, end. No torch here: nothing that learns can move this clock.

In lockstep a tick is an observation of the simulator and waits for its action. In real time ticks
follow the ROS clock, and a tick without an action holds the arm.
"""

import time
from typing import Any

import numpy as np
from rclpy.clock import Clock, ClockType
from rclpy.task import Future
from std_srvs.srv import Trigger

from inril_ros.data.sync import Frame, FrameAligner, FrameError
from inril_ros.msg import (
    ActionChunk,
    ActuationStatus,
    EpisodeEvent,
    EpisodeRequest,
    ExecutedAction,
    Outcome,
)
from inril_ros.nodes import qos
from inril_ros.nodes.managed_node import ManagedNode, message_type, run
from inril_ros.nodes.parameters import Parameter
from inril_ros.nodes.teleoperation import TeleopInput
from inril_ros.robot.chunks import ChunkSchedule
from inril_ros.robot.codecs import stamp_ns
from inril_ros.robot.commands import encode_command
from inril_ros.robot.episode import EpisodeMachine, EpisodeOutcome, Phase, Purpose, Request
from inril_ros.robot.pacing import GapHistogram
from inril_ros.robot.safety import SafetyGate, Verdict

PARAMETERS = (
    Parameter('stall_timeout', 20.0, '[s] an episode that makes no progress for so long by a '
              'steady clock is aborted', minimum=0.1, maximum=3600.0),
)
_MODES = {Phase.IDLE: ActuationStatus.IDLE, Phase.RESETTING: ActuationStatus.RESET,
          Phase.WAITING: ActuationStatus.RESET}


class ActuationNode(ManagedNode):
    """Ticks, episodes and the way to the robot."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__('actuation_node', PARAMETERS, **arguments)

    def setup(self) -> None:
        """Make the streams."""
        contract = self.contract
        self._aligner = FrameAligner(contract)
        self._gate = SafetyGate(contract)
        self._machine = EpisodeMachine(contract.time_limit_ticks)
        self._chunks = ChunkSchedule()
        self._gaps = GapHistogram(contract.period, paced=not self.lockstep)
        self._teleop = TeleopInput(self, contract, self.lockstep, self._advance_if_lockstep)
        self._outcomes: dict[int, tuple[EpisodeOutcome, str]] = {}
        self._judged = 0
        self._last_tick = 0
        self._reset_after = 0
        self._counts = {'ticks': 0, 'holds': 0, 'clipped': 0}
        self._reason = 'started'
        self._progress = time.monotonic()
        self._active = False
        self._commands = {
            topic: self.create_publisher(message_type(kind), topic, qos.commands(self.lockstep))
            for topic, kind in contract.action_topics().items()}
        self._executed = self.create_publisher(ExecutedAction, 'executed_action', qos.RECORD)
        self._events = self.create_publisher(EpisodeEvent, 'episode/event', qos.EVENT)
        self._status = self.create_publisher(ActuationStatus, 'actuation/status', qos.STATE)
        self.watch(self._aligner, self._advance_if_lockstep)
        self.need(*self._commands.values())
        self.create_subscription(
            Outcome, contract.episode.outcome_topic, self._judge, qos.LOCKSTEP)
        self.create_subscription(ActionChunk, 'action_chunk', self._accept, qos.EVENT)
        self.create_subscription(EpisodeRequest, 'episode/request', self._requested, qos.EVENT)
        self._reset = self.create_client(Trigger, contract.episode.reset_service)
        self.create_service(Trigger, '~/abort', self._abort_service)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(1.0, self._watch, clock=steady)
        if not self.lockstep:
            self.create_timer(contract.period, self._tick_in_real_time)
        self._publish_status()

    def not_ready(self) -> str:
        """Say whether the reset service is missing."""
        return '' if self._reset.service_is_ready() else f'no service {self._reset.srv_name}'

    def start(self) -> None:
        """Accept requests."""
        self._active = True

    def stop(self) -> None:
        """Abort the running episode; the hold is the last command."""
        self._active = False
        self._abort('the actuation node was stopped')

    def _judge(self, message: Outcome) -> None:
        self._judged = stamp_ns(message)
        if message.outcome != Outcome.RUNNING:
            self._outcomes[self._judged] = (EpisodeOutcome(message.outcome), message.reason)
        self._advance_if_lockstep()

    def _accept(self, message: ActionChunk) -> None:
        request = self._machine.request
        if request is None or message.episode_id != request.episode_id:
            return
        size = self.contract.action_size
        if message.size != size or len(message.actions) != message.steps * size:
            self.get_logger().error(
                f'chunk refused: {message.steps} x {message.size} with {len(message.actions)} '
                f'values, the contract has {size} per step', throttle_duration_sec=1.0)
            return
        actions = np.array(message.actions, np.float32).reshape(message.steps, size)
        self._chunks.accept(message.first_tick, actions, message.weights_version)
        self._advance_if_lockstep()

    def _requested(self, message: EpisodeRequest) -> None:
        try:
            request = Request(
                message.run_id, message.episode_id, Purpose(message.purpose), message.explore,
                message.seed, message.task, message.operator_name)
        except ValueError:
            self.get_logger().error(f'request refused: purpose {message.purpose} is unknown')
            return
        refusal = self._machine.refusal(request)
        if not self._active:
            refusal = 'the actuation node is not active'
        elif not self._reset.service_is_ready():
            refusal = refusal or f'service {self._reset.srv_name} is not there'
        if refusal:
            self.get_logger().warning(f'episode {request.episode_id} refused: {refusal}')
            self._tell(request, EpisodeEvent.REFUSED, self.now(), reason=refusal)
            return
        self._machine.begin_reset(request)
        self._reset_after = max(self._last_tick, self._aligner.newest_complete())
        self._progress = time.monotonic()
        self._tell(request, EpisodeEvent.RESETTING, self._reset_after)
        future = self._reset.call_async(Trigger.Request())
        future.add_done_callback(
            lambda done, episode=request.episode_id: self._was_reset(done, episode))
        self._publish_status()

    def _was_reset(self, future: Future, episode: str) -> None:
        request = self._machine.request
        if request is None or request.episode_id != episode:
            return  # aborted meanwhile
        answer = future.result()
        if answer is None or not answer.success:
            self._abort(f'reset failed: {answer.message if answer else "no answer"}')
            return
        self._machine.reset_done()
        if not self.lockstep:  # what was seen during the reset is not the start
            self._reset_after = max(self._reset_after, self._aligner.newest_complete())
        self._chunks.begin()
        self._teleop.begin()
        self._gaps.begin()
        self._outcomes.clear()
        self._advance_if_lockstep()

    def _advance_if_lockstep(self) -> None:
        """Take a tick if everything for it has come."""
        if not self.lockstep or self._machine.phase not in (Phase.WAITING, Phase.RUNNING):
            return
        stamp = min(self._aligner.newest_complete(), self._judged)
        if self._machine.phase is Phase.WAITING:
            if stamp <= self._reset_after:
                return
            self._begin(stamp)
        if stamp <= self._last_tick:
            return
        frame = self._aligner.frame(stamp)
        if self._ended(stamp):
            return
        if not self._action_is_there(stamp):
            return  # it will come: lockstep waits
        self._execute(frame, stamp)

    def _tick_in_real_time(self) -> None:
        """Take a tick now; what hasn't come by now is held or missed."""
        if self._machine.phase not in (Phase.WAITING, Phase.RUNNING):
            return
        stamp = self.now()
        try:
            frame = self._aligner.frame(stamp)
        except FrameError as error:
            frame = None
            self.get_logger().warning(str(error), throttle_duration_sec=1.0)
        if self._machine.phase is Phase.WAITING:
            if frame is None or self._aligner.newest_complete() <= self._reset_after:
                return
            self._begin(stamp)
        if frame is not None and self._ended(stamp):
            return
        self._execute(frame, stamp)

    def _begin(self, stamp: int) -> None:
        self._gate.reset(self._aligner.frame(stamp).values)
        self._machine.start(stamp)
        self._tell(self._machine.request, EpisodeEvent.STARTED, stamp)
        self._publish_status()

    def _ended(self, stamp: int) -> bool:
        """End the episode if the present observation is its last one."""
        judged, reason = EpisodeOutcome.UNKNOWN, ''
        for at in [at for at in self._outcomes if self._machine.start_stamp <= at <= stamp]:
            judged, reason = self._outcomes.pop(at)
        outcome = self._machine.outcome_now(judged)
        if outcome is EpisodeOutcome.UNKNOWN:
            return False
        self._finish(stamp, outcome, reason)
        return True

    def _person_drives(self, stamp: int) -> bool:
        return (self._machine.request.purpose is Purpose.DEMONSTRATION
                or self._teleop.engaged(stamp))

    def _action_is_there(self, stamp: int) -> bool:
        if self._machine.request.purpose is Purpose.DEMONSTRATION:
            return self._teleop.arrived(stamp)
        return self._teleop.engaged(stamp) or self._chunks.has(self._machine.tick)

    def _execute(self, frame: Frame | None, stamp: int) -> None:
        """Send the action of the tick, or the hold, and tell which."""
        tick = self._machine.tick
        version, chunk_first_tick = 0, tick
        if self._person_drives(stamp):
            source, requested = ExecutedAction.TELEOP, self._teleop.action(stamp)
        else:
            source, requested = ExecutedAction.POLICY, None
            step = self._chunks.take(tick)
            if step is not None:
                requested = step.action
                version, chunk_first_tick = step.weights_version, step.chunk_first_tick
        if requested is None:
            verdict = self._gate.hold('no action in time')
        else:
            verdict = self._gate.check(requested, frame.values if frame else None)
        self._send(verdict.action, stamp)
        self._executed.publish(ExecutedAction(
            header=self.header(stamp), episode_id=self._machine.request.episode_id,
            tick=self._machine.executed(),
            source=ExecutedAction.HOLD if verdict.held else source,
            requested=[] if requested is None else requested.tolist(),
            executed=verdict.action.tolist(), reasons=list(verdict.reasons),
            weights_version=version, chunk_first_tick=chunk_first_tick,
            observation_age=frame.age if frame else float('inf')))
        self._last_tick = stamp
        self._count(verdict)

    def _send(self, action: np.ndarray, stamp: int) -> None:
        for topic, message in encode_command(self.contract, action, stamp, message_type):
            self._commands[topic].publish(message)

    def _count(self, verdict: Verdict) -> None:
        self._progress = time.monotonic()
        self._gaps.tick(self._progress)
        self._counts['ticks'] += 1
        self._counts['holds'] += verdict.held
        self._counts['clipped'] += bool(verdict.reasons) and not verdict.held

    def _finish(self, stamp: int, outcome: EpisodeOutcome, reason: str = '') -> None:
        tick = self._machine.tick
        request = self._machine.end()
        self._last_tick = max(self._last_tick, stamp)
        self._reason = f'{outcome.name.lower()} {reason}'.strip()
        self._tell(request, EpisodeEvent.ENDED, stamp, outcome, tick, reason)
        self._publish_status()

    def _abort(self, reason: str) -> None:
        if self._machine.phase is Phase.IDLE:
            return
        self.get_logger().error(f'episode {self._machine.request.episode_id} aborted: {reason}')
        stamp = max(self._last_tick, self._reset_after)
        if self._machine.phase is Phase.RUNNING:  # before that nothing was commanded
            self._send(self._gate.hold(reason).action, stamp)
        self._finish(stamp, EpisodeOutcome.ABORTED, reason)

    def _abort_service(self, _: Any, response: Any) -> Any:
        response.success = self._machine.phase is not Phase.IDLE
        response.message = 'aborted' if response.success else 'no episode is running'
        self._abort('asked for by ~/abort')
        return response

    def _watch(self) -> None:
        """Abort an episode that doesn't move on, by a clock that can't stop."""
        quiet = time.monotonic() - self._progress
        limit = (self.contract.episode.reset_timeout
                 if self._machine.phase is Phase.RESETTING else self.value('stall_timeout'))
        if self._machine.phase is not Phase.IDLE and quiet > limit:
            self._abort(f'no progress for {quiet:.1f} s in phase {self._machine.phase.value}, '
                        f'tick {self._machine.tick}: {self._missing()}')
        self._publish_status()

    def _missing(self) -> str:
        """Say what the episode waits for."""
        if self._machine.phase is Phase.RESETTING:
            return f'service {self._reset.srv_name} does not answer'
        silent = self._aligner.silent_topics()
        if silent:
            return f'nothing has ever come on {silent}'
        observed = self._aligner.newest_complete()
        if self.lockstep:
            observed = min(observed, self._judged)
        if observed <= max(self._last_tick, self._reset_after):
            return 'no observation from the robot'
        demonstrated = self._machine.request.purpose is Purpose.DEMONSTRATION
        return f'no action from the {"teleop device" if demonstrated else "policy"}'

    def _tell(
        self, request: Request, event: int, stamp: int,
        outcome: EpisodeOutcome = EpisodeOutcome.UNKNOWN, tick: int = 0, reason: str = '',
    ) -> None:
        self._events.publish(EpisodeEvent(
            header=self.header(stamp), run_id=request.run_id, episode_id=request.episode_id,
            event=event, purpose=request.purpose.value, outcome=outcome.value, tick=tick,
            explore=request.explore, seed=request.seed, task=request.task,
            operator_name=request.operator_name, contract_hash=self.contract.hash, reason=reason))

    def _publish_status(self) -> None:
        request = self._machine.request
        mode = _MODES.get(self._machine.phase)
        if mode is None:
            mode = (ActuationStatus.TELEOP if request.purpose is Purpose.DEMONSTRATION
                    else ActuationStatus.POLICY)
        self._status.publish(ActuationStatus(
            header=self.header(self.now()), mode=mode,
            episode_id=request.episode_id if request else '',
            ticks=self._counts['ticks'], holds=self._counts['holds'],
            clipped=self._counts['clipped'], misses=self._gaps.misses,
            dropped=self._chunks.dropped, period=self.contract.period,
            worst_gap=self._gaps.worst, gap_edges=list(self._gaps.edges),
            gap_counts=list(self._gaps.counts), reason=self._reason))


def main(arguments: list[str] | None = None) -> int:
    """Run the node."""
    return run(ActuationNode, PARAMETERS, __doc__, arguments)


if __name__ == '__main__':
    raise SystemExit(main())
