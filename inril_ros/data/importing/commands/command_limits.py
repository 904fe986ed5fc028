# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Commands beyond the contract's limits: reduced to them, counted, or too far out to be true."""

import numpy as np

from inril_ros.robot.contract.contract import Contract

#: A command that is farther beyond a limit than this many times the range between the limits is
#: taken for one in another unit: it is refused, not reduced.
OTHER_UNIT = 1.0
#: The same where most commands of an episode are beyond a limit, and one by more than this many
#: times the range.
MOST_BEYOND = 0.1
_TOLERANCE = 1e-6


class CommandLimits:
    """Reduces the commands of one episode to the limits, and counts what it reduced.

    Args:
        contract: The robot's contract.
        names: What each of the A values of an action is, with its topic.

    Attributes:
        limited: Number of actions that were reduced.
    """

    def __init__(self, contract: Contract, names: list[str]) -> None:
        self._names = names
        self._low, self._high = contract.action_minimum, contract.action_maximum
        self._beyond = np.zeros(contract.action_size, np.int64)
        self._farthest = np.zeros(contract.action_size)  # the command farthest beyond its limit
        self._excess = np.zeros(contract.action_size)  # how far that is
        self._measured = np.zeros(contract.action_size)  # the measurement farthest beyond
        self._stray = np.zeros(contract.action_size)  # how far that is
        self._total = 0
        self.limited = 0

    def reduce(self, action: np.ndarray, measured: np.ndarray) -> np.ndarray:
        """Return an action (A,) float32 within the limits.

        Args:
            action: The commanded values (A,).
            measured: What is measured of the same (A,); NaN where nothing is.
        """
        stray = np.abs(np.clip(measured, self._low, self._high) - measured)
        farther = np.nan_to_num(stray) > self._stray
        self._measured = np.where(farther, measured, self._measured)
        self._stray = np.where(farther, stray, self._stray)
        reduced = np.clip(action, self._low, self._high)
        excess = np.abs(reduced - action)
        beyond = excess > _TOLERANCE
        self._total += 1
        self.limited += bool(beyond.any())
        self._beyond += beyond
        self._farthest = np.where(excess > self._excess, action, self._farthest)
        self._excess = np.maximum(excess, self._excess)
        return reduced.astype(np.float32)

    def problem(self) -> str:
        """Return why the commands can't be meant as they are; empty if they can."""
        strays = np.flatnonzero(self._stray > OTHER_UNIT * (self._high - self._low))
        if strays.size:
            return '; '.join(
                f'{self._names[column]} is measured at {self._measured[column]:.4g} and commanded '
                f'within {self._low[column]:g}..{self._high[column]:g}' for column in strays) + (
                    '. Are the measurement and the commands in different units? Else widen the '
                    'limits in the contract')
        ratio = self._excess / (self._high - self._low)
        far = np.flatnonzero(
            (ratio > OTHER_UNIT) | ((ratio > MOST_BEYOND) & (2 * self._beyond > self._total)))
        if not far.size:
            return ''
        return '; '.join(map(self._described, far)) + (
            '. Are they in another unit, such as degrees or millimetres? If the robot really '
            'moved like that, widen the limits in the contract')

    def sentences(self) -> list[str]:
        """Return one sentence for each value that was reduced."""
        return [f'{self._described(column)}: reduced to the limit'
                for column in np.flatnonzero(self._beyond)]

    def _described(self, column: int) -> str:
        return (f'{self._names[column]}: {self._beyond[column]} of {self._total} commands are '
                f'beyond {self._low[column]:g}..{self._high[column]:g}, the farthest is '
                f'{self._farthest[column]:.4g}')
