# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The limiters: whatever is requested, every command keeps to the limits.

A request is a target, not a command. Ruckig (Berscheid and Kröger 2021) computes the time-optimal
jerk-limited trajectory to it from the present command, and the next command is the first period of
that trajectory: velocity, acceleration and jerk keep to their limits for any sequence of requests,
by construction. Position limits hold by induction: a period is taken only if the arm, braking from
its end, comes to rest within them; otherwise the arm brakes at once, on the path that was checked
a period before. Why not a clamp of our own: docs/explanation/decisions/robot/0009.
"""

from collections.abc import Iterator

import numpy as np
from ruckig import (
    ControlInterface,
    InputParameter,
    Result,
    Ruckig,
    RuckigError,
    Synchronization,
    Trajectory,
)

from inril_ros.robot.motion.limits import JointLimits

_ROUNDING = 1e-6


class _Generator:
    """Ruckig for n independent joints.

    A trajectory to a velocity is planned from position 0, wherever the joints are: it has no
    target position, and Ruckig 0.19 counts 0 among its extrema as if that were one.
    """

    def __init__(self, limits: JointLimits, period: float, interface: ControlInterface) -> None:
        size = limits.size
        self._period = period
        self._from_zero = interface is ControlInterface.Velocity
        self._origin = np.zeros(size)
        self._ruckig = Ruckig(size, period)
        self.trajectory = Trajectory(size)
        self.input = InputParameter(size)
        self.input.control_interface = interface
        self.input.synchronization = Synchronization.No
        # Slightly less than allowed, so that rounded values stay within.
        self.input.max_velocity = (1.0 - _ROUNDING) * limits.velocity
        self.input.max_acceleration = (1.0 - _ROUNDING) * limits.acceleration
        self.input.max_jerk = (1.0 - _ROUNDING) * limits.jerk

    def plan(self, state: np.ndarray) -> bool:
        """Plan from a state (3, n) to the target that was set; return whether that is possible."""
        if self._from_zero:
            self._origin[:] = state[0]
        self.input.current_position = state[0] - self._origin
        self.input.current_velocity = state[1]
        self.input.current_acceleration = state[2]
        try:
            return self._ruckig.calculate(self.input, self.trajectory) in (
                Result.Working, Result.Finished)
        except RuckigError:
            return False

    def sample(self, seconds: float, out: np.ndarray) -> None:
        """Write position, velocity and acceleration (3, n) at a time [s] of the plan."""
        out[0], out[1], out[2] = self.trajectory.at_time(seconds)
        out[0] += self._origin

    def position(self, seconds: float) -> np.ndarray:
        """Return the positions (n,) at a time [s] of the plan."""
        return self.trajectory.at_time(seconds)[0] + self._origin

    def range(self) -> Iterator[tuple[float, float]]:
        """Return the lowest and highest position of each joint in the plan."""
        for origin, bound in zip(self._origin, self.trajectory.position_extrema):
            yield origin + bound.min, origin + bound.max


class PositionLimiter:
    """The commanded positions of n joints.

    Each tick proposes a next state (``toward`` or ``braking``), which may be inspected, and takes
    one of them (``accept``). ``anchor`` must set where the joints are before anything moves.

    Args:
        limits: Limits that the commands keep to.
        period: [s] One tick.
    """

    def __init__(self, limits: JointLimits, period: float) -> None:
        self.limits = limits
        self.period = period
        self._way = _Generator(limits, period, ControlInterface.Position)
        self._stop = _Generator(limits, period, ControlInterface.Velocity)
        self._state = np.zeros((3, limits.size))
        self._next = np.zeros((3, limits.size))

    @property
    def position(self) -> np.ndarray:
        """Commanded positions (n,); a view."""
        return self._state[0]

    @property
    def at_rest(self) -> bool:
        """Whether nothing moves."""
        return not self._state[1:].any()

    def anchor(self, position: np.ndarray) -> None:
        """Start at rest at measured positions (n,)."""
        self._state[0] = position
        self._state[1:] = 0.0

    def toward(self, request: np.ndarray, drift: np.ndarray) -> bool:
        """Propose the next state on the way to a request, or braking if there is no safe way.

        For a request that moves, the target is where it would stop if it braked now: the way there
        leads through the request at its own velocity. With the request itself as the target the
        arm would plan to stop there in every tick, and lag by a stopping distance.

        Args:
            request: (n,) Target positions; they are cut to the limits.
            drift: (n,) Velocity of the request itself; 0 for one that doesn't move.

        Returns:
            Whether the proposal leads to the request; otherwise it is to brake.
        """
        limits = self.limits
        target = request + np.copysign(limits.stopping_distance(drift), drift)
        self._way.input.target_position = np.clip(target, limits.minimum, limits.maximum)
        if self._way.plan(self._state):
            self._way.sample(self.period, self._next)
            if self._stop.plan(self._next) and self._stop_stays_inside():
                return True
        self.braking()
        return False

    def braking(self) -> None:
        """Propose the next state of the fastest stop."""
        if self.at_rest:
            self._next[:] = self._state
            return
        if self._stop.plan(self._state):
            self._stop.sample(self.period, self._next)
            if self._stop.trajectory.duration <= self.period:
                self._next[1:] = 0.0
        else:  # a state that Ruckig does not accept: stand still
            self._next[0] = self._state[0]
            self._next[1:] = 0.0

    def accept(self) -> None:
        """Make the proposal the present state."""
        self._state, self._next = self._next, self._state

    def stopping_points(self, out: np.ndarray, stride: int = 1) -> None:
        """Write the commands (K, n) that would follow if the arm braked after the proposal.

        Args:
            out: Filled; the first row is the proposal, the last one where the arm comes to rest.
            stride: [periods] Distance of two rows.
        """
        out[:] = self._next[0]
        if not self._next[1:].any() or not self._stop.plan(self._next):
            return
        duration, step = self._stop.trajectory.duration, stride * self.period
        for index in range(1, len(out)):
            if index * step >= duration:
                out[index:] = self._stop.position(duration)
                return
            out[index] = self._stop.position(index * step)
        out[-1] = self._stop.position(duration)

    def look_ahead(self, requests: np.ndarray, previous: np.ndarray) -> np.ndarray:
        """Return the positions (R, n) that follow for requests (H, n), then to a standstill.

        Args:
            requests: (H, n) Requests of the next periods.
            previous: (n,) The request before them.
        """
        kept = self._state.copy()
        positions = []
        for request in requests:
            drift = (request - previous) / self.period
            self.toward(request, drift * (np.abs(drift) <= self.limits.velocity))
            self.accept()
            positions.append(self._state[0].copy())
            previous = request
        while not self.at_rest:
            self.braking()
            self.accept()
            positions.append(self._state[0].copy())
        self._state[:] = kept
        return np.array(positions).reshape(-1, self.limits.size)

    def _stop_stays_inside(self) -> bool:
        """Return whether the stop keeps within the limits, or no further out than now."""
        low, high, now = self.limits.minimum, self.limits.maximum, self._state[0]
        for joint, (lowest, highest) in enumerate(self._stop.range()):
            if lowest < min(low[joint] - _ROUNDING, now[joint] - 1e-12) \
                    or highest > max(high[joint] + _ROUNDING, now[joint] + 1e-12):
                return False
        return True


class VelocityLimiter:
    """A commanded velocity (n,) with limited acceleration and jerk.

    Args:
        limits: Limits of velocity, acceleration (finite) and jerk.
        period: [s] One tick.
    """

    def __init__(self, limits: JointLimits, period: float) -> None:
        self.limits = limits
        self.period = period
        self._way = _Generator(limits, period, ControlInterface.Velocity)
        self._state = np.zeros((3, limits.size))

    @property
    def velocity(self) -> np.ndarray:
        """Commanded velocity (n,); a view."""
        return self._state[1]

    def rest(self) -> None:
        """Start at rest."""
        self._state[:] = 0.0

    def toward(self, request: np.ndarray) -> np.ndarray:
        """Go one period toward a requested velocity (n,); return the commanded one, a view."""
        self._state[0] = 0.0
        self._way.input.target_velocity = np.clip(
            request, -(1.0 - _ROUNDING) * self.limits.velocity,
            (1.0 - _ROUNDING) * self.limits.velocity)
        if self._way.plan(self._state):
            self._way.sample(self.period, self._state)
        else:
            self._state[1:] = 0.0
        return self._state[1]
