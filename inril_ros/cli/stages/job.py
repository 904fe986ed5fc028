# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A job: a run with its options, its graph of nodes and its seeds."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
import os
from typing import Any, TYPE_CHECKING

import pydantic

from inril_ros.data.run.evaluation_blocks import EvaluationBlocks
from inril_ros.data.run.graph_place import noted_graph
from inril_ros.data.run.settings import (
    DEFAULT,
    DEMONSTRATIONS,
    ENV_STEPS,
    EVALUATION_EPISODES,
    flat,
    Setting,
    Settings,
)
from inril_ros.graph.description import GraphDescription, GraphOptions, restarting
from inril_ros.graph.domain import domain_environment, reserve_domain, share_domain
from inril_ros.graph.supervisor import Supervisor
from inril_ros.nodes.conducting.conducted_run import ConductedRun

if TYPE_CHECKING:
    from inril_ros.nodes.clients.conductor import Conductor


@pydantic.dataclasses.dataclass(frozen=True, config=pydantic.ConfigDict(extra='forbid'))
class JobOptions:
    """Options of a job, the same for all its stages.

    Attributes:
        simulation: Path of the simulation mapping; empty: a real robot.
        gazebo: Gazebo simulates it and is running already, like a real robot's driver.
        demonstrations: Successful demonstrations to record.
        env_steps: Environment steps of fine-tuning.
        evaluation_episodes: Episodes of each evaluation.
        evaluation: Blocks of evaluation that judge versions while fine-tuning runs
            (EvaluationBlocks).
        session: Settings of the fine-tuning session (SessionConfig).
        pretrain: Settings of behaviour cloning (PretrainConfig).
        model: Settings of the cloned model (ModelConfig).
        rest: What is left out at the ends of demonstrations (RestRules).
        despite_findings: Clone demonstrations although their audit calls them wrong.
        reset_seconds: [s] Time that a person needs to reset the scene.
        synchronous: Learn between episodes only: repeatable, and slower.
        starts: File of the starts that fine-tuning practises; empty: any start.
        device: Device of learning and pre-training: auto, cpu or cuda.
        start_patience: [s] Longest time in which a graph that is starting makes no progress.
        params_file: Parameters of the nodes, as a ROS parameter file; empty: none.
        verbose: Show the nodes' output.
        origins: Where a value comes from, by its dotted name; those that are not here are
            defaults.
    """

    simulation: str
    gazebo: bool = False
    demonstrations: int = DEMONSTRATIONS
    env_steps: int = ENV_STEPS
    evaluation_episodes: int = EVALUATION_EPISODES
    evaluation: Mapping[str, int] = field(default_factory=lambda: asdict(EvaluationBlocks()))
    session: Mapping[str, Any] = field(default_factory=dict)
    pretrain: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    rest: Mapping[str, float] = field(default_factory=dict)
    despite_findings: bool = False
    reset_seconds: float = 10.0
    synchronous: bool = False
    starts: str = ''
    device: str = 'auto'
    start_patience: float = 90.0
    params_file: str = ''
    verbose: bool = False
    origins: Mapping[str, str] = field(default_factory=dict)

    def settings(self, *names: str) -> Settings:
        """Return options by their names; all of them for a group such as ``session``."""
        values = dict(flat({name: getattr(self, name) for name in names}))
        return {name: Setting(value, self.origins.get(name, DEFAULT))
                for name, value in values.items()}


@dataclass(frozen=True)
class Job(ConductedRun):
    """A run with its options and the reporter of its progress, whose graph this process starts."""

    options: JobOptions

    def graph_options(self, **stage: Any) -> GraphOptions:
        """Return the options of the graph, including those of the stage."""
        simulated, gazebo = bool(self.options.simulation), self.options.gazebo
        return GraphOptions(
            contract=str(self.run.contract), run_id=self.run.settings.run_id,
            simulation=self.options.simulation, task=self.run.settings.task,
            lockstep=simulated and not gazebo, use_sim_time=simulated, gazebo=gazebo,
            teleop_device='scripted' if simulated else 'external', seed=self.run.settings.seed,
            device=self.options.device, params_file=self.options.params_file, **stage)

    @contextmanager
    def running(
        self, stage: str, graph: GraphDescription, listen: Any = lambda status: None,
        most_aborted: int | None = None,
    ) -> 'Iterator[Conductor]':
        """Start a graph, wait until it is ready, and stop it after the block in any case.

        A recorder that ends later is started again: it costs its episode, and the journal has the
        others. The end of any other node ends the stage.

        Args:
            stage: Name of the stage, for its logs.
            graph: The graph.
            listen: Called with each status of a node.
            most_aborted: Accepted number of episodes aborted in a row; None: two on a real arm,
                where a person may abort, and none in simulation, where a node must have failed.
        """
        if most_aborted is None:
            most_aborted = 0 if self.options.simulation else 2
        # Imported here: commands without a graph, such as `inril bench`, need no ROS.
        from inril_ros.cli.terminal.screen import watched
        from inril_ros.nodes.clients.conductor import Conductor

        contract = self.contract

        def check() -> list[str]:
            deaths = supervisor.check()
            for death in deaths:
                self.reporter.say(f'{death.how} and is started again; see {death.log}')
            return [death.name for death in deaths]

        with self._domain() as domain_id, Supervisor(
            restarting(graph, 'recorder_node'), self.run.logs(stage), domain_id=domain_id,
            quiet=not self.options.verbose, console=self.reporter.console,
        ) as supervisor, noted_graph(self.run.path, stage, domain_id), watched(
            self.reporter, f'{contract.name}: {stage}', contract.episode.time_limit, domain_id,
        ), Conductor(
            self.run.settings.run_id, self.run.settings.task, domain_id,
            check=check, listen=listen, most_aborted=most_aborted, say=self.reporter.say,
            attended=not self.options.simulation,
            scene_node='gazebo_node' if self.options.gazebo else 'sim_node',
        ) as conductor:
            self.reporter.say(f'starting {", ".join(node.name for node in graph.nodes)}')
            supervisor.respawning = False
            conductor.wait_ready(tuple(node.name for node in graph.nodes),
                                 self.options.start_patience, supervisor.cpu_seconds)
            supervisor.respawning = True
            yield conductor
            conductor.status.set(state='finished')

    @contextmanager
    def _domain(self) -> Iterator[int | None]:
        """Reserve a ROS domain; None, the environment's, if the robot is outside of the graph."""
        if not self.options.simulation or self.options.gazebo:
            with share_domain(int(os.environ.get('ROS_DOMAIN_ID') or 0)):
                yield None
            return
        with reserve_domain() as domain_id:
            os.environ.update(domain_environment(domain_id))
            yield domain_id
