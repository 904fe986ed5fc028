# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The way home, which a reset drives. Nothing of it is learned from."""

from collections.abc import Callable

import numpy as np
from ruckig import InputParameter, Result, Ruckig, RuckigError, Trajectory

from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.motion.limits import JointLimits
from inril_ros.robot.motion.safety import SafetyGate

_FEWEST_SAMPLES = 20


class ResetRefused(RuntimeError):
    """The way home is not taken; the message says why."""


class HomePath:
    """A straight line in joint space, time-scaled so that every joint keeps to its limits.

    Args:
        limits: Limits of the n joints, scaled to the wanted speed.
        start: (n,) Positions where the joints are at rest.
        home: (n,) Target positions.
        period: [s] One tick.
        contains: Returns whether the arm is inside its workspace for configurations (K, n); None
            if no box guards its links.

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
        """Time from start to home [s]."""
        return self._trajectory.duration

    def at(self, seconds: float) -> np.ndarray:
        """Return the positions (n,) at a time [s] after the start; home from the end on."""
        share = self._trajectory.at_time(min(max(seconds, 0.0), self.duration))[0][0]
        return self._start + share * self._way


def path_home(contract: Contract, gate: SafetyGate) -> HomePath:
    """Return the path from the last command to the contract's home.

    Joints that the contract's home doesn't name stay where they are.

    Raises:
        ResetRefused: There is no way home, or it leaves the workspace.
    """
    start = gate.resting.astype(np.float64)
    home, places = start.copy(), gate.joint_places
    for name, entry in contract.actions.items():
        for joint, position in contract.home(name).items():
            home[contract.action_slice(name).start + entry.joints.index(joint)] = position
    return HomePath(gate.joint_limits.scaled(contract.episode.home_speed), start[places],
                    home[places], contract.period, gate.contains)


def _plan(limits: JointLimits, way: np.ndarray, period: float) -> Trajectory:
    """Plan the share of the way, 0..1, over time; the joint that needs longest sets the pace."""
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
