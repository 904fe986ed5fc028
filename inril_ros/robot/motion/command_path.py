# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The way of a command from its request to the robot, tick by tick.

All that the actuation node decides about motion is decided here, without ROS and without a clock:
times and ages are passed in, so that any sequence of events can be played in a test. One rule
holds throughout: nothing is sent that the gate has not returned, and whatever differs from the
request has a reason.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.motion.arbitration import Arbiter, Source
from inril_ros.robot.motion.chunks import ChunkSchedule
from inril_ros.robot.motion.home_path import HomePath, path_home, ResetRefused
from inril_ros.robot.motion.kinematics import URDF
from inril_ros.robot.motion.load_watch import LoadWatch
from inril_ros.robot.motion.modes import Mode, ModeMachine
from inril_ros.robot.motion.safety import SafetyGate
from inril_ros.robot.motion.tick import Conditions, Executed, TickInput, UnknownPose, Verdict

_AT_HOME = 1e-6  # [rad or m]
_NO_POSE = 'no pose was measured'


class CommandPath:
    """The commands of one robot.

    Args:
        contract: The robot's contract.
        robot: Its URDF, if the contract names one.
        enabled: Consent to motion from the start, for simulations.
        paced: Ticks follow a clock: gaps between them count, and so does the time that faults
            last. False in lockstep.
        dry_run: Nothing is sent: an arm that doesn't follow is as it should be.

    Attributes:
        tick_number: Number of the episode's next tick.
        held_on_the_way: Why the last tick of the way home held the arm; empty if it didn't.
    """

    def __init__(
        self, contract: Contract, robot: URDF | None = None, enabled: bool = False,
        paced: bool = True, dry_run: bool = False,
    ) -> None:
        self._contract = contract
        self._paced = paced
        self._horizons = {name: entry.horizon for name, entry in contract.actions.items()
                          if entry.horizon > 1}
        self.modes = ModeMachine(enabled)
        self.gate = SafetyGate(contract, robot, dry_run)
        self._loads = LoadWatch(contract)
        self.chunks = ChunkSchedule(contract.chunks, contract.period)
        self.arbiter = Arbiter(contract)
        self._running = False
        self._person_only = False
        self._home: HomePath | None = None
        self._home_places: list[int] = []
        self._home_ticks = 0
        self._reanchor = False
        self.tick_number = 0
        self.held_on_the_way: tuple[str, ...] = ()
        self._last_time: float | None = None

    def refusal(self, values: Mapping[str, np.ndarray] | None) -> str:
        """Return why no episode and no reset can begin now; empty if one can."""
        if self.modes.obstacle():
            return self.modes.obstacle()
        if self.modes.mode is not Mode.IDLE and not self.at_home:
            return f'busy: {self.modes.mode.name}'
        if not self._paced:  # in lockstep motion begins from what the reset shows
            return ''
        if self.gate.moving:
            return 'the arm is still braking'
        return '' if values is not None or self.gate.known else _NO_POSE

    def begin(self, values: Mapping[str, np.ndarray], person_only: bool = False) -> None:
        """Begin an episode at tick 0, from the measured pose.

        Args:
            values: Observations of the first tick by name.
            person_only: A demonstration: there is no policy to hand back to.

        Raises:
            IllegalMode: Motion is not possible now; ``refusal`` says why.
        """
        if self.modes.mode is Mode.RESET:
            self.modes.change(Mode.IDLE, 'reset done')
        self.modes.change(Mode.HOLD, 'episode begins')
        self.gate.reset(values)
        self.arbiter.begin(self.gate.resting)
        self.chunks.begin()
        self._home = None
        self._running, self._person_only = True, person_only
        self.tick_number, self._reanchor = 0, False
        self.modes.fault_over()

    def end(self, reason: str) -> None:
        """End the episode or the reset; the ticks that follow hold the arm."""
        self._running, self._home = False, None
        self.chunks.begin()
        self._set_mode(Mode.IDLE, reason)

    def accept_chunk(self, first_tick: int, actions: np.ndarray, weights_version: int) -> str:
        """Schedule a chunk of actions (T, A); return why it is refused, empty if it isn't."""
        size = self._contract.action_size
        if actions.ndim != 2 or actions.shape[1] != size:
            return f'chunk of shape {actions.shape}, the contract has {size} values per step'
        self.chunks.accept(first_tick, actions, weights_version)
        return ''

    def go_home(self, values: Mapping[str, np.ndarray]) -> float:
        """Drive to the contract's home from the measured pose; return how long it takes [s].

        Joints that the contract's home doesn't name stay where they are.

        Raises:
            ResetRefused: There is no way home, or it leaves the workspace.
            IllegalMode: Motion is not possible now; ``refusal`` says why.
        """
        self.gate.anchor(values)
        if not self.gate.known:
            raise ResetRefused(_NO_POSE)
        path = path_home(self._contract, self.gate)
        self.drive_home(path, self.gate.joint_places)
        return path.duration

    def drive_home(self, path: HomePath, places: list[int]) -> None:
        """Drive along a path home in the ticks that follow.

        Args:
            path: The path of some joints.
            places: Places of these joints in the action vector.

        Raises:
            IllegalMode: Motion is not possible now; ``refusal`` says why.
        """
        self.modes.change(Mode.RESET, 'driving home')
        self._home, self._home_ticks, self._home_places = path, 0, places

    @property
    def at_home(self) -> bool:
        """Whether the way home has been driven to its end."""
        if self._home is None or self._home_ticks * self._contract.period < self._home.duration:
            return False
        # Commands lag the path a little, and don't stop before its end.
        gap = self.gate.last[self._home_places] - self._home.at(self._home.duration)
        return bool((np.abs(gap) <= _AT_HOME).all())

    def stop(self, reason: str) -> None:
        """Press the e-stop."""
        self.modes.press(reason)
        self.gate.stay()
        self._running, self._home, self._reanchor = False, None, True
        self.chunks.begin()

    def resume(self) -> str:
        """Leave the e-stop or a latched hold; return what prevents it."""
        refusal = 'the arm is still braking' if self.gate.moving else self.modes.resume()
        if not refusal:
            self.modes.fault_over()
            self._loads.forget()
            self._reanchor = True
        return refusal

    def missed_tick(self) -> Executed:
        """Count a tick of an episode that never came: the robot kept the command before it.

        Later ticks, and the steps of a chunk, so keep their times.
        """
        self.tick_number += 1
        return Executed(self.modes.mode, Source.HOLD, None, self.gate.last,
                        ('the tick never came',), chunk_first_tick=self.tick_number - 1)

    def tick(self, seen: TickInput) -> Executed:
        """Decide on one tick."""
        gap = 0.0
        if self._paced and self._last_time is not None:
            gap = seen.now - self._last_time
        self._last_time = seen.now
        seen = self._with_loads(seen, gap if self._paced else self._contract.period)
        self._latch_faults(seen)
        if self._reanchor and seen.values is not None and self.modes.mode is not Mode.ESTOP:
            self.gate.anchor(seen.values)
            self._reanchor = False
        if not self._running:
            return self._idle_tick(seen, gap)
        executed = self._episode_tick(seen, gap)
        if executed.action is not None:
            self.arbiter.executed(executed.action)
        self.tick_number += 1
        return executed

    def _with_loads(self, seen: TickInput, seconds: float) -> TickInput:
        """Return what is seen with the faults of loads; hold and relieve an arm that presses.

        Without consent nothing of ours moves or presses, and a person may push the arm.
        """
        if not self.modes.enabled or self.modes.mode is Mode.ESTOP:
            self.gate.stay()
            return seen
        found = self._loads.unmeasured(seen.values) if self._running or self._home else ()
        for name in () if seen.values is None else self._loads.look(seen.values, seconds):
            self.gate.relieve(self._contract.relieved(name), seen.values)
            if not self.modes.latched:
                self.modes.latch(self._loads.exceeded[name])
        # One that is latched is told as such.
        others = (reason for reason in self._loads.exceeded.values()
                  if reason != self.modes.latched)
        return replace(seen, faults=(*seen.faults, *found, *others))

    def _latch_faults(self, seen: TickInput) -> None:
        """Latch a fault that lasts, or an arm that is lost; a missing action is no fault."""
        if not self._running:
            self.modes.fault_over()
            return
        lost = self.gate.lost(seen.values) if seen.values is not None else ''
        if lost and not self.modes.latched:
            self.modes.latch(lost)
        missing = 'no valid observation' if seen.values is None else ''
        if self._paced:
            self.modes.latch_lasting(seen.faults[0] if seen.faults else missing, seen.now,
                                     self._contract.safety.latch_after)

    def _idle_tick(self, seen: TickInput, gap: float) -> Executed:
        """Decide on a tick outside of episodes: drive home, or hold."""
        mode = self.modes.mode
        self.held_on_the_way = ()
        if mode is not Mode.RESET or self._home is None or self.at_home:
            reason = self.modes.obstacle() or f'{mode.name.lower()}: {self.modes.reason}'
            return self._hold(None, 0, (reason, *seen.faults))
        self._home_ticks += 1
        requested = self.gate.resting
        requested[self._home_places] = self._home.at(self._home_ticks * self._contract.period)
        verdict = self._check(requested, seen, gap)
        if verdict is None or verdict.held:
            self._home_ticks -= 1  # the time of the path stands still with the arm
            self.held_on_the_way = (_NO_POSE,) if verdict is None else verdict.reasons
        if verdict is None:
            return Executed(self.modes.mode, Source.HOLD, requested, None, (_NO_POSE,))
        return Executed(self.modes.mode, Source.HOLD, requested, verdict.action, verdict.reasons)

    def _episode_tick(self, seen: TickInput, gap: float) -> Executed:
        tick = self.tick_number
        if (seen.person is not None) is not self.arbiter.person_drives:
            self.chunks.forget(tick)  # planned for an arm that the other source was to drive
        step = None if self._person_only else self.chunks.take(tick)
        choice = self.arbiter.choose(seen.person, None if step is None else step.action)
        if choice.requested is None:
            reasons = self._hold_reasons(seen)
            self._set_mode(Mode.HOLD, reasons[0])
            return self._hold(None, tick, reasons)
        if choice.source is not Source.POLICY:
            step = None
        verdict = self._check(
            choice.requested, seen, gap,
            policy_age=(tick - step.chunk_first_tick) * self._contract.period if step else 0.0,
            teleop_age=0.0 if step else seen.person_age)
        if verdict is None:
            self._set_mode(Mode.HOLD, _NO_POSE)
            return self._hold(choice.requested, tick, (_NO_POSE,))
        if verdict.held:
            self._set_mode(Mode.HOLD, verdict.reasons[0])
        elif step:
            self._set_mode(Mode.POLICY, 'the policy drives')
        else:
            self._set_mode(Mode.TELEOP, f'a person drives: {seen.person_name}'
                           if seen.person_name else 'a person drives')
        return Executed(
            self.modes.mode, Source.HOLD if verdict.held else choice.source, choice.requested,
            verdict.action, verdict.reasons, choice.person_share,
            step.weights_version if step else 0, step.chunk_first_tick if step else tick,
            self._following(planned=step is not None and not verdict.held))

    def _check(
        self, requested: np.ndarray, seen: TickInput, gap: float, **ages: float,
    ) -> Verdict | None:
        """Return the gate's verdict on a request; None if the arm's pose is unknown."""
        try:
            return self.gate.check(requested, seen.values, Conditions(
                forbidden=self.modes.obstacle(), faults=seen.faults, tick_gap=gap,
                observation_age=seen.observation_age, **ages))
        except UnknownPose:
            return None

    def _hold(
        self, requested: np.ndarray | None, tick: int, reasons: tuple[str, ...],
    ) -> Executed:
        try:
            action, following = self.gate.hold(*reasons).action, self._following(planned=False)
        except UnknownPose:
            action, following = None, {}
            if _NO_POSE not in reasons:
                reasons = (*reasons, _NO_POSE)
        return Executed(self.modes.mode, Source.HOLD, requested, action, reasons,
                        chunk_first_tick=tick, following=following)

    def _following(self, planned: bool) -> dict[str, np.ndarray]:
        """Return the joint positions (R, n) after this tick, for each action with a horizon.

        Args:
            planned: Follow the next steps of the policy's chunks before braking.
        """
        following = {}
        for name, horizon in self._horizons.items():
            part = self._contract.action_slice(name)
            steps = self.chunks.upcoming(self.tick_number + 1, horizon - 1) if planned else []
            requests = np.array([step[part] for step in steps], np.float64).reshape(
                len(steps), part.stop - part.start)
            following[name] = self.gate.look_ahead(
                name, requests if np.isfinite(requests).all() else requests[:0])
        return following

    def _hold_reasons(self, seen: TickInput) -> tuple[str, ...]:
        """Return why the arm is held in a tick that nobody has a request for."""
        missing = 'no valid observation' if seen.values is None else ''
        reasons = (self.modes.obstacle(), *seen.faults, missing)
        return tuple(filter(None, reasons)) or ('no action in time',)

    def _set_mode(self, mode: Mode, reason: str) -> None:
        if mode is self.modes.mode and mode in (Mode.HOLD, Mode.IDLE):
            self.modes.reason = reason  # the arm rests for another reason
        elif self.modes.mode is not Mode.ESTOP:
            self.modes.change(mode, reason)
