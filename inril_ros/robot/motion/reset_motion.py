# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The way home, and the steps of a reset. What happens in a reset is never learned from."""

from collections.abc import Callable
from enum import Enum

import numpy as np
from ruckig import InputParameter, Result, Ruckig, RuckigError, Trajectory

from inril_ros.robot.motion.limits import JointLimits

_FEWEST_SAMPLES = 20


class ResetRefused(RuntimeError):
    """A way home that is not taken; the message says why."""


class HomePath:
    """A straight line in joint space, time-scaled so that every joint keeps to its limits.

    Args:
        limits: Of the n joints, scaled to the speed that is wanted.
        start: (n,) Where the joints are, at rest.
        home: (n,) Where they shall be.
        period: [s] One tick.
        contains: Whether the arm is inside its workspace for configurations (K, n); None: there
            is no box around links.

    Raises:
        ResetRefused: An end is beyond the limits, or the path leaves the workspace.
    """

    def __init__(
        self, limits: JointLimits, start: np.ndarray, home: np.ndarray, period: float,
        contains: Callable[[np.ndarray], bool] | None = None,
    ) -> None:
        if not (np.isfinite(start).all() and np.isfinite(home).all()):
            raise ResetRefused('start or home is not finite')
        if (home < limits.minimum).any() or (home > limits.maximum).any():
            raise ResetRefused(f'home {home.tolist()} is beyond the limits of the joints')
        self._start, self._way = np.array(start, np.float64), home - start
        self._trajectory = _plan(limits, self._way, period)
        samples = max(_FEWEST_SAMPLES, int(np.ceil(self.duration / period)))
        self._path = np.array([
            self.at(share * self.duration) for share in np.linspace(0.0, 1.0, samples + 1)])
        if contains is not None and not contains(self._path[:1]):
            raise ResetRefused('the arm is outside its workspace: bring it back by hand')
        if contains is not None and not contains(self._path):
            raise ResetRefused('the way home leaves the workspace')

    @property
    def duration(self) -> float:
        """[s] From start to home."""
        return self._trajectory.duration

    def at(self, seconds: float) -> np.ndarray:
        """Return the positions (n,) at a time [s] after the start; home from the end on."""
        share = self._trajectory.at_time(min(max(seconds, 0.0), self.duration))[0][0]
        return self._start + share * self._way


def _plan(limits: JointLimits, way: np.ndarray, period: float) -> Trajectory:
    """Plan the share of the way that is done, 0..1: the joint that needs longest sets the pace."""
    planner, trajectory, request = Ruckig(1, period), Trajectory(1), InputParameter(1)
    distance = np.maximum(np.abs(way), 1e-9)
    request.target_position = [1.0]
    request.max_velocity = [(limits.velocity / distance).min()]
    request.max_acceleration = [(limits.acceleration / distance).min()]
    request.max_jerk = [(limits.jerk / distance).min()]
    try:
        if planner.calculate(request, trajectory) in (Result.Working, Result.Finished):
            return trajectory
    except RuckigError as error:
        raise ResetRefused(f'no way home: {error}') from error
    raise ResetRefused('no way home was found')


class ResetStep(Enum):
    """Where a reset is."""

    IDLE = 'idle'
    HOMING = 'driving home'
    SCRIPT = 'waiting for the reset service'
    PERSON = 'waiting for a person to be ready'
    DONE = 'done'
    FAILED = 'failed'


class ResetProcedure:
    """The steps of a reset: drive home, run the reset service, wait for a person.

    Args:
        home: There is a way home to drive first.
        person: A person says at the end that the scene is set.
        script: There is a reset service.
    """

    def __init__(self, home: bool, person: bool, script: bool = True) -> None:
        self._last = ResetStep.PERSON if person else ResetStep.DONE
        self._after_home = ResetStep.SCRIPT if script else self._last
        self._first = ResetStep.HOMING if home else self._after_home
        self.step = ResetStep.IDLE
        self.reason = ''

    def begin(self) -> ResetStep:
        """Start from the beginning."""
        self.step, self.reason = self._first, ''
        return self.step

    def arrived(self) -> ResetStep:
        """The arm is at home."""
        return self._go(ResetStep.HOMING, self._after_home)

    def script_answered(self, success: bool, message: str = '') -> ResetStep:
        """The reset service has answered."""
        if self.step is ResetStep.SCRIPT and not success:
            return self.fail(f'the reset service failed: {message or "it gave no reason"}')
        return self._go(ResetStep.SCRIPT, self._last)

    def ready(self) -> ResetStep:
        """A person says that the scene is set; said too early it doesn't count."""
        return self._go(ResetStep.PERSON, ResetStep.DONE)

    def fail(self, reason: str) -> ResetStep:
        """Give up; what is over can't fail any more."""
        if self.step not in (ResetStep.IDLE, ResetStep.DONE, ResetStep.FAILED):
            self.step, self.reason = ResetStep.FAILED, reason
        return self.step

    def _go(self, expected: ResetStep, after: ResetStep) -> ResetStep:
        if self.step is expected:
            self.step = after
        return self.step
