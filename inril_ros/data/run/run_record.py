# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The records of a run, read for the report; missing ones stay empty."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked_dataclass

from inril_ros.data.record_files import read_json, read_json_lines, RecordError
from inril_ros.data.run.estimates import Estimate, success_rate
from inril_ros.data.run.run_directory import RunDirectory, STAGES
from inril_ros.data.run.starts import last_of_each_start
from inril_ros.robot.settings_check import checked

#: Training episodes per point of the running success.
WINDOW = 20


@checked_dataclass(frozen=True, config=ConfigDict(extra='ignore'))
class CloningCurve:
    """What is drawn of ``pretrained/pretrain.json``.

    Attributes:
        steps: Gradient steps, (N,).
        loss: Training loss at these steps, (N,).
    """

    steps: tuple[int, ...] = ()
    loss: tuple[Annotated[float, Field(strict=True, allow_inf_nan=False)], ...] = ()

    def __post_init__(self) -> None:
        if len(self.loss) != len(self.steps):
            raise ValueError(f'there are {len(self.loss)} losses at {len(self.steps)} steps')


@dataclass(frozen=True)
class RunRecord:
    """The records of one run; a missing file gives an empty entry.

    Attributes:
        run: ``run.json``.
        summary: ``summary.json``.
        stages: ``stages.json``: wall time [s] of each finished stage.
        settings: ``settings.json``: what each stage uses, and where each value comes from.
        cloning: The curve in ``pretrained/pretrain.json``.
        evaluations: ``evaluations/<name>.json`` by name: pretrained, finetuned.
        episodes: ``finetune/episodes.jsonl``.
        metrics: ``finetune/metrics.jsonl``.
        weights: ``finetune/weights.jsonl``.
        judgements: ``finetune/judgements.jsonl``: episodes of the blocks that judge versions.
        result: ``finetune/result.json``.
        starts: ``finetune/starts.jsonl``: the last counts of each start of fine-tuning.
        attempts: ``recording.jsonl``: attempts at demonstrations.
        missing: Names of the missing files.
        robot: Name of one of several robots whose records these are; empty: the run's.
    """

    run: dict[str, Any]
    summary: dict[str, Any]
    stages: dict[str, float]
    settings: dict[str, dict[str, Any]]
    cloning: CloningCurve
    evaluations: dict[str, dict[str, Any]]
    episodes: list[dict[str, Any]]
    metrics: list[dict[str, Any]]
    weights: list[dict[str, Any]]
    judgements: list[dict[str, Any]]
    result: dict[str, Any]
    starts: list[dict[str, Any]]
    attempts: list[dict[str, Any]]
    missing: tuple[str, ...]
    robot: str = ''

    @property
    def unfinished(self) -> list[str]:
        """Stages that are not finished: of a run all that belong to it, of a robot those begun."""
        return [stage for stage in STAGES if stage not in self.stages
                and (not self.robot or stage in self.settings)]


@dataclass(frozen=True)
class RunningSuccess:
    """Success of the last episodes, during training.

    Attributes:
        env_steps: (N,) Environment steps at the end of the window's last episode.
        rate: (N,) Share of successes without a person.
        low: (N,) Lower end of the 95 % interval.
        high: (N,) Upper end.
    """

    env_steps: np.ndarray
    rate: np.ndarray
    low: np.ndarray
    high: np.ndarray


def read_run(path: str | Path, robot: str = '') -> RunRecord:
    """Read all records of a run.

    Args:
        path: Folder of the run.
        robot: One of several robots, whose own records are meant; what the run has beside them,
            as the cloned policy, is in the records of the run.

    Raises:
        RunDirectoryError: The folder has no run.
        RecordError: A file is damaged.
    """
    folder = RunDirectory.open(path, robot)
    single = {
        'summary': folder.summary, 'stages': folder.records / 'stages.json',
        'settings': folder.used, 'result': folder.result}
    several = {'episodes': folder.episodes, 'metrics': folder.metrics, 'weights': folder.weights}
    evaluations = {name: folder.evaluation(name) for name in ('pretrained', 'finetuned')}
    cloned = folder.pretrain_record
    every = [*single.values(), cloned, *several.values(), *evaluations.values()]
    return RunRecord(
        robot=robot,
        judgements=read_json_lines(folder.judgements),  # without them if versions aren't judged
        starts=last_of_each_start(read_json_lines(folder.starts)),
        attempts=read_json_lines(folder.attempts),
        run=read_json(folder.path / 'run.json'),
        cloning=checked(CloningCurve, read_json(cloned) if cloned.exists() else {}, str(cloned),
                        RecordError),
        **{name: read_json(file) if file.exists() else {} for name, file in single.items()},
        **{name: read_json_lines(file) for name, file in several.items()},
        evaluations={name: read_json(file) for name, file in evaluations.items()
                     if file.exists()},
        missing=tuple(sorted(str(file.relative_to(folder.path)) for file in every
                             if not file.exists())))


def evaluation_rate(evaluation: dict[str, Any]) -> Estimate:
    """Return the success rate of an evaluation, counted from its episodes."""
    episodes = evaluation['episodes']
    return success_rate(sum(bool(episode['success']) for episode in episodes), len(episodes))


def was_success(episode: dict[str, Any]) -> bool:
    """Return whether a training episode succeeded without a person."""
    return episode['outcome'] == 'success' and not episode.get('person_ticks')


def was_rescued(episode: dict[str, Any]) -> bool:
    """Return whether a training episode succeeded after a person had taken over."""
    return episode['outcome'] == 'success' and not was_success(episode)


def running_success(episodes: Iterable[dict[str, Any]], window: int = WINDOW) -> RunningSuccess:
    """Return the success over each ``window`` consecutive training episodes.

    Episodes that a person or the safety gate stopped say nothing about the policy and are left
    out. One that a person rescued is no success: left out, the others would be those that went
    well by themselves. The first point is that of the first whole window.
    """
    judged = [episode for episode in episodes if episode['outcome'] != 'aborted']
    successes = np.array([was_success(episode) for episode in judged], dtype=int)
    steps = np.array([episode['env_steps'] for episode in judged], dtype=float)
    if len(judged) < window:
        empty = np.zeros(0)
        return RunningSuccess(empty, empty, empty, empty)
    counts = np.convolve(successes, np.ones(window, dtype=int), mode='valid')
    by_count = {count: success_rate(count, window) for count in map(int, np.unique(counts))}
    rates = [by_count[int(count)] for count in counts]
    return RunningSuccess(
        steps[window - 1:], np.array([rate.value for rate in rates]),
        np.array([rate.low for rate in rates]), np.array([rate.high for rate in rates]))
