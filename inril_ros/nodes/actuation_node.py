# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The only node that commands the robot.

At each tick the action that is due (of the policy's chunks or of a person) passes through the
command path (``robot/motion/command_path.py``); the result is sent and reported. The node also
runs the life of episodes: reset, start, end. It loads no torch: learning can't delay its clock.

In lockstep a tick is an observation of the simulator and waits for its action. In real time ticks
come at absolute deadlines of a steady clock, or of simulated time, and a tick without an action
holds the arm.
"""

import sys
import time
from typing import Any

import numpy as np
from rclpy.clock import Clock, ClockType
from rclpy.executors import Executor

from inril_ros.data.frames.frame import Frame
from inril_ros.data.frames.sync import FrameAligner, FrameError
from inril_ros.nodes.actuation.chunk_input import ChunkInput
from inril_ros.nodes.actuation.command_hold import CommandHold
from inril_ros.nodes.actuation.command_sender import CommandSender
from inril_ros.nodes.actuation.episode_life import EpisodeCallbacks, EpisodeLife
from inril_ros.nodes.actuation.person_input import TeleopInput
from inril_ros.nodes.actuation.publisher_watch import PublisherWatch
from inril_ros.nodes.actuation.report import ActuationReport
from inril_ros.nodes.actuation.services import ActuationServices
from inril_ros.nodes.actuation.source_watch import SourceWatch
from inril_ros.nodes.actuation.tick_timer import (
    quiet_collector,
    request_priority,
    TickTimer,
    usual_collector,
)
from inril_ros.nodes.base.batches import RestingObservations
from inril_ros.nodes.base.managed_node import ManagedNode
from inril_ros.nodes.base.node_process import run
from inril_ros.nodes.base.parameters import Parameter
from inril_ros.nodes.dds.network_only import use_network_only
from inril_ros.robot.episode import Phase
from inril_ros.robot.motion.command_path import CommandPath
from inril_ros.robot.motion.kinematics import urdf_of
from inril_ros.robot.motion.tick import TickInput
from inril_ros.robot.timing.pacing import ClockWatch

PARAMETERS = (
    Parameter('stall_timeout', 20.0, '[s] an episode that makes no progress for so long is '
              'aborted; simulated time counts where ticks follow it', minimum=0.1, maximum=3600.0),
    Parameter('enable_on_activate', False, 'activation is the consent to motion, for simulations; '
              'otherwise ~/enable gives it'),
    Parameter('watch_cameras', True, 'in real time: a camera of the contract that is silent or '
              'frozen holds the arm'),
    Parameter('dry_run', False, 'everything is computed and reported, but nothing is sent to the '
              'robot'),
    Parameter('person_starts', False, '~/start and the start button begin demonstrations too'),
    Parameter('task', '', 'task of the demonstrations that a person begins, kept with the data'),
    Parameter('operator_name', '', 'name of the person who drives them, kept with the data',
              read_only=False),
    Parameter('longest_rollout', 0, 'ticks after which an episode of learning is cut, as by the '
              'time limit; 0: only there. Evaluations and demonstrations are never cut',
              read_only=False, minimum=0, maximum=10_000_000),
    Parameter('realtime_priority', 0, 'priority of the control thread under SCHED_FIFO; 0: that '
              'of any other process', minimum=0, maximum=98),
)
_JUMP = 0.2  # [s] a clock that moves so far against the steady one has been set
_CLOCK_STOPPED = 1.0  # [s] simulated time that stands still for longer is a fault
_LONGEST_STALL = 5.0  # [s] a longer one aborts the episode


class ActuationNode(ManagedNode):
    """Ticks, and the way to the robot."""

    ends_within_callbacks = False

    def __init__(self, **arguments: Any) -> None:
        super().__init__('actuation_node', PARAMETERS, **arguments)

    def setup(self) -> None:
        """Make the command path and what surrounds it."""
        contract, dry_run = self.contract, self.value('dry_run')
        self._aligner = FrameAligner(contract, delayed=False)  # safety needs the newest samples
        self._path = CommandPath(
            contract, urdf_of(contract, self.value('contract')), paced=not self.lockstep,
            dry_run=dry_run)
        self._clock_watch = ClockWatch()
        self._simulated_time = self.value('use_sim_time')
        self._sources: SourceWatch | None = None
        if not self.lockstep:
            self._sources = SourceWatch(self, contract, self.value('watch_cameras'))
            self.require(*self._sources.endpoints)
        self._sender = CommandSender(self, contract, self.lockstep, silent=dry_run)
        self.require(*self._sender.endpoints)
        self._hold = CommandHold(
            self._path, self._sender, self.rule_clock, contract.period, self.lockstep,
            self.get_logger())
        self._life = EpisodeLife(self, self._path, self._aligner, EpisodeCallbacks(
            obstacle=self._obstacle, faults=self._faults, observations=self._values,
            why_not_trusted=lambda: self._watch.why_verdicts_are_not_trusted(),
            on_verdict=self._advance_if_lockstep, on_waiting=self._wait_for_tick_0,
            on_end=self._on_episode_end, on_change=self._publish_status))
        self._watch = PublisherWatch(
            self, contract, () if dry_run else self._sender.endpoints, self._path.modes,
            self._life.abort, self._publish_status, lambda: self._person)
        self._chunks = ChunkInput(self, self._path, self._life.machine, self._advance_if_lockstep)
        self.sole_publishers.expect('action_chunk')
        self._report = ActuationReport(
            self, self._path, self._life, self._chunks, self._faults, dry_run)
        self._operator = ActuationServices(
            self, self._path, self._life, self._watch.other_commanders, self._publish_status)
        self._person = TeleopInput(
            self, contract, self.lockstep, self._advance_if_lockstep, self._operator.on_button)
        self._observations = RestingObservations(self, self.subscribe_observations(
            self._aligner, self._advance_if_lockstep,
            *([self._sources.observe] if self._sources is not None else [])))
        self.create_timer(
            1.0, self._check_and_report, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._timer: TickTimer | None = None
        if not self.lockstep:
            # Ticks follow the robot's clock, which a simulator may stop or slow down.
            self._timer = TickTimer(
                self, self.get_clock() if self._simulated_time else None, contract.period_ns,
                self._tick)
        self._report.warn_at_start()
        self._report.publish()

    def why_not_activatable(self) -> str:
        """Return whether the arm's pose is unknown, from which motion begins."""
        if self.lockstep or self._path.gate.known:
            return ''
        try:
            self._aligner.frame(self.now())
        except FrameError as error:
            return (f'no pose was measured '
                    f'({"; ".join([str(error), *self._aligner.rejections.lines()])})')
        return ''

    def why_not_ready(self) -> str:
        """Return whether activation, the reset service or consent is missing."""
        if not self.active:
            return self.why_not_activatable() or 'not active'
        return self._life.reset.why_not_ready() or self._operator.why_no_consent()

    def hold_reasons(self) -> tuple[str, ...]:
        """Return what holds the arm: a silent or frozen source, a latched fault, the e-stop."""
        modes = self._path.modes
        return (*self._faults(), *([modes.reason] if modes.latched or modes.pressed else []))

    def start(self) -> None:
        """Accept requests."""
        if self.value('realtime_priority'):
            request_priority(self.value('realtime_priority'))
        if self._sources is not None:
            values = self._values()
            if values is not None:  # motion begins from here
                self._path.gate.anchor(values)
            self._sources.begin()
            quiet_collector()
        if self.value('enable_on_activate'):
            self._path.modes.enable(True)
        self._publish_status()

    def stop(self) -> None:
        """Abort the running episode and withdraw consent; the hold is the last command."""
        self._observations.rouse()
        self._life.abort('the actuation node was stopped')
        self._come_to_rest()
        self._path.modes.enable(False)
        self._publish_status()
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

    # Observations and status.

    def _faults(self) -> tuple[str, ...]:
        others = tuple(filter(None, (self._watch.commanders, self._watch.pilots)))
        if self._sources is None:
            return others
        stopped = self.rule_clock.why_stopped(_CLOCK_STOPPED)
        return (*others, *([stopped] if stopped else []), *self._sources.faults())

    def _frame(self, stamp: int) -> Frame | None:
        try:
            return self._aligner.frame(stamp)
        except FrameError as error:
            if self._life.phase is not Phase.IDLE:
                self.get_logger().warning(str(error), throttle_duration_sec=1.0)
            return None

    def _values(self) -> dict[str, np.ndarray] | None:
        """Return the present observations; in lockstep, the last ones."""
        self._observations.look()
        stamp = self._aligner.newest_complete() if self.lockstep else self.now()
        try:
            return self._aligner.frame(stamp).values
        except FrameError:
            return None

    def _obstacle(self) -> str:
        """Return why no episode can begin now; empty if one can."""
        if not self.active:
            return 'the actuation node is not active'
        watch = self._watch
        return watch.other_commanders() or self._operator.why_no_consent() or watch.judges

    def _publish_status(self) -> None:
        self._report.publish()

    def _check_and_report(self) -> None:
        self._life.check_progress()
        self._watch.look()
        self._report.publish()

    # Ticks.

    def _wait_for_tick_0(self) -> None:
        self._person.begin()
        self._report.gaps.begin()
        self._advance_if_lockstep()

    def _advance_if_lockstep(self) -> None:
        """Do a tick if everything for it has come."""
        life = self._life
        if not self.lockstep or life.phase not in (Phase.WAITING, Phase.RUNNING):
            return
        stamp = min(self._aligner.newest_complete(), life.verdicts.judged)
        if stamp <= (life.reset_after if life.phase is Phase.WAITING else life.last_tick):
            return
        frame = self._frame(stamp)
        if frame is None:  # it has said why; the episode is aborted if no better one comes
            return
        if life.phase is Phase.WAITING:
            life.begin(stamp, frame.values)
        if not life.running or stamp <= life.last_tick:
            return
        if life.end_if_judged(stamp):
            return
        if self._has_action(stamp):  # otherwise lockstep waits for it
            self._execute(frame, stamp, self.rule_clock.now())

    def _has_action(self, stamp: int) -> bool:
        if self._life.person_only or self._path.arbiter.person_drives:
            return self._person.arrived(stamp)
        return self._person.engaged(stamp) or self._path.chunks.has(self._path.tick_number)

    def _tick(self, due: int) -> None:
        """Do a tick in real time; an action that hasn't come by now is not waited for.

        Args:
            due: Periods since the tick before; the ticks between the two were missed.
        """
        if not self.active:
            return
        self._see()
        now, stamp, life = self.rule_clock.now(), self.now(), self._life
        jump = self._clock_watch.jump(stamp, time.monotonic_ns())
        if abs(jump) > _JUMP and not self._simulated_time:
            life.abort(f'the clock jumped by {jump:+.3f} s')
        if due * self.contract.period > _LONGEST_STALL:
            life.abort(f'no tick came for {due * self.contract.period:.1f} s')
        if life.running:
            for before in range(due - 1, 0, -1):
                self._report.publish_missed(
                    self._path.missed_tick(), stamp - before * self.contract.period_ns)
        frame = self._frame(stamp)
        life.reset.advance()
        life.end_unless_vetoed()
        if life.phase is Phase.WAITING and self._can_begin(frame):
            life.begin(stamp, frame.values)
        if life.running and not life.end_if_judged(stamp, frame is not None):
            self._execute(frame, stamp, now)
        else:  # outside of episodes: the way home, or a hold
            self._hold.send(self._path.tick(self._tick_input(frame, now)), stamp)
            self._report.publish_changes()

    def _see(self) -> None:
        """Read what the robot sends: in each tick while the arm is at rest, else as it comes."""
        # Once at rest it stays so until the phase changes.
        if self._life.phase is Phase.IDLE and (
                self._observations.resting or not self._path.gate.moving):
            self._observations.look()
            self._observations.rest()
        else:
            self._observations.rouse()

    def _can_begin(self, frame: Frame | None) -> bool:
        return (frame is not None and self._aligner.newest_complete() > self._life.reset_after
                and not self._path.gate.moving and not self._faults())

    def _tick_input(self, frame: Frame | None, now: float, **person: Any) -> TickInput:
        return TickInput(
            now, frame.values if frame else None, faults=self._faults(),
            observation_age=frame.age if frame else 0.0, **person)

    def _execute(self, frame: Frame | None, stamp: int, now: float) -> None:
        """Decide on a tick of an episode, send the command and report it."""
        person = self._person.action(stamp, self._path.gate.resting)
        drove = self._path.arbiter.person_drives
        executed = self._path.tick(self._tick_input(
            frame, now, person=person,
            person_age=0.0 if person is None else self._person.age(stamp),
            person_name=self._person.who))
        if executed.action is not None:
            self._hold.note_command()
            self._sender.send(executed.action, stamp, executed.following)
        self._report.publish_executed(executed, stamp, frame.age if frame else float('inf'))
        self._report.count_tick(now)
        if self._path.arbiter.person_drives is not drove and not self._life.person_only:
            self._life.publish_takeover(stamp)
        self._report.publish_changes()

    def _on_episode_end(self, aborted: bool) -> None:
        if aborted and self.lockstep:  # no tick follows that could hold the arm
            self._hold.send_once(self._life.last_tick)

    def _come_to_rest(self) -> None:
        self._hold.come_to_rest(lambda: self._life.last_tick if self.lockstep else self.now())


def main(arguments: list[str] | None = None) -> int:
    """Run the node."""
    # In lockstep everybody waits for everybody, and shared memory is 6 % faster.
    if 'lockstep:=true' not in (sys.argv if arguments is None else arguments):
        use_network_only()
    return run(ActuationNode, PARAMETERS, __doc__, arguments)


if __name__ == '__main__':
    raise SystemExit(main())
