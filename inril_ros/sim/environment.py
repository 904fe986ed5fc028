# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Makes the simulated robot of a task, and its scripted operator, for every kind of simulator."""

from pathlib import Path

from inril_ros.robot.contract.contract import Contract
from inril_ros.sim.gazebo.lift_operator import LiftOperator
from inril_ros.sim.gazebo.sdf_scene import read_scene
from inril_ros.sim.gazebo.top_down_arm import top_down_arm
from inril_ros.sim.mapping import (
    built_in_mapping,
    find_task,
    load_mapping,
    MappingError,
    MetaworldMapping,
    SdfMapping,
)
from inril_ros.sim.opengl import prefer_headless_opengl
from inril_ros.sim.operator import Operator
from inril_ros.sim.scripted import ScriptedOperator
from inril_ros.sim.simulated_robot import SimulatedRobot


def make_simulation(mapping_file: str | Path, task: str, contract: Contract) -> SimulatedRobot:
    """Make the simulated robot of a task.

    Args:
        mapping_file: File of the simulation mapping, ``config/simulations/<name>.yaml``.
        task: Name of a task in it.
        contract: The robot's contract.

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


def make_operator(
    task: str, contract: Contract, noise: float, mapping_file: str | Path = '',
) -> Operator:
    """Make the scripted operator of a task.

    Args:
        task: Name of a task in the mapping.
        contract: The robot's contract.
        noise: Standard deviation of the noise on the action as normalised to -1..1.
        mapping_file: File of the simulation mapping; empty for the built-in one, Meta-World.

    Raises:
        MappingError: There is no such task, or no operator for it, or the contract lacks
            something that the operator needs.
        ValueError: The noise is negative or not finite, or the mapping's world can't be read.
    """
    path = Path(mapping_file) if mapping_file else built_in_mapping('metaworld')
    mapping = load_mapping(path)
    entry = find_task(mapping, task, str(path))
    if not isinstance(mapping, SdfMapping):
        return ScriptedOperator(task, contract, noise, path)
    if entry.operator != 'scripted':
        raise MappingError(f'{path}: task {task!r} has no scripted operator')
    arm = next((model for model in read_scene(path.parent / mapping.world).models
                if model.drives), None)
    if arm is None:
        raise MappingError(f'{path}: {mapping.world} has no model with controllers')
    return LiftOperator(entry, contract, top_down_arm(arm), noise)
