# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Limits of measured forces, torques and efforts: when an arm presses too hard for too long."""

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from inril_ros.robot.contract.rules import Positive, STRICT
from inril_ros.robot.contract.streams import Observation

_WRENCH = 6  # force and torque in one observation, which have no unit in common
_Limits = Annotated[tuple[Positive, ...], Field(min_length=1)]


@dataclass(frozen=True, config=STRICT)
class LoadLimit:
    """A limit of measured forces, torques or efforts, above which the arm is held.

    Of the observations ``wrench.force`` and ``wrench.torque`` the magnitude counts, of all others
    the absolute value of each number. A sensor must be tared and compensated for the tool.

    Attributes:
        observation: Name of the observation that measures it: efforts of joints, ``wrench.force``
            or ``wrench.torque`` of a sensor, or what a driver of its own type calls so.
        limit: Highest load that may last, in the unit of the message (N, N m, or what the driver
            gives, such as mA): one value, or one per joint. It must be above what free motion and
            the wanted contacts need.
        hold_after: [s] Time above the limit, less the time below it, after which the arm is held
            until ``resume``.
        stop_above: Load that holds the arm until ``resume`` at the first measurement above it: one
            value, or one per joint. Without it only time counts.
        relieve: Names of the actions (joint positions) that then go back, within their limits of
            motion, to where their joints were measured, so that the motors no longer press. Left
            out: those that command joints of this observation. []: the arm stays as it is.
    """

    observation: str
    limit: _Limits
    hold_after: Positive = 0.5
    stop_above: tuple[Positive, ...] = ()
    relieve: tuple[str, ...] | None = None


def is_vector(entry: Observation) -> bool:
    """Return whether an observation is one force or torque (x, y, z), whose magnitude counts."""
    return not entry.joints and entry.length == 3 and (
        entry.field.rpartition('.')[2] in ('force', 'torque'))


def check_load_limit(key: str, rule: LoadLimit, observations: dict[str, Observation]) -> None:
    """Check that a limit fits the observation that it names.

    Raises:
        ValueError: It doesn't; the message says which key and what is needed.
    """
    if rule.observation not in observations:
        raise ValueError(f'{key}.observation is {rule.observation!r}, which is none of '
                         f'{sorted(observations)}')
    entry = observations[rule.observation]
    if entry.joints and entry.quantity != 'effort':
        raise ValueError(f'{key}.observation: {rule.observation!r} is the {entry.quantity} of '
                         'joints: observe the same joints with quantity: effort')
    if entry.latched:
        raise ValueError(f'{key}.observation: {rule.observation!r} is latched: a load that is not '
                         'measured all the time protects nothing')
    if not entry.joints and entry.length == _WRENCH and entry.field.endswith('wrench'):
        raise ValueError(f'{key}.observation: {rule.observation!r} has forces and torques: '
                         f'observe {entry.field}.force and {entry.field}.torque, each with a '
                         'limit of its own')
    size = 1 if is_vector(entry) else entry.length
    for name, values in (('limit', rule.limit), ('stop_above', rule.stop_above)):
        if values and len(values) not in (1, size):
            raise ValueError(f'{key}.{name} has {len(values)} values: 1 is needed'
                             + (f', or {size}' if size > 1 else ', of the magnitude'))
    for index in range(size if rule.stop_above else 0):
        limit, stop = (values[index if len(values) > 1 else 0]
                       for values in (rule.limit, rule.stop_above))
        if not stop > limit:
            raise ValueError(f'{key}.stop_above {stop:g} is not above the limit {limit:g}, so '
                             'that no time would count')
