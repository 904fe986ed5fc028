# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Messages in their raw form are those of the library, in the same order, however they lie."""

from itertools import pairwise
from struct import pack, unpack_from

from foreign_bags import KINDS, recording, ros2_bag
from hypothesis import given, settings
from hypothesis import strategies as st
from lz4.frame import compress as lz4
import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import storage_mcap

from inril_ros.data.raw import raw_messages as module
from inril_ros.data.raw.raw_messages import message_batches, message_times, raw_messages
from inril_ros.data.raw.typestore import ros_typestore


def small_chunks(monkeypatch, compression='', overlap=False):
    """Let the library write many small chunks, compressed, or with times that overlap."""
    compress = {'': lambda data: data, 'zstd': storage_mcap.zstd.compress, 'lz4': lz4}[compression]
    write, begin = storage_mcap.McapWriter.write, storage_mcap.McapWriter.__init__

    def begin_compressed(self, path, mode):
        begin(self, path, mode)
        self.compression, self.compressor = compression, compress

    def write_few(self, connection, timestamp, data):
        late = overlap and self.channel_stats[connection.id] % 7 == 0
        write(self, connection, timestamp - (60_000_000 if late else 0), data)
        if self.chunk.bio.tell() > 2000:
            self.close_chunk()

    monkeypatch.setattr(storage_mcap.McapWriter, '__init__', begin_compressed)
    monkeypatch.setattr(storage_mcap.McapWriter, 'write', write_few)


def assert_same(path, topics=None, start=None, stop=None):
    with AnyReader([path], default_typestore=ros_typestore()) as reader:
        links = [link for link in reader.connections if topics is None or link.topic in topics]
        expected = [(time, link.topic, bytes(raw))
                    for link, time, raw in reader.messages(links, start, stop)]
        found = [(time, link.topic, bytes(raw))
                 for time, link, raw in raw_messages(reader, links, start, stop)]
        assert found == expected
        if start is None and stop is None:
            assert list(message_times(reader, links)) == [time for time, _, _ in expected]
    return expected


@pytest.mark.parametrize('kind', KINDS)
def test_messages_of_any_bag_are_the_librarys(tmp_path, kind):
    rows = recording()
    path = KINDS[kind](tmp_path / 'foreign', rows)
    assert len(assert_same(path)) == len(rows)
    assert_same(path, {'/hand'})
    middle = rows[len(rows) // 2][1]
    assert_same(path, None, middle, rows[-3][1])
    assert_same(path, {'/hand', '/command'}, None, middle)
    assert_same(path, None, middle)


@pytest.mark.parametrize('overlap', [False, True])
@pytest.mark.parametrize('compression', ['', 'zstd', 'lz4'])
@pytest.mark.parametrize('group', [1, 5000])
def test_chunks_of_any_kind_give_the_librarys_messages(
        tmp_path, monkeypatch, compression, overlap, group):
    monkeypatch.setattr(module, '_GROUP', group)
    small_chunks(monkeypatch, compression, overlap)
    rows = recording()
    path = ros2_bag(tmp_path / 'foreign', rows)
    assert len(assert_same(path)) == len(rows)
    assert_same(path, {'/hand'})
    middle = rows[len(rows) // 2][1]
    assert_same(path, None, middle - 1, middle + 300_000_000)
    with AnyReader([path], default_typestore=ros_typestore()) as reader:
        batches = list(message_batches(reader, reader.connections))
        assert len(batches) > 3
        assert sum(map(len, batches)) == len(rows)


def test_a_file_without_chunks_is_read_too(tmp_path):
    """As `mcap` writes it without chunking: messages stand in the file themselves."""
    rows = recording(0.5)
    path = ros2_bag(tmp_path / 'foreign', rows)
    [file] = path.glob('*.mcap')
    content = file.read_bytes()
    position, out, ends = 8, bytearray(content[:8]), 0
    while not ends:
        op, length = unpack_from('<BQ', content, position)
        record = content[position:position + 9 + length]
        position += 9 + length
        if op == 0x06:  # the records in a chunk that isn't compressed
            out += record[9 + 8 + 8 + 8 + 4 + 4 + 8:]
        elif op in (0x01, 0x0f):
            out += record
            ends = op == 0x0f
    out += b'\x02' + pack('<QQQI', 20, 0, 0, 0) + content[:8]
    file.write_bytes(out)
    assert len(assert_same(file)) == len(rows)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(['joint_states', 'hand'])),
                min_size=1, max_size=40), st.integers(1, 9), st.data())
def test_equal_times_and_any_order_within_chunks_make_no_difference(
        tmp_path_factory, times, few, data):
    rows = recording(1.0)
    messages = {name: [message for topic, _, message in rows if topic == f'/{name}']
                for name in ('joint_states', 'hand')}
    path = tmp_path_factory.mktemp('order') / 'foreign'
    with pytest.MonkeyPatch.context() as patch:
        write = storage_mcap.McapWriter.write

        def write_few(self, connection, timestamp, content):
            write(self, connection, timestamp, content)
            if sum(map(len, self.chunk.msgs.values())) >= few:
                self.close_chunk()

        patch.setattr(storage_mcap.McapWriter, 'write', write_few)
        ros2_bag(path, [(f'/{name}', 10**18 + time, messages[name][index % len(messages[name])])
                        for index, (time, name) in enumerate(times)])
        patch.setattr(module, '_GROUP', data.draw(st.sampled_from([1, 1000, 2**22])))
        assert len(assert_same(path)) == len(times)


def test_batches_tell_where_each_message_lies(tmp_path):
    path = ros2_bag(tmp_path / 'foreign', recording())
    with AnyReader([path], default_typestore=ros_typestore()) as reader:
        for batch in message_batches(reader, reader.connections):
            rows = list(batch.rows())
            for begin, end, (_, _, raw) in zip(batch.begins, batch.ends, rows, strict=True):
                assert batch.content[begin:end].tobytes() == raw
            assert all(one[0] <= other[0] for one, other in pairwise(rows))
            some = batch.chosen(np.arange(0, len(batch), 3)).copied()
            assert list(some.rows()) == rows[::3]


def test_a_split_of_chunks_that_lie_about_their_length_is_refused(tmp_path):
    path = ros2_bag(tmp_path / 'foreign', recording())
    with AnyReader([path], default_typestore=ros_typestore()) as reader:
        [file] = [one for reader_ in reader.readers for one in (
            getattr(reader_.storage, 'storages', None) or [reader_.storage])]
        file.chunks[0] = file.chunks[0]._replace(chunk_length=2**50)
        with pytest.raises(ValueError, match='the chunk at byte'):
            list(raw_messages(reader, reader.connections))


