# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Velocities that end at a limit: of the workspace, or of joints that are commanded by velocity.

Positions are measured, and thus old; what was sent since then may have moved the robot on, by an
amount that only the robot knows. All of it is reckoned with.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
import math

import numpy as np

from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.motion.kinematics import has_joints, tightened_by_urdf, URDF
from inril_ros.robot.motion.limits import JointLimits

_FAR = 1e6  # [rad or m] where there is no limit
_MOST_TICKS = 1000


class SentVelocities:
    """The velocities (n,) of the last ticks, and how far they may have moved the robot.

    Args:
        size: Number of velocities n.
        period: [s] One tick.
        longest: [s] Highest age of a measurement.
    """

    def __init__(self, size: int, period: float, longest: float) -> None:
        self._period = period
        ticks = min(math.ceil(min(longest, 1e6) / period), _MOST_TICKS)
        self._sent = np.zeros((ticks, size))  # the newest first
        self._nowhere = np.zeros(size)

    def forget(self) -> None:
        """Start at rest."""
        self._sent[:] = 0.0

    def add(self, velocity: np.ndarray) -> None:
        """Add the velocity of a tick."""
        self._sent[1:] = self._sent[:-1]
        self._sent[:1] = velocity

    def reach(self, age: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the furthest way down and up (n,) since a measurement.

        Args:
            age: [s] Highest age of the measurement. Any part of it may count, because the robot
                takes up a command later than it was sent, and other sources may be older.
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
    """Return velocities (n,) that don't lead beyond a limit, and a mask of the changed ones (n,).

    Args:
        velocity: (n,) Requested velocities, per s.
        lowest: (n,) Lowest positions at which the joints may be now.
        highest: (n,) Highest positions at which they may be now.
        minimum: (n,) Lowest allowed positions.
        maximum: (n,) Highest allowed positions.
        limits: Limits of acceleration and jerk, by which braking takes time; None if the velocity
            may stop at once.
        period: [s] One tick.
    """
    if limits is None:
        step = velocity * period
        leaving = ((highest + step > maximum) & (velocity > 0)) | (
            (lowest + step < minimum) & (velocity < 0))
        return np.where(leaving, 0.0, velocity), leaving
    # The time until full braking: one tick, and the build-up of the deceleration.
    late = period + limits.acceleration / limits.jerk
    down = limits.stoppable_velocity(lowest - minimum - late * limits.velocity)
    up = limits.stoppable_velocity(maximum - highest - late * limits.velocity)
    return np.clip(velocity, -down, up), (velocity > up) | (velocity < -down)


@dataclass(frozen=True)
class _Bound:
    """The position limits of one action that commands velocities; see ``bounded``.

    Attributes:
        part: Slice of the action in the action vector.
        sources: Observation and element that hold each position.
        reason: Returns the reason for a change, from a mask (n,) of the changed velocities.
    """

    part: slice
    sources: list[tuple[str, int]]
    minimum: np.ndarray
    maximum: np.ndarray
    limits: JointLimits | None
    sent: SentVelocities
    reason: Callable[[np.ndarray], str]


class VelocityBounds:
    """Keeps the velocities of a command from leading beyond a position limit.

    Joints have the tighter limits of the URDF and the contract; a hand has the workspace's box.

    Args:
        contract: The robot's contract.
        robot: The robot's URDF, if there is one.
        limits: Limits of acceleration and jerk by action; an action without may stop at once.

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
        self.unbounded = tuple(
            name for name, entry in contract.actions.items()
            if entry.joints and entry.quantity == 'velocity' and not (
                contract.places(name)
                and (entry.position_minimum or has_joints(robot, entry.joints))))
        """Names of the actions that move joints by velocity, not all with position limits."""

    def _add_joints(self, name: str, robot: URDF | None) -> None:
        entry = self._contract.actions[name]
        sources = [(place.observation, place.element) for place in self._contract.places(name)]
        if not sources:
            return
        unlimited = np.full(entry.length, math.inf)
        limits = tightened_by_urdf(JointLimits(
            np.array(entry.position_minimum or -unlimited, np.float64),
            np.array(entry.position_maximum or unlimited, np.float64),
            unlimited, unlimited, unlimited), entry.joints, robot)
        if entry.position_minimum or any(has_joints(robot, [joint]) for joint in entry.joints):
            self._add(name, sources, np.maximum(limits.minimum, -_FAR),
                      np.minimum(limits.maximum, _FAR),
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
        """Start at rest."""
        for bound in self._bounds:
            bound.sent.forget()

    def sent(self, action: np.ndarray) -> None:
        """Add the action (A,) of a tick."""
        for bound in self._bounds:
            bound.sent.add(action[bound.part])

    def bound(
        self, action: np.ndarray, values: Mapping[str, np.ndarray], age: float,
    ) -> list[str]:
        """Cut an action (A,) in place so that it doesn't lead beyond a limit; return the reasons.

        Args:
            action: The request, which is changed.
            values: Observations by name.
            age: [s] Age of the oldest observation.
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
