# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The safety gate: the only way from a requested action to the robot.

It has no clock: ages are passed in. It gives a reason for whatever it changes; what it returns is
sent to the robot and learned from. When in doubt it holds: it brakes within the limits and stays.
"""

from collections.abc import Collection, Mapping

import numpy as np

from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.motion.joint_group import JointGroup
from inril_ros.robot.motion.kinematics import URDF
from inril_ros.robot.motion.limiter import VelocityLimiter
from inril_ros.robot.motion.limits import joined, JointLimits, limits_of
from inril_ros.robot.motion.link_box import LinkBox
from inril_ros.robot.motion.tick import Conditions, UnknownPose, Verdict
from inril_ros.robot.motion.velocity_bounds import VelocityBounds


class SafetyGate:
    """Checks the requested actions of one robot, one per tick, in order.

    Args:
        contract: The robot's contract.
        robot: Its URDF, if the contract names one.
        dry_run: Nothing is sent: the robot is treated as if it followed its commands.

    Raises:
        ValueError: The contract guards links and there is no URDF, or the two contradict each
            other.
        KinematicsError: The URDF lacks a link or joint.
    """

    def __init__(
        self, contract: Contract, robot: URDF | None = None, dry_run: bool = False,
    ) -> None:
        self._contract = contract
        self._minimum = contract.action_minimum.astype(np.float32)
        self._maximum = contract.action_maximum.astype(np.float32)
        self._parts = {name: contract.action_slice(name) for name in contract.actions}
        self._groups = [JointGroup(contract, name, robot, dry_run)
                        for name, entry in contract.actions.items() if entry.commands_positions]
        self._smooth = {
            name: VelocityLimiter(limits_of(entry), contract.period)
            for name, entry in contract.actions.items()
            if entry.max_acceleration and not entry.commands_positions}
        self._bounds = VelocityBounds(contract, robot, {
            name: limiter.limits for name, limiter in self._smooth.items()})
        self._link_box = LinkBox(contract, robot, self._groups) \
            if contract.workspace is not None and contract.workspace.links else None
        self._oldest = max(entry.max_age for entry in contract.observations.values())
        self.reset(None)

    @property
    def known(self) -> bool:
        """Whether the arm can be held: positions only after they were measured."""
        return all(group.known for group in self._groups)

    @property
    def unbounded(self) -> tuple[str, ...]:
        """Names of the actions that move joints by velocity, without position limits."""
        return self._bounds.unbounded

    @property
    def joint_places(self) -> list[int]:
        """Places in the action vector (A,) of all joints that are commanded by position."""
        return [place for group in self._groups
                for place in range(group.part.start, group.part.stop)]

    @property
    def joint_limits(self) -> JointLimits:
        """Limits of these joints."""
        return joined([group.limiter.limits for group in self._groups])

    @property
    def last(self) -> np.ndarray:
        """The last action (A,)."""
        return self._last.copy()

    @property
    def resting(self) -> np.ndarray:
        """The last action (A,), with 0 for velocities and efforts that are held by zero."""
        action = self._last.copy()
        for name, entry in self._contract.actions.items():
            if entry.hold == 'zero':
                action[self._parts[name]] = 0.0
        return action

    def reset(self, values: Mapping[str, np.ndarray] | None) -> None:
        """Begin an episode, at rest: velocities and efforts at 0, joints where they are measured.

        Args:
            values: Observations by name at the start; None if there are none.
        """
        self._last = np.clip(np.zeros_like(self._minimum), self._minimum, self._maximum)
        self._bounds.forget()
        for limiter in self._smooth.values():
            limiter.rest()
        for group in self._groups:
            group.known = False
        if values is not None:
            self.anchor(values)

    @property
    def moving(self) -> bool:
        """Whether the command is still moving; a velocity that may stop at once doesn't count."""
        return any(not group.limiter.at_rest for group in self._groups) or any(
            limiter.velocity.any() for limiter in self._smooth.values())

    def anchor(self, values: Mapping[str, np.ndarray]) -> None:
        """Command the measured positions (observations by name), at rest."""
        for group in self._groups:
            group.anchor(values)
            self._last[group.part] = group.command

    def lost(self, values: Mapping[str, np.ndarray]) -> str:
        """Return which actions' joints are too far from their command to be following it."""
        names = [group.name for group in self._groups if group.known and group.lost(values)]
        return f'{", ".join(names)} does not follow its commands' if names else ''

    def hold(self, *reasons: str) -> Verdict:
        """Return the verdict that brakes the arm and holds it.

        Raises:
            UnknownPose: Nothing was commanded yet, and the joints were not measured.
        """
        if not self.known:
            unknown = [group.name for group in self._groups if not group.known]
            raise UnknownPose(f'{unknown} cannot be held: no pose was measured')
        action = self.resting
        for name, limiter in self._smooth.items():
            part = self._parts[name]
            action[part] = limiter.toward(action[part].astype(np.float64))
        for group in self._groups:
            group.propose_hold()
        if self._link_box is not None and self.relieving and self._link_box.leaving():
            self.stay()
            for group in self._groups:
                group.propose_braking()
        for group in self._groups:
            group.accept()
            action[group.part] = group.command
        self._last = action
        self._bounds.sent(action)
        return Verdict(action.copy(), True, reasons)

    def relieve(self, names: Collection[str], values: Mapping[str, np.ndarray]) -> None:
        """Let the holds that follow go back to the measured positions, so that nothing presses.

        They go there once, within the limits of motion and the workspace. Otherwise a command that
        is ahead of a blocked arm would go on to press.

        Args:
            names: Names of the actions whose joints go back.
            values: Observations of the tick by name.
        """
        for group in self._groups:
            if group.name in names:
                group.relieve(values)

    def stay(self) -> None:
        """Let the holds that follow brake, and go nowhere."""
        for group in self._groups:
            group.stay()

    @property
    def relieving(self) -> bool:
        """Whether a hold goes back to measured positions."""
        return any(group.relieving for group in self._groups)

    def check(
        self, requested: np.ndarray, values: Mapping[str, np.ndarray] | None,
        conditions: Conditions | None = None,
    ) -> Verdict:
        """Return what may be sent for a request.

        Args:
            requested: (A,) in contract units.
            values: Observations of the tick by name; None if the frame was not valid.
            conditions: Ages, faults, consent; None if nothing is wrong.

        Raises:
            UnknownPose: There is no valid observation, and there never was one.
        """
        refusals = self._refusals(requested, values, conditions)
        if refusals:
            return self.hold(*refusals)
        reasons: list[str] = []
        with np.errstate(over='ignore'):  # too large for float32: limited like the rest
            requested = requested.astype(np.float32)
        action = np.clip(requested, self._minimum, self._maximum)
        for name, part in self._parts.items():
            if (action[part] != requested[part]).any():
                reasons.append(f'{name} limited')
        reasons += self._bounds.bound(
            action, values, 0.0 if conditions is None else conditions.observation_age)
        for name, limiter in self._smooth.items():
            part = self._parts[name]
            wanted = action[part].copy()
            action[part] = limiter.toward(wanted.astype(np.float64))
            if (action[part] != wanted).any():
                reasons.append(f'{name} smoothed')
        self._move_joints(action, values, reasons)
        self._last = action
        self._bounds.sent(action)
        return Verdict(action.copy(), False, tuple(reasons))

    def contains(self, configurations: np.ndarray) -> bool:
        """Return whether the guarded links are inside for K configurations (K, n) of joints."""
        return self._link_box is None or self._link_box.contains(configurations)

    def look_ahead(self, name: str, requests: np.ndarray) -> np.ndarray:
        """Return the joint positions (R, n) that would follow the last command, to a standstill.

        They keep to the limits, and end where the workspace ends. A controller that has them goes
        on and stops gently if no further command comes.

        Args:
            name: An action that commands joint positions.
            requests: (H, n) Steps that follow the one that was last checked.
        """
        group = next(group for group in self._groups if group.name == name)
        points = group.look_ahead(requests)
        if self._link_box is not None:
            points = points[:self._link_box.inside(group, points)]
        return points

    def _refusals(
        self, requested: np.ndarray, values: Mapping[str, np.ndarray] | None,
        conditions: Conditions | None,
    ) -> list[str]:
        refusals = [] if conditions is None else self._unmet(conditions)
        if values is None:
            refusals.append('no valid observation')
        if requested.shape != self._minimum.shape:
            refusals.append(f'{requested.size} values requested, {self._minimum.size} needed')
        elif not np.isfinite(requested).all():
            refusals.append('a requested value is not finite')
        if refusals or values is None:
            return refusals
        for group in self._groups:
            if not group.known:
                group.anchor(values)
                self._last[group.part] = group.command
        lost = self.lost(values)
        return [lost] if lost else []

    def _unmet(self, conditions: Conditions) -> list[str]:
        rules = self._contract.safety
        unmet = [conditions.forbidden] if conditions.forbidden else []
        unmet.extend(conditions.faults)
        # Written so that NaN counts as too old.
        if not conditions.observation_age <= self._oldest:
            unmet.append(f'observation is {conditions.observation_age:.3f} s old')
        if not conditions.policy_age <= rules.max_policy_age:
            unmet.append(f'policy step is {conditions.policy_age:.3f} s old')
        if not conditions.teleop_age <= self._contract.teleoperation.max_age:
            unmet.append(f'teleop command is {conditions.teleop_age:.3f} s old')
        if not conditions.tick_gap <= rules.max_tick_gap * self._contract.period:
            unmet.append(f'tick overrun: {conditions.tick_gap:.3f} s since the last')
        return unmet

    def _move_joints(
        self, action: np.ndarray, values: Mapping[str, np.ndarray], reasons: list[str],
    ) -> None:
        for group in self._groups:
            if group.propose(action[group.part], values):
                reasons.append(f'{group.name} waits for the robot')
        outside = self._link_box.leaving() if self._link_box is not None else ''
        if outside:
            reasons.append(f'workspace {outside}')
        for group in self._groups:
            if outside:
                group.propose_braking()
            group.accept()
            if (group.command != action[group.part]).any() and not outside:
                reasons.append(f'{group.name} smoothed')
            action[group.part] = group.command
