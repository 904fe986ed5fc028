# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A classifier of success for a job whose contract wants one, before anything is judged."""

from inril_ros.cli.reward.training import JudgeChoice, train_judge
from inril_ros.cli.stages.job import Job

FAILURES, ATTEMPTS = 20, 100
"""Failures of the clone that are wanted, and attempts at most."""


def collect_failures(job: Job, failures: int = FAILURES, most: int = ATTEMPTS) -> None:
    """Let the clone act, and record its attempts until enough of them failed.

    Args:
        job: The run, cloned.
        failures: Failures that are wanted; those that there are count.
        most: Attempts after which no more are made.

    Raises:
        RunDirectoryError: There is no clone.
    """
    from inril_ros.graph.description import evaluation_graph
    from inril_ros.nodes.conducting.attempts import record_attempts
    from inril_ros.nodes.conducting.conducted_run import require

    require(job.run.pretrained, 'pretrain first (inril pretrain)')
    graph = evaluation_graph(job.graph_options(
        model=str(job.run.pretrained), attempts=str(job.run.clone_attempts)))
    with job.running('collect', graph) as conductor:
        failed = record_attempts(job, failures, most, conductor)
    job.reporter.say(f'{failed} failures in {job.run.clone_attempts}')


def prepare_judge(job: Job) -> None:
    """Collect failures and train the classifier, if the contract has one judge and it is missing.

    Raises:
        ValueError: There are no failures, or no demonstrations, to learn from.
    """
    if not job.contract.episode.classifier_judges or job.run.judge_model.exists():
        return
    job.reporter.title('A classifier of success, from demonstrations and failures of the clone')
    collect_failures(job)
    train_judge(job.run, job.reporter, JudgeChoice(seed=job.seed('judge')), job.options.device)
