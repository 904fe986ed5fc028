# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Stage: fine-tune the policy in the running graph."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
import time
from typing import Any

import yaml

from inril_ros.cli.stages.job import Job, require
from inril_ros.cli.stages.judge import VersionJudge
from inril_ros.data.record_files import (
    JsonLines,
    read_json,
    read_json_lines,
    write_json,
    write_whole,
)
from inril_ros.data.run.episode_fates import EpisodeFates, fate_of
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.data.run.run_record import was_rescued
from inril_ros.data.run.settings import flat
from inril_ros.data.run.starts import control_counts, counts_of_all, StartsLog
from inril_ros.graph.description import finetuning_graph
from inril_ros.msg import LearnerStatus, PolicyStatus
from inril_ros.nodes.clients.conductor import Conductor
from inril_ros.nodes.clients.graph_client import GraphStalled
from inril_ros.nodes.clients.reporting import Bar
from inril_ros.robot.episode import Purpose
from inril_ros.robot.time_spent import TimeSpent
from inril_ros.robot.yaml_file import load_yaml
from inril_ros.transport.journal.journal import segments_begun

_RECORDED = (
    'env_steps', 'rl_updates', 'il_updates', 'ratio', 'rl_loss', 'il_loss', 'heldout_il_loss',
    'dose', 'updates_per_second', 'weights_version', 'm', 'alignment_cosine', 'alignment_low',
    'alignment_high', 'alignment_c_min', 'sign_conflict')
"""Fields of LearnerStatus in the metrics of a run."""


_MAX_LAG = 400  # RL updates that may be due when the next episode begins
_MOST_IDLE = 5  # episodes in a row of which the learner may count no step


class SettingsDiffer(ValueError):
    """The run's fine-tuning was begun with other settings."""


def finetune(job: Job) -> dict[str, object]:
    """Let the policy act and learn until the environment steps are used up; keep the best version.

    Raises:
        SettingsDiffer: The run was begun with other settings.
    """
    run, options = job.run, job.options
    require(run.pretrained, 'pretrain first (inril pretrain)')
    config = _keep_settings(run.finetune / 'config.yaml', options.session)
    with _Log(run.metrics, run.weights) as log, JsonLines(run.episodes) as episodes, \
            StartsLog(run.starts) as starts:
        judge = VersionJudge(job, lambda: log.seconds)
        graph = finetuning_graph(job.graph_options(
            pretrained=str(run.pretrained), demonstrations=str(run.demonstrations),
            journal=str(run.journal), finetune_config=str(config), run_dir=str(run.finetune),
            synchronous=options.synchronous, hold_first=judge.begins_with_the_clone,
            held_versions=str(run.versions), reset_seconds=options.reset_seconds,
            longest_rollout=longest_rollout(run, config)))
        before = list(read_json_lines(run.episodes))
        with job.running('finetune', graph, log.listen) as conductor, \
                conductor.bar(job.reporter, 'finetune', options.env_steps, 'steps',
                              before[-1]['env_steps'] if before else 0) as bar:
            judge.judge_clone(conductor, bar)
            conductor.wait_first_weights()
            if before:
                conductor.wait_learned_again(0 if options.synchronous else _MAX_LAG)
            steps = _run_episodes(job, conductor, log, episodes, before, bar, judge, starts)
            conductor.wait_learner(0)
            if not conductor.learner.rl_updates:
                job.reporter.say(
                    f'no update was taken: {steps} steps are fewer than the settings of the host '
                    'want before the first one. Run for longer, or lower them')
            conductor.call('learner_node/save')
            conductor.wait_learner(0, applied=True)
            conductor.wait_acknowledged()
            judge.judge_if_due(conductor, steps, bar, ended=True)
            starts.note(_counts(conductor))
            result = {**_result(job, conductor, starts, steps, len(before)),
                      'evaluation': judge.record()}
    judge.keep_best()
    write_json(run.result, result, replace=True)
    return result


def longest_rollout(run: RunDirectory, config: Path) -> int:
    """Return the ticks after which a settings file cuts an episode of learning; 0: it doesn't."""
    from inril_ros.nodes.learner.session_file import read_session

    if not run.pretrain_record.exists():
        return 0
    cloned = read_json(run.pretrain_record)
    return read_session(config).longest_episode(
        cloned['transitions'] / cloned['demonstrations']) or 0


def time_spent(job: Job, episodes: Sequence[Mapping[str, Any]]) -> TimeSpent:
    """Return what the demonstrations and the given episodes of learning have cost."""
    run, cloned = job.run, read_json(job.run.pretrain_record)
    attempts = read_json(run.recording)['attempts'] if run.recording.exists() else 0
    return TimeSpent(
        job.contract.control_rate, job.options.reset_seconds,
        sum(row['ticks'] for row in episodes), len(episodes),
        sum(row.get('person_ticks', 0) for row in episodes),
        max(attempts, cloned['demonstrations']), cloned['transitions'])


def _run_episodes(
    job: Job, conductor: Conductor, log: '_Log', episodes: JsonLines,
    before: list[dict[str, Any]], bar: Bar, judge: VersionJudge, starts: StartsLog,
) -> int:
    """Run episodes until the steps are used up; return the steps of the whole run.

    Steps are those that the learner counts, which has none of aborted and discarded episodes.

    Raises:
        GraphStalled: The learner gets nothing of several episodes in a row, and nobody attends
            the robot.
    """
    options, spent = job.options, time_spent(job, before)
    recent: deque[bool] = deque(maxlen=20)
    fates = EpisodeFates(before)
    rescued = sum(map(was_rescued, before))
    # An episode after a crash must have a new name: the learner knows the interrupted one.
    segments = segments_begun(job.run.journal)
    steps, idle = conductor.learner.env_steps, 0
    index = len(before)
    while steps < options.env_steps:
        judge.judge_if_due(conductor, steps, bar)
        result = conductor.run_episode(
            job.episode_id(f'finetune/{segments}', index), Purpose.ROLLOUT,
            seed=job.seed('rollout', index), scene_seed=job.scene_seed('finetune', index),
            explore=True)
        conductor.wait_ingested(result.sequence)
        learned = conductor.learner.env_steps > steps
        idle = 0 if learned else idle + (not result.interrupted)
        steps = conductor.learner.env_steps
        recent.append(result.success)
        rescued += result.rescued
        spent = replace(spent, steps=spent.steps + result.ticks, resets=spent.resets + 1,
                        person_steps=spent.person_steps + result.person_ticks)
        row = {
            'index': index, 'episode_id': result.episode_id,
            'outcome': result.outcome.name.lower(), 'ticks': result.ticks, 'env_steps': steps,
            'weights_version': result.weights_version, 'explore': True, 'time': log.seconds,
            'saved': result.saved, 'person_ticks': result.person_ticks, **fate_of(result),
            **spent.minutes}
        episodes.append(row)
        if notice := fates.add(row):
            job.reporter.say(notice)
        starts.note(_counts(conductor))
        index += 1
        if idle >= _MOST_IDLE:
            conductor.stuck(GraphStalled('. '.join(filter(None, (
                f'the learner got no steps of the last {idle} episodes: '
                f'{result.reason or "see the log of learner_node"}', fates.advice)))))
            idle = 0
        conductor.wait_learner(0 if options.synchronous else _MAX_LAG,
                               applied=options.synchronous)
        bar.update(min(steps, options.env_steps), success=sum(recent) / len(recent),
                   rescued=rescued, updates=conductor.learner.rl_updates,
                   version=result.weights_version, **fates.facts, **spent.minutes)
    for told in fates.summary:
        job.reporter.say(told)
    return steps


def _counts(conductor: Conductor) -> dict[str, Any]:
    """Return what the processes of this start have counted."""
    policy, recorder = conductor.policy, conductor.recorder
    return {
        'control': control_counts(conductor.actuation), 'refused': policy.refused,
        'sent': recorder.sent if recorder else 0, 'duplicates': conductor.learner.duplicates,
        'inference': {'median_seconds': policy.inference_seconds,
                      'worst_seconds': policy.inference_seconds_worst,
                      'count': policy.inferences}}


def _result(
    job: Job, conductor: Conductor, starts: StartsLog, steps: int, episodes_before: int,
) -> dict[str, object]:
    learner, recorder = conductor.learner, conductor.recorder
    rows = read_json_lines(job.run.episodes)
    counted = counts_of_all(starts.all, read_json_lines(job.run.weights))
    return {
        **counted, 'env_steps': steps, 'time_spent': time_spent(job, rows).to_json(),
        'episodes': EpisodeFates(rows).to_json(),
        'rl_updates': learner.rl_updates, 'il_updates': learner.il_updates,
        'ratio': learner.ratio, 'device': learner.device, 'config': dict(job.options.session),
        'synchronous': job.options.synchronous, 'resumed_at_episode': episodes_before or None,
        'versions': {'published': learner.weights_version, **counted['versions']},
        'transitions': {**counted['transitions'], 'acknowledged': recorder.acknowledged,
                        'journaled': recorder.journaled, 'ingested': learner.transitions}}


def _keep_settings(path: Path, session: Mapping[str, Any]) -> Path:
    """Write the session's settings, or compare them with those of the run's beginning."""
    from inril_ros.learning.session_config import SessionConfig

    def whole(settings: Mapping[str, Any]) -> dict[str, Any]:
        return dict(flat(SessionConfig.from_mapping(settings).to_mapping()))

    if not path.exists():
        write_whole(path, yaml.safe_dump(dict(session), sort_keys=True))
        return path
    content = load_yaml(path, ValueError)[0] or {}
    try:
        kept = whole(content)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error
    asked = whole(session)
    different = sorted(key for key in kept.keys() | asked.keys()
                       if kept.get(key) != asked.get(key))
    if different:
        told = '; '.join(f'{key}: {asked.get(key)!r} asked for, {kept.get(key)!r} in the run'
                         for key in different)
        raise SettingsDiffer(f'{path} was begun with other settings ({told}): leave these options '
                             'out, or take a new folder')
    return path


class _Log:
    """Writes the statuses of learner and policy as lines of JSON."""

    def __init__(self, metrics: Path, weights: Path) -> None:
        # The time of a resumed run continues where it stopped.
        last = (read_json_lines(metrics) or [{'time': 0.0}])[-1]['time']
        self._began = time.monotonic() - last
        self._metrics = JsonLines(metrics)
        self._weights = JsonLines(weights)
        self._published: dict[int, tuple[float, int]] = {}
        self._last_metrics = -1
        self._last_applied = 0
        self._last_refused = 0

    def __enter__(self) -> '_Log':
        return self

    def __exit__(self, *error: object) -> None:
        self._metrics.close()
        self._weights.close()

    @property
    def seconds(self) -> float:
        """Time since the stage began [s]."""
        return time.monotonic() - self._began

    def listen(self, status: Any) -> None:
        """Record a status."""
        if isinstance(status, LearnerStatus):
            self._learner(status)
        elif isinstance(status, PolicyStatus):
            self._policy(status)

    def _learner(self, status: LearnerStatus) -> None:
        self._published.setdefault(status.weights_version, (self.seconds, status.rl_updates))
        if status.rl_updates - self._last_metrics < 20:
            return
        self._last_metrics = status.rl_updates
        self._metrics.append(
            {'time': self.seconds, **{name: getattr(status, name) for name in _RECORDED}})

    def _policy(self, status: PolicyStatus) -> None:
        if status.refused > self._last_refused:
            self._last_refused = status.refused
            self._weights.append({'version': None, 'published': None, 'applied': None,
                                  'learner_step': None, 'refused': status.refusal,
                                  'time': self.seconds})
        version = status.weights_version
        if version <= self._last_applied:
            return
        self._last_applied = version
        published, step = self._published.get(version, (None, None))
        self._weights.append({
            'version': version, 'published': published, 'applied': self.seconds,
            'learner_step': step, 'receive_seconds': status.receive_seconds,
            'verify_seconds': status.verify_seconds, 'swap_seconds': status.swap_seconds,
            'refused': ''})
