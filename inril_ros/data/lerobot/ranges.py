# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The ranges of a dataset's values, and the units that they can be in by the contract's limits."""

from collections.abc import Sequence
from dataclasses import dataclass
import math

import numpy as np

from inril_ros.data.lerobot.names import Column, is_gripper
from inril_ros.data.lerobot.units import limits_of, SI, Unit
from inril_ros.robot.contract.contract import Contract

#: How far a command may be beyond its limits and still be cut to them, as a share of their range.
CUT = 0.02
#: The same for a measured value, which is not cut: an arm under load is not where it should be.
MEASURED = 0.25
# Values this many times as large as the limits are in another unit, not just too large.
_OTHER_UNIT = 3.0
_LONGEST = 1.0  # [m] Joints with larger limits are angles.
_PI = math.pi


@dataclass(frozen=True)
class Span:
    """The range of one of the contract's numbers over all episodes, in the dataset's unit.

    Attributes:
        column: The number.
        source: Its name in the dataset.
        low: The lowest value.
        high: The highest value.
        limits: The contract's limits of it; None if it has none.
        known: Whether the dataset says that it is in the contract's unit.
    """

    column: Column
    source: str
    low: float
    high: float
    limits: tuple[float, float] | None
    known: bool = False

    def within(self, unit: Unit) -> bool:
        """Return whether it is within its limits, with some margin, if this is its unit."""
        low, high = self.in_contract(unit)
        bounds = self._bounds
        if bounds is None:
            return True
        margin = (CUT if self.column.command else MEASURED) * (bounds[1] - bounds[0])
        return bounds[0] - margin <= low and high <= bounds[1] + margin

    def beyond(self, unit: Unit) -> float:
        """Return how far it is beyond its limits if this is its unit."""
        low, high = self.in_contract(unit)
        bounds = self._bounds or (low, high)
        return max(bounds[0] - low, high - bounds[1], 0.0)

    def in_contract(self, unit: Unit) -> tuple[float, float]:
        """Return its range in the contract's unit if this is its unit."""
        factor, offset = unit.scale(self.limits)
        ends = sorted((factor * self.low + offset, factor * self.high + offset))
        return ends[0], ends[1]

    @property
    def _bounds(self) -> tuple[float, float] | None:
        """Limits; those of a full turn either way for an observed joint that has none."""
        if self.known and not self.column.command:
            return None
        if self.limits is not None or not self.column.joint:
            return self.limits
        return (-2 * _PI, 2 * _PI) if self.column.quantity == 'position' else None

    @property
    def far(self) -> bool:
        """Whether it is far beyond its limits in the contract's unit."""
        bounds = self._bounds
        return bounds is not None and not self.known and bool(self.column.joint) and (
            max(abs(self.low), abs(self.high)) > _OTHER_UNIT * max(map(abs, bounds)))

    @property
    def looks_normalised(self) -> bool:
        """Whether it is a gripper from 0 to 1 or from 0 to 100 whose limits are others."""
        if not self.gripper or self.known or self.limits is None:
            return False
        return any(abs(self.low) < 0.02 * full and abs(self.high - full) < 0.02 * full
                   and max(abs(self.limits[0]), abs(self.limits[1] - full)) > 0.1 * full
                   for full in (1.0, 100.0))

    @property
    def gripper(self) -> bool:
        """Whether it is a gripper's, by its name in the contract or in the dataset."""
        return is_gripper(self.column.joint) or is_gripper(self.source)

    @property
    def candidates(self) -> list[str]:
        """The units that it can be in, the likeliest first; that of the contract last."""
        order = (('percent', 'share', 'millimetres', 'degrees', 'range') if self.gripper
                 else ('degrees', 'range', 'percent', 'millimetres', 'share'))
        if self.column.quantity != 'position':
            order = ('degrees', 'millimetres')
        nominal = {'percent': (-2.0, 102.0), 'range': (-102.0, 102.0), 'share': (-0.02, 1.02)}
        largest = max(map(abs, self.limits or (math.inf,)))
        fit = []
        for unit in order:
            low, high = nominal.get(unit, (-math.inf, math.inf))
            usable = unit not in nominal or self.limits is not None
            if unit == 'millimetres' and largest > _LONGEST:
                continue
            if usable and low <= self.low and self.high <= high and self.within(Unit(unit)):
                fit.append(unit)
        return [*fit, *([SI] if self.within(Unit()) else [])]

    def taken_for(self, unit: Unit) -> str:
        """Return its range and its limits, and what it is in the contract's unit."""
        taken = '' if unit.name == SI else f' {unit.name} are {written(*self.in_contract(unit))}'
        limits = '' if self.limits is None else f', limits {written(*self.limits)}'
        return f'{written(self.low, self.high)}{taken}{limits}'


def written(low: float, high: float) -> str:
    """Return a range for the user."""
    return f'{low:.4g} to {high:.4g}'


def spans(columns: Sequence[Column], sources: Sequence[str], values: Sequence[np.ndarray],
          contract: Contract, known: bool) -> list[Span]:
    """Return the ranges of the contract's numbers in vectors (N, size) of several episodes.

    ``known`` says whether the dataset says that they are in the contract's units.
    """
    low = np.min([part.min(0) for part in values], 0)
    high = np.max([part.max(0) for part in values], 0)
    return [Span(column, source, float(low[place]), float(high[place]),
                 limits_of(column, contract), known)
            for place, (column, source) in enumerate(zip(columns, sources, strict=True))]
