# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Attempts of a policy that are recorded, for a classifier to learn from."""

from inril_ros.nodes.clients.conductor import Conductor
from inril_ros.nodes.conducting.conducted_run import ConductedRun
from inril_ros.nodes.conducting.demonstrations import kept_bags
from inril_ros.robot.episode import EpisodeOutcome, Purpose


def record_attempts(job: ConductedRun, failures: int, most: int, conductor: Conductor) -> int:
    """Let the policy act until so many of its failures are recorded; return how many are.

    Successes are kept as well; failures are in ``rejected``. What was recorded before counts.

    Args:
        job: The run.
        failures: Failures that are wanted.
        most: Attempts after which no more are made.
        conductor: The running graph.
    """
    folder = job.run.clone_attempts
    failed = len(kept_bags(folder / 'rejected'))
    attempts = failed + len(kept_bags(folder))
    with conductor.bar(job.reporter, 'attempts', failures, 'failures', failed) as bar:
        while failed < failures and attempts < most:
            result = conductor.run_episode(
                job.episode_id('attempt', attempts), Purpose.EVALUATION,
                seed=job.seed('attempt policy', attempts),
                scene_seed=job.scene_seed('attempt', attempts), recorded=True)
            attempts += 1
            failed = len(kept_bags(folder / 'rejected'))
            if not result.saved and result.outcome in (
                    EpisodeOutcome.SUCCESS, EpisodeOutcome.ABORTED):
                job.reporter.say(f'attempt {attempts} was not kept: {result.reason}')
            bar.update(failed, attempts=attempts)
    return failed
