# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A classifier ends episodes in place of the simulator, which says what was true."""

from dataclasses import asdict
import shutil

from camera_arm import write_camera_arm
import pytest
from running_command import refused, succeeded
from small_run import read
import torch

from inril_ros.data.bags.bags import find_bags
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.run.judge_record import LEAST, read_judged
from inril_ros.learning.judge.frame_labels import LabelRule
from inril_ros.learning.judge.judge import Judge, JudgeModel
from inril_ros.learning.judge.judge_config import JudgeConfig
from inril_ros.learning.judge.verdict_rule import VerdictRule
from inril_ros.robot.contract.contract import load_contract

CAMERA, TICKS, RATE = 'wrist', 60, 80.0
ALWAYS, NEVER = 20.0, -20.0


@pytest.fixture(scope='module')
def unjudged(tmp_path_factory):
    """Record and clone with a contract by which a classifier judges; return the run."""
    folder = tmp_path_factory.mktemp('configuration')
    contract, simulation = write_camera_arm(folder, CAMERA, 48, {
        'time_limit': TICKS / RATE, 'judge': 'reward_node'}, success_lasts=0.0)
    run = folder / 'run'
    told = refused(folder, 'demo', '--run-dir', run, '--task', 'reach', '--seed', 4, '--demos', 1,
                   '--clone-steps', 3, '--steps', 60, '--episodes', 1, '--device', 'cpu', '--json',
                   '--contract', contract, '--simulation', simulation)
    assert f'inril reward train {run}' in told, 'the way to go on'
    assert (run / 'pretrained').exists(), 'what needs no judge was done'
    return run


@pytest.fixture
def run(unjudged, tmp_path):
    return shutil.copytree(unjudged, tmp_path / 'run')


def judge_that_says(run, offset, contract_hash=None):
    """Write a classifier whose every image is a success with a probability near 0 or 1."""
    contract = load_contract(run / 'contract.yaml')
    judge = Judge(JudgeConfig.of_images(contract.image_shape))
    judge.calibration.copy_(torch.tensor([0.0, offset]))
    JudgeModel(judge, VerdictRule(0.5, 3, 3), (CAMERA,), contract_hash or contract.hash, {
        'episodes': [], 'labels': asdict(LabelRule()), 'bound': 0.02}).save(run / 'judge/model')


def evaluate(run, episodes, command=succeeded):
    return command(
        run.parent, 'evaluate', run, '--model', 'pretrained', '--episodes', episodes, '--json')


def test_one_that_always_says_success_is_caught_by_its_bound(run):
    judge_that_says(run, ALWAYS)
    told = evaluate(run, LEAST + 5, refused)
    assert f'falsely called {LEAST} of the last {LEAST} episodes a success' in told
    rows = read_judged(run / 'judge/episodes.jsonl')
    assert len(rows) == LEAST and all(row.false and row.by == 'classifier' for row in rows)
    # The third image comes 8 ticks after the first, at 20 images and 80 ticks per second.
    assert {(row.said_at, row.ticks) for row in rows} == {(8, 8)}
    assert len(read(run / 'evaluations/pretrained.json')['episodes']) == LEAST
    assert 'falsely called' in evaluate(run, LEAST + 5, refused), 'nor is it trusted later'


def test_without_its_word_episodes_end_by_the_time_limit_whatever_the_simulator_sees(run):
    judge_that_says(run, NEVER)
    evaluate(run, 2)
    rows = read_judged(run / 'judge/episodes.jsonl')
    assert [(row.ticks, row.outcome, row.by) for row in rows] == [
        (TICKS, 'time_limit', 'time limit')] * 2
    assert all(row.done is not None and row.missed is row.done for row in rows)
    told = succeeded(run.parent, 'reward', 'check', run).stdout
    assert 'falsely called a success: 0 of 2 episodes' in told
    assert 'success 0 % by the classifier' in told


def test_attempts_of_the_clone_are_recorded_for_it_until_enough_failed(run):
    for failures in (1, 2):  # what was recorded before counts
        told = succeeded(run.parent, 'reward', 'collect', run, '--failures', failures, '--json')
        assert f'{failures} failures' in told.stdout
    bags = find_bags(run / 'judge/attempts/rejected')
    assert len(bags) == 2
    contract = load_contract(run / 'contract.yaml')
    episode = read_episode(bags[0], contract)
    assert episode.images.shape == (TICKS + 1, *contract.image_shape)
    listed = succeeded(run.parent, 'reward', 'label', run).stdout
    assert all(bag.name in listed for bag in bags)


def test_one_of_another_contract_is_refused(run):
    judge_that_says(run, ALWAYS, contract_hash='0' * 64)
    assert 'trained for another contract' in evaluate(run, 1, refused)
    assert not (run / 'judge/episodes.jsonl').exists()
