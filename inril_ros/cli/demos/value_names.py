# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Names of the numbers of a quantity or an action, as the legend of a plot has them."""

from inril_ros.data.demonstrations.npz_export import quantity_columns
from inril_ros.robot.contract.contract import Action, Contract

_AXES = {3: ('x', 'y', 'z'), 4: ('qx', 'qy', 'qz', 'qw'),
         7: ('x', 'y', 'z', 'qx', 'qy', 'qz', 'qw')}
_SIX = {'wrench': ('fx', 'fy', 'fz', 'tx', 'ty', 'tz'),
        'twist': ('vx', 'vy', 'vz', 'wx', 'wy', 'wz')}


def quantity_names(contract: Contract, name: str) -> tuple[str, ...]:
    """Return the names of an observation or a derived quantity: joints, axes, or numbers."""
    columns = quantity_columns(contract, (name,))
    if columns and columns[0].startswith(f'{name}.'):
        return tuple(column.removeprefix(f'{name}.') for column in columns)
    length = contract.length(name)
    derived = contract.derived.get(name)
    if derived is not None and derived.part:
        names = quantity_names(contract, derived.part)
        return tuple(names[index] for index in derived.indices)
    if derived is not None and contract.length(derived.inputs[0]) == length:
        return quantity_names(contract, derived.inputs[0])
    entry = contract.observations.get(name)
    if entry is not None and entry.field in _SIX:
        return _SIX[entry.field]
    turned = contract.has_quaternion(name)
    return _AXES[length] if length in _AXES and (length == 3 or turned) else _numbers(length)


def action_names(entry: Action) -> tuple[str, ...]:
    """Return the names of the values of an action: joints, axes, or numbers."""
    return entry.joints or _SIX.get(entry.field) or (
        _AXES[3] if entry.length == 3 else _numbers(entry.length))


def _numbers(length: int) -> tuple[str, ...]:
    return tuple(str(index) for index in range(length))
