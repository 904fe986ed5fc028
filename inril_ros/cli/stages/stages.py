# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The stages of a job in order; a finished stage is not repeated."""

from collections.abc import Callable
from dataclasses import asdict, replace
import time
from typing import Any

from inril_ros.cli.report.summary import summarise
from inril_ros.cli.stages.evaluate import evaluate
from inril_ros.cli.stages.finetune import finetune
from inril_ros.cli.stages.job import Job
from inril_ros.cli.stages.pretrain import check_images, pretrain
from inril_ros.cli.stages.record import record
from inril_ros.data.audit.rest_rules import RestRules
from inril_ros.data.record_files import read_record, write_json
from inril_ros.data.run.estimates import whole_percent
from inril_ros.data.run.run_directory import RunDirectory, STAGES
from inril_ros.data.run.settings import as_record, in_words, OPTION, Settings, UsageError
from inril_ros.nodes.conducting.evaluation import (
    evaluated_model,
    evaluation_facts,
    evaluation_file,
)
from inril_ros.robot.readable import facts_in_words
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
        used = _used(job, stage)
        again = stage in job.run.finished_stages()
        if again and not _more_episodes(job, stage) and not _more_steps(job, stage):
            result, facts = _shown_before(job, stage)
            job.reporter.say(
                f'{stage}: done before{_without_effect(job, stage, used)}{result}', **facts)
            return
        title, action = _STAGES[stage]
        job.reporter.title(title)
        job.reporter.say(f'with {in_words(used)}', settings=as_record(used))
        before, began = job.run.stage_settings(stage), time.monotonic()
        _check_kept(job, stage, before, used)
        job.run.keep_settings(stage, used)
        try:
            facts = action(job)
        except (ValueError, FileNotFoundError):  # its input was refused
            job.run.keep_settings(stage, before)
            raise
        job.run.finish_stage(stage, time.monotonic() - began, again)
        job.reporter.say(_sentence(facts), **facts)
    finally:
        lock.release()


def run_all(job: Job, once_cloned: Callable[[Job], None] = lambda job: None) -> dict[str, Any]:
    """Do all stages and write summary, TensorBoard logs and report; return the summary.

    Args:
        job: The run.
        once_cloned: Called between cloning and the first evaluation.

    Raises:
        UsageError: A stage would refuse an option.
    """
    check_images(job)
    for stage in STAGES:
        if stage == 'evaluate_pretrained':
            once_cloned(job)
        run_stage(job, stage)
    return conclude(job)


def conclude(job: Job) -> dict[str, Any]:
    """Write summary, TensorBoard logs and report of a finished run."""
    from inril_ros.cli.report.page import write_report  # loads matplotlib
    from inril_ros.cli.report.tensorboard import write_tensorboard

    summary = summarise(job.run)
    write_json(job.run.summary, summary, replace=True)
    write_tensorboard(job.run.path)
    for robot in job.run.robots():
        own = RunDirectory.open(job.run.path, robot)
        write_json(own.summary, summarise(own), replace=True)
        write_report(own.path, robot, job.reporter)
    write_report(job.run.path, reporter=job.reporter)
    return summary


_STAGES: dict[str, tuple[str, Callable[[Job], dict[str, Any]]]] = {
    'record': ('Demonstrations, through the teleop topics', record),
    'pretrain': ('Behaviour cloning, from the bags', pretrain),
    'evaluate_pretrained': ('Success of the cloned policy', lambda job: evaluate(
        job, 'pretrained')),
    'finetune': ('Fine-tuning on the arm', finetune),
    'evaluate_finetuned': ('Success of the fine-tuned policy', lambda job: evaluate(
        job, 'finetuned')),
}
# Names of the options that a stage uses.
_USED = {
    'record': ('simulation', 'gazebo', 'demonstrations', 'params_file'),
    'pretrain': ('pretrain', 'model', 'rest', 'session', 'device', 'despite_findings'),
    'evaluate_pretrained': ('simulation', 'gazebo', 'evaluation_episodes', 'params_file'),
    'finetune': ('simulation', 'gazebo', 'env_steps', 'session', 'evaluation', 'synchronous',
                 'device', 'reset_seconds', 'params_file'),
    'evaluate_finetuned': ('simulation', 'gazebo', 'evaluation_episodes', 'params_file'),
}
_FIXED = ('synchronous',)  # can't change while a stage is done
_SHOWN = 12  # characters of a text


def _used(job: Job, stage: str) -> Settings:
    """Return all that a stage uses, with its defaults."""
    options = job.options
    if stage == 'pretrain':
        from inril_ros.learning.pretrain import PretrainConfig

        options = replace(options, pretrain=asdict(PretrainConfig(**options.pretrain)),
                          rest=RestRules(**options.rest).to_json())
    return options.settings(*_USED[stage])


def _more_episodes(job: Job, stage: str) -> bool:
    """Return whether a finished stage is an evaluation that lacks episodes of its model.

    More of them may be asked for than before, or the model was trained on since.
    """
    name = stage.removeprefix('evaluate_')
    if name == stage or not evaluated_model(job.run, name).exists():
        return False
    return len(evaluation_file(job.run, name).episodes) < job.options.evaluation_episodes


def _more_steps(job: Job, stage: str) -> bool:
    """Return whether a finished stage is a fine-tuning that is to go on for more steps."""
    return stage == 'finetune' and job.options.env_steps > _steps_done(job)


def _steps_done(job: Job) -> int:
    """Return the environment steps of a finished fine-tuning: a few more than were asked for."""
    return read_record(job.run.result).get('env_steps', 0)


def _shown_before(job: Job, stage: str) -> tuple[str, dict[str, Any]]:
    """Return what a finished stage has shown, in words and as facts, and how it can go on."""
    name = stage.removeprefix('evaluate_')
    if name != stage and evaluated_model(job.run, name).exists():
        file = evaluation_file(job.run, name)
        if not file.episodes:
            return '', {}
        share, low, high = map(whole_percent, (file.rate.value, file.rate.low, file.rate.high))
        return (f': success {share} % [{low}, {high}] in {file.rate.n} episodes; --episodes with '
                'more adds to them', evaluation_facts(file))
    if stage == 'finetune':
        steps = _steps_done(job)
        return (f', {steps} environment steps; --resume --steps with more goes on with it',
                {'env_steps': steps})
    return '', {}


def _check_kept(job: Job, stage: str, before: Settings, used: Settings) -> None:
    """Check that a stage goes on with what it was begun with.

    Raises:
        UsageError: It doesn't.
    """
    for name in _FIXED:
        if name in before and before[name].value != used[name].value:
            raise UsageError(f'{job.run.path}: {stage} was begun with {name} '
                             f'{before[name].value}, not {used[name].value}: leave the option '
                             'out, or take a new folder')


def _without_effect(job: Job, stage: str, asked: Settings) -> str:
    """Return which given options come too late for a finished stage; empty if none does."""
    done = job.run.stage_settings(stage)
    late = [f'{name} {done[name].value} ({setting.value} is not used any more)'
            for name, setting in asked.items()
            if setting.origin == OPTION and name in done and done[name].value != setting.value]
    return f', with {", ".join(late)}' if late else ''


def _sentence(facts: dict[str, Any]) -> str:
    """Return the numbers and texts among some facts, as one line."""
    return facts_in_words({
        key: value if isinstance(value, float) else str(value)[:_SHOWN]
        for key, value in facts.items() if isinstance(value, (int, float, str))})
