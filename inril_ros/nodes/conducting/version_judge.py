# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Judges versions while fine-tuning runs: short blocks of evaluation between its episodes.

One version acts in all episodes of a block, without exploration, and newer weights wait. The
initial states are the same in each block, and neither those of training nor of ``inril evaluate``.
An aborted episode is done again, as often as the conductor accepts aborted ones in a row.
Nothing of a block is learned from.
"""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, TYPE_CHECKING

from inril_ros.data.record_files import JsonLines, read_json_lines
from inril_ros.data.run.evaluation_blocks import EvaluationBlocks
from inril_ros.data.run.judgements import (
    best_version,
    choice_in_words,
    complete_blocks,
    Judged,
    judged_versions,
)
from inril_ros.nodes.clients.reporting import Bar
from inril_ros.nodes.conducting.conducted_run import ConductedRun
from inril_ros.robot.episode import EpisodeOutcome, Purpose

if TYPE_CHECKING:
    from inril_ros.nodes.clients.conductor import Conductor
    from inril_ros.nodes.clients.episode_result import EpisodeResult


class VersionJudge:
    """Runs the blocks of a run that are due, and keeps their rows.

    Args:
        job: The run; its options say when versions are judged.
        seconds: Returns the time since the stage began [s].
    """

    def __init__(self, job: ConductedRun, seconds: Callable[[], float]) -> None:
        self._job, self._seconds = job, seconds
        self._blocks = EvaluationBlocks(**job.options.evaluation)
        self.rows: list[dict[str, Any]] = read_json_lines(job.run.judgements)

    @property
    def judged(self) -> list[Judged]:
        """The versions judged so far, in their order."""
        return judged_versions(self.rows)

    @property
    def begins_with_the_clone(self) -> bool:
        """Whether the clone is to be judged before anything is learned."""
        return bool(self._blocks.every) and not complete_blocks(self.rows)

    def judge_clone(self, conductor: 'Conductor', bar: Bar) -> None:
        """Judge the clone, which the policy holds, if nothing was judged yet."""
        if self.begins_with_the_clone:
            self._judge(conductor, 0, bar)

    def judge_if_due(
        self, conductor: 'Conductor', steps: int, bar: Bar, ended: bool = False,
    ) -> None:
        """Judge the acting version if a block is due.

        Args:
            conductor: The graph.
            steps: Environment steps so far.
            bar: Shows the progress.
            ended: Learning has ended: the last version is judged in any case.
        """
        every, blocks = self._blocks.every, complete_blocks(self.rows)
        if not every:
            return
        last = blocks[-1][0]['env_steps'] if blocks else 0
        if steps // every > last // every or ended and steps > last:
            self._judge(conductor, steps, bar)

    def _judge(self, conductor: 'Conductor', steps: int, bar: Bar) -> None:
        held = conductor.hold_version()
        block = len(complete_blocks(self.rows))
        shown = Judged(**asdict(held), env_steps=steps, successes=0, episodes=0)
        with JsonLines(self._job.run.judgements) as file:
            while (index := shown.episodes) < self._blocks.episodes:
                result = self._episode(conductor, block, index)
                if result.weights_version != held.version:  # an operator has rolled back
                    break
                row = {'block': block, 'episode': index, 'of': self._blocks.episodes,
                       **asdict(held), 'env_steps': steps, 'success': result.success,
                       'outcome': result.outcome.name.lower(), 'ticks': result.ticks,
                       'person_ticks': result.person_ticks, 'reason': result.reason,
                       'time': self._seconds()}
                file.append(row)
                self.rows.append(row)
                if result.outcome is EpisodeOutcome.ABORTED:  # says nothing about the version
                    self._job.reporter.say(f'episode {index + 1} of the evaluation was aborted '
                                           f'({result.reason}) and is done again')
                    continue
                shown = replace(shown, successes=shown.successes + result.success,
                                episodes=index + 1)
                self._show(conductor, shown, bar)
        conductor.release_version()
        self._job.reporter.say(
            f'evaluation at {steps} steps: {shown.name}: {shown.in_words}'
            if shown.episodes == self._blocks.episodes else
            f'evaluation at {steps} steps does not count: {shown.name} no longer acted in '
            f'episode {shown.episodes + 1}')

    def _episode(self, conductor: 'Conductor', block: int, index: int) -> 'EpisodeResult':
        job = self._job
        return conductor.run_episode(
            job.episode_id(f'judge/{block}', len(self.rows)), Purpose.EVALUATION,
            seed=job.seed('judge', block, index), scene_seed=job.scene_seed('judge', index))

    def _show(self, conductor: 'Conductor', shown: Judged, bar: Bar) -> None:
        text = f'{shown.name}: {shown.in_words}'
        bar.update(min(shown.env_steps, self._job.options.env_steps), evaluation=text)
        judged = self.judged
        best = {f'best_{key}': value for key, value in
                (judgement_record(best_version(judged)) if judged else {}).items()}
        conductor.report_evaluation(text, {**judgement_record(shown), **best})

    def record(self) -> dict[str, Any] | None:
        """Return the counts and the choice for the run's result; None if nothing was judged."""
        judged = self.judged
        if not judged:
            return None
        return {'every': self._blocks.every, 'episodes_per_block': self._blocks.episodes,
                'blocks': len(complete_blocks(self.rows)), 'episodes': len(self.rows),
                'steps': sum(row['ticks'] for row in self.rows),
                'best': judgement_record(best_version(judged)),
                'newest': judgement_record(judged[-1]), 'choice': choice_in_words(judged)}

    def keep_best(self) -> None:
        """Put the best version where later stages find the fine-tuned model."""
        from inril_ros.learning.policies.artifact import read_folder, write_folder

        run = self._job.run
        if judged := self.judged:
            best = best_version(judged)
            tensors, document = read_folder(run.versions / best.folder)
            # The policy, which wrote the version, does not know what the clone was made from.
            cloned = read_folder(run.pretrained)[1] if run.pretrained.exists() else {}
            write_folder(run.finetuned, tensors, {**document, **{
                key: cloned[key] for key in ('heldout', 'rest') if key in cloned}}, replace=True)
            self._job.reporter.say(f'kept: {choice_in_words(judged)}')


def judgement_record(judged: Judged) -> dict[str, Any]:
    """Return a version and its success with the 95 % interval as plain data."""
    rate = judged.rate
    return {'version': judged.version, 'learner_step': judged.learner_step,
            'env_steps': judged.env_steps, 'content_hash': judged.content_hash,
            'successes': judged.successes, 'rate': rate.value, 'low': rate.low,
            'high': rate.high, 'n': rate.n}
