# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Who commands: the policy, or a person who takes over at any tick and hands back.

At a change of hands nothing jumps. For the duration of the ramp the command goes from where the
arm was being driven, extrapolated and running out, to what the new source asks for; the weight is
a quintic whose first and second derivatives vanish at both ends, so position and velocity go on
continuously and the limiter behind has nothing to cut. Steps a person commanded are tagged.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.contract.rules import Teleoperation
from inril_ros.robot.motion.limits import limits_of


class Source(Enum):
    """Who commanded a tick; the values are those of ExecutedAction.msg."""

    HOLD = 0
    POLICY = 1
    TELEOP = 2


@dataclass(frozen=True)
class Choice:
    """What to ask of the safety gate in a tick.

    Attributes:
        source: Who asks. HOLD: nobody.
        requested: (A,) in contract units, None if nobody asks.
        person_share: 0 policy alone .. 1 person alone; in between during a ramp.
        changed_hands: In this tick a person took over or let go: what the policy planned is void.
    """

    source: Source
    requested: np.ndarray | None
    person_share: float
    changed_hands: bool


def ramp(share: float) -> float:
    """Return the quintic 10 s^3 - 15 s^4 + 6 s^5 of a share of the ramp, 0..1."""
    share = min(max(share, 0.0), 1.0)
    return share ** 3 * (10.0 + share * (-15.0 + 6.0 * share))


class Arbiter:
    """Chooses the request of each tick of an episode."""

    def __init__(self, contract: Contract) -> None:
        rules = contract.teleoperation
        self._period = contract.period
        self._duration = rules.ramp
        # How fast each value may have been changing: 0 for what isn't a position.
        self._fastest = np.zeros(contract.action_size)
        for name, entry in contract.actions.items():
            if entry.commands_positions:
                self._fastest[contract.action_slice(name)] = limits_of(entry).velocity
        self._leader = (contract.action_slice(rules.joint_action)
                        if rules.joint_action and rules.leader == 'relative' else None)
        self._size = contract.action_size
        self.begin(np.zeros(self._size))

    def begin(self, resting: np.ndarray) -> None:
        """Start an episode in which (A,) is what holds the arm."""
        self._last = np.array(resting, np.float64)
        self._before = self._last.copy()
        self._from = self._last.copy()
        self._rate = np.zeros(self._size)
        self._offset: np.ndarray | None = None
        self._elapsed = self._duration
        self._commander: Source | None = None
        self._person = False
        self.ticks = 0
        self.interventions = 0
        self.person_ticks = 0

    @property
    def person_drives(self) -> bool:
        """Whether a person commanded the last tick."""
        return self._person

    @property
    def intervention_rate(self) -> float:
        """Share of the episode's ticks in which a person commanded."""
        return self.person_ticks / self.ticks if self.ticks else 0.0

    def choose(self, person: np.ndarray | None, policy: np.ndarray | None) -> Choice:
        """Choose the request of the next tick.

        Args:
            person: (A,) what the person asks for; None: the person lets the policy drive.
            policy: (A,) the step of the policy that is due; None: there is none.
        """
        changed = (person is not None) is not self._person
        self._person = person is not None
        if changed and self._person:
            self.interventions += self._commander is not None
            self._offset = None
        source, request = ((Source.TELEOP, person) if self._person else (Source.POLICY, policy))
        self.ticks += 1
        self.person_ticks += self._person
        if request is None:
            return Choice(Source.HOLD, None, 0.0, changed)
        if request.shape != (self._size,) or not np.isfinite(request).all():
            # The gate will refuse it and say why; it must not get into the ramp.
            return Choice(source, request, float(self._person), changed)
        if self._person:
            request = self._as_follower(request)
        if self._commander not in (None, source):
            self._elapsed = 0.0
            self._from[:] = self._last
            self._rate[:] = np.clip(
                (self._last - self._before) / self._period, -self._fastest, self._fastest)
        self._commander = source
        self._elapsed = min(self._elapsed + self._period, self._duration)
        if self._elapsed >= self._duration:
            return Choice(source, request, float(self._person), changed)
        weight = ramp(self._elapsed / self._duration)
        running_out = self._from + self._rate * (
            self._elapsed - 0.5 * self._elapsed ** 2 / self._duration)
        blended = ((1.0 - weight) * running_out + weight * request).astype(np.float32)
        return Choice(source, blended, weight if self._person else 1.0 - weight, changed)

    def executed(self, action: np.ndarray) -> None:
        """Take note of what was really sent (A,)."""
        self._before[:] = self._last
        self._last[:] = action

    def _as_follower(self, request: np.ndarray) -> np.ndarray:
        """Map a leader's pose to the follower's: the leader counts from where it took over."""
        if self._leader is None:
            return request
        if self._offset is None:
            self._offset = self._last[self._leader] - request[self._leader]
        request = request.copy()
        request[self._leader] += self._offset
        return request


class TakeoverSwitch:
    """Whether a person drives: by the held button, by moving the device, or by either."""

    def __init__(self, rules: Teleoperation) -> None:
        self._rules = rules
        self.begin()

    def begin(self) -> None:
        """Forget the past: a new episode starts."""
        self._moved = -np.inf

    def update(self, now: float, age: float, button: bool, speed: float) -> bool:
        """Say whether the person drives.

        Args:
            now: [s] Time of the tick.
            age: [s] Of the device's newest command. If it is too old nobody drives.
            button: The dead man's switch is held.
            speed: [m/s or rad/s] How fast the device is moved or asks to move.
        """
        rules = self._rules
        if not age <= rules.max_age:  # not a number counts as too old
            self._moved = -np.inf
            return False
        if speed > rules.motion_threshold:
            self._moved = now
        moving = now - self._moved <= rules.release_after
        return {'deadman': button, 'motion': moving, 'either': button or moving}[rules.takeover]


class Buttons:
    """What a person says by pressing a button: each press once, when it goes down."""

    def __init__(self, rules: Teleoperation) -> None:
        self._meaning = [(getattr(rules, f'{name}_button'), name)
                         for name in ('success', 'failure', 'discard', 'ready', 'start')]
        self._down: set[str] | None = None

    def begin(self) -> None:
        """Forget what is held down: a button held from before is no press."""
        self._down = None

    def pressed(self, buttons: list[int]) -> list[str]:
        """Return what was pressed since the last call: success, failure, discard, ready, start."""
        down = {name for index, name in self._meaning
                if 0 <= index < len(buttons) and buttons[index]}
        new = [] if self._down is None else [
            name for _, name in self._meaning if name in down - self._down]
        self._down = down
        return new
