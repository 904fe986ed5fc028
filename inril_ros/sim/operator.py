# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What all scripted operators have in common: imperfect persons at the teleoperation device."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping

import numpy as np

from inril_ros.robot.contract.contract import Contract
from inril_ros.sim.mapping import MappingError


class Operator(ABC):
    """Commands one task; deterministic for a seed and the observations it is given.

    Args:
        contract: The robot's contract.
        noise: Standard deviation of the noise on the action as normalised to -1..1.
        observations: Names of the observations that it needs.
        actions: Names of the actions that it commands.

    Raises:
        MappingError: The contract lacks an observation or action.
        ValueError: The noise is negative or not finite.
    """

    def __init__(
        self, contract: Contract, noise: float, observations: Iterable[str],
        actions: Iterable[str],
    ) -> None:
        missing = [name for name in observations if name not in contract.observations]
        missing += [name for name in actions if name not in contract.actions]
        if missing:
            raise MappingError(
                f'contract {contract.name!r} lacks {missing}, which the scripted operator needs')
        if not (np.isfinite(noise) and noise >= 0.0):
            raise ValueError(f'noise {noise} must be finite and not negative')
        self._contract = contract
        self._noise = noise
        self.begin(0)

    def begin(self, seed: int) -> None:
        """Begin an episode; the seed decides its noise."""
        # A stream of its own: simulators seed theirs with the bare number, and the noise must not
        # depend on where the object lies.
        self._generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))

    @abstractmethod
    def command(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the action (A,) float64 in contract units for a tick's observations by name."""
