# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What is taken many messages at a time is what is taken one by one; and a full disk adds nothing.
"""

from contextlib import suppress
from dataclasses import fields
import errno
import os
import random

from foreign_bags import CONTRACT, KINDS, recording, ros2_bag, SECOND
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import storage_mcap
from run_length import LONG

from inril_ros.data.bags.bags import BagError, EpisodeBag, find_bags, read_episode
from inril_ros.data.demonstrations import aligned_cache
from inril_ros.data.demonstrations.aligned_cache import (
    aligned_episode,
    cache_key,
    FOLDER,
    read_topics,
)
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.episode_ticks import EpisodeTicks
from inril_ros.data.importing.links import ImportOptions
from inril_ros.data.raw import chunk_writer, raw_messages
from inril_ros.data.raw.content_hash import file_hash, SHORT
from inril_ros.data.raw.messages import blank_message, serialised
from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.messages.codecs import put_stamp, stamp_ns

NUMBER = 120 if LONG else 12
IMAGE = 'sensor_msgs/msg/CompressedImage'


def content(path):
    """All messages of a bag, in the order of topic and time."""
    with AnyReader([path], default_typestore=ros_typestore()) as reader:
        return sorted((link.topic, time, bytes(raw)) for link, time, raw in reader.messages())


def assert_same(one, other):
    for item in fields(RecordedEpisode):
        first, second = getattr(one, item.name), getattr(other, item.name)
        if isinstance(first, np.ndarray):
            assert first.tobytes() == second.tobytes(), item.name
        else:
            assert first == second


def disturbed(rows, data):
    """A recording with some messages late, doubled, without a time, not finite, or gone."""
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


@settings(max_examples=NUMBER, deadline=None)
@given(st.data())
def test_an_episode_is_the_same_taken_at_once_or_one_by_one(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp('once')
    path = ros2_bag(folder / 'foreign', disturbed(recording(1.2), data))
    given_to = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raw_messages, '_GROUP', data.draw(st.sampled_from([3000, 2**23])))
        for way in ('once', 'single'):
            if way == 'single':
                patch.setattr(EpisodeTicks, 'take_batch', lambda *arguments: False)
            given_to.append(import_bag([path], CONTRACT, folder / way, ImportOptions()))
    [one], [other] = given_to
    if not one.kept:
        assert (one.reason, one.ticks) == (other.reason, other.ticks)
        return
    assert one == other
    assert content(folder / 'once' / one.name) == content(folder / 'single' / one.name)
    expected = read_episode(folder / 'single' / one.name, CONTRACT)
    for way in ('once', 'single'):
        bag = folder / way / one.name
        assert_same(read_episode(bag, CONTRACT), expected)
        assert_same(aligned_episode(bag, CONTRACT), expected)


def test_a_stream_that_comes_later_than_its_frames_is_taken_one_by_one(tmp_path, monkeypatch):
    """Its samples would otherwise be in frames that were made before they came."""
    rows = sorted(((topic, time + (3 * SECOND // 10 if topic == '/hand' else 0), message)
                   for topic, time, message in recording(2.5)), key=lambda row: row[1])
    path = ros2_bag(tmp_path / 'foreign', rows)
    [one] = import_bag([path], CONTRACT, tmp_path / 'once', ImportOptions())
    monkeypatch.setattr(EpisodeTicks, 'take_batch', lambda *arguments: False)
    [other] = import_bag([path], CONTRACT, tmp_path / 'single', ImportOptions())
    if one.kept:
        assert content(tmp_path / 'once' / one.name) == content(tmp_path / 'single' / one.name)
    assert one == other


def small_chunks(monkeypatch):
    """Let the library write chunks of few messages, so that an import has many batches."""
    write = storage_mcap.McapWriter.write

    def write_few(self, connection, timestamp, data):
        write(self, connection, timestamp, data)
        if type(self) is storage_mcap.McapWriter and self.chunk.bio.tell() > 3000:
            self.close_chunk()

    monkeypatch.setattr(storage_mcap.McapWriter, 'write', write_few)
    monkeypatch.setattr(raw_messages, '_GROUP', 1)


def test_most_messages_are_taken_at_once(tmp_path, monkeypatch):
    """Otherwise the test above says nothing."""
    taken, take = [], EpisodeTicks.take_batch

    def counted(self, batch, links):
        done = take(self, batch, links)
        taken.append(len(batch) if done else 0)
        return done

    monkeypatch.setattr(EpisodeTicks, 'take_batch', counted)
    small_chunks(monkeypatch)
    rows = recording(4.0)
    import_bag([ros2_bag(tmp_path / 'foreign', rows)], CONTRACT, tmp_path / 'demos',
               ImportOptions())
    assert sum(taken) > 0.7 * len(rows)
    assert len(taken) > 5


@pytest.mark.parametrize('kind', [kind for kind in KINDS if kind != 'ros1'])
def test_an_import_fills_the_cache_with_what_reading_gives(tmp_path, monkeypatch, kind):
    import_bag([KINDS[kind](tmp_path / 'foreign', recording())], CONTRACT, tmp_path / 'demos',
               ImportOptions())
    [bag] = find_bags(tmp_path / 'demos')
    expected = read_episode(bag, CONTRACT)
    monkeypatch.setattr(aligned_cache, 'read_episode', None)  # nobody reads it
    assert_same(aligned_episode(bag, CONTRACT), expected)
    assert [entry.name for entry in (bag.parent / FOLDER).iterdir()] == [
        f'{bag.name}-{cache_key(bag, CONTRACT)[:16]}']


def contract_with_camera():
    from foreign_bags import ARM

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


@pytest.mark.parametrize('at_once', [True, False])
def test_the_hash_made_while_writing_is_that_of_the_file(tmp_path, monkeypatch, at_once):
    made, close = [], EpisodeBag.close
    monkeypatch.setattr(EpisodeBag, 'close', lambda self, *arguments, **named: made.append(
        (close(self, *arguments, **named), self.hashes)) or made[-1][0])
    small_chunks(monkeypatch)
    monkeypatch.setattr(chunk_writer, '_CHUNK_SIZE', 20_000)
    if not at_once:
        monkeypatch.setattr(EpisodeTicks, 'take_batch', lambda *arguments: False)
    contract = contract_with_camera()
    path = ros2_bag(tmp_path / 'foreign', with_images(recording(), 3 * SHORT))
    import_bag([path], contract, tmp_path / 'demos', ImportOptions())
    [(_, hashes)] = made
    [bag] = find_bags(tmp_path / 'demos')
    [file] = bag.glob('*.mcap')
    assert hashes == {file.name: file_hash(file, read_topics(contract))}


def test_only_the_content_of_images_that_nobody_reads_does_not_count(tmp_path):
    contract = contract_with_camera()
    path = ros2_bag(tmp_path / 'foreign', with_images(recording(), 3 * SHORT))
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
    rest = [place for place in range(0, len(whole), 1999)
            if not any(whole[place:place + 9] == bytes([index]) * 9 for index in range(20))]
    assert all(hash_with(place) != before for place in rest)
    file.write_bytes(whole)
    assert file_hash(file, {*topics, 'front'}) != before
    with suppress(OSError):
        os.truncate(file, len(whole) - 1)
        assert file_hash(file, topics) != before


class FullDisk:
    """Lets so many bytes be written by chunks, and then no more."""

    def __init__(self, monkeypatch, room):
        self.room = room
        self._write = os.writev
        monkeypatch.setattr(chunk_writer.os, 'writev', self.writev)

    def writev(self, descriptor, parts):
        size = sum(map(len, parts))
        if size > self.room:
            raise OSError(errno.ENOSPC, 'No space left on device')
        self.room -= size
        return self._write(descriptor, parts)


@pytest.mark.parametrize('room', [0, 15_000, 30_000])
@pytest.mark.parametrize('at_once', [True, False])
def test_a_full_disk_in_the_middle_of_an_import_adds_nothing(
        tmp_path, monkeypatch, room, at_once):
    rows = recording(2.0) + recording(2.0, first=5.0)
    path = ros2_bag(tmp_path / 'foreign', rows)
    folder = tmp_path / 'demos'
    from inril_ros.data.importing.episode_cuts import CutRule

    options = ImportOptions(cut=CutRule('gaps', '1.5'))
    with monkeypatch.context() as patch:
        patch.setattr(chunk_writer, '_CHUNK_SIZE', 8_000)
        if not at_once:
            patch.setattr(EpisodeTicks, 'take_batch', lambda *arguments: False)
        disk = FullDisk(patch, room)
        with pytest.raises(BagError, match='No space left on device'):
            import_bag([path], CONTRACT, folder, options)
        assert disk.room < room or room == 0
    assert not folder.exists() or list(folder.iterdir()) == []
    assert len(import_bag([path], CONTRACT, folder, options)) == 2, 'and there is room again'


def test_a_message_is_written_as_it_was(tmp_path, monkeypatch):
    small_chunks(monkeypatch)
    rows = recording()
    import_bag([ros2_bag(tmp_path / 'foreign', rows)], CONTRACT, tmp_path / 'demos',
               ImportOptions())
    [bag] = find_bags(tmp_path / 'demos')
    there = content(bag)
    wanted = [(topic, time, serialised(message)) for topic, time, message in rows]
    assert [row for row in there if row[0] in ('/joint_states', '/hand', '/command')] == sorted(
        wanted)
