# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The joints of one action that commands positions: measured, limited, one command per tick."""

from collections.abc import Mapping

import numpy as np

from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.motion.kinematics import limits_from_urdf, URDF
from inril_ros.robot.motion.limiter import PositionLimiter
from inril_ros.robot.motion.limits import JointLimits, limits_of


class JointGroup:
    """One action's n joints.

    Args:
        contract: Of the robot.
        name: Of the action.
        robot: The URDF; its limits apply to the joints that it has.
        dry_run: The robot is sent nothing, and so can't follow: the commands are compared with
            each other, as if it had followed at once.

    Attributes:
        known: A pose was measured: the joints can be held.
        command: (n,) float32, what was last commanded.
        part: Where the joints are in the action vector.
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
            _with_urdf(limits_of(entry), self.joints, robot), contract.period)
        self._lead = entry.max_lead
        self._dry_run = dry_run
        self._measured = np.zeros(len(self.joints))
        self._target = np.zeros(len(self.joints))
        self._drift = np.zeros(len(self.joints))
        self._request = np.zeros(len(self.joints))
        self._moving = False  # the request of the tick before is comparable to the present one
        self._sources = where_measured(contract, self.joints)

    def measure(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the measured positions (n,); a view."""
        for index, (observation, element) in enumerate(self._sources):
            self._measured[index] = values[observation][element]
        return self._measured

    def anchor(self, values: Mapping[str, np.ndarray]) -> None:
        """Command what is measured, at rest; if that isn't finite, nothing is known."""
        self._moving = False
        if not np.isfinite(self.measure(values)).all():
            self.known = False  # better no pose than a wrong one
            return
        self.limiter.anchor(self._measured)
        self.command[:] = self.limiter.position
        self.known = True

    def lost(self, values: Mapping[str, np.ndarray]) -> bool:
        """Say whether the arm is so far from its command that it can't be following it."""
        measured = self.measure(values)
        if self._dry_run:
            return not np.isfinite(measured).all()
        gap = np.abs(self.limiter.position - measured)
        stopping = self.limiter.limits.stopping_distance(self.limiter.limits.velocity)
        return not (gap <= self._lead + stopping).all()  # not a number is lost as well

    def propose(self, request: np.ndarray, values: Mapping[str, np.ndarray]) -> bool:
        """Propose a step toward a request (n,); return whether it was cut for want of following.

        A request that goes on from the one before with an allowed velocity is met in motion.
        """
        np.subtract(request, self._request, out=self._drift)
        self._drift /= self.limiter.period
        self._drift *= self._moving & (np.abs(self._drift) <= self.limiter.limits.velocity)
        self._request[:] = request
        self._moving = True
        measured = self.limiter.position if self._dry_run else self.measure(values)
        np.clip(request, measured - self._lead, measured + self._lead, out=self._target)
        cut = bool((self._target != request).any())
        self.limiter.toward(self._target, self._drift)
        return cut

    def propose_braking(self) -> None:
        """Propose to brake."""
        self._moving = False
        self.limiter.braking()

    def accept(self) -> None:
        """Take the proposal."""
        self.limiter.accept()
        self.command[:] = self.limiter.position

    def brake(self) -> None:
        """Brake by one tick, or stay."""
        self.propose_braking()
        self.accept()

    def look_ahead(self, requests: np.ndarray) -> np.ndarray:
        """Return what follows the last command for requests (H, n), and then to a standstill."""
        return self.limiter.look_ahead(requests, self._request if self._moving else self.command)


def _with_urdf(
    limits: JointLimits, joints: tuple[str, ...], robot: URDF | None,
) -> JointLimits:
    if robot is None or not all(joint in robot.joint_map for joint in joints):
        return limits
    return limits.tightened(limits_from_urdf(robot, joints))


def where_measured(contract: Contract, joints: tuple[str, ...]) -> list[tuple[str, int]]:
    """Return which element of which observation is the position of each joint."""
    places = {
        joint: (name, index) for name, entry in contract.observations.items()
        if entry.quantity == 'position' for index, joint in enumerate(entry.joints)}
    return [places[joint] for joint in joints]
