# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The scripted operator of a task, whichever simulation it belongs to."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np

from inril_ros.robot.contract.contract import Contract
from inril_ros.sim.gazebo.lift_operator import LiftOperator
from inril_ros.sim.gazebo.sdf_scene import read_scene
from inril_ros.sim.gazebo.top_down_arm import top_down_arm
from inril_ros.sim.mapping import (
    built_in_mapping,
    find_task,
    load_mapping,
    MappingError,
    SdfMapping,
)
from inril_ros.sim.scripted import ScriptedOperator


class Operator(Protocol):
    """An imperfect person at the teleoperation device."""

    def begin(self, seed: int) -> None:
        """Begin an episode; the seed decides its errors."""

    def command(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the action (A,) float64 in contract units for a tick's observations by name."""


def make_operator(
    task: str, contract: Contract, noise: float, mapping_file: str | Path = '',
) -> Operator:
    """Make the operator of a task.

    Args:
        task: Name of a task in the mapping.
        contract: The robot.
        noise: Standard deviation of the errors on the action as normalised to -1..1.
        mapping_file: The simulation; empty: the built-in one, Meta-World.

    Raises:
        MappingError: There is no such task, or no operator for it, or the contract lacks
            something it needs.
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
