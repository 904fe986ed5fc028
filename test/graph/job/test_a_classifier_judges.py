# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A classifier ends episodes in place of the simulator, which says what was true."""

from dataclasses import asdict
import shutil
from uuid import uuid4

from camera_arm import write_camera_arm
from inril_ros.msg import Transition, TransitionAck
from played_arm import RUN
import pytest
from running_command import refused, succeeded, until
from small_run import read
import torch

from inril_ros.cli.terminal.screen import Screen
from inril_ros.data.bags.bags import find_bags
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.run.judge_record import LEAST, read_judged
from inril_ros.graph.description import finetuning_graph, GraphOptions
from inril_ros.graph.domain import reserve_domain
from inril_ros.graph.supervisor import Supervisor
from inril_ros.learning.judge.frame_labels import LabelRule
from inril_ros.learning.judge.judge import Judge, JudgeModel
from inril_ros.learning.judge.judge_config import JudgeConfig
from inril_ros.learning.judge.verdict_rule import VerdictRule
from inril_ros.nodes.base import qos
from inril_ros.nodes.clients.conductor import Conductor
from inril_ros.nodes.clients.person_client import PersonClient
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.episode import EpisodeOutcome, Purpose

CAMERA, TICKS, RATE = 'wrist', 60, 80.0
ALWAYS, NEVER = 20.0, -20.0
VETO = 1.0  # [s]; nobody has time for one in lockstep


@pytest.fixture(scope='module')
def unjudged(tmp_path_factory):
    """Record and clone with a contract by which a classifier judges; return the run."""
    folder = tmp_path_factory.mktemp('configuration')
    contract, simulation = write_camera_arm(folder, CAMERA, 48, {
        'time_limit': TICKS / RATE, 'judge': 'reward_node', 'veto': VETO}, success_lasts=0.0)
    run = folder / 'run'
    succeeded(folder, 'record', run, '--task', 'reach', '--seed', 4, '--demos', 1, '--json',
              '--contract', contract, '--simulation', simulation)
    succeeded(folder, 'pretrain', run, '--clone-steps', 3, '--device', 'cpu', '--json')
    assert f'inril reward train {run}' in evaluate(run, 1, refused), 'the way to go on'
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


class Person:
    """A person at the terminal of an arm, who contradicts the classifier or lets it be."""

    def __init__(self, domain):
        self.contradicts, self.answers = False, []
        self._client = PersonClient(
            domain, '', self._look, lambda event: None, lambda status: None,
            lambda key, done, text: self.answers.append((key.key, done, text)), print)
        self._screen = Screen('arm', 1.0, lambda text, style: None, self._client.call)

    def __enter__(self):
        self._client.__enter__()
        return self

    def __exit__(self, *error):
        self._client.__exit__(*error)

    def _look(self, status):
        self._screen.robot.listen(status)
        wait = self._screen.view().wait
        if wait and 'the judge says success: press n' in wait.reason and self.contradicts:
            self._screen.press(b'n')


def test_in_real_time_a_person_overrules_it_before_its_word_is_learned_from(
        run, unjudged, tmp_path):
    judge_that_says(run, ALWAYS)
    graph = finetuning_graph(GraphOptions(
        contract=str(run / 'contract.yaml'), run_id=RUN, task='reach', learner=False,
        simulation=str(unjudged.parent / 'simulations/arm.yaml'), exploration_scale=0.0,
        pretrained=str(run / 'pretrained'), journal=str(run / 'finetune/journal'),
        judge=str(run / 'judge/model')))
    with reserve_domain() as domain, Supervisor(
            graph, tmp_path / 'logs', domain_id=domain, quiet=True) as nodes, Conductor(
            RUN, 'reach', domain, check=nodes.check) as conductor, Person(domain) as person:
        sent = {}  # by number: what is not acknowledged comes again
        learner = (conductor.node.create_publisher(
            TransitionAck, 'transition_ack', qos.EXPERIENCE), conductor.node.create_subscription(
            Transition, 'transition', lambda each: sent.update({each.sequence: each}),
            qos.EXPERIENCE))
        conductor.wait_ready([node.name for node in graph.nodes])
        results = []
        for person.contradicts in (True, False):
            results.append(conductor.run_episode(str(uuid4()), Purpose.ROLLOUT, seed=0))
        until(lambda: conductor.spin() or results[-1].sequence in sent, 'the last transition')
        assert learner
    assert person.answers == [('n', True, 'a failure')]
    assert [each.outcome for each in results] == [EpisodeOutcome.FAILURE, EpisodeOutcome.SUCCESS]
    assert all(each.ticks < TICKS for each in results), 'the arm was held meanwhile'
    for result, reward in zip(results, (0.0, 1.0), strict=True):
        learned = [each for _, each in sorted(sent.items())
                   if each.episode_id == result.episode_id]
        assert sum(each.steps for each in learned) == result.ticks
        assert learned[-1].outcome == result.outcome.value and learned[-1].terminated
        assert learned[-1].rewards[-1] == sum(sum(each.rewards) for each in learned) == reward
    rows = read_judged(run / 'judge/episodes.jsonl')
    assert [(row.said, row.by, row.outcome) for row in rows] == [
        (True, 'person', 'failure'), (True, 'classifier', 'success')]
    assert rows[0].false, 'a veto is an error of the classifier'
