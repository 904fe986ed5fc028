# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril up``: the graph of a stage until Ctrl-C, for machines without ``ros2 launch``."""

from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
import time
from typing import Annotated, Any

import typer

from inril_ros.cli.options import OtherRobot, Params, params_path, Simulation, with_groups
from inril_ros.cli.run.progress import Reporter
from inril_ros.cli.run.resources import find_configuration
from inril_ros.cli.run.robot_choice import AskedRobot
from inril_ros.data.run.graph_place import noted_graph
from inril_ros.data.run.run_directory import RunDirectory, RunDirectoryError
from inril_ros.data.run.settings import kept_settings
from inril_ros.graph.description import GraphOptions, restarting, STAGES
from inril_ros.graph.run_options import judge_of, longest_rollout
from inril_ros.graph.supervisor import Supervisor
from inril_ros.robot.contract.contract import load_contract


@dataclass(frozen=True)
class Graph:
    """The graph."""

    simulation: Simulation = None
    other_robot: OtherRobot = False
    real_time: Annotated[bool, typer.Option(
        '--real-time', help='Simulated time runs with the wall clock, not in lockstep.')] = False
    camera: Annotated[bool, typer.Option('--camera', help='Publish the cameras.')] = False
    domain: Annotated[int | None, typer.Option(
        help='ROS domain; default: that of the environment.')] = None
    params: Params = None
    log_level: Annotated[str, typer.Option(help='debug, info, warn or error.')] = 'info'

    def options(self, stage: str, run: RunDirectory) -> GraphOptions:
        """Return the options of the graph of a stage of a run."""
        kept = {name: setting.value for name, setting in kept_settings(run.path).items()}
        robot = AskedRobot(self.simulation, other=self.other_robot).of(run)
        lockstep = bool(robot.simulation) and not self.real_time and not robot.gazebo
        settings = run.finetune / 'config.yaml'  # written by `inril finetune`
        if not settings.exists():
            settings = find_configuration('', 'finetune')
        return GraphOptions(
            contract=str(run.contract), run_id=run.settings.run_id,
            simulation=robot.simulation, gazebo=robot.gazebo, task=run.settings.task,
            lockstep=lockstep, use_sim_time=lockstep or robot.gazebo, camera=self.camera,
            teleop_device='scripted' if robot.simulation else 'external',
            params_file=kept.get('params_file', '') if self.params is None
            else params_path(self.params),
            log_level=self.log_level, seed=run.settings.seed, device=kept.get('device', 'auto'),
            synchronous=kept.get('synchronous', False),
            model=str(run.finetuned if run.finetuned.exists() else run.pretrained),
            demonstrations=str(run.demonstrations), journal=str(run.journal),
            longest_rollout=longest_rollout(run, settings),
            judge=judge_of(run, stage),
            reset_seconds=kept.get('reset_seconds', 10.0),
            finetune_config=str(settings), pretrained=str(run.pretrained),
            run_dir=str(run.finetune))


def _lacking(stage: str, run: RunDirectory) -> str:
    """Return what a run lacks for a stage, and what to do; empty if it lacks nothing."""
    acts, learns = stage in ('evaluate', 'finetune'), stage in ('finetune', 'learn')
    if learns and not any(run.demonstrations.glob('*/metadata.yaml')):
        return (f'{run.demonstrations} has no demonstrations. Record some (inril record '
                f'{run.path} --resume), or put bags there (inril demos import)')
    if learns and not run.pretrained.exists() or acts and not (
            run.pretrained.exists() or run.finetuned.exists()):
        return (f'{run.pretrained} is missing, the cloned policy. Clone it: inril pretrain '
                f'{run.path}')
    return ''


@with_groups
def up(
    stage: Annotated[str, typer.Argument(help='simulate, record, evaluate, finetune or learn.')],
    run_dir: Annotated[Path, typer.Option(help='Folder of the run.')],
    graph: Graph,
) -> None:
    """Start the graph of a stage and keep it up until Ctrl-C; fail if a node dies.

    Only the recorder is started again: the robot goes on without it.
    """
    if stage not in STAGES:
        raise ValueError(f'stage {stage!r}: one of {", ".join(STAGES)}')
    run = RunDirectory.open(run_dir)
    run.check_meaning()
    if lacking := _lacking(stage, run):
        raise RunDirectoryError(f'{run.path}: {stage} cannot be up yet: {lacking}')
    reporter = Reporter()
    console = reporter.console
    nodes = Supervisor(restarting(STAGES[stage](graph.options(stage, run)), 'recorder_node'),
                       run.logs(f'up_{stage}'), domain_id=graph.domain, console=console)
    try:
        with nodes, noted_graph(run.path, stage, graph.domain), _watched(
                reporter, run, nodes, graph.domain), suppress(KeyboardInterrupt):
            console.print(f'{stage} is up; logs in {nodes.log_dir}; Ctrl-C stops it')
            while True:
                for death in nodes.check():
                    console.print(f'{death.how} and is started again; see {death.log}')
                time.sleep(0.2)
    except KeyboardInterrupt:  # while it started or stopped
        pass
    console.print(f'{stage} is stopped')


def _watched(reporter: Reporter, run: RunDirectory, nodes: Supervisor,
             domain_id: int | None) -> Any:
    """Return a context in which the state of the robot is shown, if the graph drives one."""
    from inril_ros.cli.terminal.screen import watched

    arm = next((node for node in nodes.graph.nodes if node.name == 'actuation_node'), None)
    if arm is None:
        return nullcontext()
    contract = load_contract(run.contract)
    return watched(
        reporter, f'{contract.name}: {nodes.graph.name}', contract.episode.time_limit,
        domain_id, arm.namespace, bool(arm.parameters.get('person_starts')),
        tells_waits=True)
