# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Stage: record demonstrations through the teleop topics, one bag per episode."""

from typing import NoReturn

from inril_ros.cli.stages.job import Job
from inril_ros.graph.description import recording_graph


def record(job: Job) -> dict[str, object]:
    """Start the graph of demonstrations, and record them.

    Raises:
        TooFewDemonstrations: See record_demonstrations.
    """
    # Imported here: other commands need no ROS.
    from inril_ros.nodes.conducting.demonstrations import record_demonstrations

    graph = recording_graph(
        job.graph_options(demonstrations=str(job.run.demonstrations)), person_starts=False)
    with job.running('record', graph) as conductor:
        return record_demonstrations(job, conductor)


def dry_run(job: Job) -> NoReturn:
    """Let a person drive while nothing is sent to the robot, until Ctrl-C; no stage is done."""
    from inril_ros.nodes.conducting.demonstrations import rehearse

    graph = recording_graph(
        job.graph_options(demonstrations=str(job.run.demonstrations), dry_run=True),
        person_starts=False)
    with job.running('dry_run', graph) as conductor:
        rehearse(job, conductor)
