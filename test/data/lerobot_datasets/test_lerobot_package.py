# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The lerobot package loads what is exported, and what it writes is imported.

Skipped where lerobot isn't installed; passed with lerobot 0.4.4 and 0.6.1.
"""

from lerobot_arm import camera_arm, demonstrations, small_arm
import numpy as np
import pytest

from inril_ros.data.bags.bags import find_bags
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.lerobot.export import export_lerobot
from inril_ros.data.lerobot.importing import import_lerobot

lerobot = pytest.importorskip('lerobot.datasets.lerobot_dataset')
KEY = 'observation.images.front'


def pixels(image):
    """Return lerobot's image (3, H, W) in [0, 1] as (H, W, 3) in [0, 255]."""
    return (255 * image.numpy()).round().astype(int).transpose(1, 2, 0)


@pytest.mark.parametrize(('video', 'loss'), [('', 0), ('av1', 2), ('h264', 2)])
def test_lerobot_loads_what_was_written(tmp_path, video, loss):
    contract = camera_arm()
    demos = demonstrations(tmp_path / 'demos', contract)
    export_lerobot(demos, contract, tmp_path / 'dataset', video)
    loaded = lerobot.LeRobotDataset('lab/arm', root=tmp_path / 'dataset', video_backend='pyav')
    assert (loaded.num_episodes, loaded.num_frames, loaded.fps) == (2, 19, 10)
    assert loaded.meta.video_keys == ([KEY] if video else [])
    assert loaded.meta.stats[KEY]['mean'].shape == (3, 1, 1)
    for first, bag in ((0, 0), (9, 1)):
        raw = read_episode(find_bags(demos)[bag], contract, tuple(contract.observations))
        for tick in range(len(raw.actions)):
            frame = loaded[first + tick]
            np.testing.assert_array_equal(
                frame['observation.state'].numpy(), raw.observations[tick])
            np.testing.assert_array_equal(frame['action'].numpy(), raw.actions[tick])
            assert np.abs(pixels(frame[KEY]) - raw.images[tick, 0]).max() <= loss
            assert frame['task'] == 'arm'


def test_what_lerobot_wrote_as_video_is_imported(tmp_path):
    contract = small_arm(derived={}, policy_observations=['angles'], observations={'angles': {
        'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState', 'joints': ['a', 'b'],
        'max_age': 0.2}}, cameras={'front': {'topic': 'front', 'width': 64, 'height': 64}},
        policy_images={'cameras': ['front'], 'width': 64, 'height': 64})
    dataset = lerobot.LeRobotDataset.create(
        'lab/arm', fps=10, root=tmp_path / 'dataset', use_videos=True, features={
            'observation.state': {'dtype': 'float32', 'shape': (2,), 'names': ['b.pos', 'a.pos']},
            'action': {'dtype': 'float32', 'shape': (2,), 'names': ['a.pos', 'b.pos']},
            KEY: {'dtype': 'video', 'shape': (64, 64, 3),
                  'names': ['height', 'width', 'channels']}})
    for episode in range(3):
        for tick in range(5):
            dataset.add_frame({
                'observation.state': np.array([0.3 * episode, 0.1 * tick], np.float32),
                'action': np.array([0.5, 0.1 * tick], np.float32), 'task': 'push',
                KEY: np.full((64, 64, 3), 70 * episode + 10 * tick, np.uint8)})
        dataset.save_episode()
    dataset.finalize()
    done = import_lerobot(tmp_path / 'dataset', contract, tmp_path / 'back')
    assert [episode.ticks for episode in done] == [5, 5, 5]
    for episode, bag in enumerate(find_bags(tmp_path / 'back')):
        read = read_episode(bag, contract)
        np.testing.assert_allclose(read.observations[:5], np.stack(
            [0.1 * np.arange(5), np.full(5, 0.3 * episode)], 1), atol=1e-6)
        levels = 70 * episode + 10 * np.arange(5)
        assert np.abs(read.images[:5, 0].astype(int) - levels[:, None, None, None]).max() <= 2
