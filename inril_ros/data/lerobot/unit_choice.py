# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The unit of each joint of a dataset: as the user says, or the contract's where all values fit.

What doesn't fit is refused with figures for each joint, with the units that would fit, and with
the option to say so. Nothing is concluded silently: a range can fit several units.
"""

from collections.abc import Sequence
from dataclasses import replace

from inril_ros.data.lerobot.format import LeRobotError
from inril_ros.data.lerobot.ranges import CUT, MEASURED, Span, written
from inril_ros.data.lerobot.units import conversion, GivenUnits, MEANINGS, SI, Unit
from inril_ros.robot.contract.contract import Contract

# Units that all joints but grippers may have, the likeliest first.
_USUAL = ('degrees', 'range', 'percent', 'millimetres', 'share')


def decide_units(found: Sequence[Span], given: GivenUnits, contract: Contract) -> list[Unit]:
    """Return the unit of each number.

    Raises:
        LeRobotError: A unit must be said, or the values aren't within the limits with it.
    """
    units = [given.of(span.column, span.source) or (Unit() if span.known else None)
             for span in found]
    open_ones = [span for span, unit in zip(found, units, strict=True) if unit is None]
    converted = any(unit and unit.name != SI for unit in units)
    asked = [span for span in open_ones if given.told(span.column) or span.far
             or span.looks_normalised or (converted and span.column.quantity == 'velocity')]
    if asked:
        raise LeRobotError(_question(asked, open_ones, given))
    decided = [unit or Unit() for unit in units]
    _check_needed(found, decided, given)
    conversion([span.column for span in found], decided, contract)
    wrong = [(span, unit) for span, unit in zip(found, decided, strict=True)
             if not span.within(unit)]
    if wrong:
        raise LeRobotError(_too_far(wrong))
    return decided


def described(found: Sequence[Span], units: Sequence[Unit]) -> list[str]:
    """Return a line for each joint on what its values were taken for."""
    unit_of = {span.column: unit for span, unit in zip(found, units, strict=True)}
    return [f'{label} is {whole.source}: {whole.taken_for(unit_of[whole.column])}'
            for label, whole, _ in _by_joint(
                found, [unit_of[span.column] for span in found])]


def _by_joint(
    found: Sequence[Span], units: Sequence[Unit | None],
) -> list[tuple[str, Span, list[Span]]]:
    """Return label, whole range and numbers of each joint that is observed and commanded alike."""
    groups: dict[tuple, list[Span]] = {}
    for span, unit in zip(found, units, strict=True):
        if span.column.joint:
            key = span.column.joint, span.column.quantity, span.source, span.limits, unit
            groups.setdefault(key, []).append(span)
    return [(group[0].column.joint if len(group) > 1 else group[0].column.name,
             replace(group[0], low=min(span.low for span in group),
                     high=max(span.high for span in group)), group)
            for group in groups.values()]


def _check_needed(found: Sequence[Span], units: Sequence[Unit], given: GivenUnits) -> None:
    """Refuse a unit that was said for several joints if all their values look like the contract's.

    Raises:
        LeRobotError: They do.
    """
    for text, unit in given.of_several([span.column for span in found]).items():
        taken = [span for span, one in zip(found, units, strict=True)
                 if one is unit and span.column.quantity == 'position']
        if unit.name != SI and taken and all(span.within(Unit()) for span in taken):
            low, high = min(span.low for span in taken), max(span.high for span in taken)
            raise LeRobotError(
                f'--units {text}: the values of all these joints, {written(low, high)}, are '
                "within the contract's limits without it, as radians or metres are. Leave it out, "
                'or, if the arm hardly moves, give it by joint: '
                f'--units {taken[0].column.joint}={unit.name} ...')


def _question(asked: Sequence[Span], open_ones: Sequence[Span], given: GivenUnits) -> str:
    """Return the refusal that asks for units: figures, what fits, options ready to paste."""
    # What lies within the limits may be in the same unit as the other joints beside it.
    entries = dict.fromkeys(span.column.entry for span in asked
                            if not span.gripper and not given.told(span.column))
    shown = [span for span in open_ones if span in asked or span.column.entry in entries]
    groups = [(label, whole, [unit for unit in whole.candidates if all(
        unit in span.candidates for span in group)])
        for label, whole, group in _by_joint(shown, [None] * len(shown))]
    lines = []
    for label, whole, units in groups:
        could = [f'{unit} ({written(*whole.in_contract(Unit(unit)))})' for unit in units]
        lines.append(f'  {label}: {whole.taken_for(Unit())}; could be '
                     f'{", ".join(could) or "nothing known, it is beyond them in each unit"}')
    whole_arm = all(span in shown or span.gripper or span.column.quantity != 'position'
                    for span in open_ones)
    keys = [''] if whole_arm else [f'{entry}=' for entry in entries]
    choices = [choice for choice in _choices(groups, keys, given) if choice]
    used = dict.fromkeys(unit for _, _, units in groups for unit in units)
    said = given.usual or given.own
    reason = ("a dataset does not say its units, and these values don't look like the contract's "
              '(radians or metres):')
    if any(given.told(span.column) for span in asked):
        reason = ('the unit of an arm is not taken for these, because grippers have other units '
                  'than arms in most datasets, and velocities may:')
    meanings = '; '.join(f'{unit}: {MEANINGS[unit]}' for unit in used if MEANINGS[unit] != unit)
    ways = [f'{"or" if place else "Add" if said else "Say"}: {choice}'
            for place, choice in enumerate(choices)]
    return '\n'.join([
        reason, *lines, *(ways or ['Convert the dataset, or, if the robot really moves so, widen '
                                   'minimum and maximum in the contract']),
        *([f'{meanings}. The range of a joint is that of its limits in the contract, unless its '
           'ends are given: --units JOINT=percent:LOW:HIGH'] if meanings else [])])


def _choices(
    groups: Sequence[tuple[str, Span, list[str]]], keys: Sequence[str], given: GivenUnits,
) -> list[str]:
    """Return the options that answer the question, the likeliest first."""
    own, rest = [], []
    for label, whole, units in groups:
        alone = given.told(whole.column) or whole.gripper or whole.column.quantity == 'velocity'
        (own if alone else rest).append((label, units))
    single = [f'--units {label}={units[0]}' for label, units in own if units]
    common = [unit for unit in _USUAL if rest and all(unit in units for _, units in rest)]
    if not common:
        single = [*(f'--units {label}={units[0]}' for label, units in rest if units), *single]
    return [' '.join([*(f'--units {key}{unit}' for key in keys), *single])
            for unit in common] or [' '.join(single)]


def _too_far(wrong: Sequence[tuple[Span, Unit]]) -> str:
    lines = []
    for span, unit in wrong:
        others = ' or '.join(one for one in span.candidates if one != unit.name)
        lines.append(f'  {span.column.name}: {span.taken_for(unit)}: {span.beyond(unit):.3g} '
                     f'beyond{f"; within them if it is in {others}" if others else ""}')
    return '\n'.join([
        'values are far beyond the limits of the contract:', *lines,
        f'Commands up to {100 * CUT:g} % of the range beyond a limit are cut to it, and measured '
        f'values may be {100 * MEASURED:g} % beyond. Say the units (--units JOINT=UNIT), or, if '
        'the robot really moves so, widen minimum and maximum in the contract'])
