# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Stage: demonstrations through the teleop topics, one bag per episode."""

from pathlib import Path

from inril_ros.cli.stages.job import Job
from inril_ros.data.bags.digest import content_digest
from inril_ros.graph.description import recording_graph
from inril_ros.robot.episode import Purpose


class TooFewDemonstrations(RuntimeError):
    """The operator did not succeed often enough."""


def record(job: Job) -> dict[str, object]:
    """Record until there are as many successful demonstrations as asked for.

    Those that failed lie in ``rejected/``. A recording that was interrupted is continued.

    Raises:
        TooFewDemonstrations: Five times as many attempts did not give enough.
    """
    folder, wanted = job.run.demonstrations, job.options.demonstrations
    graph = recording_graph(
        job.graph_options(demonstrations=str(folder)), person_starts=False)
    kept, attempts = len(kept_bags(folder)), len(kept_bags(folder)) + len(rejected_bags(folder))
    with job.running('record', graph) as conductor, \
            job.reporter.bar('record', wanted, 'demonstrations') as bar:
        while kept < wanted:
            if attempts >= 5 * wanted:
                raise TooFewDemonstrations(
                    f'{kept} of {attempts} attempts succeeded, {wanted} demonstrations are '
                    f'wanted; the others are in {folder / "rejected"}')
            result = conductor.run_episode(
                job.episode_id('record', attempts), Purpose.DEMONSTRATION,
                seed=job.seed('operator', attempts),
                scene_seed=job.scene_seed('record', attempts),
                operator_name='scripted' if job.options.simulation else '')
            attempts += 1
            kept += result.saved
            bar.update(kept, attempts=attempts)
    bags = kept_bags(folder)
    return {'demonstrations': len(bags), 'attempts': attempts, 'digest': content_digest(bags)}


def kept_bags(folder: Path) -> list[Path]:
    """Return the bags of successful demonstrations, oldest first."""
    return sorted(path.parent for path in folder.glob('*/metadata.yaml')
                  if path.parent.suffix != '.tmp')


def rejected_bags(folder: Path) -> list[Path]:
    """Return the bags of demonstrations that were not kept."""
    return kept_bags(folder / 'rejected')
