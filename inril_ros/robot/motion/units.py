# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Units of a contract's numbers: of joints by their URDF, of others by their field."""

from collections.abc import Iterable

from urdf_parser_py.urdf import URDF

from inril_ros.robot.contract.contract import Action, Observation

#: What a joint is in of which no URDF says whether it turns or slides.
UNKNOWN = 'rad or m'
_TURN, _SLIDE = 'rad', 'm'
_KINDS = {'revolute': _TURN, 'continuous': _TURN, 'prismatic': _SLIDE}
_EFFORTS = {_TURN: 'N m', _SLIDE: 'N', UNKNOWN: 'N m or N'}
_FIELDS = {
    'linear': 'm/s', 'angular': 'rad/s', 'twist': 'm/s, rad/s', 'force': 'N', 'torque': 'N m',
    'wrench': 'N, N m', 'position': 'm', 'translation': 'm', 'point': 'm',
    'poses': 'm, quaternion', 'orientation': 'quaternion', 'rotation': 'quaternion',
    'pose': 'm, quaternion', 'transform': 'm, quaternion'}


def joint_unit(robot: URDF | None, joint: str, quantity: str = 'position') -> str:
    """Return the unit of a joint's ``position``, ``velocity`` or ``effort``."""
    known = robot is not None and joint in robot.joint_map
    unit = _KINDS.get(robot.joint_map[joint].type, UNKNOWN) if known else UNKNOWN
    if quantity == 'effort':
        return _EFFORTS[unit]
    if quantity == 'velocity':
        return ' or '.join(f'{part}/s' for part in unit.split(' or '))
    return unit


def value_units(entry: Action | Observation, robot: URDF | None) -> list[str]:
    """Return the unit of each value of an action or an observation; '' where it isn't known."""
    if entry.joints:
        return [joint_unit(robot, joint, entry.quantity) for joint in entry.joints]
    field = entry.field.rpartition('.')[2].partition('[')[0]
    if field == 'twist':
        return [_FIELDS['linear']] * 3 + [_FIELDS['angular']] * 3
    transform = 'transform' if not field and getattr(entry, 'parent', '') else field
    return [_FIELDS.get(transform, '')] * entry.length


def summed_up(units: Iterable[str]) -> str:
    """Return the units of several values in words, each one once."""
    return ' and '.join(dict.fromkeys(filter(None, units)))
