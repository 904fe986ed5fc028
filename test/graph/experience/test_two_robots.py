# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Two robots in two namespaces feed one learner: each transition once, robots distinguished."""

from inril_ros.msg import Transition
import pytest
from robot_pair import robot_pair, ROBOTS

from inril_ros.learning.checkpoints import CheckpointStore


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('pair')


@pytest.fixture(scope='module')
def pair(folder):
    with robot_pair(folder) as pair:
        yield pair


def wait_new_version(pair):
    """Wait until both policies act with one version that is newer than before."""
    before = max(version for robot in pair.robots for version in (0, *robot.versions))
    pair.run(1, 1)
    pair.player.until(
        lambda: len({robot.policy.weights_version for robot in pair.robots}) == 1
        and pair.robots[0].policy.weights_version > before,
        lambda: f'a version after {before}: {[robot.policy for robot in pair.robots]}')


def test_both_journals_are_learned_once_and_acknowledged_separately(pair):
    first, second = pair.robots
    pair.run(2, 1)
    lengths = pair.check_once()
    assert lengths[0] > lengths[1]  # so that their numbers can't be mistaken for each other
    for robot, length in zip(pair.robots, lengths, strict=True):
        pair.player.until(lambda robot=robot, length=length: max(robot.acknowledged) == length,
                          f'the acknowledgement of {length}')
        assert {record.run_id for record in robot.journal()} == {first.learner.run_id}
    assert first.learner.learner_id == second.learner.learner_id
    episodes = [{record.episode_id for record in robot.journal()} for robot in pair.robots]
    assert not episodes[0] & episodes[1]


def test_both_policies_act_with_the_learned_weights(pair):
    wait_new_version(pair)
    for robot in pair.robots:
        assert robot.policy.refused == 0, robot.policy.refusal
        assert robot.policy.weights_version <= robot.learner.weights_version


def test_nothing_counts_twice_when_learner_and_recorder_are_killed(pair, folder):
    first, second = pair.robots
    pair.check_once()
    pair.player.call('learner_node/save')
    saved = CheckpointStore(folder / 'run' / 'checkpoints', 3).newest().document['sequences']
    assert saved == {f'/{robot.name}': len(robot.journal()) for robot in pair.robots}
    pair.run(1, 0)
    pair.check_once()  # counted, and in no checkpoint
    pair.kill('learner_node')
    pair.run(0, 2)
    pair.kill(f'{first.name}/recorder_node')
    pair.restart(f'{first.name}/recorder_node', 'learner_node')
    assert pair.check_once() == [
        saved[f'/{first.name}'] + 8, saved[f'/{second.name}'] + 2 * 8]
    log = pair.supervisor.log_path('learner_node').read_text()
    places = ', '.join(f'{number} of {name}' for name, number in saved.items())
    assert f'continued at transition {places}' in log
    wait_new_version(pair)
    pair.check_once()


def test_a_robot_with_another_contract_is_refused_and_the_other_continues(pair):
    first, second = pair.robots
    lengths = pair.check_once()
    second.transitions.publish(Transition(
        run_id=first.learner.run_id, sequence=lengths[1] + 1, previous_sequence=lengths[1],
        episode_id='foreign', contract_hash='f' * 64))
    log = pair.supervisor.log_path('learner_node')
    refused = f'/{ROBOTS[1]}/transition refused (1 so far): made under contract ffffffffffff'
    pair.player.until(lambda: refused in log.read_text(), 'the refusal')
    pair.run(1, 0)
    assert pair.check_once() == [lengths[0] + 8, lengths[1]]
    pair.run(0, 1)
    assert pair.check_once() == [lengths[0] + 8, lengths[1] + 8]
    assert f'/{ROBOTS[0]}/transition refused' not in log.read_text()
