# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Blocks of evaluation come when they are due, by one version each, and the best is kept."""

from types import SimpleNamespace

import pytest
import torch

from inril_ros.cli.run.progress import Bar, Reporter
from inril_ros.cli.stages.job import Job, JobOptions
from inril_ros.data.run.judgements import complete_blocks
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.learning.policies.artifact import load_policy, save_policy
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.nodes.clients.episode_result import EpisodeResult, HeldVersion
from inril_ros.nodes.conducting.version_judge import VersionJudge
from inril_ros.robot.episode import EpisodeOutcome, Purpose

SMALL = ModelConfig(2, 1, chunk_length=2, denoising_steps=2, sampling_steps=1, actor_width=8,
                    critic_width=8, critic_layers=1)
EPISODES = 5


class PlayedConductor:
    """A graph whose versions succeed in a given number of episodes of a block.

    Attributes:
        version: The acting version.
        asked: Purpose, explore, seed and scene seed of each episode.
        ends_after: Episodes until the process is killed; None: it isn't.
        rolls_back_after: Episodes until an operator rolls back to version 0.
    """

    def __init__(self, folder, skill):
        self.folder, self.skill = folder, skill
        self.version, self.asked, self.held, self.reports = 0, [], False, []
        self.ends_after = self.rolls_back_after = None

    def hold_version(self):
        assert not self.held
        self.held, self.index = True, 0
        torch.manual_seed(self.version)
        name = f'{self.version:04d}_model'
        digest = save_policy(self.folder / name, BestOfN(SMALL), replace=True)
        return HeldVersion(self.version, 10 * self.version, digest, name)

    def release_version(self):
        self.held = False

    def report_evaluation(self, text, values):
        self.reports.append((text, values))

    def run_episode(self, episode_id, purpose, seed, scene_seed=None, explore=False):
        assert self.held
        if self.ends_after == len(self.asked):
            raise KeyboardInterrupt
        if self.rolls_back_after == len(self.asked):
            self.version = 0
        self.asked.append((episode_id, purpose, explore, seed, scene_seed))
        won = self.index < self.skill[self.version]
        self.index += 1
        return EpisodeResult(
            episode_id, EpisodeOutcome.SUCCESS if won else EpisodeOutcome.TIME_LIMIT, 9, True, '',
            self.version, 0, 0)


@pytest.fixture
def job(tmp_path):
    run = RunDirectory(tmp_path, SimpleNamespace(
        run_id='3f0c7c1e-6f0a-4a5e-9d57-2a4f1c6b8e90', seed=4, task='reach'))
    options = JobOptions(simulation='played', env_steps=1000,
                         evaluation={'every': 400, 'episodes': EPISODES})
    return Job(run, options, Reporter(json_output=True))


def learn(job, conductor, ended=1000, step=100):
    """Do what the stage does; version n acts from step 100 n on."""
    judge, bar = VersionJudge(job, lambda: 0.0), Bar('finetune', ended)
    judge.judge_clone(conductor, bar)
    for steps in range(judge.rows[-1]['env_steps'], ended, step):
        conductor.version = steps // 100
        judge.judge_if_due(conductor, steps, bar)
    conductor.version = ended // 100
    judge.judge_if_due(conductor, ended, bar, ended=True)
    judge.keep_best()
    return judge


def kept(job):
    torch.manual_seed(0)
    return {name: tensor.tolist() for name, tensor in
            load_policy(job.run.finetuned).state_dict().items()}


def version(number):
    torch.manual_seed(number)
    return {name: tensor.tolist() for name, tensor in BestOfN(SMALL).state_dict().items()}


FALLS = {0: 1, 4: 5, 5: 3, 8: 1, 10: 0}


def test_success_that_falls_after_its_best_ends_with_the_best(job, capsys):
    judge = learn(job, PlayedConductor(job.run.versions, FALLS))
    assert [(each.env_steps, each.version, each.successes) for each in judge.judged] == [
        (0, 0, 1), (400, 4, 5), (800, 8, 1), (1000, 10, 0)]
    assert kept(job) == version(4)
    told = judge.record()
    assert (told['best']['version'], told['newest']['version']) == (4, 10)
    assert (told['blocks'], told['episodes'], told['steps']) == (4, 20, 180)
    assert told['choice'] in capsys.readouterr().out


def test_success_that_rises_ends_with_the_newest(job):
    learn(job, PlayedConductor(job.run.versions, {0: 1, 4: 3, 8: 4, 10: 3}))
    assert kept(job) == version(10)


def test_each_block_has_the_same_states_other_noise_and_no_exploration(job):
    conductor = PlayedConductor(job.run.versions, FALLS)
    learn(job, conductor)
    assert {(purpose, explore) for _, purpose, explore, _, _ in conductor.asked} == {
        (Purpose.EVALUATION, False)}
    scenes = [scene for *_, scene in conductor.asked]
    assert len(set(scenes[:EPISODES])) == EPISODES and scenes == scenes[:EPISODES] * 4
    for index in (0, 3):  # the episode's id, the policy's seed
        assert len({each[index] for each in conductor.asked}) == 4 * EPISODES


def test_what_is_published_has_the_interval_and_the_best_so_far(job):
    conductor = PlayedConductor(job.run.versions, FALLS)
    learn(job, conductor)
    text, values = conductor.reports[-1]
    assert text == 'version 10: 0 of 5 = 0 % [0, 43]'
    assert (values['version'], values['n'], values['best_version']) == (10, 5, 4)
    assert 0.0 == values['rate'] == values['low'] < values['high'] < values['best_low']


@pytest.mark.parametrize('after', [3, 7, 12, 19])
def test_a_killed_run_is_judged_as_one_that_was_not(job, tmp_path, after):
    """An interrupted block is done again, with the same seeds."""
    whole = PlayedConductor(job.run.versions, FALLS)
    learn(job, whole)
    expected = [row['success'] for row in complete_blocks(VersionJudge(
        job, lambda: 0.0).rows)[-1]]
    job.run.judgements.unlink()
    conductor = PlayedConductor(job.run.versions, FALLS)
    conductor.ends_after = after
    with pytest.raises(KeyboardInterrupt):
        learn(job, conductor)
    again = PlayedConductor(job.run.versions, FALLS)
    judge = learn(job, again)
    assert kept(job) == version(4)
    blocks = complete_blocks(judge.rows)
    assert [block[0]['version'] for block in blocks] == [0, 4, 8, 10]
    assert [row['success'] for row in blocks[-1]] == expected
    assert len(judge.rows) == 20 + after % EPISODES
    assert [each[3:] for each in again.asked] == [
        each[3:] for each in whole.asked[after - after % EPISODES:]]


def test_a_block_in_which_an_operator_rolls_back_does_not_count(job, capsys):
    conductor = PlayedConductor(job.run.versions, FALLS)
    conductor.rolls_back_after = EPISODES + 2
    judge = learn(job, conductor)
    assert 'no longer acted in episode 3' in capsys.readouterr().out
    # It was due still, and done at the next occasion.
    assert [each.env_steps for each in judge.judged] == [0, 500, 800, 1000]


def test_without_blocks_no_episode_is_run_and_the_newest_stays(job):
    options = JobOptions(simulation='played', evaluation={'every': 0, 'episodes': EPISODES})
    conductor = PlayedConductor(job.run.versions, FALLS)
    judge, bar = VersionJudge(Job(job.run, options, job.reporter), lambda: 0.0), Bar('finetune', 9)
    judge.judge_clone(conductor, bar)
    judge.judge_if_due(conductor, 1000, bar, ended=True)
    judge.keep_best()
    assert conductor.asked == [] and judge.record() is None
    assert not judge.begins_with_the_clone and not job.run.finetuned.exists()
