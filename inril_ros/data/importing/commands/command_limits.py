# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The commands of a whole episode, held against the contract's limits and the measurements.

A few commands somewhat beyond a limit are reduced to it, and counted. Commands in another unit, or
of other joints than the contract says, are refused.
"""

import numpy as np

from inril_ros.data.agreement.joint_order import joint_order
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.position_units import is_far_outside, likely_units

#: Where most commands of an episode are beyond a limit, and one by more than this share of the
#: range between the limits, they are meant otherwise. One farther beyond than the range
#: (``is_far_outside``) is enough.
MOST_BEYOND = 0.1
_TOLERANCE = 1e-6
_FEWEST = 5  # ticks from which the order of joints can be told


class CommandLimits:
    """The commands of one episode.

    Args:
        contract: The robot's contract.
        names: What each of the A values of an action is, with its topic.

    Attributes:
        limited: Number of actions that were reduced to the limits.
    """

    def __init__(self, contract: Contract, names: list[str]) -> None:
        self._contract, self._names = contract, names
        self._low, self._high = contract.action_minimum, contract.action_maximum
        self._stamps: list[int] = []
        self._commands: list[np.ndarray] = []
        self._measured: list[np.ndarray] = []
        self.limited = 0

    def reduce(self, action: np.ndarray, measured: np.ndarray, stamp: int) -> np.ndarray:
        """Return an action (A,) float32 within the limits.

        Args:
            action: The commanded values (A,).
            measured: What is measured of the same (A,); NaN where nothing is.
            stamp: The tick [ns].
        """
        self._stamps.append(stamp)
        self._commands.append(action)
        self._measured.append(measured)
        reduced = np.clip(action, self._low, self._high)
        self.limited += bool((np.abs(reduced - action) > _TOLERANCE).any())
        return reduced.astype(np.float32)

    def problem(self) -> str:
        """Return why the commands can't be meant as they are; empty if they can."""
        if not self._commands:
            return ''
        commands, measured = np.stack(self._commands), np.stack(self._measured)
        return (self._other_units(measured) or self._far_beyond(commands)
                or self._other_order(commands, measured))

    def _other_units(self, measured: np.ndarray) -> str:
        """Return which joints are measured where no command could send them."""
        for column, values in enumerate(measured.T):
            least, most, *limits = *_span(values), self._low[column], self._high[column]
            if is_far_outside(least, most, *limits):
                return (f'{self._names[column]} is measured from {least:.4g} to {most:.4g} and '
                        f'commanded within {limits[0]:g}..{limits[1]:g}'
                        f'{_units(least, most, *limits)} If that is right, widen the limits in '
                        'the contract')
        return ''

    def _far_beyond(self, commands: np.ndarray) -> str:
        """Return which commands are too far, or too often, beyond the limits."""
        said = []
        for column, values in enumerate(commands.T):
            low, high = self._low[column], self._high[column]
            beyond = np.maximum(low - values, values - high)
            often = 2 * (beyond > _TOLERANCE).sum() > len(values)
            far = is_far_outside(values.min(), values.max(), low, high)
            if far or (often and beyond.max() > MOST_BEYOND * (high - low)):
                said.append(self._described(column, values, beyond)
                            + _units(values.min(), values.max(), low, high))
        return ' '.join([*said, 'If the robot really moved like that, widen the limits in the '
                         'contract']) if said else ''

    def _other_order(self, commands: np.ndarray, measured: np.ndarray) -> str:
        """Return which joints follow the commands of others."""
        if len(commands) < _FEWEST:
            return ''
        times = np.array([stamp - self._stamps[0] for stamp in self._stamps]) / 1e9
        for name, action in self._contract.actions.items():
            part = self._contract.action_slice(name)
            if not action.commands_positions or action.length < 2:
                continue
            found = joint_order(
                times + self._contract.period, commands[:, part], action.joints,
                {joint: (times, values) for joint, values in zip(
                    action.joints, measured[:, part].T, strict=True)})
            if found.wrong:
                return (f'{self._names[part.start].partition(": ")[0]}: the values for {name} are '
                        f'followed by the joints {list(found.joints)}, in this order, with '
                        f'differences of {found.best:.3g}; in the order of the contract, '
                        f'{list(action.joints)}, of {found.error:.3g}. Give the order of the '
                        'controller (actions.joints, or recorded.joints in the mapping)')
        return ''

    def sentences(self) -> list[str]:
        """Return one sentence for each value that was reduced."""
        if not self._commands:
            return []
        commands = np.stack(self._commands)
        beyond = np.maximum(self._low - commands, commands - self._high)
        return [f'{self._described(column, commands[:, column], beyond[:, column])}: reduced to '
                'the limit' for column in np.flatnonzero((beyond > _TOLERANCE).any(axis=0))]

    def _described(self, column: int, values: np.ndarray, beyond: np.ndarray) -> str:
        return (f'{self._names[column]}: {(beyond > _TOLERANCE).sum()} of {len(values)} commands '
                f'are beyond {self._low[column]:g}..{self._high[column]:g}, the farthest is '
                f'{values[beyond.argmax()]:.4g}')


def _span(values: np.ndarray) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if known.size else (np.nan, np.nan)


def _units(least: float, most: float, low: float, high: float) -> str:
    """Return a question about the unit of values that are outside of their limits."""
    units = likely_units(least, most, low, high) or ['another unit']
    return f'. Are they in {" or ".join(units)}?'
