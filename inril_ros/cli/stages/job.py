# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a job is asked to do, and the seeds it draws from."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
import os
from pathlib import Path
from typing import Any, TYPE_CHECKING
from uuid import UUID, uuid5

from inril_ros.cli.run.progress import Reporter
from inril_ros.cli.run.run_directory import RunDirectory
from inril_ros.graph.description import GraphDescription, GraphOptions
from inril_ros.graph.domain import domain_environment, reserve_domain
from inril_ros.graph.supervisor import Supervisor
from inril_ros.robot.contract.contract import Contract, load_contract
from inril_ros.sim.seeds import derived_seed

if TYPE_CHECKING:
    from inril_ros.nodes.clients.conductor import Conductor


@dataclass(frozen=True)
class JobOptions:
    """Options of the job, the same for all its stages.

    Attributes:
        simulation: Path of the simulation mapping; empty: a real robot.
        gazebo: Gazebo simulates it and runs already, as a real robot's driver does.
        demonstrations: Successful demonstrations to record.
        env_steps: Environment steps of fine-tuning.
        evaluation_episodes: Episodes of each evaluation.
        session: Settings of the fine-tuning session (see SessionConfig).
        pretrain: Settings of behaviour cloning (see PretrainConfig).
        operator_noise: Errors of the scripted operator.
        synchronous: Learn between episodes only: repeatable, and slower.
        max_lag: RL updates that may be due when the next episode begins.
        device: Of the learner and of pre-training: auto, cpu or cuda.
        verbose: Show the nodes' output.
        log_level: Of the nodes.
    """

    simulation: str
    gazebo: bool = False
    demonstrations: int = 8
    env_steps: int = 40_000
    evaluation_episodes: int = 50
    session: Mapping[str, Any] = field(default_factory=dict)
    pretrain: Mapping[str, Any] = field(default_factory=dict)
    operator_noise: float = 0.3
    synchronous: bool = False
    max_lag: int = 400
    device: str = 'auto'
    verbose: bool = False
    log_level: str = 'info'


@dataclass(frozen=True)
class Job:
    """A run with its options and what tells about its progress."""

    run: RunDirectory
    options: JobOptions
    reporter: Reporter

    @property
    def contract(self) -> Contract:
        """The run's own copy of the robot contract."""
        return load_contract(self.run.contract)

    def graph_options(self, **stage: Any) -> GraphOptions:
        """Return the graph's options, with those of the stage."""
        simulated, gazebo = bool(self.options.simulation), self.options.gazebo
        return GraphOptions(
            contract=str(self.run.contract), run_id=self.run.settings.run_id,
            simulation=self.options.simulation, task=self.run.settings.task,
            lockstep=simulated and not gazebo, use_sim_time=simulated, gazebo=gazebo,
            teleop_device='scripted' if simulated else 'external', seed=self.run.settings.seed,
            operator_noise=self.options.operator_noise, device=self.options.device,
            log_level=self.options.log_level, **stage)

    @contextmanager
    def running(
        self, stage: str, graph: GraphDescription, listen: Any = lambda status: None,
    ) -> 'Iterator[Conductor]':
        """Start a graph, wait until it is ready, and stop it afterwards whatever happens."""
        # Imported here: what needs no graph, such as the studies of `inril bench`, needs no ROS.
        from inril_ros.nodes.clients.conductor import Conductor

        with self._domain() as domain_id, Supervisor(
            graph, self.run.logs(stage), domain_id=domain_id, quiet=not self.options.verbose,
            console=self.reporter.console,
        ) as supervisor, Conductor(
            self.run.settings.run_id, self.run.settings.task, domain_id,
            check=supervisor.check, listen=listen,
            # Nobody aborts an episode in simulation: a node has stopped doing its part.
            most_aborted=0 if self.options.simulation else 2,
            scene_node='gazebo_node' if self.options.gazebo else 'sim_node',
        ) as conductor:
            self.reporter.say(f'starting {", ".join(node.name for node in graph.nodes)}')
            conductor.wait_ready(tuple(node.name for node in graph.nodes))
            yield conductor

    @contextmanager
    def _domain(self) -> Iterator[int | None]:
        """Give a ROS domain that nobody else has; where the robot is outside: its own, None."""
        if not self.options.simulation or self.options.gazebo:
            yield None
            return
        with reserve_domain() as domain_id:
            os.environ.update(domain_environment(domain_id))
            yield domain_id

    def episode_id(self, stage: str, index: int) -> str:
        """Return the UUID of an episode of this run."""
        return str(uuid5(UUID(self.run.settings.run_id), f'{stage}/{index}'))

    def seed(self, *names: str | int) -> int:
        """Return a seed that belongs to the run's seed and to these names."""
        return derived_seed(self.run.settings.seed, *names)

    def scene_seed(self, *names: str | int) -> int | None:
        """Return the seed of a scene, None on a real robot."""
        return self.seed('scene', *names) if self.options.simulation else None


def only_file(path: Path, what: str) -> Path:
    """Return a path that must be there.

    Raises:
        FileNotFoundError: It isn't; the message says what it is.
    """
    if not path.exists():
        raise FileNotFoundError(f'{path} is missing: {what}')
    return path
