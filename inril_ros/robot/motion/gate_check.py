# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the safety gate would refuse about a contract and its URDF, before any node is started."""

from pathlib import Path

import numpy as np
from urdf_parser_py.urdf import URDF

from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.motion.joint_group import JointGroup
from inril_ros.robot.motion.kinematics import KinematicsError, urdf_of
from inril_ros.robot.motion.safety import SafetyGate


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
    mistakes = []
    for name, entry in contract.actions.items():
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
    return mistakes, _gaps(contract, robot)


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
    """Return which joints the URDF says nothing about."""
    gaps = []
    for name, entry in contract.actions.items():
        lacking = [joint for joint in entry.joints
                   if robot is not None and joint not in robot.joint_map]
        if lacking:
            gaps.append(f'the URDF has no joints {lacking} of actions.{name}: the limits of the '
                        'contract alone apply to them')
    return gaps
