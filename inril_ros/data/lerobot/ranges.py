# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether a dataset's values can be in the units they are said to be, by the contract's limits.

What doesn't fit is refused with figures for each joint, with the units that would fit, and with
the option to say so. Nothing is concluded silently: a range can fit several units.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
import math

import numpy as np

from inril_ros.data.lerobot.format import LeRobotError
from inril_ros.data.lerobot.names import Column
from inril_ros.data.lerobot.units import (
    conversion,
    GivenUnits,
    is_gripper,
    limits_of,
    MEANINGS,
    SI,
    Unit,
)
from inril_ros.robot.contract.contract import Contract

#: How far a command may be beyond its limits and still be cut to them, as a share of their range.
CUT = 0.02
# The same for a measured value, which is not cut: an arm under load is not where it is told to be.
_MEASURED = 0.25
# Values this many times as large as the limits are in another unit, not just too large.
_OTHER_UNIT = 3.0
# Units that all joints but grippers may have, the likeliest first.
_USUAL = ('degrees', 'range', 'percent', 'millimetres', 'share')
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
        margin = (CUT if self.column.command else _MEASURED) * (bounds[1] - bounds[0])
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
    def touches_0_and_1(self) -> bool:
        """Whether it is a gripper from 0 to 1 whose limits are others."""
        return (self.gripper and not self.known and self.limits is not None
                and abs(self.low) < 0.02
                and abs(self.high - 1.0) < 0.02
                and max(abs(self.limits[0]), abs(self.limits[1] - 1.0)) > 0.1)

    @property
    def gripper(self) -> bool:
        """Whether it is a gripper's, by its name in the contract or in the dataset."""
        return is_gripper(self.column.joint) or is_gripper(self.source)

    @property
    def candidates(self) -> list[str]:
        """The units that it can be in, the likeliest first."""
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
        return fit


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


def decide_units(found: Sequence[Span], given: GivenUnits, contract: Contract) -> list[Unit]:
    """Return the unit of each number, as given or, where the values fit it, the contract's.

    Raises:
        LeRobotError: A unit must be said, or the values aren't within the limits with it.
    """
    units = [given.of(span.column, span.source) or (Unit() if span.known else None)
             for span in found]
    converted = any(unit and unit.name != SI for unit in units)
    asked = [span for span, unit in zip(found, units, strict=True) if unit is None and (
        given.usual or span.far or span.touches_0_and_1
        or (converted and span.column.quantity == 'velocity'))]
    if asked:
        # What lies within the limits may be in the same unit as the arm's other joints.
        arm = not given.usual and any(not span.gripper for span in asked)
        raise LeRobotError(_question(
            [span for span, unit in zip(found, units, strict=True)
             if unit is None and (arm or span in asked)], given))
    decided = [unit or Unit() for unit in units]
    _check_usual(found, units, given)
    conversion([span.column for span in found], decided, contract)
    wrong = [(span, unit) for span, unit in zip(found, decided, strict=True)
             if not span.within(unit)]
    if wrong:
        raise LeRobotError(_too_far(wrong))
    return decided


def _check_usual(found: Sequence[Span], units: Sequence[Unit | None], given: GivenUnits) -> None:
    """Refuse a unit for all joints if all values look like the contract's.

    Raises:
        LeRobotError: They do.
    """
    usual = given.usual
    taken = [span for span, unit in zip(found, units, strict=True)
             if unit is usual and span.column.quantity == 'position']
    if usual in (None, Unit()) or not taken or not all(span.within(Unit()) for span in taken):
        return
    low, high = min(span.low for span in taken), max(span.high for span in taken)
    raise LeRobotError(
        f"--units {usual.name}: the values of all joints, {_span(low, high)}, are within the "
        "contract's limits without it, as radians or metres are. Leave it out, or, if the arm "
        f'hardly moves, give it by joint: --units {taken[0].column.joint}={usual.name} ...')


def described(found: Sequence[Span], units: Sequence[Unit]) -> list[str]:
    """Return a line for each joint on what its values were taken for."""
    unit_of = {span.column: unit for span, unit in zip(found, units, strict=True)}
    lines = []
    for label, group in _by_joint(found):
        unit = unit_of[group[0].column]
        parts = [(label, group)] if all(unit_of[span.column] == unit for span in group) else [
            (span.column.name, [span]) for span in group]
        for name, spans_of_it in parts:
            one = spans_of_it[0]
            low, high = _extent(spans_of_it)
            taken = _taken(replace(one, low=low, high=high), unit_of[one.column])
            lines.append(f'{name} is {one.source}: {_span(low, high)}{taken}{_limits(one)}')
    return lines


def _by_joint(found: Sequence[Span]) -> list[tuple[str, list[Span]]]:
    """Return the joints' numbers, those together that are observed and commanded alike."""
    groups: dict[tuple, list[Span]] = {}
    for span in found:
        if span.column.joint:
            key = span.column.joint, span.column.quantity, span.source, span.limits
            groups.setdefault(key, []).append(span)
    return [(group[0].column.joint if len(group) > 1 else group[0].column.name, group)
            for group in groups.values()]


def _extent(group: Sequence[Span]) -> tuple[float, float]:
    return min(span.low for span in group), max(span.high for span in group)


def _question(open_ones: Sequence[Span], given: GivenUnits) -> str:
    """Return the refusal that asks for units: figures, what fits, options ready to paste."""
    groups = _by_joint(open_ones)
    lines = []
    for label, group in groups:
        low, high = _extent(group)
        whole = replace(group[0], low=low, high=high)
        could = [f'{unit} ({_span(*whole.in_contract(Unit(unit)))})' for unit in _possible(group)]
        lines.append(f'  {label}: {_span(low, high)}{_limits(whole)}; could be '
                     f'{", ".join(could) or "nothing known, it is beyond them in each unit"}')
    choices = list(dict.fromkeys(filter(None, _choices(groups, given))))
    used = dict.fromkeys(unit for _, group in groups for unit in _possible(group))
    reason = ("a dataset does not say its units, and these values don't look like the contract's "
              '(radians or metres):')
    if given.usual:
        reason = (f'{given.usual.name} is not taken for these, because grippers have other units '
                  'than arms in most datasets:')
    return '\n'.join([
        reason, *lines,
        *(f'{"or" if place else "Add" if given.usual or given.own else "Say"}: {choice}'
          for place, choice in enumerate(choices)),
        '; '.join(f'{unit}: {MEANINGS[unit]}' for unit in used if MEANINGS[unit] != unit)
        + '. The range of a joint is that of its limits in the contract, unless its ends are '
        'given: --units JOINT=percent:LOW:HIGH'])


def _choices(groups: Sequence[tuple[str, list[Span]]], given: GivenUnits) -> list[str]:
    """Return the options that answer the question, the likeliest first."""
    own, rest = [], []
    for label, group in groups:
        one = group[0]
        alone = given.usual or one.gripper or one.column.quantity == 'velocity'
        (own if alone else rest).append((label, _possible(group)))
    single = [f'--units {label}={units[0]}' for label, units in own if units]
    common = [unit for unit in _USUAL if rest and all(unit in units for _, units in rest)]
    if not common:
        single = [*(f'--units {label}={units[0]}' for label, units in rest if units), *single]
    return [' '.join([f'--units {unit}', *single]) for unit in common] or [' '.join(single)]


def _possible(group: Sequence[Span]) -> list[str]:
    """Return the units that a joint can be in, the likeliest first."""
    units = [*group[0].candidates, *([SI] if group[0].within(Unit()) else [])]
    return [unit for unit in units if all(
        unit in span.candidates or (unit == SI and span.within(Unit())) for span in group)]


def _too_far(wrong: Sequence[tuple[Span, Unit]]) -> str:
    lines = []
    for span, unit in wrong:
        taken = _taken(span, unit)
        others = [one for one in span.candidates if one != unit.name]
        lines.append(f'  {span.column.name}: {_span(span.low, span.high)}{taken}{_limits(span)}: '
                     f'{span.beyond(unit):.3g} beyond'
                     f'{"; in limits if it is in " + " or ".join(others) if others else ""}')
    return '\n'.join([
        'values are far beyond the limits of the contract:', *lines,
        f'Commands up to {100 * CUT:g} % of the range beyond a limit are cut to it, and measured '
        f'values may be {100 * _MEASURED:g} % beyond. Say the units (--units JOINT=UNIT), or, if '
        'the robot really moves so, widen minimum and maximum in the contract'])


def _taken(span: Span, unit: Unit) -> str:
    """Return what a range in a unit is in the contract's."""
    return '' if unit.name == SI else f' {unit.name} are {_span(*span.in_contract(unit))}'


def _span(low: float, high: float) -> str:
    return f'{low:.4g} to {high:.4g}'


def _limits(span: Span) -> str:
    return '' if span.limits is None else f', limits {_span(*span.limits)}'
