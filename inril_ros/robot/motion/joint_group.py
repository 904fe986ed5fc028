# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The joints of one action that commands positions: their measurement and limited command."""

from collections.abc import Mapping

import numpy as np

from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.motion.kinematics import tightened_by_urdf, URDF
from inril_ros.robot.motion.limiter import PositionLimiter
from inril_ros.robot.motion.limits import limits_of

_THERE = 1e-6  # [rad or m]


class JointGroup:
    """The n joints of one action.

    Args:
        contract: The robot's contract.
        name: Name of the action.
        robot: The robot's URDF; its limits apply too if it has all the joints.
        dry_run: Nothing is sent, so the robot can't follow: it is treated as if it had followed
            at once.

    Attributes:
        known: Whether a pose was measured, so that the joints can be held.
        command: (n,) float32, the last command.
        part: Slice of the joints in the action vector.
    """

    def __init__(
        self, contract: Contract, name: str, robot: URDF | None, dry_run: bool = False,
    ) -> None:
        entry = contract.actions[name]
        self.name = name
        self.joints = entry.joints
        self.part = contract.action_slice(name)
        self.known = False
        self.command = np.zeros(len(self.joints), np.float32)
        self.limiter = PositionLimiter(
            tightened_by_urdf(limits_of(entry), self.joints, robot), contract.period)
        self._lead = np.array(entry.leads)
        self._dry_run = dry_run
        self._measured = np.zeros(len(self.joints))
        self._target = np.zeros(len(self.joints))
        self._drift = np.zeros(len(self.joints))
        self._request = np.zeros(len(self.joints))
        self._moving = False  # whether the request before is of the same motion as the next one
        self._relief: np.ndarray | None = None  # where the motors no longer press
        self._places = contract.places(name)

    def measure(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the measured positions (n,); a view."""
        for index, (observation, element, _) in enumerate(self._places):
            self._measured[index] = values[observation][element]
        return self._measured

    def anchor(self, values: Mapping[str, np.ndarray]) -> None:
        """Command the measured positions, at rest; if one isn't finite, the pose is unknown."""
        self._moving, self._relief = False, None
        if not np.isfinite(self.measure(values)).all():
            self.known = False  # better no pose than a wrong one
            return
        self.limiter.anchor(self._measured)
        self.command[:] = self.limiter.position
        self.known = True

    def lost(self, values: Mapping[str, np.ndarray]) -> bool:
        """Return whether the arm is so far from its command that it can't be following it."""
        measured = self.measure(values)
        if self._dry_run:
            return not np.isfinite(measured).all()
        gap = np.abs(self.limiter.position - measured)
        stopping = self.limiter.limits.stopping_distance(self.limiter.limits.velocity)
        return not (gap <= self._lead + stopping).all()  # NaN is lost as well

    def propose(self, request: np.ndarray, values: Mapping[str, np.ndarray]) -> bool:
        """Propose a step toward a request (n,); return whether it is too far ahead of the arm.

        A request that continues the one before with an allowed velocity is followed in motion.
        """
        np.subtract(request, self._request, out=self._drift)
        self._drift /= self.limiter.period
        self._drift *= self._moving & (np.abs(self._drift) <= self.limiter.limits.velocity)
        self._request[:] = request
        self._moving, self._relief = True, None
        measured = self.limiter.position if self._dry_run else self.measure(values)
        np.clip(request, measured - self._lead, measured + self._lead, out=self._target)
        self.limiter.toward(self._target, self._drift)
        return bool((self._target != request).any())

    def relieve(self, values: Mapping[str, np.ndarray]) -> None:
        """Let the holds that follow go back to the measured positions, once: no further."""
        if self.known and not self._dry_run and np.isfinite(self.measure(values)).all():
            self._relief = self._measured.copy()

    def stay(self) -> None:
        """Go nowhere: the holds that follow brake."""
        self._relief = None

    @property
    def relieving(self) -> bool:
        """Whether a hold goes back to measured positions."""
        return self._relief is not None

    def propose_hold(self) -> None:
        """Propose a step of braking, or back to where the motors no longer press."""
        if self._relief is None:
            self.propose_braking()
            return
        self._moving = False
        limits = self.limiter.limits
        self._relief = np.clip(self._relief, limits.minimum, limits.maximum)
        self.limiter.toward(self._relief, np.zeros_like(self._relief))
        if (np.abs(self._relief - self.limiter.position) <= _THERE).all():
            self._relief = None

    def propose_braking(self) -> None:
        """Propose a step of braking."""
        self._moving = False
        self.limiter.braking()

    def accept(self) -> None:
        """Command the proposal."""
        self.limiter.accept()
        self.command[:] = self.limiter.position

    def look_ahead(self, requests: np.ndarray) -> np.ndarray:
        """Return the positions (R, n) that follow for requests (H, n), then to a standstill."""
        return self.limiter.look_ahead(requests, self._request if self._moving else self.command)
