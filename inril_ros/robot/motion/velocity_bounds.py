# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Velocities that end at a limit: of the workspace, or of joints that are commanded by velocity.

Positions are the measured ones, as old as they are, and what was sent since then may have led on
from there: nobody but the robot knows where to.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
import math

import numpy as np

from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.motion.joint_group import where_measured
from inril_ros.robot.motion.kinematics import limits_from_urdf, URDF
from inril_ros.robot.motion.limits import JointLimits

_FAR = 1e6  # [rad or m] where there is no limit
_MOST_TICKS = 1000


class SentVelocities:
    """The velocities (n,) of the last ticks, and where they may have led.

    Args:
        size: n.
        period: [s] One tick.
        longest: [s] No measurement is older.
    """

    def __init__(self, size: int, period: float, longest: float) -> None:
        self._period = period
        ticks = min(math.ceil(min(longest, 1e6) / period), _MOST_TICKS)
        self._sent = np.zeros((ticks, size))  # the newest first
        self._nowhere = np.zeros(size)

    def forget(self) -> None:
        """Begin at rest."""
        self._sent[:] = 0.0

    def add(self, velocity: np.ndarray) -> None:
        """Take in what a tick sends."""
        self._sent[1:] = self._sent[:-1]
        self._sent[:1] = velocity

    def reach(self, age: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the furthest ways down and up (n,) that there may be since a measurement.

        Args:
            age: [s] Of the measurement, at most: any part of it may count, since the robot takes
                up a command later than it was sent, and other sources may be older than this one.
        """
        ticks = min(math.ceil(age / self._period - 1e-6), len(self._sent))
        if ticks < 1:
            return self._nowhere, self._nowhere
        ways = np.cumsum(self._sent[:ticks], 0) * self._period
        return np.minimum(ways.min(0), 0.0), np.maximum(ways.max(0), 0.0)


def bounded(
    velocity: np.ndarray, lowest: np.ndarray, highest: np.ndarray, minimum: np.ndarray,
    maximum: np.ndarray, limits: JointLimits | None, period: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return velocities (n,) that don't lead out, and which of them (n,) were changed.

    Args:
        velocity: (n,) Requested, per s.
        lowest: (n,) Where they are at least.
        highest: (n,) Where they are at most.
        minimum: (n,) Lowest position.
        maximum: (n,) Highest position.
        limits: Of the change of the velocity, which so must begin in time; None: it may stop at
            once.
        period: [s] One tick.
    """
    if limits is None:
        step = velocity * period
        leaving = ((highest + step > maximum) & (velocity > 0)) | (
            (lowest + step < minimum) & (velocity < 0))
        return np.where(leaving, 0.0, velocity), leaving
    # Until it brakes with all it has: one tick, and the build-up of the deceleration.
    late = period + limits.acceleration / limits.jerk
    down = limits.stoppable_velocity(lowest - minimum - late * limits.velocity)
    up = limits.stoppable_velocity(maximum - highest - late * limits.velocity)
    return np.clip(velocity, -down, up), (velocity > up) | (velocity < -down)


@dataclass(frozen=True)
class _Bound:
    """Where the velocities of one action may lead.

    Attributes:
        part: Of the action vector.
        sources: Which element of which observation each position is.
        minimum: (n,) Lowest position.
        maximum: (n,) Highest position.
        limits: Of the change of the velocity; None: it may stop at once.
        sent: What was sent last.
        reason: Says what was changed, by a mask (n,).
    """

    part: slice
    sources: list[tuple[str, int]]
    minimum: np.ndarray
    maximum: np.ndarray
    limits: JointLimits | None
    sent: SentVelocities
    reason: Callable[[np.ndarray], str]


class VelocityBounds:
    """Keeps the velocities of a command from leading beyond a limit.

    Joints have limits by the URDF and by the contract, of which the tighter one counts; a hand
    has the box of the workspace.

    Args:
        contract: Of the robot.
        robot: The URDF, where there is one.
        limits: By action, of the change of its velocity; absent: it may stop at once.

    Raises:
        ValueError: The contract and the URDF leave no position to a joint.
    """

    def __init__(
        self, contract: Contract, robot: URDF | None, limits: Mapping[str, JointLimits],
    ) -> None:
        self._contract, self._limits = contract, limits
        self._bounds: list[_Bound] = []
        box = contract.workspace
        if box is not None and box.action:
            self._add(box.action, [(box.observation, axis) for axis in range(3)],
                      np.array(box.minimum), np.array(box.maximum),
                      lambda out: f'workspace {"".join(np.array(list("xyz"))[out])}')
        for name, entry in contract.actions.items():
            if entry.joints and entry.quantity == 'velocity':
                self._add_joints(name, robot)
        bound = {bound.part.start for bound in self._bounds}
        self.unbounded = tuple(
            name for name, entry in contract.actions.items()
            if entry.joints and entry.quantity == 'velocity'
            and contract.action_slice(name).start not in bound)
        """Names of the actions whose joints are moved by velocity and may go anywhere."""

    def _add_joints(self, name: str, robot: URDF | None) -> None:
        entry = self._contract.actions[name]
        measured = {joint for other in self._contract.observations.values()
                    if other.quantity == 'position' for joint in other.joints}
        unlimited = np.full(entry.length, math.inf)
        limits = JointLimits(
            np.array(entry.position_minimum or -unlimited, np.float64),
            np.array(entry.position_maximum or unlimited, np.float64),
            unlimited, unlimited, unlimited)
        if robot is not None and all(joint in robot.joint_map for joint in entry.joints):
            limits = limits.tightened(limits_from_urdf(robot, entry.joints))
        elif not entry.position_minimum:
            return
        if measured.issuperset(entry.joints):
            self._add(name, where_measured(self._contract, entry.joints),
                      np.maximum(limits.minimum, -_FAR), np.minimum(limits.maximum, _FAR),
                      lambda out: f'{name} brakes at a joint limit')

    def _add(
        self, name: str, sources: list[tuple[str, int]], minimum: np.ndarray,
        maximum: np.ndarray, reason: Callable[[np.ndarray], str],
    ) -> None:
        longest = max(self._contract.observations[source].max_age for source, _ in sources)
        self._bounds.append(_Bound(
            self._contract.action_slice(name), sources, minimum, maximum, self._limits.get(name),
            SentVelocities(len(sources), self._contract.period, longest), reason))

    def forget(self) -> None:
        """Begin at rest."""
        for bound in self._bounds:
            bound.sent.forget()

    def sent(self, action: np.ndarray) -> None:
        """Take in what a tick sends (A,)."""
        for bound in self._bounds:
            bound.sent.add(action[bound.part])

    def bound(
        self, action: np.ndarray, values: Mapping[str, np.ndarray], age: float,
    ) -> list[str]:
        """Cut an action (A,) in place to what does not lead out; return why.

        Args:
            action: Requested.
            values: Observations by name.
            age: [s] Of the oldest of them.
        """
        reasons = []
        for bound in self._bounds:
            position = np.array([values[name][element] for name, element in bound.sources])
            down, up = bound.sent.reach(age)
            allowed, leaving = bounded(
                action[bound.part], position + down, position + up, bound.minimum, bound.maximum,
                bound.limits, self._contract.period)
            if leaving.any():
                action[bound.part] = allowed
                reasons.append(bound.reason(leaving))
        return reasons
