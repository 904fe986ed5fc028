# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The stages of a job count what a person rescued apart from the policy's own successes."""

from contextlib import contextmanager
import json
from pathlib import Path
from types import SimpleNamespace

from inril_ros.msg import ActuationStatus, LearnerStatus, PolicyStatus, RecorderStatus
from played_stage import PlayedStage
import pytest
from sample_run import rescue

from inril_ros.cli.report.summary import headline, summarise
from inril_ros.cli.run.progress import Reporter
from inril_ros.cli.stages.evaluate import evaluate
from inril_ros.cli.stages.job import Job, JobOptions
from inril_ros.data.record_files import JsonLines, read_json, read_json_lines, write_json
from inril_ros.data.run.run_directory import new_settings, RunDirectory
from inril_ros.data.run.starts import StartsLog
from inril_ros.nodes.clients.episode_result import EpisodeResult
from inril_ros.nodes.conducting.finetuning import run_episodes
from inril_ros.robot.episode import EpisodeOutcome

CONTRACT = Path(__file__).parents[2] / 'config' / 'robots' / 'metaworld_sawyer.yaml'
WON, TIME_LIMIT = EpisodeOutcome.SUCCESS, EpisodeOutcome.TIME_LIMIT
#: Outcome, and actions that a person commanded.
EPISODES = [(WON, 0), (WON, 7), (TIME_LIMIT, 0), (TIME_LIMIT, 7), (WON, 0), (WON, 1)]


class Conducted(PlayedStage):
    """What a conductor of these episodes gives to a stage."""

    actuation, policy, recorder = ActuationStatus(), PolicyStatus(), RecorderStatus()

    def __init__(self):
        self._results = iter(EPISODES)
        self.learner = LearnerStatus()

    def run_episode(self, episode_id, *_, **__):
        outcome, person_ticks = next(self._results)
        return EpisodeResult(episode_id, outcome, 10, True, '', 1, 1, person_ticks)

    def wait_ingested(self, sequence):
        self.learner.env_steps += 10

    def wait_learner(self, lag, applied):
        pass


class ConductedJob(Job):
    """A job whose graph is not started."""

    @contextmanager
    def running(self, *_, **__):
        yield Conducted()


@pytest.fixture
def job(tmp_path):
    run = RunDirectory.create(tmp_path / 'run', new_settings('pick-place', 0, CONTRACT))
    return ConductedJob(run, JobOptions(
        simulation='', env_steps=10 * len(EPISODES), evaluation_episodes=len(EPISODES)),
        Reporter(json_output=True))


def last_progress(capsys):
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    return [line for line in lines if line['event'] == 'progress'][-1]


def test_a_rescued_evaluation_episode_is_no_success(job, capsys):
    write_json(job.run.finetuned / 'model.json', {'content_hash': 'c'})
    facts = evaluate(job, 'finetuned')
    written = read_json(job.run.evaluation('finetuned'))
    for told in (facts, last_progress(capsys)):
        assert told['rescued'] == 2
    assert (facts['rate'], written['success'], written['rescued']) == (2 / 6, 2 / 6, 2)
    assert [row['success'] for row in written['episodes']] == [
        True, False, False, False, True, False]
    assert [row['person_ticks'] for row in written['episodes']] == [0, 7, 0, 7, 0, 1]


def test_progress_of_fine_tuning_shows_success_without_a_person_and_the_rescues(job, capsys):
    before = [{'outcome': 'success', 'ticks': 10, 'person_ticks': 3, 'env_steps': 0}]
    job.run.pretrain_record.parent.mkdir()
    write_json(job.run.pretrain_record, {'demonstrations': 1, 'transitions': 10})
    with JsonLines(job.run.episodes) as lines, StartsLog(job.run.starts) as starts, \
            job.reporter.bar('finetune', 10 * len(EPISODES), 'steps') as bar:
        run_episodes(job, Conducted(), SimpleNamespace(seconds=0.0), lines, before, bar,
                      SimpleNamespace(judge_if_due=lambda conductor, steps, bar: None), starts)
    assert [row['person_ticks'] for row in read_json_lines(job.run.episodes)] == [
        person_ticks for _, person_ticks in EPISODES]
    progress = last_progress(capsys)
    assert (progress['success'], progress['rescued']) == (2 / 6, 1 + 2)  # one before it resumed


def test_the_summary_counts_rescues_beside_the_successes(sample_run):
    won, helped = rescue(sample_run, 4)
    counted = {'ticks': 1, 'misses': 0}
    write_json(sample_run.pretrain_record, {'demonstrations': 8, 'content_hash': 'a'},
               replace=True)
    write_json(sample_run.recording, {'digest': 'b'})
    write_json(sample_run.finetuned / 'model.json', {'content_hash': 'c'})
    write_json(sample_run.result, {
        'config': {}, 'env_steps': 40000, 'rl_updates': 0, 'il_updates': 0, 'device': 'cpu',
        'versions': {}, 'transitions': {}, 'synchronous': True, 'control': counted}, replace=True)
    summary = summarise(sample_run)
    rows = read_json_lines(sample_run.episodes)
    assert summary['training_episodes'] == {
        'number': len(rows), 'rescued': won,
        'successes': sum(row['outcome'] == 'success' for row in rows) - won}
    assert summary['bc_success']['rescued'] == 0
    assert summary['finetuned_success']['rescued'] == helped > 0


def test_the_result_in_one_sentence_names_the_rescues_if_there_were_any():
    rate = {'rate': 0.5, 'low': 0.3, 'high': 0.7, 'n': 20, 'rescued': 0}
    summary = {'task': 'lift', 'env_steps': 9, 'bc_success': rate, 'finetuned_success': rate}
    assert 'help' not in headline(summary)
    summary['finetuned_success'] = {**rate, 'rescued': 3}
    assert "3 more evaluation episodes succeeded with a person's help" in headline(summary)
