# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images travel as videos: the same episodes come back, each image at its tick."""

import json
import os
from pathlib import Path
import sys
from tempfile import TemporaryDirectory

import av
from hypothesis import given, settings
from hypothesis import strategies as st
from lerobot_arm import camera_arm, demonstrations
import numpy as np
import pyarrow.parquet as parquet
import pytest

from inril_ros.data.bags.bags import find_bags
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.lerobot import video as lerobot_video
from inril_ros.data.lerobot.export import export_lerobot
from inril_ros.data.lerobot.importing import import_lerobot
from inril_ros.data.lerobot.video import CODECS, read_video, VideoError, VideoFiles

EPISODES = 'meta/episodes/chunk-000/file-000.parquet'
KEY = 'observation.images.front'
VIDEO = f'videos/{KEY}/chunk-000/file-000.mp4'


@pytest.fixture
def demos(tmp_path):
    return demonstrations(tmp_path / 'demos', camera_arm())


@pytest.fixture
def dataset(demos):
    export_lerobot(demos, camera_arm(), demos.parent / 'dataset', 'h264')
    return demos.parent / 'dataset'


@pytest.mark.parametrize('codec', CODECS)
def test_episodes_come_back(demos, tmp_path, codec):
    contract = camera_arm()
    export_lerobot(demos, contract, tmp_path / 'dataset', codec)
    done = import_lerobot(tmp_path / 'dataset', contract, tmp_path / 'back')
    assert [episode.ticks for episode in done] == [9, 10]
    for before, after in zip(find_bags(demos), find_bags(tmp_path / 'back'), strict=True):
        first, second = read_episode(before, contract), read_episode(after, contract)
        np.testing.assert_allclose(second.observations[:-1], first.observations[:-1], atol=1e-6)
        np.testing.assert_array_equal(second.actions, first.actions)
        wanted = first.images[:-1].astype(int)
        assert len(np.unique(wanted)) == len(wanted)  # an image beside its tick would be seen
        assert np.diff(wanted.reshape(len(wanted), -1)[:, 0]).min() > 2 * 2
        assert np.abs(second.images[:-1] - wanted).max() <= 2


def test_one_file_holds_the_episodes_one_after_the_other(dataset):
    episodes = parquet.read_table(dataset / EPISODES).to_pylist()
    assert [(row[f'videos/{KEY}/from_timestamp'], row[f'videos/{KEY}/to_timestamp'])
            for row in episodes] == [(0.0, 0.9), (0.9, 1.9)]
    assert [path.relative_to(dataset) for path in dataset.rglob('*.mp4')] == [
        (dataset / VIDEO).relative_to(dataset)]
    assert KEY not in parquet.read_table(dataset / 'data/chunk-000/file-000.parquet').column_names


@pytest.mark.parametrize('codec', CODECS)
def test_the_information_is_what_the_file_holds(demos, tmp_path, codec):
    export_lerobot(demos, camera_arm(), tmp_path / 'dataset', codec)
    info = json.loads((tmp_path / 'dataset/meta/info.json').read_text())
    feature = info['features'][KEY]
    assert (feature['dtype'], feature['shape']) == ('video', [64, 64, 3])
    path = info['video_path'].format(video_key=KEY, chunk_index=0, file_index=0)
    with av.open(str(tmp_path / 'dataset' / path)) as container:
        stream = container.streams.video[0]
        assert stream.frames == 19
        held = {'height': stream.height, 'width': stream.width, 'pix_fmt': stream.pix_fmt,
                'codec': stream.codec.canonical_name, 'fps': int(stream.base_rate)}
    assert {name: feature['info'][f'video.{name}'] for name in held} == held


def test_statistics_are_those_of_the_images_before_they_were_encoded(demos, dataset, tmp_path):
    export_lerobot(demos, camera_arm(), tmp_path / 'png')
    lossy, exact = (json.loads((folder / 'meta/stats.json').read_text())
                   for folder in (dataset, tmp_path / 'png'))
    assert lossy == exact


def test_a_full_file_is_followed_by_another(demos, tmp_path, monkeypatch):
    monkeypatch.setattr(lerobot_video, 'FILE_BYTES', 1)
    contract, out = camera_arm(), tmp_path / 'dataset'
    export_lerobot(demos, contract, out, 'h264')
    assert len(list(out.rglob('*.mp4'))) == 2
    assert [row[f'videos/{KEY}/from_timestamp'] for row in
            parquet.read_table(out / EPISODES).to_pylist()] == [0.0, 0.0]
    assert len(import_lerobot(out, contract, tmp_path / 'back')) == 2
    first, second = (read_episode(find_bags(folder)[1], contract)
                     for folder in (demos, tmp_path / 'back'))
    assert np.abs(second.images[:-1].astype(int) - first.images[:-1]).max() <= 2


@settings(max_examples=15, deadline=None)
@given(lengths=st.lists(st.integers(1, 7), min_size=1, max_size=5),
       rate=st.sampled_from([4.0, 10.0, 29.97, 100.0]))
def test_any_episode_is_found_by_its_times(lengths, rate):
    levels = iter(range(0, 250, 7))
    episodes = [np.stack([np.full((16, 16, 3), next(levels), np.uint8) for _ in range(length)])
                for length in lengths]
    with TemporaryDirectory() as name:
        folder = Path(name)
        files = VideoFiles(folder, KEY, 'h264', rate, 1000)
        rows = [files.write(episode) for episode in episodes]
        files.close()
        for row, episode in reversed(list(zip(rows, episodes, strict=True))):
            start = row[f'videos/{KEY}/from_timestamp']
            read = list(read_video(folder / VIDEO, start, len(episode), rate))
            assert np.abs(np.stack(read).astype(int) - episode).max() <= 2


@pytest.mark.parametrize('keep', [0, 40, 0.5, 0.9])
def test_a_damaged_video_adds_nothing(dataset, tmp_path, keep):
    content = (dataset / VIDEO).read_bytes()
    (dataset / VIDEO).write_bytes(content[:int(keep * len(content)) if keep < 1 else keep])
    with pytest.raises(VideoError, match='cannot be decoded'):
        import_lerobot(dataset, camera_arm(), tmp_path / 'back')
    assert not list((tmp_path / 'back').glob('*'))


@pytest.mark.parametrize('start', [0.95, 1.2, 50.0, -0.05])
def test_images_that_are_not_where_the_table_says_are_missed(dataset, start):
    with pytest.raises(VideoError, match='has no image at'):
        list(read_video(dataset / VIDEO, start, 10, 10.0))


@pytest.mark.parametrize(('codec', 'width', 'words'), [
    ('h264', 65, 'no images of 65 x 64 pixels: both must be even'),
    ('av1', 62, 'no images of 62 x 64 pixels: both must be 64 or more'),
    ('mpeg', 64, 'allowed are av1, h264')])
def test_images_that_cannot_be_encoded_leave_nothing(tmp_path, codec, width, words):
    contract = camera_arm(width)
    demonstrations(tmp_path / 'demos', contract)
    with pytest.raises(VideoError, match=words):
        export_lerobot(tmp_path / 'demos', contract, tmp_path / 'dataset', codec)
    assert [path.name for path in tmp_path.iterdir()] == ['demos']


def test_missing_packages_are_named(demos, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'av', None)
    with pytest.raises(VideoError, match='pip install'):
        export_lerobot(demos, camera_arm(), tmp_path / 'dataset', 'av1')


def test_no_encoder_makes_the_process_real_time(tmp_path):
    """SVT-AV1 does so where it may: as root, or with rtprio in limits.conf."""
    before = os.sched_getscheduler(0)
    video = VideoFiles(tmp_path, KEY, 'av1', 10, 1000)
    video.write(np.zeros((4, 64, 64, 3), np.uint8))
    try:
        policies = {os.sched_getscheduler(int(task)) for task in os.listdir('/proc/self/task')}
        assert os.SCHED_FIFO not in policies and os.sched_getscheduler(0) == before
    finally:
        video.close()
