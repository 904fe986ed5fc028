# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The scripted operator of Meta-World: its scripted expert plus Gaussian noise.

It makes demonstrations without hardware, from what a person would see (the observations of the
contract), and commands as a person would, in the contract's units and with an unsteady hand.
"""

from collections.abc import Mapping
from pathlib import Path
import warnings

import numpy as np

from inril_ros.robot.contract.contract import Contract
from inril_ros.sim.mapping import (
    built_in_mapping,
    find_task,
    load_mapping,
    MappingError,
    MetaworldTask,
)
from inril_ros.sim.opengl import prefer_headless_opengl
from inril_ros.sim.operator import Operator

#: Observations that it needs.
NEEDED = ('hand_position', 'gripper_opening', 'object_pose', 'second_object_pose', 'goal_position')
#: Actions that it commands.
COMMANDED = ('hand_velocity', 'gripper_effort')

# Index of a pose x y z, x y z w in the order of the environment.
_ORDER = {'xyzw': [0, 1, 2, 3, 4, 5, 6], 'wxyz': [0, 1, 2, 6, 3, 4, 5]}

# Meta-World's experts ask for more than full speed on purpose, and warn at each such step.
warnings.filterwarnings('ignore', message=r'Constant\(s\) may be too high')


class ScriptedOperator(Operator):
    """Commands one task of Meta-World.

    Args:
        task: Name of a task in the mapping, for example ``pick-place``.
        contract: The robot's contract.
        noise: Standard deviation of the noise on the action as normalised to -1..1.
        mapping_file: A mapping for Meta-World; by default the built-in one.

    Raises:
        MappingError: There is no such task, or no scripted operator for it, or the contract lacks
            something that it needs.
        ValueError: The noise is negative or not finite.
    """

    def __init__(
        self, task: str, contract: Contract, noise: float = 0.3,
        mapping_file: str | Path | None = None,
    ) -> None:
        prefer_headless_opengl()
        from metaworld.policies import ENV_POLICY_MAP  # imports MuJoCo, which takes half a second

        path = built_in_mapping('metaworld') if mapping_file is None else mapping_file
        entry = find_task(load_mapping(path), task, str(path))
        if not isinstance(entry, MetaworldTask) or entry.operator != 'expert':
            raise MappingError(f'{path}: task {task!r} has no scripted operator')
        if entry.environment not in ENV_POLICY_MAP:
            raise MappingError(f'{path}: Meta-World has no expert for {entry.environment!r}')
        super().__init__(contract, noise, NEEDED, COMMANDED)
        self._order = _ORDER[entry.quaternion_order]
        self._expert = ENV_POLICY_MAP[entry.environment]()

    def command(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the action (A,) float64 in contract units for a tick's observations by name."""
        low, high = self._contract.action_minimum, self._contract.action_maximum
        expert = self._expert.get_action(self._observation(values)).astype(np.float64)
        normalised = np.empty(self._contract.action_size)
        normalised[self._contract.action_slice('hand_velocity')] = expert[:3]
        normalised[self._contract.action_slice('gripper_effort')] = expert[3:]
        # Clipped before the noise too: experts ask for several times the full speed, and the noise
        # would have no effect.
        normalised = np.clip(normalised, -1.0, 1.0)
        normalised += self._noise * self._generator.standard_normal(normalised.size)
        return np.clip(low + 0.5 * (normalised + 1.0) * (high - low), low, high)

    def _observation(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Rebuild Meta-World's observation (39,).

        Its second part is the step before, which the experts don't use: the present one is used.
        """
        present = np.concatenate([
            values['hand_position'], values['gripper_opening'],
            values['object_pose'][self._order], values['second_object_pose'][self._order]])
        return np.concatenate([present, present, values['goal_position']])
