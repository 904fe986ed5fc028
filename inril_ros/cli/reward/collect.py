# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril reward collect``: failures of the clone, for the classifier to learn from."""

from pathlib import Path
from typing import Annotated

import typer

from inril_ros.cli.options import OtherRobot, Output, Robot, with_groups
from inril_ros.cli.stages.job import Job
from inril_ros.cli.stages.job_settings import job_options, kept_for
from inril_ros.data.run.run_directory import RunDirectory

_STAGE = 'evaluate_pretrained'  # whose robot and settings it has


@with_groups
def collect(
    run_dir: Annotated[Path, typer.Argument(help='Folder of the run.')],
    robot: Robot, output: Output,
    failures: Annotated[int, typer.Option(min=1, help='Failures that are wanted.')] = 20,
    most: Annotated[int, typer.Option(
        '--attempts', min=1, help='Attempts, at most.')] = 100,
    other_robot: OtherRobot = False,
) -> None:
    """Let the clone act, and record its attempts until enough of them failed.

    A person judges them, or the simulator. Bags are in judge/attempts, failures in its rejected/.
    """
    from inril_ros.graph.description import evaluation_graph
    from inril_ros.nodes.conducting.attempts import record_attempts
    from inril_ros.nodes.conducting.conducted_run import require

    run = RunDirectory.open(run_dir)
    run.check_meaning()
    require(run.pretrained, 'pretrain first (inril pretrain)')
    kept = kept_for(run, _STAGE)
    settings = {**kept, **robot.of_stage(run, _STAGE, kept, other_robot)}
    job = Job(run, job_options(settings, output.verbose), output.reporter())
    graph = evaluation_graph(job.graph_options(
        model=str(run.pretrained), attempts=str(run.clone_attempts)))
    with job.running('collect', graph) as conductor:
        failed = record_attempts(job, failures, most, conductor)
    job.reporter.say(f'{failed} failures in {run.clone_attempts}')
