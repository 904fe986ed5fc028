# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The mock arm's URDF for viewers: a cylinder for each link, where the file has geometry only."""

import math
from pathlib import Path
from xml.etree import ElementTree

from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.contract.urdf_file import find_urdf

_RADIUS = 0.03  # [m]


def viewed_model(contract: str | Path) -> str:
    """Return the URDF of a contract with links that can be seen.

    Args:
        contract: File of the contract.

    Raises:
        ValueError: The contract names no URDF, or can't be loaded.
    """
    kinematics = load_contract(contract).kinematics
    if kinematics is None:
        raise ValueError(f'{contract}: kinematics.urdf is missing')
    return with_cylinders(find_urdf(kinematics, contract).read_text(encoding='utf-8'))


def with_cylinders(urdf: str) -> str:
    """Return a URDF in which each link without a shape reaches to the joints behind it."""
    robot = ElementTree.fromstring(urdf)
    links = {link.get('name'): link for link in robot.findall('link')
             if link.find('visual') is None}
    for joint in robot.findall('joint'):
        origin = joint.find('origin')
        link = links.get(joint.find('parent').get('link'))
        end = [float(value) for value in (
            '' if origin is None else origin.get('xyz', '')).split()] or [0.0] * 3
        length = math.hypot(*end)
        if link is None or length < _RADIUS:
            continue
        visual = ElementTree.SubElement(link, 'visual')
        # The cylinder's z axis along the way to the joint: pitch, then yaw.
        ElementTree.SubElement(visual, 'origin', {
            'xyz': ' '.join(f'{0.5 * value:.6g}' for value in end),
            'rpy': f'0 {math.acos(end[2] / length):.6g} {math.atan2(end[1], end[0]):.6g}'})
        geometry = ElementTree.SubElement(visual, 'geometry')
        ElementTree.SubElement(
            geometry, 'cylinder', {'radius': f'{_RADIUS:g}', 'length': f'{length:.6g}'})
    return ElementTree.tostring(robot, encoding='unicode')
