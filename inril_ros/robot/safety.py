# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The safety gate: the only way from a requested action to the robot.

Pure and without a clock: ages are passed in. Whatever it changes, it says why, and what it returns
is what the robot is sent and what is learned from. When in doubt it holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from inril_ros.robot.contract import Contract


@dataclass(frozen=True)
class Verdict:
    """What may be sent to the robot.

    Attributes:
        action: (A,) float32 in contract units, always finite and within the limits.
        held: The request was not used at all.
        reasons: Why the action differs from the request; empty if it doesn't.
    """

    action: np.ndarray
    held: bool
    reasons: tuple[str, ...]


class UnknownPose(RuntimeError):
    """The arm cannot be held where it is, because nobody knows where it is."""


class SafetyGate:
    """Checks requested actions of one robot, in order."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._minimum = contract.action_minimum.astype(np.float32)
        self._maximum = contract.action_maximum.astype(np.float32)
        self.reset(None)

    def reset(self, values: Mapping[str, np.ndarray] | None) -> None:
        """Begin an episode: forget the last command.

        Velocities and efforts rest at 0. Positions rest where the joints are measured to be.

        Args:
            values: Observations by name at the start; None: not known.
        """
        self._last = self._rest()
        self._unknown = [name for name, entry in self._contract.actions.items()
                         if entry.joints and entry.quantity == 'position']
        if values is not None:
            for name in self._unknown:
                self._last[self._contract.action_slice(name)] = self._contract.measured(
                    self._contract.actions[name].joints, values)
            self._unknown = []

    def hold(self, *reasons: str) -> Verdict:
        """Return the verdict that holds the arm.

        Raises:
            UnknownPose: Nothing was commanded yet and nobody has said where the joints are.
        """
        if self._unknown:
            raise UnknownPose(f'{self._unknown} cannot be held: no pose was measured')
        action = self._last.copy()
        for name, entry in self._contract.actions.items():
            if entry.hold == 'zero':
                action[self._contract.action_slice(name)] = 0.0
        action = np.clip(action, self._minimum, self._maximum)
        self._last = action
        return Verdict(action, True, reasons)

    def check(self, requested: np.ndarray, values: Mapping[str, np.ndarray] | None) -> Verdict:
        """Return what may be sent for a request.

        Args:
            requested: (A,) in contract units.
            values: Observations of the tick by name; None if the frame was not valid.
        """
        if values is None:
            return self.hold('no valid observation')
        if requested.shape != self._minimum.shape:
            return self.hold(f'{requested.size} values requested, {self._minimum.size} needed')
        if not np.isfinite(requested).all():
            return self.hold('a requested value is not finite')
        reasons: list[str] = []
        with np.errstate(over='ignore'):  # what is too large for float32 is limited like the rest
            requested = requested.astype(np.float32)
        action = np.clip(requested, self._minimum, self._maximum)
        for name in self._contract.actions:
            part = self._contract.action_slice(name)
            if (action[part] != requested[part]).any():
                reasons.append(f'{name} limited')
        action = self._inside_workspace(action, values, reasons)
        self._last, self._unknown = action, []
        return Verdict(action, False, tuple(reasons))

    def _rest(self) -> np.ndarray:
        return np.clip(np.zeros_like(self._minimum), self._minimum, self._maximum)

    def _inside_workspace(
        self, action: np.ndarray, values: Mapping[str, np.ndarray], reasons: list[str],
    ) -> np.ndarray:
        """Stop each axis of the velocity that would leave the box within one tick."""
        box = self._contract.workspace
        if box is None:
            return action
        position = values[box.observation]
        part = self._contract.action_slice(box.action)
        velocity = action[part]
        reached = position + velocity * self._contract.period
        leaving = ((reached > box.maximum) & (velocity > 0)) | (
            (reached < box.minimum) & (velocity < 0))
        if leaving.any():
            action = action.copy()
            action[part] = np.where(leaving, 0.0, velocity)
            axes = ''.join(axis for axis, out in zip('xyz', leaving, strict=True) if out)
            reasons.append(f'workspace {axes}')
        return action
