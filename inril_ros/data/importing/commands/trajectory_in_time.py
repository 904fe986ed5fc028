# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One joint's commands in time: each is followed until the next one begins.

A trajectory is followed as a joint_trajectory_controller does: in a straight line between points
that have positions only, as a cubic or quintic where they have velocities or accelerations too;
until the first point from what was commanded when it began; and its last point is held.
"""

from dataclasses import dataclass

import numpy as np

from inril_ros.data.importing.commands.command_reading import Command


@dataclass(frozen=True)
class Plan:
    """What one command says for one joint.

    Attributes:
        command: The command; None for a joint that no command has named, which is held.
        index: The joint's place in the command.
        begin: When it replaces the one before [ns].
        origin: The joint's position and its derivatives (3,) at that moment. The position is NaN
            if it isn't known: then the first point counts at once.
    """

    command: Command | None
    index: int
    begin: int
    origin: tuple[float, float, float]

    @property
    def end(self) -> int:
        """When its last point is reached [ns]."""
        return self.begin if self.command is None else max(self.begin, self.command.end)

    def at(self, instant: int) -> float:
        """Return the commanded value at an instant [ns]."""
        return self.motion(instant)[0]

    def motion(self, instant: int) -> tuple[float, float, float]:
        """Return the commanded value at an instant [ns], and its first two derivatives."""
        from scipy.interpolate import BPoly

        if self.command is None or self.command.is_stop:
            return self.origin[0], 0.0, 0.0
        times, points = self.command.times, self.command.points[:, :, self.index]
        seconds = (instant - self.command.start) / 1e9
        after = int(np.searchsorted(times, seconds, side='right'))
        if after == len(times) or (after == 0 and np.isnan(self.origin[0])):
            return float(points[min(after, len(times) - 1), 0]), 0.0, 0.0
        if after:
            before, left = times[after - 1], points[after - 1]
        else:
            before, left = ((self.begin - self.command.start) / 1e9,
                            np.array(self.origin[:points.shape[1]]))
        curve = BPoly.from_derivatives([before, times[after]], [left, points[after]])
        return tuple(float(curve(seconds, order)) for order in range(3))


class JointPlans:
    """The plans of one joint, in the order in which they begin."""

    def __init__(self) -> None:
        self._plans: list[Plan] = []

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self._plans)

    def add(self, command: Command, index: int, measured: float) -> None:
        """Let a command replace what was planned for the time from which it counts.

        Args:
            command: A command that came after all others.
            index: The joint's place in it.
            measured: The joint's measured position, from which its first command begins.
        """
        begin = max(command.start, command.received)
        while self._plans and self._plans[-1].begin > begin:
            self._plans.pop()
        origin = (measured, 0.0, 0.0)
        if self._plans and not command.is_set_point:
            origin = self._plans[-1].motion(begin)
        self._plans.append(Plan(command, index, begin, origin))

    def hold(self, since: int, position: float) -> None:
        """Hold a joint that no command has named."""
        self._plans.append(Plan(None, 0, since, (position, 0.0, 0.0)))

    def newest(self, instant: int) -> Plan | None:
        """Return the plan that counts at an instant [ns], and forget those before it."""
        while len(self._plans) > 1 and self._plans[1].begin <= instant:
            del self._plans[0]
        return self._plans[0] if self._plans and self._plans[0].begin <= instant else None
