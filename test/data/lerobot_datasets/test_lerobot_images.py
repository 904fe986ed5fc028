# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images of a LeRobotDataset are those of the contract's cameras, in size, colours and order."""

import cv2
from lerobot_files import arm, Files
import numpy as np
import pytest

from inril_ros.data.bags.bags import find_bags
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.lerobot.format import LeRobotError
from inril_ros.data.lerobot.images import image_size
from inril_ros.data.lerobot.importing import import_lerobot
from inril_ros.data.lerobot.options import LeRobotOptions
from inril_ros.data.lerobot.video import VideoError, VideoFiles

KEY = 'observation.images.front'
NAMES = ['height', 'width', 'channels']


def camera_arm(width=48, height=32, rate=10, **camera):
    size = {'width': width, 'height': height}
    return arm(rate, cameras={'front': {'topic': 'front', **size, **camera}},
               policy_images={'cameras': ['front'], **size})


def pictures(number, height=32, width=48):
    """Pictures with a red left half that is darker from frame to frame, and a blue right one."""
    images = np.zeros((number, height, width, 3), np.uint8)
    images[:, :, :width // 2, 0] = 240 - 20 * np.arange(number)[:, None, None]
    images[:, :, width // 2:, 2] = 200
    return images


def png(image):
    return {'bytes': cv2.imencode('.png', image)[1].tobytes(), 'path': 'front.png'}


def with_images(images, key=KEY, shape=None, names=NAMES, **more):
    """A dataset of episodes of 6 and 5 frames with PNG images (RGB) in its frames."""
    files = Files()
    coded = [png(image[..., ::-1] if image.ndim == 3 else image) for image in images]
    files.feature(key, coded, dtype='image', **more)
    files.info['features'][key].update(shape=list(shape or images[0].shape), names=names)
    return files


def imported(files, folder, contract=None, **options):
    notes = []
    done = import_lerobot(files.write(folder / 'set'), contract or camera_arm(), folder / 'demos',
                          LeRobotOptions(**options), notes.append)
    return done, notes


def images_of(folder, episode, contract=None):
    bag = find_bags(folder / 'demos')[episode]
    return read_episode(bag, contract or camera_arm()).images[:, 0]


@pytest.mark.parametrize(('shape', 'names'), [
    ([32, 48, 3], NAMES), ([3, 32, 48], ['channels', 'height', 'width']), ([32, 48, 3], None),
    ([3, 32, 48], None), ([3, 32, 48], NAMES), ([32, 48, 3], ['rgb'])])
def test_channels_may_come_first_or_last(tmp_path, shape, names):
    images = pictures(11)
    _, notes = imported(with_images(images, shape=shape, names=names), tmp_path)
    assert f'camera front is {KEY}' in notes
    np.testing.assert_array_equal(images_of(tmp_path, 1)[:-1], images[6:])


@pytest.mark.parametrize('shape', [[32, 48], [32, 48, 5], [2, 32, 48, 3]])
def test_a_shape_that_is_no_images_is_refused(tmp_path, shape):
    with pytest.raises(LeRobotError, match='no height, width and 1, 3 or 4 channels'):
        imported(with_images(pictures(11), shape=shape), tmp_path)


def test_names_say_which_channels_a_shape_of_3_by_40_by_3_has():
    assert image_size({'shape': [3, 40, 3], 'names': ['channels', 'height', 'width']}) == (
        (40, 3), 3)
    assert image_size({'shape': [3, 40, 3], 'names': NAMES}) == ((3, 40), 3)


def test_a_camera_is_found_by_its_name_or_named(tmp_path):
    imported(with_images(pictures(11), key='observation.images.cam_front'), tmp_path / 'alike')
    files = with_images(pictures(11), key='observation.images.cam_high')
    with pytest.raises(LeRobotError) as caught:
        imported(files, tmp_path)
    assert '  front  observation.images.cam_high' in str(caught.value)
    assert '--map front=observation.images.cam_high' in str(caught.value)
    for number, name in enumerate(('cam_high', 'observation.images.cam_high')):
        imported(files, tmp_path / str(number), names=[f'front={name}'])
    with pytest.raises(LeRobotError, match=r'these are not, or not alone: front \(top\)'):
        imported(files, tmp_path, names=['front=top'])
    files.info['features']['observation.images.front_rgb'] = files.info['features'][
        'observation.images.camera_front'] = {'dtype': 'video', 'shape': [32, 48, 3]}
    with pytest.raises(LeRobotError, match='not alone: front'):
        imported(files, tmp_path)


def test_another_size_is_said_and_another_shape_refused(tmp_path):
    files = with_images(pictures(11, 64, 96))
    assert f'{KEY}: 96 x 64 becomes 48 x 32' in imported(files, tmp_path)[1]
    files = with_images(pictures(11, 48, 48))
    with pytest.raises(LeRobotError, match='48 x 48 becomes 48 x 32, the size of front in the '
                                           'contract, and would be distorted by 50 %.*--stretch'):
        imported(files, tmp_path / 'wide')
    _, notes = imported(files, tmp_path / 'wide', stretch=True)
    assert f'{KEY}: 48 x 48 becomes 48 x 32, distorted by 50 %' in notes


def test_an_image_that_is_not_as_the_dataset_says_is_refused(tmp_path):
    images = list(pictures(11))
    images[8] = images[8][:, ::2]
    files = with_images(images)
    with pytest.raises(LeRobotError, match='episode 1: .*front: frame 2 has 24 x 32 pixels, and '
                                           'meta/info.json says 48 x 32.*--skip-broken'):
        imported(files, tmp_path)
    assert not list(tmp_path.glob('demos/*'))
    done, _ = imported(files, tmp_path, skip_broken=True)
    assert [(episode.kept, episode.name) for episode in done] == [
        (True, done[0].name), (False, 'episode 1')]
    assert len(find_bags(tmp_path / 'demos')) == 1
    assert not list(tmp_path.glob('demos/rejected/*'))


@pytest.mark.parametrize(('content', 'words'), [
    ({'bytes': None, 'path': 'images/a.png'}, 'not in the parquet file, which names images/a.png'),
    ({'bytes': b'no image', 'path': None}, '8 bytes that are no image'),
    (png(np.full((32, 48), 700, np.uint16)), 'has numbers of type uint16, as depths have')])
def test_what_is_no_image_of_colours_is_refused(tmp_path, content, words):
    files = with_images(pictures(11))
    files.frames[8][KEY] = content
    with pytest.raises(LeRobotError, match=f'episode 1: .*frame 2: .*{words}'):
        imported(files, tmp_path)


def test_grey_images_and_transparency_are_said(tmp_path):
    grey = np.full((11, 32, 48), 77, np.uint8)
    _, notes = imported(with_images(grey, shape=[32, 48, 1]), tmp_path / 'grey')
    assert any('grey images become colour images' in note for note in notes)
    assert (images_of(tmp_path / 'grey', 0) == 77).all()
    files = with_images(pictures(11), shape=[32, 48, 4])
    for frame, image in zip(files.frames, pictures(11), strict=True):
        frame[KEY] = png(np.dstack([image[..., ::-1], np.full((32, 48), 9, np.uint8)]))
    _, notes = imported(files, tmp_path / 'alpha')
    assert any('the fourth channel, transparency, is left out' in note for note in notes)
    np.testing.assert_array_equal(images_of(tmp_path / 'alpha', 0)[0], pictures(1)[0])


@pytest.mark.parametrize('more', [
    {'info': {'is_depth_map': True}}, {'info': {'video.is_depth_map': True}},
    {'video_info': {'video.is_depth_map': True}}])
def test_depths_are_not_taken_for_colours(tmp_path, more):
    files = with_images(pictures(11), **more)
    with pytest.raises(LeRobotError, match='front: has depths, the contract colours'):
        imported(files, tmp_path)


def test_colours_are_not_taken_for_depths_nor_arrays_for_images(tmp_path):
    files = with_images(pictures(11))
    with pytest.raises(LeRobotError, match='has colours, the contract depths'):
        imported(files, tmp_path, camera_arm(depth_range=[0.1, 2.0]))
    files.info['features'][KEY]['dtype'] = 'uint8'
    with pytest.raises(LeRobotError, match="has dtype 'uint8'; images have image or video"):
        imported(files, tmp_path)


def test_images_of_another_rate_are_the_newest_at_each_tick(tmp_path):
    images = pictures(11)
    contract = camera_arm(rate=5)
    imported(with_images(images), tmp_path, contract, resample=True)
    np.testing.assert_array_equal(images_of(tmp_path, 0, contract)[:-1], images[[0, 2, 4]])


def with_video(images, folder, lengths=(6, 5), version='v3.0'):
    """A dataset with a video; its table says where the episodes are in it."""
    files, start = Files(lengths, version=version), 0
    files.info['features'][KEY] = {'dtype': 'video', 'shape': [32, 48, 3], 'names': NAMES}
    if version != 'v3.0':
        files.info['video_path'] = ('videos/chunk-{episode_chunk:03d}/{video_key}/'
                                    'episode_{episode_index:06d}.mp4')
    for index, (row, length) in enumerate(zip(files.rows, lengths, strict=True)):
        part = images[start:start + length]
        start += length
        if version == 'v3.0':
            if not index:
                video = VideoFiles(folder / 'set', KEY, 'h264', 10, 1000)
            row.update(video.write(part))
            continue
        video = VideoFiles(folder / 'one', KEY, 'h264', 10, 1000)
        video.write(part)
        video.close()
        path = folder / f'set/videos/chunk-000/{KEY}/episode_{index:06d}.mp4'
        path.parent.mkdir(parents=True, exist_ok=True)
        next((folder / 'one').rglob('*.mp4')).rename(path)
    if version == 'v3.0':
        video.close()
    return files


@pytest.mark.parametrize('version', ['v2.1', 'v3.0'])
def test_videos_of_each_version_are_read(tmp_path, version):
    images = pictures(11)
    imported(with_video(images, tmp_path, version=version), tmp_path)
    for episode, part in enumerate((images[:6], images[6:])):
        read = images_of(tmp_path, episode)[:-1].astype(int)
        red = part[:, 8, 8, 0].astype(int)
        assert np.abs(read[:, 8, 8, 0] - red).max() <= 6, 'each image at its frame'


@pytest.mark.parametrize(('change', 'words'), [
    ({'to_timestamp': 1.0}, 'has 5 frames, and its video .*front goes from 0.600 to 1.000 s, '
                            'which is 4.0 images'),
    ({'from_timestamp': 0.3, 'to_timestamp': 0.8},
     'begins at 0.300 s in its video .*front, within episode 0, which ends at 0.600 s'),
    ({'from_timestamp': None}, 'has no place in the video .*front in meta/episodes'),
    ({'file_index': 4}, 'file-004.mp4: cannot be decoded')])
def test_a_video_that_does_not_fit_its_episode_is_refused(tmp_path, change, words):
    files = with_video(pictures(11), tmp_path)
    files.rows[1].update({f'videos/{KEY}/{name}': value for name, value in change.items()})
    with pytest.raises((LeRobotError, VideoError), match=f'episode 1.*{words}'):
        imported(files, tmp_path)
    done, _ = imported(files, tmp_path, skip_broken=True)
    assert [episode.kept for episode in done] == [True, False]


def test_a_video_of_one_episode_with_another_number_of_images_is_refused(tmp_path):
    files = with_video(pictures(12), tmp_path, (6, 6), 'v2.1')
    files.frames.pop()
    files.rows[1]['length'] = 5
    files.info['total_frames'] = 11
    with pytest.raises(LeRobotError, match='episode 1: .*has 6 images, and the episode 5 frames'):
        imported(files, tmp_path)


def test_a_video_that_no_camera_of_the_contract_needs_is_no_reason_to_refuse(tmp_path):
    files = with_video(pictures(11), tmp_path)
    files.rows[1][f'videos/{KEY}/to_timestamp'] = 50.0
    assert len(imported(files, tmp_path, arm())[0]) == 2
