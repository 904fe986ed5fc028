# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Who commands: the policy, or a person, who may take over at any tick and hand back.

Nothing jumps when the source changes. For the duration of the ramp the command goes from where the
arm was being driven (extrapolated, with its velocity running out) to what the new source asks for.
The weight is a quintic whose first and second derivatives vanish at both ends, so position and
velocity are continuous and the limiter that follows has nothing to cut. Steps that a person
commanded are tagged.
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
    """The request of a tick.

    Attributes:
        source: Whose request it is; HOLD if nobody asks.
        requested: (A,) in contract units; None if nobody asks.
        person_share: 0 policy alone .. 1 person alone; in between during a ramp.
    """

    source: Source
    requested: np.ndarray | None
    person_share: float


def ramp(share: float) -> float:
    """Return the quintic 10 s^3 - 15 s^4 + 6 s^5 of a share of the ramp, 0..1."""
    share = min(max(share, 0.0), 1.0)
    return share ** 3 * (10.0 + share * (-15.0 + 6.0 * share))


class Arbiter:
    """Chooses the request of each tick of an episode.

    Attributes:
        person_drives: Whether a person commanded the last tick.
        ticks: Number of ticks.
        person_ticks: Number of ticks that a person commanded.
        interventions: Number of times that a person took over.
    """

    def __init__(self, contract: Contract) -> None:
        rules = contract.teleoperation
        self._period = contract.period
        self._duration = rules.ramp
        # How fast each value may have been changing; 0 for values that aren't positions.
        self._fastest = np.zeros(contract.action_size)
        for name, entry in contract.actions.items():
            if entry.commands_positions:
                self._fastest[contract.action_slice(name)] = limits_of(entry).velocity
        self._leader = (contract.action_slice(rules.joint_action)
                        if rules.joint_action and rules.leader == 'relative' else None)
        self._size = contract.action_size
        self.begin(np.zeros(self._size))

    def begin(self, resting: np.ndarray) -> None:
        """Start an episode; ``resting`` is the action (A,) that holds the arm."""
        self._last = np.array(resting, np.float64)
        self._before = self._last.copy()
        self._from = self._last.copy()
        self._rate = np.zeros(self._size)
        self._offset: np.ndarray | None = None
        self._elapsed = self._duration
        self._commander: Source | None = None
        self.person_drives = False
        self.ticks = 0
        self.interventions = 0
        self.person_ticks = 0

    @property
    def intervention_rate(self) -> float:
        """Share of the episode's ticks in which a person commanded."""
        return self.person_ticks / self.ticks if self.ticks else 0.0

    def choose(self, person: np.ndarray | None, policy: np.ndarray | None) -> Choice:
        """Choose the request of the next tick.

        Args:
            person: (A,) What the person asks for; None if the person lets the policy drive.
            policy: (A,) The policy's step that is due; None if there is none.
        """
        if person is not None and not self.person_drives:
            self.interventions += self._commander is not None
            self._offset = None
        self.person_drives = person is not None
        source, request = (
            (Source.TELEOP, person) if self.person_drives else (Source.POLICY, policy))
        self.ticks += 1
        self.person_ticks += self.person_drives
        if request is None:
            return Choice(Source.HOLD, None, 0.0)
        if request.shape != (self._size,) or not np.isfinite(request).all():
            # The gate will refuse it and say why; it must not enter the ramp.
            return Choice(source, request, float(self.person_drives))
        if self.person_drives:
            request = self._as_follower(request)
        if self._commander not in (None, source):
            self._elapsed = 0.0
            self._from[:] = self._last
            self._rate[:] = np.clip(
                (self._last - self._before) / self._period, -self._fastest, self._fastest)
        self._commander = source
        self._elapsed = min(self._elapsed + self._period, self._duration)
        if self._elapsed >= self._duration:
            return Choice(source, request, float(self.person_drives))
        weight = ramp(self._elapsed / self._duration)
        running_out = self._from + self._rate * (
            self._elapsed - 0.5 * self._elapsed ** 2 / self._duration)
        blended = ((1.0 - weight) * running_out + weight * request).astype(np.float32)
        return Choice(source, blended, weight if self.person_drives else 1.0 - weight)

    def executed(self, action: np.ndarray) -> None:
        """Record the action (A,) that was sent."""
        self._before[:] = self._last
        self._last[:] = action

    def _as_follower(self, request: np.ndarray) -> np.ndarray:
        """Shift a leader's pose so that the follower continues from where the leader took over."""
        if self._leader is None:
            return request
        if self._offset is None:
            self._offset = self._last[self._leader] - request[self._leader]
        request = request.copy()
        request[self._leader] += self._offset
        return request


class TakeoverSwitch:
    """Decides whether a person drives: by a held button, by moving the device, or by either."""

    def __init__(self, rules: Teleoperation) -> None:
        self._rules = rules
        self.begin()

    def begin(self) -> None:
        """Forget the past: a new episode starts."""
        self._moved = -np.inf

    def update(self, now: float, age: float, button: bool, speed: float) -> bool:
        """Return whether the person drives.

        Args:
            now: [s] Time of the tick.
            age: [s] Age of the device's newest command. If it is too old nobody drives.
            button: Whether the dead man's switch is held.
            speed: [m/s or rad/s] How fast the device is moved or asks to move.
        """
        rules = self._rules
        if not age <= rules.max_age:  # NaN counts as too old
            self._moved = -np.inf
            return False
        if speed > rules.motion_threshold:
            self._moved = now
        moving = now - self._moved <= rules.release_after
        return {'deadman': button, 'motion': moving, 'either': button or moving}[rules.takeover]
