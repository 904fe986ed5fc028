# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Units of a dataset's joints: what the user says they are, and how they become the contract's.

A dataset doesn't say its units. LeRobot's own robots write degrees, or shares of each motor's
calibrated range (-100..100, grippers 0..100), and other tools write radians.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
import math

import numpy as np

from inril_ros.data.lerobot.format import LeRobotError
from inril_ros.data.lerobot.names import Column, is_gripper
from inril_ros.robot.contract.contract import Contract

#: The contract's own unit: radians or metres.
SI = 'si'
_FACTORS = {SI: 1.0, 'degrees': math.pi / 180, 'millimetres': 0.001}
# Values at the lower and at the upper end of the joint's range.
_RANGES = {'percent': (0.0, 100.0), 'range': (-100.0, 100.0), 'share': (0.0, 1.0)}
UNITS = (*_FACTORS, *_RANGES)
#: What each unit is, for the user.
MEANINGS = {SI: 'radians or metres, as the contract', 'degrees': 'degrees',
            'millimetres': 'millimetres', 'percent': '0 to 100 over the range of the joint',
            'range': '-100 to 100 over the range of the joint',
            'share': '0 to 1 over the range of the joint'}


@dataclass(frozen=True)
class Unit:
    """The unit of a joint's values.

    Attributes:
        name: One of ``UNITS``.
        ends: For a share of a range: the joint's positions [rad or m] at its lower and upper end.
            Empty: the contract's limits.
    """

    name: str = SI
    ends: tuple[float, float] | tuple[()] = ()

    def scale(self, limits: tuple[float, float] | None) -> tuple[float, float]:
        """Return factor and offset that make the contract's unit of the values.

        Args:
            limits: The contract's limits of the joint; None if it has none.

        Raises:
            LeRobotError: The range of the joint isn't known.
        """
        if self.name in _FACTORS:
            return _FACTORS[self.name], 0.0
        ends = self.ends or limits
        if ends is None:
            raise LeRobotError(f'is in {self.name}, and the contract has no one pair of limits '
                               f'for it: give its ends, such as {self.name}:-1.57:1.57')
        low, high = _RANGES[self.name]
        factor = (ends[1] - ends[0]) / (high - low)
        return factor, ends[0] - factor * low


@dataclass(frozen=True)
class GivenUnits:
    """The units that the user gave.

    Attributes:
        usual: The unit of all joint positions without one of their own; None if not given.
        own: Units by joint (``gripper``), observation or action (``arm``), or number of the
            contract (``arm.gripper``).
    """

    usual: Unit | None = None
    own: dict[str, Unit] = field(default_factory=dict)

    def of(self, column: Column, dataset_name: str) -> Unit | None:
        """Return the unit of one of the contract's numbers; None if it isn't said."""
        for key in (column.name, column.joint):
            if key and key in self.own:
                return self.own[key]
        if column.quantity in ('', 'effort'):
            return Unit()
        unit = self.own.get(column.entry, self.usual)
        if unit is None or unit.name == SI:
            return unit
        # LeRobot's grippers are percent even where the arm is in degrees.
        gripper = is_gripper(column.joint) or is_gripper(dataset_name)
        if column.entry in self.own and (not gripper or is_gripper(column.entry)):
            return unit
        return unit if column.quantity == 'position' and not gripper else None

    def told(self, column: Column) -> bool:
        """Return whether a unit was said for the joints of which it is one."""
        return bool(self.usual) or column.entry in self.own

    def of_several(self, columns: Sequence[Column]) -> dict[str, Unit]:
        """Return the units that were said for several joints, as the user typed them."""
        entries = {column.entry for column in columns}
        return {**({self.usual.name: self.usual} if self.usual else {}),
                **{f'{key}={unit.name}': unit for key, unit in self.own.items()
                   if key in entries}}


def parse_units(texts: Sequence[str], contract: Contract, columns: Sequence[Column]
                ) -> GivenUnits:
    """Return the units of ``UNIT`` and ``JOINT=UNIT`` as a user types them.

    Raises:
        LeRobotError: There is no such unit or joint.
    """
    usual, own = None, {}
    known = dict.fromkeys(key for column in columns if column.joint
                          for key in (column.joint, column.entry, column.name))
    for text in texts:
        key, sign, unit = text.rpartition('=')
        parsed = _unit(text, unit)
        if not sign:
            if usual not in (None, parsed):
                raise LeRobotError(f'--units {text}: the unit of all joints was {usual.name} '
                                   'before; a joint of its own is --units JOINT=UNIT')
            usual = parsed
        elif key not in known:
            raise LeRobotError(f'--units {text}: the contract {contract.name} has no joint '
                               f'{key}; it has {", ".join(known)}')
        elif own.setdefault(key, parsed) != parsed:
            raise LeRobotError(f'--units {text}: {key} was {own[key].name} before')
    return GivenUnits(usual, own)


def _unit(text: str, unit: str) -> Unit:
    name, *ends = unit.split(':')
    name = SI if name in ('radians', 'metres') else name
    try:
        numbers = tuple(map(float, ends))
    except ValueError:
        numbers = (math.nan,)
    if name not in UNITS or len(numbers) not in (0, 2) or not np.isfinite(numbers).all() or (
            numbers and name not in _RANGES):
        allowed = ', '.join(f'{one} ({MEANINGS[one]})' for one in UNITS)
        raise LeRobotError(f'--units {text}: {unit} is no unit; allowed are {allowed}. '
                           'A range may be given with its ends: percent:LOW:HIGH')
    if numbers and numbers[0] == numbers[1]:
        raise LeRobotError(f'--units {text}: both ends of the range are {numbers[0]:g}')
    return Unit(name, numbers)


def limits_of(column: Column, contract: Contract) -> tuple[float, float] | None:
    """Return the contract's limits of a number of its observations or actions.

    An observed joint has the limits of the command that it measures, else of the only command to a
    joint of its name. None: it has none, or several.
    """
    if column.command:
        action = contract.actions[column.entry]
        return action.minimum[column.place], action.maximum[column.place]
    measured, named = set(), set()
    for name, action in contract.actions.items():
        if column.joint not in action.joints or action.quantity != column.quantity:
            continue
        place = action.joints.index(column.joint)
        limits = action.minimum[place], action.maximum[place]
        named.add(limits)
        places = contract.places(name)
        if places and places[place][:2] == (column.entry, column.place):
            measured.add(limits)
    found = measured or named
    return found.pop() if len(found) == 1 else None


#: What makes the contract's unit of a vector's numbers (..., size).
Conversion = Callable[[np.ndarray], np.ndarray]


def conversion(
    columns: Sequence[Column], units: Sequence[Unit], contract: Contract,
) -> Conversion:
    """Return the function from values in the dataset's units to the contract's.

    Raises:
        LeRobotError: The range of a joint isn't known.
    """
    factors, offsets = np.ones(len(columns)), np.zeros(len(columns))
    for place, (column, unit) in enumerate(zip(columns, units, strict=True)):
        if column.quantity != 'position' and unit.name in _RANGES:
            raise LeRobotError(f'{column.name} is a {column.quantity}: {unit.name} is for '
                               'positions')
        try:
            factors[place], offsets[place] = unit.scale(limits_of(column, contract))
        except LeRobotError as error:
            raise LeRobotError(f'{column.name} {error}') from error
    return lambda values: factors * values + offsets
