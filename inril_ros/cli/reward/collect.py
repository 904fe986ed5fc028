# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril reward collect``: failures of the clone, for the classifier to learn from."""

from pathlib import Path
from typing import Annotated

import typer

from inril_ros.cli.options import OtherRobot, Output, Robot, with_groups
from inril_ros.cli.reward.job_judge import ATTEMPTS, collect_failures, FAILURES
from inril_ros.cli.stages.job import Job
from inril_ros.cli.stages.job_settings import job_options, kept_for
from inril_ros.data.run.run_directory import RunDirectory

_STAGE = 'evaluate_pretrained'  # whose robot and settings it has


@with_groups
def collect(
    run_dir: Annotated[Path, typer.Argument(help='Folder of the run.')],
    robot: Robot, output: Output,
    failures: Annotated[int, typer.Option(min=1, help='Failures that are wanted.')] = FAILURES,
    most: Annotated[int, typer.Option(
        '--attempts', min=1, help='Attempts, at most.')] = ATTEMPTS,
    other_robot: OtherRobot = False,
) -> None:
    """Let the clone act, and record its attempts until enough of them failed.

    A person judges them, or the simulator. Bags are in judge/attempts, failures in its rejected/.
    """
    run = RunDirectory.open(run_dir)
    run.check_meaning()
    kept = kept_for(run, _STAGE)
    settings = {**kept, **robot.of_stage(run, _STAGE, kept, other_robot)}
    job = Job(run, job_options(settings, output.verbose), output.reporter())
    collect_failures(job, failures, most)
