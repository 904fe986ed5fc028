# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From who asks to what is sent: chunks, arbitration, safety gate and modes, tick by tick.

All that the actuation node decides about motion is decided here, without ROS and without a clock:
times and ages are passed in, so that any sequence of events can be played in a test. One rule goes
through it: nothing is sent that the gate has not returned, and nothing is returned without a
reason if it isn't what was asked for.
"""

from collections.abc import Mapping

import numpy as np

from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.motion.arbitration import Arbiter, Source
from inril_ros.robot.motion.chunks import ChunkSchedule
from inril_ros.robot.motion.kinematics import URDF
from inril_ros.robot.motion.modes import Mode, ModeMachine
from inril_ros.robot.motion.reset_motion import HomePath, ResetRefused
from inril_ros.robot.motion.safety import SafetyGate
from inril_ros.robot.motion.tick import Executed, TickInput
from inril_ros.robot.motion.verdict import Conditions, UnknownPose, Verdict

_AT_HOME = 1e-6  # [rad or m]


class CommandPath:
    """The commands of one robot.

    Args:
        contract: Of the robot.
        robot: Its URDF, where the contract names one.
        enabled: Motion is consented to from the start: simulations.
        paced: Ticks follow a clock: gaps between them count, and so does the time that faults
            last. Not in lockstep.
        dry_run: Nothing of it is sent: an arm that doesn't follow is as it should be.
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
        self.chunks = ChunkSchedule(contract.chunks, contract.period)
        self.arbiter = Arbiter(contract)
        self._running = False
        self._person_only = False
        self._home: HomePath | None = None
        self._home_places: list[int] = []
        self._home_ticks = 0
        self._reanchor = False
        self._tick = 0
        self._last_time: float | None = None
        self._fault_since: float | None = None

    @property
    def tick_number(self) -> int:
        """Tick of the episode that comes next."""
        return self._tick

    def refusal(self, values: Mapping[str, np.ndarray] | None) -> str:
        """Say why no episode and no reset can begin now; empty if one can."""
        if self.modes.obstacle():
            return self.modes.obstacle()
        if self.modes.mode is not Mode.IDLE and not self._home_is_over():
            return f'busy: {self.modes.mode.name}'
        if not self._paced:  # in lockstep motion begins from what the reset shows
            return ''
        if self.gate.moving:
            return 'the arm is still braking'
        return '' if values is not None or self.gate.known else 'no pose was measured'

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
        self._tick, self._fault_since = 0, None
        self._reanchor = False

    def end(self, reason: str) -> None:
        """End the episode or the reset; ticks that follow hold the arm."""
        self._running, self._home = False, None
        self.chunks.begin()
        if self.modes.mode is not Mode.ESTOP:
            self.modes.change(Mode.IDLE, reason)

    def accept_chunk(self, first_tick: int, actions: np.ndarray, weights_version: int) -> str:
        """Take a chunk of actions (T, A); return why it is refused, empty if it isn't."""
        size = self._contract.action_size
        if actions.ndim != 2 or actions.shape[1] != size:
            return f'chunk of shape {actions.shape}, the contract has {size} values per step'
        self.chunks.accept(first_tick, actions, weights_version)
        return ''

    def drive_home(self, path: HomePath, places: list[int]) -> None:
        """Drive home in the ticks that follow.

        Args:
            path: Where to.
            places: Where its joints are in the action vector.

        Raises:
            IllegalMode: Motion is not possible now; ``refusal`` says why.
        """
        self.modes.change(Mode.RESET, 'driving home')
        self._home, self._home_ticks, self._home_places = path, 0, places

    def go_home(self, values: Mapping[str, np.ndarray]) -> float:
        """Drive to the contract's home from the measured pose; return how long it takes [s].

        Joints that home doesn't name stay where they are.

        Raises:
            ResetRefused: There is no way home, or it leaves the workspace.
            IllegalMode: Motion is not possible now; ``refusal`` says why.
        """
        self.gate.anchor(values)
        if not self.gate.known:
            raise ResetRefused('no pose was measured')
        rules, places = self._contract.episode, self.gate.joint_places
        start = self.gate.resting[places].astype(np.float64)
        home = np.array([rules.home.get(joint, position)
                         for joint, position in zip(self.gate.joints, start)])
        path = HomePath(self.gate.joint_limits.scaled(rules.home_speed), start, home,
                        self._contract.period, self.gate.contains)
        self.drive_home(path, places)
        return path.duration

    @property
    def at_home(self) -> bool:
        """Whether the way home has been driven to its end."""
        return self._home is not None and self._home_is_over()

    def stop(self, reason: str) -> None:
        """E-stop."""
        self.modes.press(reason)
        self._running, self._home, self._reanchor = False, None, True
        self.chunks.begin()

    def resume(self) -> str:
        """Leave the e-stop or a latched hold; return what prevents it."""
        refusal = 'the arm is still braking' if self.gate.moving else self.modes.resume()
        if not refusal:
            self._fault_since = None
            self._reanchor = True
        return refusal

    def missed_tick(self) -> Executed:
        """Count a tick of an episode that never came: the robot kept the command before it.

        So a tick keeps to its time, and the steps of a chunk to theirs.
        """
        self._tick += 1
        return Executed(self.modes.mode, Source.HOLD, None, self.gate.last,
                        ('the tick never came',), chunk_first_tick=self._tick - 1)

    def tick(self, seen: TickInput) -> Executed:
        """Decide on one tick."""
        gap = 0.0
        if self._paced and self._last_time is not None:
            gap = seen.now - self._last_time
        self._last_time = seen.now
        self._watch(seen)
        if self._reanchor and seen.values is not None and self.modes.mode is not Mode.ESTOP:
            self.gate.anchor(seen.values)
            self._reanchor = False
        if not self._running:
            return self._outside_episodes(seen, gap)
        executed = self._decide(seen, gap)
        if executed.action is not None:
            self.arbiter.executed(executed.action)
        self._tick += 1
        return executed

    def _outside_episodes(self, seen: TickInput, gap: float) -> Executed:
        mode = self.modes.mode
        if mode is not Mode.RESET or self._home is None or self._home_is_over():
            reason = self.modes.obstacle() or f'{mode.name.lower()}: {self.modes.reason}'
            return self._hold(None, 0, (reason, *seen.faults))
        self._home_ticks += 1
        requested = self.gate.resting
        requested[self._home_places] = self._home.at(self._home_ticks * self._contract.period)
        verdict, _ = self._pass(requested, seen, Conditions(
            forbidden=self.modes.obstacle(), faults=seen.faults, tick_gap=gap,
            observation_age=seen.observation_age))
        if verdict is None or verdict.held:
            # The time of the path stands still with the arm.
            self._home_ticks -= 1
        reasons = ('no pose was measured',) if verdict is None else verdict.reasons
        return Executed(self.modes.mode, Source.HOLD, requested,
                        None if verdict is None else verdict.action, reasons)

    def _decide(self, seen: TickInput, gap: float) -> Executed:
        tick = self._tick
        if (seen.person is not None) is not self.arbiter.person_drives:
            self.chunks.forget(tick)  # planned for an arm that someone else was to drive
        step = None if self._person_only else self.chunks.take(tick)
        choice = self.arbiter.choose(seen.person, None if step is None else step.action)
        if choice.requested is None:
            reason = self._obstacles(seen) or ('no action in time',)
            self._settle(Mode.HOLD, reason[0])
            return self._hold(None, tick, reason)
        by_policy = choice.source is Source.POLICY
        age = 0.0
        if by_policy and step is not None:
            age = (tick - step.chunk_first_tick) * self._contract.period
        verdict, following = self._pass(choice.requested, seen, Conditions(
            forbidden=self.modes.obstacle(), faults=seen.faults, tick_gap=gap,
            observation_age=seen.observation_age, policy_age=age,
            teleop_age=0.0 if by_policy else seen.person_age), by_policy)
        if verdict is None:
            self._settle(Mode.HOLD, 'no pose was measured')
            return self._hold(choice.requested, tick, ('no pose was measured',))
        if verdict.held:
            self._settle(Mode.HOLD, verdict.reasons[0])
        elif by_policy:
            self._settle(Mode.POLICY, 'the policy drives')
        else:
            self._settle(Mode.TELEOP, 'a person drives')
        return Executed(
            self.modes.mode, Source.HOLD if verdict.held else choice.source, choice.requested,
            verdict.action, verdict.reasons, choice.person_share,
            step.weights_version if by_policy and step is not None else 0,
            step.chunk_first_tick if by_policy and step is not None else tick, following)

    def _pass(
        self, requested: np.ndarray, seen: TickInput, conditions: Conditions,
        by_policy: bool = False,
    ) -> tuple[Verdict | None, dict[str, np.ndarray]]:
        try:
            verdict = self.gate.check(requested, seen.values, conditions)
        except UnknownPose:
            return None, {}
        following = {}
        for name, horizon in self._horizons.items():
            later = [] if verdict.held or not by_policy else self.chunks.upcoming(
                self._tick + 1, horizon - 1)
            following[name] = self._look_ahead(name, later)
        return verdict, following

    def _look_ahead(self, name: str, later: list[np.ndarray]) -> np.ndarray:
        part = self._contract.action_slice(name)
        requests = np.array([action[part] for action in later], np.float64).reshape(
            len(later), part.stop - part.start)
        if not np.isfinite(requests).all():
            requests = requests[:0]
        return self.gate.look_ahead(name, requests)

    def _hold(
        self, requested: np.ndarray | None, tick: int, reasons: tuple[str, ...],
    ) -> Executed:
        try:
            action = self.gate.hold(*reasons).action
        except UnknownPose:
            action = None
            if 'no pose was measured' not in reasons:
                reasons = (*reasons, 'no pose was measured')
        following = {} if action is None else {
            name: self._look_ahead(name, []) for name in self._horizons}
        return Executed(self.modes.mode, Source.HOLD, requested, action, reasons,
                        chunk_first_tick=tick, following=following)

    def _obstacles(self, seen: TickInput) -> tuple[str, ...]:
        obstacle = self.modes.obstacle()
        missing = ('no valid observation',) if seen.values is None else ()
        return (*((obstacle,) if obstacle else ()), *seen.faults, *missing)

    def _settle(self, mode: Mode, reason: str) -> None:
        if self.modes.mode is Mode.HOLD and mode is Mode.HOLD:
            self.modes.reason = reason
        elif self.modes.mode is not Mode.ESTOP:
            self.modes.change(mode, reason)

    def _watch(self, seen: TickInput) -> None:
        """Latch a fault that lasts; a missing action isn't one."""
        lost = self.gate.lost(seen.values) if seen.values is not None else ''
        if lost and self._running and not self.modes.latched:
            self.modes.latch(lost)
        fault = seen.faults[0] if seen.faults else (
            'no valid observation' if seen.values is None else '')
        if not fault or not self._running or not self._paced:
            self._fault_since = None
        elif self._fault_since is None:
            self._fault_since = seen.now
        elif seen.now - self._fault_since > self._contract.safety.latch_after \
                and not self.modes.latched:
            self.modes.latch(fault)

    def _home_is_over(self) -> bool:
        if self._home is None or self._home_ticks * self._contract.period < self._home.duration:
            return False
        # Commands lag the way a little, and don't stop before its end.
        gap = self.gate.last[self._home_places] - self._home.at(self._home.duration)
        return bool((np.abs(gap) <= _AT_HOME).all())
