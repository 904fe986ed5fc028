# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Episodes in which the policy acts and learns, until the environment steps are used up."""

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from inril_ros.data.record_files import (
    JsonLines,
    read_json,
    read_json_lines,
    RecordError,
    write_json,
)
from inril_ros.data.run.episode_fates import EpisodeFates, fate_of
from inril_ros.data.run.run_record import was_rescued
from inril_ros.data.run.start_list import in_words, read_starts, StartList
from inril_ros.data.run.starts import control_counts, counts_of_all, StartsLog
from inril_ros.nodes.clients.conductor import Conductor
from inril_ros.nodes.clients.graph_client import GraphStalled
from inril_ros.nodes.clients.reporting import Bar
from inril_ros.nodes.conducting.conducted_run import ConductedRun
from inril_ros.nodes.conducting.learning_log import LearningLog
from inril_ros.nodes.conducting.version_judge import VersionJudge
from inril_ros.robot.episode import Purpose
from inril_ros.robot.time_spent import TimeSpent
from inril_ros.transport.journal.journal import segments_begun

_MAX_LAG = 400  # RL updates that may be due when the next episode begins
_MOST_IDLE = 5  # episodes in a row of which the learner may count no step


class FineTuning:
    """Fine-tuning of one robot's policy; as a context manager it closes its files.

    Args:
        job: The run.

    Attributes:
        judge: Judges versions.
    """

    def __init__(self, job: ConductedRun) -> None:
        self._job, run = job, job.run
        self._before = read_json_lines(run.episodes)
        self._files = ExitStack()
        self._log = self._files.enter_context(LearningLog(run.metrics, run.weights))
        self._episodes = self._files.enter_context(JsonLines(run.episodes))
        self._starts = self._files.enter_context(StartsLog(run.starts))
        self.judge = VersionJudge(job, lambda: self._log.seconds)

    def __enter__(self) -> 'FineTuning':
        return self

    def __exit__(self, *error: object) -> None:
        self._files.close()

    def listen(self, status: Any) -> None:
        """Note the status of a node."""
        self._log.listen(status)

    def run(self, conductor: Conductor) -> dict[str, object]:
        """Let the policy act and learn in a running graph; return the result of the run."""
        job, judge, before = self._job, self.judge, self._before
        options = job.options
        with conductor.bar(job.reporter, 'finetune', options.env_steps, 'steps',
                           before[-1]['env_steps'] if before else 0) as bar:
            judge.judge_clone(conductor, bar)
            conductor.wait_first_weights()
            if before:
                conductor.wait_learned_again(0 if options.synchronous else _MAX_LAG)
            steps = run_episodes(job, conductor, self._log, self._episodes, before, bar, judge,
                                 self._starts)
            conductor.wait_learner(0)
            if not conductor.learner.rl_updates:
                job.reporter.say(
                    f'no update was taken: {steps} steps are fewer than the settings of the host '
                    'want before the first one. Run for longer, or lower them')
            conductor.save_learner()
            conductor.wait_learner(0, applied=True)
            conductor.wait_acknowledged()
            judge.judge_if_due(conductor, steps, bar, ended=True)
            self._starts.note(_counts(conductor))
            return {**_result(job, conductor, self._starts, steps, len(before)),
                    'evaluation': judge.record()}

    def conclude(self, result: Mapping[str, object]) -> None:
        """Keep the best version, and note the result; the learner must not write any more."""
        self.judge.keep_best()
        self.note(result)

    def note(self, result: Mapping[str, object]) -> None:
        """Note the result of the run."""
        write_json(self._job.run.result, result, replace=True)


def time_spent(job: ConductedRun, episodes: Sequence[Mapping[str, Any]]) -> TimeSpent:
    """Return what the demonstrations and the given episodes of learning have cost."""
    run, cloned = job.run, read_json(job.run.pretrain_record)
    attempts = read_json(run.recording)['attempts'] if run.recording.exists() else 0
    return TimeSpent(
        job.contract.control_rate, job.options.reset_seconds,
        sum(row['ticks'] for row in episodes), len(episodes),
        sum(row.get('person_ticks', 0) for row in episodes),
        max(attempts, cloned['demonstrations']), cloned['transitions'])


def run_episodes(
    job: ConductedRun, conductor: Conductor, log: LearningLog, episodes: JsonLines,
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
    practised = _practised(job)
    while steps < options.env_steps:
        judge.judge_if_due(conductor, steps, bar)
        scene = job.scene_seed('finetune', index)
        if practised is not None:
            start = practised.at(index - len(before))
            if scene is None:
                job.reporter.say(f'episode {index}: {in_words(start, options.starts)}')
            else:
                scene = start.scene_seed
        result = conductor.run_episode(
            job.episode_id(f'finetune/{segments}', index), Purpose.ROLLOUT,
            seed=job.seed('rollout', index), scene_seed=scene, explore=True)
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
            'saved': result.saved, 'person_ticks': result.person_ticks, 'cause': result.cause,
            **({} if scene is None else {'scene_seed': scene}),
            **fate_of(result), **spent.minutes}
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


def _practised(job: ConductedRun) -> StartList | None:
    """Return the starts to practise; None: any start.

    Raises:
        RecordError: The list can't be read, or not be practised here.
    """
    if not job.options.starts:
        return None
    simulated = bool(job.options.simulation)
    if not simulated and job.contract.episode.ready != 'person':
        raise RecordError(f'{job.options.starts}: nobody is waited for to set the scene: write '
                          'episode: {ready: person} in a contract for that')
    return read_starts(job.options.starts, job.run.settings.contract_hash, simulated)


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
    job: ConductedRun, conductor: Conductor, starts: StartsLog, steps: int, episodes_before: int,
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
