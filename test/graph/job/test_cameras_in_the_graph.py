# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A policy with camera images is cloned, fine-tuned and run by the graph."""

from camera_arm import write_camera_arm
from inril_ros.msg import Transition
import numpy as np
import pytest
from rclpy.serialization import deserialize_message
from running_command import succeeded
from small_run import read
import yaml

from inril_ros.data.bags.bags import find_bags
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.frames.transition_images import decoded_images
from inril_ros.learning.policies.artifact import load_policy
from inril_ros.nodes.learner.transition_messages import packed_images
from inril_ros.robot.contract.contract import load_contract
from inril_ros.sim.environment import make_simulation
from inril_ros.sim.seeds import derived_seed
from inril_ros.transport.journal.journal import read_journal

vectorised = pytest.importorskip('inril_ros.bench.vectorised')

SEED, CAMERA = 4, 'wrist'
SETTINGS = {'m': 2, 'imitation_batch': 8, 'host': {
    'name': 'idql', 'warmup_steps': 30, 'warmup_updates': 2, 'updates_per_step': 0.05, 'batch': 8,
    'candidates': 1, 'target_candidates': 2}}


@pytest.fixture(scope='module')
def configuration(tmp_path_factory):
    """Write the two-camera arm's files with one small camera and a shorter time limit."""
    folder = tmp_path_factory.mktemp('configuration')
    write_camera_arm(folder, CAMERA, 48, {'time_limit': 1.25})
    (folder / 'settings.yaml').write_text(yaml.safe_dump(SETTINGS), encoding='utf-8')
    return folder


@pytest.fixture(scope='module')
def run(configuration, tmp_path_factory):
    """Run the whole job, with time for demonstrations to succeed."""
    folder = tmp_path_factory.mktemp('run') / 'run'
    succeeded(folder.parent, 'demo', '--run-dir', folder, '--task', 'reach',
              '--seed', SEED, '--demos', 1, '--clone-steps', 3, '--steps', 60, '--episodes', 1,
              '--config', configuration / 'settings.yaml', '--device', 'cpu', '--json',
              '--freeze-images', '--evaluation-every', 0,
              '--contract', configuration / 'robots' / 'arm.yaml',
              '--simulation', configuration / 'simulations' / 'arm.yaml')
    return folder


def test_the_fine_tuned_policy_reads_the_images_of_the_contract(run):
    contract = load_contract(run / 'contract.yaml')
    for name in ('pretrained', 'finetune/model'):
        assert load_policy(run / name).config.image_shape == contract.image_shape == (1, 32, 32, 3)
    summary = read(run / 'summary.json')
    assert summary['rl_updates'] > 0 and summary['il_updates'] > 0
    assert summary['versions']['applied'] > 1 and summary['versions']['refused'] == 0


def test_the_fine_tuned_policy_has_the_frozen_image_networks_of_the_clone(run):
    cloned, tuned = (load_policy(run / name).state_dict()
                     for name in ('pretrained', 'finetune/model'))
    kept = [name for name in cloned if '.trunks.' in name or name.endswith('log_sharpness')]
    actors = [name for name in kept if name.startswith('actor.')]
    assert actors and len(kept) == 2 * len(actors)
    for name in actors:
        assert np.array_equal(tuned[name], cloned[name])
        # The critic began with them, and sees the same.
        assert np.array_equal(tuned[name.replace('actor.', 'critic.', 1)], cloned[name])
    assert not np.array_equal(*(each['actor.encoder.images.heads.0.1.weight']
                                for each in (cloned, tuned)))


def test_demonstrations_have_the_images_of_their_ticks(run):
    contract = load_contract(run / 'contract.yaml')
    for bag in find_bags(run / 'demonstrations'):
        episode = read_episode(bag, contract)
        assert episode.images.shape == (len(episode.observations), *contract.image_shape)
        changes = [tick for tick in range(1, len(episode.images))
                   if not np.array_equal(episode.images[tick], episode.images[tick - 1])]
        assert changes and all(tick % 4 == 0 for tick in changes), '20 images in 80 ticks'


def test_the_learner_gets_the_same_images_as_a_lane_of_a_study(run, configuration):
    contract = load_contract(run / 'contract.yaml')
    records = [deserialize_message(raw, Transition)
               for _, raw in read_journal(run / 'finetune' / 'journal')]
    first = [record for record in records if record.episode_id == records[0].episode_id]
    robot = make_simulation(configuration / 'simulations' / 'arm.yaml', 'reach', contract)
    lane = vectorised.RobotLane(robot, contract, contract.time_limit_ticks)
    lane.begin(derived_seed(SEED, 'scene', 'finetune', 0))
    for record in first:
        for action in np.reshape(record.executed, (record.steps, record.action_size)):
            lane.execute(np.asarray(action, np.float32))
        images = decoded_images(packed_images(record), record.steps + 1, contract)
        np.testing.assert_array_equal(
            images, np.stack(lane.played.images[record.first_tick:]))
        np.testing.assert_array_equal(
            np.reshape(record.observations, (record.steps + 1, -1)),
            np.stack(lane.played.observations[record.first_tick:]))
        assert len(record.image_sizes) <= 2, 'an image that is shown for four ticks is sent once'
    lane.close()
