# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the URDF is that a contract names: beside the contract, or among the package's robots."""

from pathlib import Path

from inril_ros.robot.configuration_folder import configuration_folder
from inril_ros.robot.contract.rules import Kinematics


def find_urdf(kinematics: Kinematics, contract: str | Path) -> Path:
    """Return the URDF's file; one beside the contract comes before one of the package.

    A shipped contract that was copied, to enter other limits, thus still finds its URDF.

    Args:
        kinematics: The contract's entry.
        contract: File of the contract.

    Raises:
        FileNotFoundError: There is none; the message says where it was looked for.
    """
    places = [Path(contract).absolute().parent / kinematics.urdf]
    if not Path(kinematics.urdf).is_absolute():
        places.append(configuration_folder() / 'robots' / kinematics.urdf)
    for place in places:
        if place.is_file():
            return place
    told = ' nor '.join(str(place) for place in places)
    raise FileNotFoundError(
        f'no file {told}: put the URDF of the arm there, or give its absolute path. A running '
        'robot_state_publisher has it: ros2 param get --hide-type /robot_state_publisher '
        'robot_description > arm.urdf')
