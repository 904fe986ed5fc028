# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An import keeps the arrays that reading its bags gives; a full disk adds nothing."""

from contextlib import suppress
from dataclasses import fields
import errno
import io
import os
from pathlib import Path
import random

from foreign_bags import ARM, CONTRACT, KINDS, recording, ros2_bag, SECOND
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from run_length import LONG

from inril_ros.data.bags.bags import BagError, find_bags
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.demonstrations import aligned_cache
from inril_ros.data.demonstrations.aligned_cache import (
    aligned_episode,
    cache_key,
    read_topics,
)
from inril_ros.data.demonstrations.demonstration_set import ALIGNED
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.episode_cuts import CutRule
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.data.raw.content_hash import file_hash, SHORT
from inril_ros.data.raw.messages import blank_message, serialised
from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.messages.codecs import put_stamp, stamp_ns

NUMBER = 120 if LONG else 12
IMAGE = 'sensor_msgs/msg/CompressedImage'


def assert_same(one, other):
    for item in fields(RecordedEpisode):
        first, second = getattr(one, item.name), getattr(other, item.name)
        if isinstance(first, np.ndarray):
            assert first.tobytes() == second.tobytes(), item.name
        else:
            assert first == second


def disturbed(rows, data):
    """A recording with some messages late, doubled, without a time, not finite, or missing."""
    chance = random.Random(data.draw(st.integers(0, 2**32)))
    number = data.draw(st.integers(0, 6))
    for _ in range(number):
        index = chance.randrange(len(rows))
        topic, time, message = rows[index]
        how = chance.choice(['late', 'double', 'gone', 'strange', 'no time', 'old', 'slow'])
        if how == 'gone':
            del rows[index]
        elif how == 'double':
            rows.insert(index, (topic, time, message))
        elif how in ('late', 'slow'):
            rows[index] = topic, time + (SECOND // 3 if how == 'slow' else SECOND // 20), message
        elif hasattr(message, 'position'):
            changed = blank_message(message.__msgtype__)
            put_stamp(changed, {'no time': 0, 'old': stamp_ns(message) - SECOND // 2}.get(
                how, stamp_ns(message)), '')
            changed.name.extend(['a', 'c', 'b'] if chance.random() < 0.5 else ['b', 'a'])
            changed.position.extend(
                [float('nan') if how == 'strange' else chance.random() for _ in changed.name])
            rows[index] = topic, time, changed
    return sorted(rows, key=lambda row: row[1])


def check_kept_arrays(path, folder):
    """Import a recording; what is kept aligned must be what its bag says."""
    [report] = import_bag([path], CONTRACT, folder, ImportOptions())
    if report.kept:
        bag = folder / report.name
        assert_same(aligned_episode(bag, CONTRACT), read_episode(bag, CONTRACT))
    return report


@settings(max_examples=NUMBER, deadline=None)
@given(st.data())
def test_the_arrays_made_while_importing_are_those_of_the_bag(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp('disturbed')
    path = ros2_bag(folder / 'foreign', disturbed(recording(1.2), data))
    check_kept_arrays(path, folder / 'demos')


def test_a_stream_that_comes_later_than_its_frames_is_not_kept_without_it(tmp_path):
    """A reader of the bag has the late samples in time, but the import had not."""
    rows = sorted(((topic, time + (19 * SECOND // 100 if topic == '/hand' else 0), message)
                   for topic, time, message in recording(2.5)), key=lambda row: row[1])
    assert check_kept_arrays(ros2_bag(tmp_path / 'kept', rows), tmp_path / 'demos').kept
    rows = sorted(((topic, time + (3 * SECOND // 10 if topic == '/hand' else 0), message)
                   for topic, time, message in recording(2.5)), key=lambda row: row[1])
    check_kept_arrays(ros2_bag(tmp_path / 'late', rows), tmp_path / 'late_demos')


@pytest.mark.parametrize('kind', [kind for kind in KINDS if kind != 'ros1'])
def test_an_import_fills_the_cache_with_what_reading_gives(tmp_path, monkeypatch, kind):
    import_bag([KINDS[kind](tmp_path / 'foreign', recording())], CONTRACT, tmp_path / 'demos',
               ImportOptions())
    [bag] = find_bags(tmp_path / 'demos')
    expected = read_episode(bag, CONTRACT)
    monkeypatch.setattr(aligned_cache, 'read_episode', None)  # nobody reads it
    assert_same(aligned_episode(bag, CONTRACT), expected)
    assert [entry.name for entry in (bag.parent / ALIGNED).iterdir()] == [
        f'{bag.name}-{cache_key(bag, CONTRACT)[:16]}']


def contract_with_camera():
    return parse_contract({**ARM, 'cameras': {
        'front': {'topic': 'front', 'type': IMAGE, 'width': 64, 'height': 48}}})


def with_images(rows, size=3000):
    images = []
    for index in range(20):
        message = blank_message(IMAGE)
        time = rows[0][1] + index * SECOND // 10
        put_stamp(message, time, 'camera')
        message.format = 'jpeg'
        message.data.frombytes(bytes([index]) * (size if index % 4 else 10))
        images.append(('/front', time + 1, message))
    return sorted(rows + images, key=lambda row: row[1])


def test_only_the_content_of_images_that_nobody_reads_does_not_count(tmp_path):
    contract = contract_with_camera()
    rows = with_images(recording(), 3 * SHORT)
    path = ros2_bag(tmp_path / 'foreign', rows)
    import_bag([path], contract, tmp_path / 'demos', ImportOptions())
    [bag] = find_bags(tmp_path / 'demos')
    [file] = bag.glob('*.mcap')
    whole = file.read_bytes()
    topics = read_topics(contract)
    before = file_hash(file, topics)

    def hash_with(place):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1:])
        return file_hash(file, topics)

    image = whole.index(bytes([7]) * 100)
    assert hash_with(image + 50) == before
    assert hash_with(whole.index(bytes([8]) * 10)) != before, 'a short message is hashed'
    images = [serialised(message) for topic, _, message in rows if topic == '/front']
    left_out = {place for image in images if len(image) > SHORT
                for place in range(whole.index(image), whole.index(image) + len(image))}
    rest = [place for place in range(0, len(whole), 997) if place not in left_out]
    assert len(rest) > 10
    assert all(hash_with(place) != before for place in rest)
    file.write_bytes(whole)
    assert file_hash(file, {*topics, 'front'}) != before
    with suppress(OSError):
        os.truncate(file, len(whole) - 1)
        assert file_hash(file, topics) != before


class FullDisk(io.FileIO):
    """A file on a disk with room for a number of bytes."""

    room = 0

    def write(self, data):
        if len(data) > FullDisk.room:
            raise OSError(errno.ENOSPC, 'No space left on device')
        FullDisk.room -= len(data)
        return super().write(data)


@pytest.mark.parametrize('room', [0, 15_000, 30_000])
@pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning')
def test_a_full_disk_in_the_middle_of_an_import_adds_nothing(tmp_path, monkeypatch, room):
    rows = recording(2.0) + recording(2.0, first=5.0)
    path = ros2_bag(tmp_path / 'foreign', rows)
    folder = tmp_path / 'demos'
    options = ImportOptions(cut=CutRule('gaps', '1.5'))
    open_file = Path.open

    def open_on_full_disk(self, mode='r', *arguments, **named):
        if mode == 'xb' and self.suffix == '.mcap':
            return io.BufferedWriter(FullDisk(self, mode))
        return open_file(self, mode, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(FullDisk, 'room', room)
        patch.setattr(Path, 'open', open_on_full_disk)
        with pytest.raises(BagError, match='No space left on device'):
            import_bag([path], CONTRACT, folder, options)
        assert FullDisk.room < room or room == 0
    assert not folder.exists() or list(folder.iterdir()) == []
    assert len(import_bag([path], CONTRACT, folder, options)) == 2, 'and there is room again'


def test_a_message_is_written_as_it_was(tmp_path):
    rows = recording()
    import_bag([ros2_bag(tmp_path / 'foreign', rows)], CONTRACT, tmp_path / 'demos',
               ImportOptions())
    [bag] = find_bags(tmp_path / 'demos')
    with AnyReader([bag], default_typestore=ros_typestore()) as reader:
        written = sorted((link.topic, time, bytes(raw)) for link, time, raw in reader.messages())
    wanted = [(topic, time, serialised(message)) for topic, time, message in rows]
    assert [row for row in written if row[0] in ('/joint_states', '/hand', '/command')] == sorted(
        wanted)
