# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A run whose episodes are asked for: its records, its options, its seeds, its reporter."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID, uuid5

from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.nodes.clients.reporting import Reporter
from inril_ros.robot.contract.contract import Contract, load_contract
from inril_ros.sim.seeds import derived_seed


class StageOptions(Protocol):
    """What the stages need to know.

    Attributes:
        simulation: Path of the simulation mapping; empty: a real robot.
        demonstrations: Successful demonstrations to record.
        env_steps: Environment steps of fine-tuning.
        evaluation_episodes: Episodes of each evaluation.
        evaluation: Blocks of evaluation that judge versions (EvaluationBlocks).
        session: Settings of the fine-tuning session, for the record of the run.
        reset_seconds: [s] Time that a person needs to reset the scene.
        synchronous: The robot waits between episodes until everything is learned.
        starts: File of the starts that fine-tuning practises; empty: any start.
    """

    simulation: str
    demonstrations: int
    env_steps: int
    evaluation_episodes: int
    evaluation: Mapping[str, int]
    session: Mapping[str, Any]
    reset_seconds: float
    synchronous: bool
    starts: str


@dataclass(frozen=True)
class ConductedRun:
    """A run with its options and the reporter of its progress."""

    run: RunDirectory
    options: StageOptions
    reporter: Reporter

    @property
    def contract(self) -> Contract:
        """The run's own copy of the robot contract."""
        return load_contract(self.run.contract)

    def episode_id(self, *names: str | int) -> str:
        """Return the UUID of an episode of the run, by names that no other one has."""
        return str(uuid5(UUID(self.run.settings.run_id), self._name(names)))

    def seed(self, *names: str | int) -> int:
        """Return a seed derived from the run's seed and these names."""
        return derived_seed(self.run.settings.seed, *self.run.robot_name, *names)

    def scene_seed(self, *names: str | int) -> int | None:
        """Return the seed of a scene, None on a real robot."""
        return self.seed('scene', *names) if self.options.simulation else None

    def _name(self, names: tuple[str | int, ...]) -> str:
        return '/'.join(map(str, (*self.run.robot_name, *names)))


def practised_scene(run: RunDirectory, row: Mapping[str, Any]) -> int | None:
    """Return the seed of the scene of a row of ``episodes.jsonl``; None on a real robot.

    Rows of former versions don't have it: then it follows from the run's seed.
    """
    if not run.settings.simulation:
        return None
    return row['scene_seed'] if 'scene_seed' in row else derived_seed(
        run.settings.seed, *run.robot_name, 'scene', 'finetune', row['index'])


def require(path: Path, purpose: str) -> None:
    """Check that a file or folder exists.

    Raises:
        FileNotFoundError: It doesn't exist.
    """
    if not path.exists():
        raise FileNotFoundError(f'{path} is missing: {purpose}')
