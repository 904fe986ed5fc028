# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The only node that commands the robot.

At each tick it takes what is due (from the policy's chunks or from a person), passes it through
the command path (``robot/command_path``), sends what comes out, and tells what was sent. It also
runs the life of episodes: reset, start, end. No torch here: nothing that learns can move this
clock.

In lockstep a tick is an observation of the simulator and waits for its action. In real time ticks
come at absolute deadlines of a steady clock, and a tick without an action holds the arm.
"""

import time
from typing import Any

import numpy as np
from rclpy.clock import Clock, ClockType
from rclpy.executors import Executor

from inril_ros.data.frames.frame import Frame
from inril_ros.data.frames.sync import FrameAligner, FrameError
from inril_ros.msg import ActionChunk
from inril_ros.nodes.actuation.command_hold import CommandHold
from inril_ros.nodes.actuation.command_sender import CommandSender
from inril_ros.nodes.actuation.episode_life import EpisodeLife, Surroundings
from inril_ros.nodes.actuation.person_input import TeleopInput
from inril_ros.nodes.actuation.report import ActuationReport
from inril_ros.nodes.actuation.services import ActuationServices
from inril_ros.nodes.actuation.source_watch import SourceWatch
from inril_ros.nodes.actuation.tick_timer import (
    ask_for_priority,
    quiet_collector,
    TickTimer,
    usual_collector,
)
from inril_ros.nodes.base import qos
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.node_process import run
from inril_ros.nodes.base.parameters import Parameter
from inril_ros.robot.episode import Phase
from inril_ros.robot.motion.command_path import CommandPath
from inril_ros.robot.motion.kinematics import urdf_of
from inril_ros.robot.motion.tick import TickInput
from inril_ros.robot.timing.pacing import ClockWatch

PARAMETERS = (
    Parameter('stall_timeout', 20.0, '[s] an episode that makes no progress for so long by a '
              'steady clock is aborted', minimum=0.1, maximum=3600.0),
    Parameter('enable_on_activate', False, 'activation is the consent to motion; if not, '
              '~/enable gives it. For simulations'),
    Parameter('watch_cameras', True, 'in real time: a camera of the contract that is silent or '
              'frozen holds the arm'),
    Parameter('dry_run', False, 'everything is computed and told, and the robot is sent nothing'),
    Parameter('person_starts', False, 'demonstrations begin by ~/start or the start button, too'),
    Parameter('task', '', 'of the demonstrations that a person begins so, kept with the data'),
    Parameter('operator_name', '', 'who drives them, kept with the data', read_only=False),
    Parameter('realtime_priority', 0, 'priority of the control thread under SCHED_FIFO; 0: as any '
              'other process', minimum=0, maximum=98),
)
_JUMP = 0.2  # [s] a clock that moves so far against the steady one has been set
_LONGEST_STALL = 5.0  # [s] after it nobody knows any more what the episode was about


class ActuationNode(ManagedNode):
    """Ticks, and the way to the robot."""

    ends_within_callbacks = False

    def __init__(self, **arguments: Any) -> None:
        super().__init__('actuation_node', PARAMETERS, **arguments)

    def setup(self) -> None:
        """Make the streams."""
        contract = self.contract
        self._aligner = FrameAligner(contract, delayed=False)  # the guard sees the newest
        self._path = CommandPath(
            contract, urdf_of(contract, self.value('contract')), paced=not self.lockstep,
            dry_run=self.value('dry_run'))
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._clock_watch = ClockWatch()
        self._simulated_time = self.value('use_sim_time')
        self._sources: SourceWatch | None = None
        if not self.lockstep:
            self._sources = SourceWatch(self, contract, self.value('watch_cameras'))
            self.require(*self._sources.endpoints)
        self._sender = CommandSender(
            self, contract, self.lockstep, silent=self.value('dry_run'))
        self._hold = CommandHold(self._path, self._sender, contract.period, self.lockstep)
        self._life = EpisodeLife(self, self._path, self._aligner, Surroundings(
            obstacle=self._obstacle, faults=self._faults, observations=self._values,
            advance=self._advance_if_lockstep, waiting=self._wait_for_tick_0,
            over=self._episode_over, changed=self._changed))
        self._report = ActuationReport(
            self, self._path, self._life, self._faults, self.value('dry_run'))
        if self.value('dry_run'):
            self.get_logger().warning('dry run: everything is computed and told, the robot is '
                                      'sent nothing, and is taken to follow')
        self._person_services = ActuationServices(self, self._path, self._life, self._changed)
        self._person = TeleopInput(
            self, contract, self.lockstep, self._advance_if_lockstep, self._pressed)
        self.subscribe_observations(self._aligner, self._advance_if_lockstep, self._heard)
        self.require(*self._sender.endpoints)
        self.create_subscription(ActionChunk, 'action_chunk', self._accept, qos.EVENT)
        self.create_timer(1.0, self._look_after, clock=self._steady)
        self._timer: TickTimer | None = None
        if not self.lockstep:
            # Ticks follow the clock of the robot, which a simulator may stop or slow down.
            clock = self.get_clock() if self._simulated_time else self._steady
            self._timer = TickTimer(self, clock, contract.period_ns, self._tick)
        if self._path.gate.unbounded:
            self.get_logger().warning(
                f'{", ".join(self._path.gate.unbounded)}: joints are commanded by velocity and '
                'have no limits of position: give the contract a URDF, or position_minimum and '
                'position_maximum, and observe their positions')
        self._report.publish()

    def why_not_activatable(self) -> str:
        """Say that nobody knows where the arm is, which is where motion begins from."""
        if self.lockstep or self._path.gate.known:
            return ''
        try:
            self._aligner.frame(self.now())
        except FrameError as error:
            return f'no pose was measured ({error})'
        return ''

    def why_not_ready(self) -> str:
        """Say whether the reset service, activation or consent is missing."""
        if not self.active:
            return self.why_not_activatable() or 'not active'
        return self._life.why_not_ready() or self._consent()

    def hold_reasons(self) -> tuple[str, ...]:
        """Say what holds the arm: a source that is silent or frozen, a latch, the e-stop."""
        modes = self._path.modes
        return (*self._faults(), *([modes.reason] if modes.latched or modes.pressed else []))

    def start(self) -> None:
        """Accept requests."""
        if self.value('realtime_priority'):
            ask_for_priority(self.value('realtime_priority'))
        if self._sources is not None:
            values = self._values()
            if values is not None:  # what motion begins from
                self._path.gate.anchor(values)
            self._sources.begin()
            quiet_collector()
        if self.value('enable_on_activate'):
            self._path.modes.enable(True)
        self._changed()

    def stop(self) -> None:
        """Abort the running episode and withdraw consent; the hold is the last command."""
        self._life.abort('the actuation node was stopped')
        self._come_to_rest()
        self._path.modes.enable(False)
        self._changed()
        usual_collector()

    def teardown(self) -> None:
        """Hold the arm, whatever went wrong before."""
        if hasattr(self, '_hold'):
            self._come_to_rest()

    def spin_once(self, executor: Executor) -> None:
        """Run one callback, or wait for one; tick if it is time."""
        if self.configured and self._timer is not None:
            self._timer.spin_once(executor)
        else:
            super().spin_once(executor)

    # What comes in.

    def _accept(self, message: ActionChunk) -> None:
        request = self._life.machine.request
        if request is None or message.episode_id != request.episode_id:
            self._report.chunks_refused += 1
            return
        refusal = f'{len(message.actions)} values for {message.steps} x {message.size}'
        if len(message.actions) == message.steps * message.size:
            refusal = self._path.accept_chunk(
                message.first_tick, np.array(message.actions, np.float32).reshape(
                    message.steps, message.size), message.weights_version)
        if refusal:
            self._report.chunks_refused += 1
            self.get_logger().error(f'chunk refused: {refusal}', throttle_duration_sec=1.0)
            return
        self._advance_if_lockstep()

    def _heard(self, topic: str, stamp: int, message: Any) -> None:
        if self._sources is not None:
            self._sources.heard(topic, stamp, message)

    def _pressed(self, meaning: str) -> None:
        """Do what a person says by a button."""
        if meaning == 'discard':
            self._life.abort('discarded by a person')
        elif meaning == 'ready':
            self._life.scene_ready()
        elif meaning == 'start':
            self._person_services.begin()
        else:
            self._life.person_says(success=meaning == 'success')

    def _faults(self) -> tuple[str, ...]:
        return () if self._sources is None else self._sources.faults()

    def _frame(self, stamp: int) -> Frame | None:
        try:
            return self._aligner.frame(stamp)
        except FrameError as error:
            if self._life.phase is not Phase.IDLE:
                self.get_logger().warning(str(error), throttle_duration_sec=1.0)
            return None

    def _values(self) -> dict[str, np.ndarray] | None:
        """Return what is seen now; in lockstep, what was seen last."""
        stamp = self._aligner.newest_complete() if self.lockstep else self.now()
        try:
            return self._aligner.frame(stamp).values
        except FrameError:
            return None

    def _obstacle(self) -> str:
        """Say why no episode can begin now."""
        if not self.active:
            return 'the actuation node is not active'
        return self._consent()

    def _consent(self) -> str:
        """Say what a person has to do before the arm may be moved."""
        modes = self._path.modes
        if modes.enabled or modes.pressed:
            return modes.obstacle()
        return f'motion is not enabled: call {self.get_fully_qualified_name()}/enable'

    def _wait_for_tick_0(self) -> None:
        self._person.begin()
        self._report.gaps.begin()
        self._advance_if_lockstep()

    def _changed(self) -> None:
        self._report.publish()

    # Ticks.

    def _advance_if_lockstep(self) -> None:
        """Take a tick if everything for it has come."""
        life = self._life
        if not self.lockstep or life.phase not in (Phase.WAITING, Phase.RUNNING):
            return
        stamp = min(self._aligner.newest_complete(), life.judged)
        if life.phase is Phase.WAITING:
            if stamp <= life.reset_after:
                return
            life.begin(stamp, self._aligner.frame(stamp).values)
        if not life.running or stamp <= life.last_tick:
            return
        frame = self._aligner.frame(stamp)
        if life.ended(stamp):
            return
        if self._action_is_there(stamp):  # if not it will come: lockstep waits
            self._execute(frame, stamp, self._steady.now().nanoseconds)

    def _action_is_there(self, stamp: int) -> bool:
        if self._life.person_only or self._path.arbiter.person_drives:
            return self._person.arrived(stamp)
        return self._person.engaged(stamp) or self._path.chunks.has(self._path.tick_number)

    def _tick(self, due: int) -> None:
        """Take a tick in real time; what hasn't come by now is held or missed.

        Args:
            due: Periods since the tick before; those between were missed.
        """
        if not self.active:
            return
        now, stamp, life = self._steady.now().nanoseconds, self.now(), self._life
        jump = self._clock_watch.jump(stamp, now)
        if abs(jump) > _JUMP and not self._simulated_time:
            life.abort(f'the clock jumped by {jump:+.3f} s')
        if due * self.contract.period > _LONGEST_STALL:
            life.abort(f'no tick came for {due * self.contract.period:.1f} s')
        if life.running:
            for before in range(due - 1, 0, -1):
                self._report.missed(
                    self._path.missed_tick(), stamp - before * self.contract.period_ns)
        frame = self._frame(stamp)
        life.advance_reset()
        if life.phase is Phase.WAITING and self._can_begin(frame):
            life.begin(stamp, frame.values)
        if life.running and not life.ended_at(stamp, frame is not None):
            self._execute(frame, stamp, now)
        else:
            self._rest(frame, stamp, now)

    def _can_begin(self, frame: Frame | None) -> bool:
        return (frame is not None and self._aligner.newest_complete() > self._life.reset_after
                and not self._path.gate.moving and not self._faults())

    def _seen(self, frame: Frame | None, now: int, **person: Any) -> TickInput:
        return TickInput(
            now / 1e9, frame.values if frame else None, faults=self._faults(),
            observation_age=frame.age if frame else 0.0, **person)

    def _execute(self, frame: Frame | None, stamp: int, now: int) -> None:
        """Decide on a tick of an episode, send the command, and tell of it."""
        person = self._person.action(stamp, self._path.gate.resting)
        drove = self._path.arbiter.person_drives
        executed = self._path.tick(self._seen(
            frame, now, person=person,
            person_age=0.0 if person is None else self._person.age(stamp)))
        if executed.action is not None:
            self._hold.sent()
            self._sender.send(executed.action, stamp, executed.following)
        self._report.executed(executed, stamp, frame.age if frame else float('inf'))
        self._report.tick(now / 1e9)
        if self._path.arbiter.person_drives is not drove and not self._life.person_only:
            self._life.hands_changed(stamp)
        self._report.publish_changes()

    def _rest(self, frame: Frame | None, stamp: int, now: int) -> None:
        """Decide on a tick outside of episodes: the way home, or a hold."""
        self._hold.send(self._path.tick(self._seen(frame, now)), stamp)
        self._report.publish_changes()

    def _come_to_rest(self) -> None:
        self._hold.come_to_rest(
            lambda: self._life.last_tick if self.lockstep else self.now(), self.get_logger())

    def _episode_over(self, aborted: bool) -> None:
        """In lockstep no tick follows that could hold the arm."""
        if aborted and self.lockstep:
            executed = self._path.tick(TickInput(time.monotonic(), None))
            self._sender.send(executed.action, self._life.last_tick)

    def _look_after(self) -> None:
        self._life.check_progress()
        self._report.publish()


def main(arguments: list[str] | None = None) -> int:
    """Run the node."""
    return run(ActuationNode, PARAMETERS, __doc__, arguments)


if __name__ == '__main__':
    raise SystemExit(main())
