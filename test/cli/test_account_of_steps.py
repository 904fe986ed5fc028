# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The steps of a run are those that the learner counts: none of episodes that it forgets."""

from types import SimpleNamespace

from inril_ros.msg import ActuationStatus, LearnerStatus, PolicyStatus, RecorderStatus
import pytest

from inril_ros.cli.run.starts import StartsLog
from inril_ros.cli.stages import finetune
from inril_ros.data.record_files import JsonLines, read_json_lines, write_json
from inril_ros.nodes.clients.graph_client import GraphStalled
from inril_ros.robot.episode import EpisodeOutcome

STEPS = 100


class Graph:
    """A conductor whose episodes have 30 ticks each; the learner takes those that are kept."""

    def __init__(self, kept, learned=0):
        self.learner = LearnerStatus(env_steps=learned)
        self.actuation, self.policy, self.recorder = (
            ActuationStatus(), PolicyStatus(), RecorderStatus())
        self._kept, self._number, self._waiting = kept, 0, 0

    def run_episode(self, episode_id, purpose, **seeds):
        kept = self._kept(self._number)
        self._number += 1
        self._waiting = 30 * kept
        return SimpleNamespace(
            episode_id=episode_id, ticks=30, saved=kept, success=kept, rescued=False,
            outcome=EpisodeOutcome.SUCCESS if kept else EpisodeOutcome.ABORTED, person_ticks=0,
            reason='' if kept else 'a person aborted it', weights_version=1,
            sequence=self._number)

    def wait_ingested(self, sequence):
        self.learner.env_steps += self._waiting
        self._waiting = 0

    def wait_learner(self, lag, applied=False):
        pass


def run(folder, graph, before=()):
    """Run episodes as the stage does; return the steps, and the rows of episodes.jsonl."""
    write_json(folder / 'pretrained.json', {'demonstrations': 2, 'transitions': 60}, replace=True)
    job = SimpleNamespace(
        run=SimpleNamespace(journal=folder / 'journal', pretrain_record=folder / 'pretrained.json',
                            recording=folder / 'none'),
        options=SimpleNamespace(env_steps=STEPS, synchronous=True, reset_seconds=10.0),
        contract=SimpleNamespace(control_rate=10.0), episode_id=lambda stage, index: f'e{index}',
        seed=lambda *names: 0, scene_seed=lambda *names: 0)
    judge = SimpleNamespace(judge_if_due=lambda *state: None)
    bar = SimpleNamespace(update=lambda *done, **facts: None)
    with JsonLines(folder / 'episodes.jsonl') as episodes, \
            StartsLog(folder / 'starts.jsonl') as starts:
        steps = finetune._run_episodes(
            job, graph, SimpleNamespace(seconds=0.0), episodes, list(before), bar, judge,
            starts)
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
