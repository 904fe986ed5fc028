# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What ties one part of a contract to another: names that must exist, lengths that must fit."""

from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inril_ros.robot.contract import Contract


def check_references(contract: 'Contract') -> None:
    """Check what ties one part of a contract to another.

    Raises:
        ValueError: A name is used that isn't defined, or lengths don't fit.
    """
    observed = contract.observations
    if not observed or not contract.actions or not contract.policy_observations:
        raise ValueError('observations, actions and policy_observations must not be empty')
    both = observed.keys() & contract.derived.keys()
    if both:
        raise ValueError(f'{sorted(both)} named both in observations and in derived')
    for name, derived in contract.derived.items():
        for source in derived.inputs:
            if source not in observed:
                raise ValueError(
                    f'derived.{name} uses {source!r}, which is none of {sorted(observed)}')
        if len({observed[source].length for source in derived.inputs}) != 1:
            raise ValueError(f'derived.{name} subtracts quantities of different length')
    known = observed.keys() | contract.derived.keys()
    for name in contract.policy_observations:
        if name not in known:
            raise ValueError(f'policy_observations has {name!r}, which is none of {sorted(known)}')
    _check_topics(contract)
    _check_shared_commands(contract)
    _check_positions_are_observed(contract)
    box, teleoperation = contract.workspace, contract.teleoperation
    if box is not None:
        _check_reference('workspace.observation', box.observation, contract.observations, 3)
        _check_reference('workspace.action', box.action, contract.actions, 3)
        if not all(low < high for low, high in zip(box.minimum, box.maximum, strict=True)):
            raise ValueError(f'workspace.minimum {box.minimum} is not below {box.maximum}')
        if contract.actions[box.action].hold != 'zero':
            raise ValueError(f'workspace.action: {box.action!r} is a velocity; its hold is zero, '
                             'or a held arm would leave the box')
    if teleoperation.twist_action:
        _check_reference(
            'teleoperation.twist_action', teleoperation.twist_action, contract.actions, 3)
    if teleoperation.gripper_action:
        _check_reference(
            'teleoperation.gripper_action', teleoperation.gripper_action, contract.actions, 1)


def _check_positions_are_observed(contract: 'Contract') -> None:
    observed = {joint for entry in contract.observations.values()
                if entry.quantity == 'position' for joint in entry.joints}
    for name, action in contract.actions.items():
        if action.quantity == 'position' and not observed.issuperset(action.joints):
            raise ValueError(
                f'actions.{name} commands positions of {sorted(set(action.joints) - observed)}, '
                'which no observation measures: they could not be held')


def _check_reference(key: str, name: str, table: dict, length: int) -> None:
    if name not in table:
        raise ValueError(f'{key} is {name!r}, which is none of {sorted(table)}')
    if table[name].length != length:
        raise ValueError(f'{key}: {name!r} has {table[name].length} values, {length} are needed')


def _check_topics(contract: 'Contract') -> None:
    types: dict[str, str] = {}
    entries = [*contract.observations.values(), *contract.actions.values()]
    for entry in [*entries, *contract.cameras.values()]:
        if types.setdefault(entry.topic, entry.type) != entry.type:
            raise ValueError(
                f'topic {entry.topic!r} has two types: {types[entry.topic]} and {entry.type}')


def _check_shared_commands(contract: 'Contract') -> None:
    """Check that actions on one topic fit into one message: one frame, no value written twice."""
    for (name, first), (other, second) in combinations(contract.actions.items(), 2):
        if first.topic != second.topic:
            continue
        both = f'actions.{name} and actions.{other} share {first.topic!r}'
        if first.frame_id != second.frame_id:
            raise ValueError(f'{both}, but not the frame_id: {first.frame_id!r}, '
                             f'{second.frame_id!r}')
        if first.type == 'std_msgs/msg/Float64MultiArray':
            raise ValueError(f'{both}: a {first.type} carries one action')
        if first.quantity != second.quantity or set(first.joints) & set(second.joints):
            raise ValueError(f'{both}: they need the same quantity and no joint in common')
        short, long = sorted((f'{first.field}.', f'{second.field}.'), key=len)
        if not first.joints and long.startswith(short):
            raise ValueError(f'{both}, and one overwrites the other: {first.field!r}, '
                             f'{second.field!r}')
