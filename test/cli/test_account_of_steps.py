# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The steps of a run are those that the learner counts: none of episodes that it forgets."""

from types import SimpleNamespace

from inril_ros.msg import ActuationStatus, LearnerStatus, PolicyStatus, RecorderStatus
from played_stage import PlayedStage
import pytest

from inril_ros.data.record_files import JsonLines, read_json_lines, RecordError, write_json
from inril_ros.data.run.episode_fates import EpisodeFates
from inril_ros.data.run.start_list import PractisedStart, StartList, write_starts
from inril_ros.data.run.starts import StartsLog
from inril_ros.nodes.clients.episode_result import EpisodeResult
from inril_ros.nodes.clients.graph_client import GraphStalled
from inril_ros.nodes.conducting import finetuning
from inril_ros.robot.episode import EpisodeOutcome

STEPS = 100


class Graph(PlayedStage):
    """A conductor whose episodes have 30 ticks each; the learner takes those that are kept."""

    lost_by, reason = EpisodeOutcome.ABORTED, 'journaled'

    def __init__(self, kept, learned=0):
        self.learner = LearnerStatus(env_steps=learned)
        self.actuation, self.policy, self.recorder = (
            ActuationStatus(), PolicyStatus(), RecorderStatus())
        self._kept, self._number, self._waiting = kept, 0, 0
        self.said, self.shown, self.scenes = [], [], []

    def run_episode(self, episode_id, purpose, **seeds):
        kept = self._kept(self._number)
        self.scenes.append(seeds['scene_seed'])
        self._number += 1
        self._waiting = 30 * kept
        return EpisodeResult(
            episode_id, EpisodeOutcome.SUCCESS if kept else self.lost_by, 30, bool(kept),
            self.reason if kept else 'a person aborted it', 1, self._number, 0)

    def wait_ingested(self, sequence):
        self.learner.env_steps += self._waiting
        self._waiting = 0

    def wait_learner(self, lag, applied=False):
        pass


def run(folder, graph, before=(), starts='', simulation='yes', ready='person'):
    """Run episodes as the stage does; return the steps, and the rows of episodes.jsonl."""
    write_json(folder / 'pretrained.json', {'demonstrations': 2, 'transitions': 60}, replace=True)
    job = SimpleNamespace(
        run=SimpleNamespace(journal=folder / 'journal', pretrain_record=folder / 'pretrained.json',
                            recording=folder / 'none',
                            settings=SimpleNamespace(contract_hash='a' * 64)),
        options=SimpleNamespace(env_steps=STEPS, synchronous=True, reset_seconds=10.0,
                                starts=starts, simulation=simulation),
        contract=SimpleNamespace(control_rate=10.0, episode=SimpleNamespace(ready=ready)),
        episode_id=lambda stage, index: f'e{index}',
        seed=lambda *names: 0, scene_seed=lambda *names: 0 if simulation else None,
        reporter=SimpleNamespace(say=graph.said.append))
    judge = SimpleNamespace(judge_if_due=lambda *state: None)
    bar = SimpleNamespace(update=lambda *done, **facts: graph.shown.append(facts))
    with JsonLines(folder / 'episodes.jsonl') as episodes, \
            StartsLog(folder / 'starts.jsonl') as counts:
        steps = finetuning.run_episodes(
            job, graph, SimpleNamespace(seconds=0.0), episodes, list(before), bar, judge,
            counts)
    return steps, read_json_lines(folder / 'episodes.jsonl')


def test_aborted_episodes_cost_time_and_count_no_steps(tmp_path):
    steps, rows = run(tmp_path, Graph(lambda number: number % 2 == 1))
    assert steps == 120 and len(rows) == 8
    assert [row['env_steps'] for row in rows] == [0, 30, 30, 60, 60, 90, 90, 120]
    assert rows[-1]['robot_minutes'] == pytest.approx((8 * 30 / 10 + 8 * 10) / 60)


def test_a_run_continues_with_the_steps_that_the_learner_has(tmp_path):
    """The last run was killed: its learner has an episode more than was noted, and less ticks."""
    before = [{'env_steps': 90, 'ticks': 30, 'saved': True, 'outcome': 'aborted',
               'person_ticks': 0}] * 3
    steps, rows = run(tmp_path, Graph(lambda number: True, learned=50), before)
    assert steps == 110 and [row['env_steps'] for row in rows] == [80, 110]


def test_episodes_of_which_nothing_is_learned_end_the_run_with_the_reason(tmp_path):
    with pytest.raises(GraphStalled, match='no steps of the last 5 episodes: a person aborted it'):
        run(tmp_path, Graph(lambda number: number < 2))
    assert len(read_json_lines(tmp_path / 'episodes.jsonl')) == 7


def test_what_became_of_the_episodes_is_on_the_screen_and_in_the_records(tmp_path):
    """Every other episode is discarded; of the others a tick each can't be learned from."""
    graph = Graph(lambda number: number % 2 == 0)
    graph.lost_by = EpisodeOutcome.TIME_LIMIT
    account = ('of 30 ticks: 1 tick without a valid observation (joint_states: q is 0.112 s old, '
               '0.1 s allowed)')
    graph.reason = f'journaled; {account}'
    _, rows = run(tmp_path, graph)
    assert [(row['fate'], row['ticks_lost']) for row in rows[:2]] == [
        ('in part', 1), ('discarded', 30)]
    assert (rows[0]['reason'], rows[1]['reason']) == (account, 'a person aborted it')
    assert graph.said[:3] == [f'episode 0 kept in part: {account}',
                              'episode 1 discarded: a person aborted it',
                              f'episode 2 kept in part: {account}']
    assert {name: graph.shown[-1][name] for name in ('kept', 'in_part', 'discarded')} == {
        'kept': 0, 'in_part': 4, 'discarded': 3}
    assert graph.said[-1].startswith('Of the episodes 0 were kept, 4 in part, 3 discarded: 94 of '
                                     '210 ticks are not learned from')


def test_while_all_is_kept_nothing_is_said(tmp_path):
    graph = Graph(lambda number: True)
    run(tmp_path, graph)
    assert graph.said == [] and 'kept' not in graph.shown[-1]


def test_a_run_of_which_most_is_late_says_what_to_change(tmp_path):
    graph = Graph(lambda number: number < 1)
    graph.lost_by = EpisodeOutcome.TIME_LIMIT
    graph.reason = ('journaled; of 30 ticks: 29 ticks left out (joint_states: q is 0.112 s old, '
                    '0.1 s allowed)')
    with pytest.raises(GraphStalled, match='no steps of the last 5 episodes: a person'):
        run(tmp_path, graph)
    fates = EpisodeFates(read_json_lines(tmp_path / 'episodes.jsonl')[:1])
    assert fates.advice.startswith('Most of the run is not learned from: samples of joint_states '
                                   'are older than the contract allows. Raise their max_age')
    assert fates.to_json() == {'kept': 0, 'in_part': 1, 'discarded': 0, 'aborted': 0,
                               'ticks': 30, 'ticks_lost': 29}


def practised(folder, *seeds):
    return str(write_starts(folder, StartList('a' * 64, tuple(
        PractisedStart('e', number, seed, {'front': 'a.jpg'})
        for number, seed in enumerate(seeds)))))


def test_listed_starts_are_practised_in_turn_and_noted(tmp_path):
    graph = Graph(lambda number: True)
    _, rows = run(tmp_path, graph, starts=practised(tmp_path, 7, 8, 9))
    assert graph.scenes == [7, 8, 9, 7] == [row['scene_seed'] for row in rows]


def test_on_an_arm_a_person_is_told_which_start_to_set_and_must_be_waited_for(tmp_path):
    graph, listed = Graph(lambda number: True), practised(tmp_path, None, None)
    _, rows = run(tmp_path, graph, starts=listed, simulation='')
    assert graph.scenes == [None] * 4 and 'scene_seed' not in rows[0]
    assert graph.said[:2] == [
        f'episode {number}: set the scene as in group {number + 1}; as in front: '
        f'{tmp_path}/a.jpg' for number in range(2)]
    with pytest.raises(RecordError, match='nobody is waited for to set the scene'):
        run(tmp_path, Graph(lambda number: True), starts=listed, simulation='', ready='service')
