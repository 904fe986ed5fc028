# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The stages of a job in order; a finished stage is not repeated."""

from collections.abc import Callable
import time
from typing import Any

from inril_ros.cli.report.page import write_report
from inril_ros.cli.report.summary import summarise
from inril_ros.cli.report.tensorboard import write_tensorboard
from inril_ros.cli.run.run_directory import STAGES
from inril_ros.cli.stages.evaluate import evaluate
from inril_ros.cli.stages.finetune import finetune
from inril_ros.cli.stages.job import Job
from inril_ros.cli.stages.pretrain import pretrain
from inril_ros.cli.stages.record import record
from inril_ros.data.record_files import write_json
from inril_ros.transport.folder_lock import FolderLock


def run_stage(job: Job, stage: str) -> None:
    """Do one stage, unless it is finished.

    Results of an unfinished stage are replaced: it was interrupted while it wrote them.

    Raises:
        FolderInUseError: Another process is working on the same run.
        RunDirectoryError: The contract means other numbers than when the run was begun.
    """
    job.run.check_meaning()
    lock = FolderLock(job.run.path, f'the stage {stage}')
    try:
        if stage in job.run.finished_stages():
            job.reporter.say(f'{stage}: done before')
            return
        title, action = _STAGES[stage]
        job.reporter.title(title)
        began = time.monotonic()
        facts = action(job)
        job.run.finish_stage(stage, time.monotonic() - began)
        job.reporter.say(_sentence(facts), **facts)
    finally:
        lock.release()


def run_all(job: Job) -> dict[str, Any]:
    """Do all stages and write summary, TensorBoard logs and report; return the summary."""
    for stage in STAGES:
        run_stage(job, stage)
    return conclude(job)


def conclude(job: Job) -> dict[str, Any]:
    """Write summary, TensorBoard logs and report of a finished run."""
    summary = summarise(job.run)
    write_json(job.run.summary, summary, replace=True)
    write_tensorboard(job.run.path)
    write_report(job.run.path)
    return summary


_STAGES: dict[str, tuple[str, Callable[[Job], dict[str, Any]]]] = {
    'record': ('Demonstrations, through the teleop topics', record),
    'pretrain': ('Behaviour cloning, from the bags', pretrain),
    'evaluate_pretrained': ('Success of the cloned policy', lambda job: evaluate(
        job, 'pretrained', job.run.pretrained)),
    'finetune': ('Fine-tuning on the arm', finetune),
    'evaluate_finetuned': ('Success of the fine-tuned policy', lambda job: evaluate(
        job, 'finetuned', job.run.finetuned)),
}
_SHOWN = 12  # characters of a text


def _sentence(facts: dict[str, Any]) -> str:
    """Return the numbers and texts among some facts, as one line."""
    parts = [f'{key.replace("_", " ")} {value:.3g}' if isinstance(value, float)
             else f'{key.replace("_", " ")} {str(value)[:_SHOWN]}'
             for key, value in facts.items() if isinstance(value, (int, float, str))]
    return ', '.join(parts)
