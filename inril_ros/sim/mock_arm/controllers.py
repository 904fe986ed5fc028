# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Two controllers of ros2_control, as seen by a sender of commands.

They behave like joint_trajectory_controller and forward_command_controller, by their
documentation, in what matters to the sender: which commands are refused, the motion between
points, late commands, and the end of commands. No clock and no ROS: times are passed in, messages
are read by their attributes.
"""

from dataclasses import dataclass
import math
from typing import Any

import numpy as np

from inril_ros.robot.readable import few

_LARGEST = 1e6  # a larger number is an error in any unit, and might overflow later


@dataclass(frozen=True)
class _Point:
    """Target of the joints (n,) at a time [s]; velocity and acceleration are None if not given."""

    time: float
    position: np.ndarray
    velocity: np.ndarray | None
    acceleration: np.ndarray | None


class TrajectoryController:
    """Follows the newest JointTrajectory, like joint_trajectory_controller.

    The reference goes from its present value through each point at the point's time: linearly with
    positions alone, by a cubic with velocities, by a quintic with accelerations too. The last
    point is held. If a joint is too far from the reference, or after a time-out, the trajectory is
    aborted and the arm is held where it was measured.

    Args:
        joints: Names of the joints, in the order of all arrays.
        start: (n,) Position that is held until the first command.
        tolerance: [rad or m] Highest distance of a joint from the reference.
        timeout: [s] Time after the last point until the trajectory is aborted; 0: never.
    """

    def __init__(self, joints: tuple[str, ...], start: np.ndarray,
                 tolerance: float = math.inf, timeout: float = 0.0) -> None:
        self._joints = joints
        self._tolerance, self._timeout = tolerance, timeout
        self.aborted = ''
        self.hold(start)

    def hold(self, position: np.ndarray) -> None:
        """Hold a position (n,)."""
        self._points: list[_Point] = []
        self._position = np.array(position, np.float64)
        self._velocity = np.zeros_like(self._position)

    def accept(self, message: Any, now: float, origin: int = 0) -> str:
        """Follow a JointTrajectory; return why it is refused, empty if it isn't.

        Args:
            message: The command. With stamp 0 it starts now.
            now: [s] Time since the origin.
            origin: [ns] Time of the stamps' clock at which ``now`` is 0.
        """
        stamp = message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
        start = (stamp - origin) / 1e9 if stamp else now
        try:
            points = self._read(message, start)
        except ValueError as error:
            return str(error)
        if stamp and points[-1].time < now:
            return (f'the trajectory ended {now - points[-1].time:.3f} s ago: it would be a jump, '
                    'not a motion')
        # The present reference, for the way to the first point.
        self._points = [_Point(now, self._position, self._velocity, None), *points]
        self.aborted = ''
        return ''

    def sample(self, now: float, measured: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the reference (n,) at a time [s] and its velocity (n,)."""
        if self._points:
            self._position, self._velocity = self._between(now)
            if (np.abs(self._position - measured) > self._tolerance).any():
                self._abort('a joint is too far from the trajectory', measured)
            elif self._timeout and now - self._points[-1].time > self._timeout:
                self._abort('no new command', measured)
        return self._position, self._velocity

    def _abort(self, reason: str, measured: np.ndarray) -> None:
        self.aborted = reason
        self.hold(measured)

    def _between(self, now: float) -> tuple[np.ndarray, np.ndarray]:
        for before, after in zip(self._points, self._points[1:]):
            if now < after.time and before.time < after.time:
                return _interpolate(before, after, now)
        last = self._points[-1]
        return last.position, np.zeros_like(last.position)

    def _read(self, message: Any, start: float) -> list[_Point]:
        """Return the points, with their values in the order of our joints.

        Raises:
            ValueError: The message isn't a trajectory of these joints.
        """
        names = list(message.joint_names)
        if sorted(names) != sorted(self._joints):
            raise ValueError(f'joints {few(names)}, {list(self._joints)} are needed')
        if not message.points:
            raise ValueError('the trajectory has no points')
        order = [names.index(joint) for joint in self._joints]
        points = []
        for index, point in enumerate(message.points):
            after = point.time_from_start.sec + point.time_from_start.nanosec / 1e9
            if index and start + after <= points[-1].time:
                raise ValueError(f'time_from_start of point {index} is not after the one before')
            position = _values(point.positions, order, f'positions of point {index}')
            if position is None:
                raise ValueError(f'point {index} has no positions')
            velocity = _values(point.velocities, order, f'velocities of point {index}')
            points.append(_Point(
                start + after, position, velocity,
                _values(point.accelerations, order, f'accelerations of point {index}')))
        velocity = points[-1].velocity
        if velocity is not None and velocity.any():
            raise ValueError('velocities of the last point are not zero')
        return points


class ForwardController:
    """Holds the newest Float64MultiArray for ever, like forward_command_controller.

    Args:
        joints: Names of the joints, in the order of the message's values.
        start: (n,) Position that is held until the first command.
    """

    aborted = ''

    def __init__(self, joints: tuple[str, ...], start: np.ndarray) -> None:
        self._joints = joints
        self._rest = np.zeros(len(joints))
        self.hold(start)

    def hold(self, position: np.ndarray) -> None:
        """Hold a position (n,)."""
        self._position = np.array(position, np.float64)

    def accept(self, message: Any, now: float, origin: int = 0) -> str:
        """Hold a Float64MultiArray; return why it is refused, empty if it isn't."""
        values = np.array(message.data, np.float64)
        if values.size != len(self._joints):
            return f'{values.size} values, {len(self._joints)} are needed'
        if not (np.abs(values) <= _LARGEST).all():
            return f'a value is not finite, or huge: {values.tolist()}'
        self._position = values
        return ''

    def sample(self, now: float, measured: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the reference (n,), and 0 for its velocity, which is not commanded."""
        return self._position, self._rest


def _values(given: Any, order: list[int], name: str) -> np.ndarray | None:
    """Return values in the order of our joints; None if there are none."""
    if not len(given):
        return None
    if len(given) != len(order):
        raise ValueError(f'{name}: {len(given)} values, {len(order)} are needed')
    values = np.array(given, np.float64)[order]
    if not (np.abs(values) <= _LARGEST).all():
        raise ValueError(f'{name}: a value is not finite, or huge: {values.tolist()}')
    return values


def _interpolate(first: _Point, last: _Point, now: float) -> tuple[np.ndarray, np.ndarray]:
    """Return position and velocity (n,) between two points, by all derivatives that both have."""
    duration, at = last.time - first.time, now - first.time
    way = last.position - first.position
    if first.velocity is None or last.velocity is None:
        velocity = way / duration
        return first.position + at * velocity, velocity
    start, end = first.velocity, last.velocity
    powers = [first.position, start]
    if first.acceleration is None or last.acceleration is None:
        powers += [(3.0 * way / duration - 2.0 * start - end) / duration,
                   (start + end - 2.0 * way / duration) / duration ** 2]
    else:
        bend, arrival = first.acceleration, last.acceleration
        powers += [
            0.5 * bend,
            (20.0 * way - (8.0 * end + 12.0 * start) * duration
             - (3.0 * bend - arrival) * duration ** 2) / (2.0 * duration ** 3),
            (-30.0 * way + (14.0 * end + 16.0 * start) * duration
             + (3.0 * bend - 2.0 * arrival) * duration ** 2) / (2.0 * duration ** 4),
            (12.0 * way - 6.0 * (end + start) * duration
             + (arrival - bend) * duration ** 2) / (2.0 * duration ** 5)]
    position = sum(factor * at ** power for power, factor in enumerate(powers))
    velocity = sum(power * factor * at ** (power - 1) for power, factor in enumerate(powers)
                   if power)
    return position, velocity
