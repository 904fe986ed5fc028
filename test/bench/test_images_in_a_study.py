# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A study can use cameras: lanes give the graph's images, and a run learns from them."""

import json

import numpy as np
import pytest

from inril_ros.bench.demonstrations import demonstrate
from inril_ros.bench.places import StudyPlace
from inril_ros.bench.robots import bench_of
from inril_ros.bench.run import execute
from inril_ros.bench.study import parse_run, parse_study
from inril_ros.bench.task import Demonstrations, Images, StudyError, Task
from inril_ros.bench.vectorised import RobotLane
from inril_ros.robot.messages.images import encode_jpeg, policy_view

IMAGES = Images(cameras=('front',), size=16, observations=('hand_position', 'gripper_opening'))
MODEL = {'actor_width': 16, 'critic_width': 16, 'image_channels': 8, 'image_stages': 2,
         'image_blocks': 1, 'image_features': 4, 'image_shift': 1}


@pytest.fixture(scope='module')
def bench():
    return bench_of(Task('reach', images=IMAGES, time_limit=0.1))


def test_the_policy_sees_cameras_and_the_rest_of_its_state(bench):
    assert bench.contract.image_shape == (1, 16, 16, 3)
    assert bench.contract.observation_size == 4
    assert bench.contract.ticks_per_image('front') == 4  # 20 Hz at 80 ticks a second


def test_a_lane_holds_each_image_as_it_came_over_the_wire(bench):
    robot = bench.open()
    lane = RobotLane(bench.open(), bench.contract, bench.time_limit)
    command = bench.contract.denormalise_action(np.array([0.5, 0.5, -0.5, 0.0]))
    lane.begin(3)
    robot.reset(3)
    seen = [encode_jpeg(robot.image('front'))]
    for tick in range(1, 6):
        lane.execute(command)
        robot.step(lane.played.actions and bench.contract.denormalise_action(
            lane.played.actions[-1]))
        seen.append(encode_jpeg(robot.image('front')) if tick == 4 else seen[-1])
    lane.close()
    robot.close()
    images = lane.played.episode().images
    assert images.shape == (6, 1, 16, 16, 3)
    for image, encoded in zip(images, seen, strict=True):
        np.testing.assert_array_equal(image, policy_view([encoded], bench.contract))
    assert not np.array_equal(images[0], images[4]), 'the arm moved'


def test_transitions_carry_the_images_of_their_observations(bench):
    lane = RobotLane(bench.open(), bench.contract, bench.time_limit)
    lane.begin(0)
    for _ in range(3):
        lane.follow(np.zeros((3, 4), np.float32), np.zeros(0, np.float32))
    lane.close()
    first, second, last = lane.played.transitions('x')
    whole = lane.played.episode().images
    np.testing.assert_array_equal(second.images, whole[3:7])
    np.testing.assert_array_equal(first.images[-1], second.images[0])
    assert len(last.images) == last.steps + 1 == 3, 'cut at the time limit'


@pytest.mark.parametrize(('images', 'message'), [
    (Images(('side',)), "policy_images.cameras has 'side', which is none of"),
    (Images(('front',), observations=('colour',)), "policy_observations has 'colour'"),
])
def test_images_of_missing_cameras_are_refused(images, message):
    with pytest.raises(StudyError, match=message):
        bench_of(Task('reach', images=images))


def test_a_gymnasium_environment_renders_the_images():
    task = Task('Pendulum-v1', simulation='gymnasium', success={'reward': -0.1},
                images=Images(('render',), size=24))
    try:
        bench = bench_of(task)
    except StudyError as error:
        pytest.skip(f'no renderer for it: {error}')
    lane = RobotLane(bench.open(), bench.contract, 2)
    lane.begin(0)
    lane.execute(np.zeros(1))
    lane.close()
    assert lane.played.images[-1].shape == (1, 24, 24, 3)
    assert lane.played.images[-1].std() > 0, 'something is drawn'


@pytest.mark.parametrize('session', [
    {'host': {'name': 'idql', 'warmup_steps': 8, 'warmup_updates': 1, 'batch': 8}, 'm': 2},
    {'host': {'name': 'dppo', 'rollout_steps': 8, 'epochs': 1, 'warmup_iterations': 0},
     'unit': 'iteration', 'm': 1, 'il_steps': 2}], ids=lambda session: session['host']['name'])
def test_a_run_with_images_clones_learns_and_evaluates(document, session, tmp_path):
    document['tasks'] = [{
        'id': 'reach', 'time_limit': 0.1, 'images': {
            'cameras': ['front'], 'size': 16, 'observations': ['hand_position']},
        'demonstrations': {'number': 2, 'keep_failures': True}}]
    document |= {'model': MODEL, 'env_steps': 16, 'lanes': 1,
                 'pretrain': {'steps': 2, 'batch': 4},
                 'evaluation': {'every': 16, 'episodes': 1},
                 'session': {**session, 'imitation_batch': 4},
                 'arms': [{'name': 'in-ril'}]}
    (run,) = parse_study(document).runs()
    assert parse_run(json.loads(json.dumps(run.document))).hash == run.hash
    rows = execute(run, StudyPlace(tmp_path).run(run), tmp_path / 'clones')
    assert [row['env_steps'] for row in rows] == [0, 16]
    assert rows[-1]['rl_updates'] > 0
    assert rows[-1]['il_updates'] > 0
    assert rows[0]['weights_hash'] != rows[-1]['weights_hash']
    # The clone comes from the cache the second time, images and all.
    again = execute(run, StudyPlace(tmp_path / 'again').run(run), tmp_path / 'clones')
    assert again[-1]['weights_hash'] == rows[-1]['weights_hash']


def test_demonstrations_have_images_and_the_expert_does_not_need_them():
    task = Task('reach', images=IMAGES, time_limit=0.05,
                demonstrations=Demonstrations(number=1, keep_failures=True))
    (episode,) = demonstrate(task, bench_of(task), 0)
    assert episode.images.shape == (5, 1, 16, 16, 3)


def test_a_task_without_images_keeps_the_hash_of_published_results():
    document = {'name': 's', 'env_steps': 100, 'seeds': [0], 'tasks': [{'id': 'reach'}],
                'arms': [{'name': 'a'}]}
    plain, = parse_study(document).runs()
    assert 'images' not in plain.document['task']
    document['tasks'][0]['images'] = {'cameras': ['front']}
    seeing, = parse_study(document).runs()
    assert seeing.hash != plain.hash
