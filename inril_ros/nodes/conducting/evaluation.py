# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Episodes that measure success on a fixed set of initial states."""

from pathlib import Path
import time
from typing import Any

from inril_ros.data.record_files import read_record
from inril_ros.data.run.best_model import best_model
from inril_ros.data.run.evaluation_file import EvaluationFile
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.data.run.starts import control_counts
from inril_ros.nodes.clients.conductor import Conductor
from inril_ros.nodes.clients.episode_result import EpisodeResult
from inril_ros.nodes.clients.reporting import Bar
from inril_ros.nodes.conducting.conducted_run import ConductedRun, require
from inril_ros.robot.episode import EpisodeOutcome, Purpose
from inril_ros.sim.seeds import derived_seed

#: An aborted episode is done again so often in all.
MOST_TRIES = 3


class EvaluationStopped(RuntimeError):
    """An episode was aborted again and again; the message says why, and that the rest is kept."""


def evaluate_episodes(
    job: ConductedRun, name: str, file: EvaluationFile, conductor: Conductor,
) -> None:
    """Run the episodes that the file of an evaluation lacks, and note them there.

    Args:
        job: The run.
        name: Which model: ``pretrained`` or ``finetuned``.
        file: What was noted so far.
        conductor: The running graph.

    Raises:
        EvaluationStopped: See _run_state.
    """
    model, wanted = evaluated_model(job.run, name), job.options.evaluation_episodes
    began, about = time.monotonic(), {'name': name, 'model': str(model), 'wanted': wanted}
    with conductor.bar(job.reporter, f'evaluate {name}', wanted, 'episodes',
                       len(file.episodes)) as bar:
        while len(file.episodes) < wanted:
            _run_state(job, name, file, conductor, about, began)
            _show(file, bar)


def say_what_is_known(job: ConductedRun, file: EvaluationFile) -> None:
    """Report what was noted of an evaluation before."""
    if file.former:
        job.reporter.say(f'{sum(len(each.get("episodes", ())) for each in file.former)} episodes '
                         f'of other weights stay in {file.path} and do not count')
    if file.episodes:
        job.reporter.say(f'{len(file.episodes)} of {job.options.evaluation_episodes} episodes '
                         'were done before')


def evaluation_facts(file: EvaluationFile) -> dict[str, object]:
    """Return what an evaluation has shown."""
    rate = file.rate
    return {'rate': rate.value, 'low': rate.low, 'high': rate.high, 'n': rate.n,
            'rescued': file.rescued, 'aborted': len(file.aborted)}


def evaluated_model(run: RunDirectory, name: str) -> Path:
    """Return the folder of the model of an evaluation: ``pretrained`` or ``finetuned``."""
    return run.pretrained if name == 'pretrained' else best_model(run)


def evaluation_file(run: RunDirectory, name: str) -> EvaluationFile:
    """Return the file of an evaluation, with the episodes of the model as it is now.

    Raises:
        FileNotFoundError: There is no such model.
    """
    model = evaluated_model(run, name)
    require(model, 'the model to evaluate')
    return EvaluationFile(run.evaluation(name), read_record(model / 'model.json')['content_hash'])


def _run_state(job: ConductedRun, name: str, file: EvaluationFile, conductor: Conductor,
               about: dict[str, Any], began: float) -> None:
    """Run the episode of the next initial state, again if it is aborted.

    Raises:
        EvaluationStopped: It was aborted ``MOST_TRIES`` times without a person's doing, and nobody
            attends the robot.
    """
    index = len(file.episodes)
    tried = 0
    while True:
        scene = derived_seed('evaluation', index)
        result = conductor.run_episode(
            job.episode_id(f'evaluate/{name}', *_number(file, index)), Purpose.EVALUATION,
            seed=derived_seed('evaluation policy', index),
            scene_seed=scene if job.options.simulation else None)
        row = _row(result, index, scene)
        aborted = result.outcome is EpisodeOutcome.ABORTED
        (file.aborted if aborted else file.episodes).append(row)
        file.write(about, control_counts(conductor.actuation), time.monotonic() - began)
        if not aborted:
            return
        tried += not result.interrupted
        job.reporter.say(f'episode {index + 1} was aborted ({result.reason}), does not count and '
                         'is done again')
        if tried >= MOST_TRIES:
            conductor.stuck(EvaluationStopped(
                f'episode {index + 1} of the evaluation was aborted {tried} times, at last '
                f'because: {result.reason}. The {index} episodes before it are kept; the same '
                'command goes on'))
            tried = 0


def _number(file: EvaluationFile, index: int) -> tuple[int, ...]:
    """Return what tells an episode from all others of the evaluation."""
    again = len(file.aborted), len(file.former)
    return (index, *again) if any(again) else (index,)


def _row(result: EpisodeResult, index: int, scene: int) -> dict[str, Any]:
    return {'index': index, 'episode_id': result.episode_id, 'seed': scene,
            'success': result.success, 'rescued': result.rescued, 'ticks': result.ticks,
            'person_ticks': result.person_ticks, 'outcome': result.outcome.name.lower(),
            'reason': result.reason}


def _show(file: EvaluationFile, bar: Bar) -> None:
    aborted = {'aborted': len(file.aborted)} if file.aborted else {}
    successes = sum(row['success'] for row in file.episodes)
    bar.update(len(file.episodes), success=successes / len(file.episodes),
               rescued=file.rescued, **aborted)
