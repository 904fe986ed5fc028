# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How the simulated robot of a task is made, whichever simulator is behind it."""

from pathlib import Path

from inril_ros.robot.contract.contract import Contract
from inril_ros.sim.mapping import (
    find_task,
    load_mapping,
    MappingError,
    MetaworldMapping,
    SdfMapping,
)
from inril_ros.sim.opengl import prefer_headless_opengl
from inril_ros.sim.simulated_robot import SimulatedRobot


def make_simulation(mapping_file: str | Path, task: str, contract: Contract) -> SimulatedRobot:
    """Make the simulated robot of a task.

    Args:
        mapping_file: A ``config/simulations/<name>.yaml``.
        task: Name of a task in it.
        contract: The robot.

    Raises:
        MappingError: The mapping breaks a rule, has no such task, or doesn't fit the contract or
            the environment; or the simulator isn't installed.
    """
    mapping = load_mapping(mapping_file)
    find_task(mapping, task, str(mapping_file))
    prefer_headless_opengl()
    try:
        # Simulators are imported only when used: they take a second, and are optional.
        if isinstance(mapping, MetaworldMapping):
            from inril_ros.sim.metaworld_arm import MetaworldArm

            return MetaworldArm(mapping, task, contract)
        if isinstance(mapping, SdfMapping):
            from inril_ros.sim.gazebo.gazebo_arm import GazeboArm

            return GazeboArm(mapping, task, contract, Path(mapping_file).parent)
        from inril_ros.sim.gymnasium_robot import GymnasiumRobot

        return GymnasiumRobot(mapping, task, contract)
    except ModuleNotFoundError as error:
        raise MappingError(f'{mapping_file}: needs the Python module {error.name!r}, '
                           'which is not installed') from error
