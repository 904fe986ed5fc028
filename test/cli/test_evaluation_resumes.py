# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An evaluation loses no episode, goes on where it stopped, and counts what says something."""

from contextlib import contextmanager
from dataclasses import replace
import json
from pathlib import Path

from inril_ros.msg import ActuationStatus
from played_stage import PlayedStage
import pytest

from inril_ros.cli.run.progress import Reporter
from inril_ros.cli.stages import stages
from inril_ros.cli.stages.job import Job, JobOptions
from inril_ros.data.record_files import read_json, write_json
from inril_ros.data.run.run_directory import new_settings, RunDirectory
from inril_ros.nodes.clients.episode_result import EpisodeResult
from inril_ros.nodes.conducting.evaluation import EvaluationStopped
from inril_ros.robot.episode import EpisodeOutcome

CONTRACT = Path(__file__).parents[2] / 'config' / 'robots' / 'metaworld_sawyer.yaml'
WON, LOST, ABORTED = (EpisodeOutcome.SUCCESS, EpisodeOutcome.TIME_LIMIT, EpisodeOutcome.ABORTED)
STAGE = 'evaluate_pretrained'


class Conducted(PlayedStage):
    """A graph in which episodes end as they are told; ``KeyboardInterrupt`` ends the command."""

    def __init__(self, ends, asked):
        self._ends, self._asked = ends, asked
        self.actuation = ActuationStatus(period=0.1, gap_edges=[0.1, 0.2], gap_counts=[0, 0, 0])

    def run_episode(self, episode_id, purpose, seed, scene_seed=None):
        end = self._ends.pop(0)
        if end is KeyboardInterrupt:
            raise KeyboardInterrupt
        self._asked.append((episode_id, seed, scene_seed))
        self.actuation.ticks += 10
        self.actuation.worst_gap = 0.01 * self.actuation.ticks
        self.actuation.gap_counts[1] += 10
        return EpisodeResult(episode_id, end, 10, False,
                             'the person pressed discard' if end is ABORTED else '', 1, 0, 0)


class ConductedJob(Job):
    """A job whose graph is not started."""

    ends, asked = [], []

    @contextmanager
    def running(self, *_, **__):
        yield Conducted(self.ends, self.asked)


@pytest.fixture
def run(tmp_path):
    run = RunDirectory.create(tmp_path / 'run', replace(
        new_settings('pick-place', 0, CONTRACT), simulation='played'))
    write_json(run.pretrained / 'model.json', {'content_hash': 'a'})
    return run


@pytest.fixture
def evaluated(run):
    """Return what evaluates so many episodes that end so, and returns how they were asked for."""
    def evaluate(number, *ends):
        job = ConductedJob(run, JobOptions(simulation='played', evaluation_episodes=number),
                           Reporter(json_output=True))
        # A frozen dataclass keeps what the played graph needs in its class.
        ConductedJob.ends, ConductedJob.asked = list(ends), []
        try:
            stages.run_stage(job, STAGE)
        finally:
            assert ConductedJob.ends == []
        return ConductedJob.asked
    return evaluate


def written(run):
    return read_json(run.evaluation('pretrained'))


def test_an_interrupted_evaluation_goes_on_with_the_states_that_are_left(run, evaluated, capsys):
    whole = evaluated(4, WON, LOST, WON, WON)
    expected = written(run)
    run.evaluation('pretrained').unlink()
    (run.path / 'stages.json').unlink()
    with pytest.raises(KeyboardInterrupt):
        evaluated(4, WON, LOST, KeyboardInterrupt)
    assert [row['success'] for row in written(run)['episodes']] == [True, False]
    assert (written(run)['n'], written(run)['wanted']) == (2, 4)
    assert evaluated(4, WON, WON) == whole[2:]
    assert '2 of 4 episodes were done before' in capsys.readouterr().out
    now = written(run)
    assert now['episodes'] == expected['episodes'] and len(now['starts']) == 2
    assert {key: now[key] for key in ('success', 'low', 'high', 'n')} == {
        key: expected[key] for key in ('success', 'low', 'high', 'n')}
    assert now['actuation']['ticks'] == 40 and now['actuation']['gap_counts'] == [0, 40, 0]
    assert list(run.finished_stages()) == [STAGE]


def test_more_episodes_add_to_those_there_are(run, evaluated, capsys):
    first = evaluated(2, WON, LOST)
    seconds = run.finished_stages()[STAGE]
    more = evaluated(5, WON, WON, LOST)
    assert [row['outcome'] for row in written(run)['episodes']] == [
        'success', 'time_limit', 'success', 'success', 'time_limit']
    scenes = [row['seed'] for row in written(run)['episodes']]
    assert scenes == [scene for *_, scene in first + more] and len(set(scenes)) == 5
    assert len({episode_id for episode_id, *_ in first + more}) == 5
    assert run.finished_stages()[STAGE] > seconds
    assert evaluated(5) == evaluated(3) == []
    assert capsys.readouterr().out.count('done before') == 3


def test_a_finished_evaluation_tells_what_it_has_shown(run, evaluated, capsys):
    evaluated(3, WON, LOST, WON)
    capsys.readouterr()
    evaluated(3)
    [told] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert told['text'] == (
        'evaluate_pretrained: done before: success 67 % [21, 94] in 3 episodes; --episodes with '
        'more adds to them')
    assert (told['rate'], told['n']) == (pytest.approx(2 / 3), 3)


@pytest.mark.parametrize(('asked', 'done'), [(10_000, True), (10_012, True), (20_000, False)])
def test_a_finished_fine_tuning_goes_on_for_more_steps(run, monkeypatch, capsys, asked, done):
    write_json(run.result, {'env_steps': 10_012})
    run.finish_stage('finetune', 60.0)
    began = []
    monkeypatch.setitem(stages._STAGES, 'finetune', ('Fine-tuning', lambda job: (
        began.append(job.options.env_steps) or {'env_steps': asked})))
    options = JobOptions(simulation='played', env_steps=asked)
    stages.run_stage(ConductedJob(run, options, Reporter(json_output=True)), 'finetune')
    assert began == ([] if done else [asked])
    assert (run.finished_stages()['finetune'] > 60.0) is not done
    assert ('finetune: done before, 10012 environment steps; --resume --steps with more goes on '
            'with it' in capsys.readouterr().out) is done


def test_an_aborted_episode_is_done_again_and_no_failure(run, evaluated, capsys):
    asked = evaluated(3, WON, ABORTED, ABORTED, WON, LOST)
    now = written(run)
    assert (now['n'], now['success']) == (3, pytest.approx(2 / 3))
    assert [row['index'] for row in now['aborted']] == [1, 1]
    assert now['aborted'][0]['reason'] == 'the person pressed discard'
    assert 'aborted' not in {row['outcome'] for row in now['episodes']}
    tries = asked[1:4]
    assert len({each[0] for each in tries}) == 3, 'the recorder knows the aborted ones'
    assert len({each[1:] for each in tries}) == 1, 'each try begins as the first did'
    assert 'episode 2 was aborted (the person pressed discard)' in capsys.readouterr().out


def test_what_is_aborted_again_and_again_ends_the_evaluation_and_the_rest_is_kept(run, evaluated):
    with pytest.raises(EvaluationStopped, match='episode 2 .* aborted 3 times, at last because: '
                                                'the person pressed discard'):
        evaluated(3, WON, ABORTED, ABORTED, ABORTED)
    assert (written(run)['n'], len(written(run)['aborted'])) == (1, 3)
    assert run.finished_stages() == {}
    evaluated(3, LOST, WON)
    assert (written(run)['n'], written(run)['success']) == (3, pytest.approx(2 / 3))


def test_episodes_of_other_weights_are_kept_and_do_not_count(run, evaluated, capsys):
    evaluated(2, WON, WON)
    write_json(run.pretrained / 'model.json', {'content_hash': 'b'}, replace=True)
    evaluated(2, LOST, LOST)  # although the stage was finished
    now = written(run)
    assert (now['n'], now['success'], now['content_hash']) == (2, 0.0, 'b')
    (former,) = now['former']
    assert (former['n'], former['success'], former['content_hash']) == (2, 1.0, 'a')
    assert '2 episodes of other weights stay in' in capsys.readouterr().out


def test_an_evaluation_of_a_former_version_is_continued(run, evaluated):
    evaluated(2, WON, LOST)
    new = {'index', 'episode_id', 'reason'}
    now = written(run)
    write_json(run.evaluation('pretrained'), {
        **{key: now[key] for key in ('name', 'model', 'success', 'low', 'high', 'n', 'rescued',
                                     'wall_seconds', 'actuation')},
        'episodes': [{key: row[key] for key in row if key not in new}
                     for row in now['episodes']]}, replace=True)
    evaluated(3, WON)
    assert (written(run)['n'], written(run)['success']) == (3, pytest.approx(2 / 3))
    assert written(run)['actuation']['ticks'] == 30


def test_an_aborted_episode_of_a_block_that_judges_versions_is_no_failure_either():
    from inril_ros.data.run.judgements import judged_versions

    rows = [{'block': 0, 'episode': index, 'of': 2, 'version': 1, 'learner_step': 1,
             'content_hash': 'a', 'folder': 'x', 'env_steps': 5, 'success': won,
             'outcome': outcome} for index, won, outcome in (
        (0, True, 'success'), (1, False, 'aborted'), (1, True, 'success'))]
    (judged,) = judged_versions(rows)
    assert (judged.successes, judged.episodes) == (2, 2)
