# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the safety gate would refuse about a contract and its URDF, before any node is started."""

from pathlib import Path

import numpy as np
from urdf_parser_py.urdf import URDF

from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.motion.joint_group import JointGroup
from inril_ros.robot.motion.kinematics import (
    has_joints,
    KinematicsError,
    limits_from_urdf,
    tightened_by_urdf,
    urdf_of,
)
from inril_ros.robot.motion.limits import limits_of
from inril_ros.robot.motion.safety import SafetyGate
from inril_ros.robot.motion.units import joint_unit
from inril_ros.robot.position_units import is_far_outside, likely_units

_MOST_TURNS = 4.0 * np.pi  # [rad] no arm's joint turns farther, and none is as long in m


def check_gate(contract: Contract, file: str | Path) -> tuple[list[str], list[str]]:
    """Build what the gate builds from a contract.

    Args:
        contract: The robot's contract.
        file: Its file; the URDF's path is relative to its folder.

    Returns:
        The mistakes, and what is allowed but worth knowing, one sentence each.
    """
    try:
        robot = urdf_of(contract, file)
    except (KinematicsError, OSError) as error:
        return [f'kinematics.urdf: {contract.kinematics.urdf}: {error}'], []
    mistakes = _unit_mistakes(contract, robot)
    for name, entry in contract.actions.items() if not mistakes else ():
        try:
            if entry.commands_positions:
                JointGroup(contract, name, robot)
        except ValueError as error:
            mistakes.append(f'actions.{name}: {error}')
    if not mistakes:
        try:
            mistakes += _home_mistakes(contract, SafetyGate(contract, robot))
        except ValueError as error:  # of the links, or of joints commanded by velocity
            mistakes.append(str(error))
    return mistakes, [*_gaps(contract, robot), *_without_effect(contract, robot)]


def _unit_mistakes(contract: Contract, robot: URDF | None) -> list[str]:
    """Return which limits of positions are in another unit than the URDF's.

    The tighter ones would hold, but the policy's -1..1 would stand for a range of degrees.
    """
    mistakes = []
    for name, entry in contract.actions.items():
        for joint, low, high in zip(entry.joints, entry.minimum, entry.maximum):
            if not entry.commands_positions or not has_joints(robot, [joint]):
                continue
            limits = limits_from_urdf(robot, [joint])
            ends = float(limits.minimum[0]), float(limits.maximum[0])
            if np.isfinite(ends).all() and is_far_outside(low, high, *ends):
                units = likely_units(low, high, *ends)
                looks = f' They look like {" or ".join(units)}.' if units else ''
                mistakes.append(f'actions.{name}: {low:g}..{high:g} of {joint!r} is far beyond '
                                f'the {ends[0]:g}..{ends[1]:g} of the URDF.{looks} Limits are rad '
                                'and m')
    return mistakes


def _home_mistakes(contract: Contract, gate: SafetyGate) -> list[str]:
    """Return why the way home would be refused, wherever it starts."""
    if not contract.episode.home:
        return []
    home, mistakes, limits = [], [], gate.joint_limits
    for name, entry in contract.actions.items():
        named = contract.home(name)
        for joint in entry.joints if entry.commands_positions else ():
            index = len(home)
            home.append(named.get(joint, np.nan))
            low, high = limits.minimum[index], limits.maximum[index]
            if not (np.isnan(home[-1]) or low <= home[-1] <= high):
                mistakes.append(f'episode.home puts {joint!r} of actions.{name} at {home[-1]:g}, '
                                f'which the URDF does not allow: {low:g}..{high:g}')
    if not mistakes and np.isfinite(home).all() and not gate.contains(np.array([home])):
        mistakes.append('episode.home puts the links '
                        f'{list(contract.workspace.links)} outside of the workspace')
    return mistakes


def _gaps(contract: Contract, robot: URDF | None) -> list[str]:
    """Return which joints the URDF says nothing about, and limits that no joint has."""
    gaps = []
    for name, entry in contract.actions.items():
        turns = [joint for joint, low, high in zip(entry.joints, entry.minimum, entry.maximum)
                 if entry.commands_positions and max(abs(low), abs(high)) > _MOST_TURNS]
        if turns:
            gaps.append(f'actions.{name}: the limits of {turns} are beyond two turns: are they in '
                        'degrees? Limits are rad and m')
        lacking = [joint for joint in entry.joints
                   if robot is not None and joint not in robot.joint_map]
        if lacking:
            gaps.append(f'the URDF has no joints {lacking} of actions.{name}: the limits of the '
                        'contract alone apply to them')
    return gaps


def _without_effect(contract: Contract, robot: URDF | None) -> list[str]:
    """Return which limits of joints are beyond the joint's whole range, so that they never act."""
    found = []
    for name, entry in contract.actions.items():
        if not entry.commands_positions:
            continue
        try:
            limits = tightened_by_urdf(limits_of(entry), entry.joints, robot)
        except ValueError:  # a mistake, which is told as such
            continue
        for joint, lead, low, high, speed in zip(
                entry.joints, entry.leads, limits.minimum, limits.maximum, limits.velocity,
                strict=True):
            unit = joint_unit(robot, joint)
            if lead >= high - low:
                found.append(
                    f'actions.{name}.max_lead: {lead:g} for {joint!r} is its whole range '
                    f'({low:g}..{high:g} {unit}) or more, so the limit never acts. That suits a '
                    'gripper, which closes until it holds something; else give less (one value, '
                    'or one per joint)')
            if speed * contract.period > high - low:
                found.append(
                    f'actions.{name}.max_velocity: {speed:g} takes {joint!r} through its whole '
                    f'range ({low:g}..{high:g} {unit}) within one tick, so the limit never acts')
    return found
