# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A bag without its end is repaired: what is whole is saved, nothing else, and nothing changed."""

import sqlite3

from foreign_bags import KINDS, recording, ros2_bag, serialised, split_bag
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.writer import CompressionType
import pytest
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin
from test_foreign_files import mcap, mcap_beside, read, wanted
import zstandard

from inril_ros.data.bags.bags import BagError, DamagedBagError
from inril_ros.data.bags.repair import repair_bag

ROWS = recording(0.6)
WRITERS = {
    'chunks': {'compression': CompressionType.NONE, 'chunk_size': 3000},
    'no chunks': {'use_chunking': False}, 'one chunk': {'compression': CompressionType.NONE},
    'zstd': {'compression': CompressionType.ZSTD, 'chunk_size': 3000},
    'lz4': {'compression': CompressionType.LZ4, 'chunk_size': 3000}}


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp('repair')
    return {name: mcap(folder / f'{name}.mcap', ROWS, **about).read_bytes()
            for name, about in WRITERS.items()}


def before(content, cut):
    """The messages whose bytes are all before the cut of a file that isn't compressed."""
    whole = []
    for topic, time, raw in wanted(ROWS):
        at = content.find(time.to_bytes(8, 'little') * 2 + raw)
        if at + 16 + len(raw) <= cut:
            whole.append((topic, time, raw))
    return whole


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_cut_file_gives_its_whole_messages_or_is_refused(files, tmp_path_factory, data):
    kind = data.draw(st.sampled_from(sorted(WRITERS)))
    content = files[kind]
    cut = data.draw(st.integers(0, len(content) - 1))
    folder = tmp_path_factory.mktemp('cut')
    path = folder / 'bag.mcap'
    path.write_bytes(content[:cut])
    with pytest.raises(DamagedBagError, match='bag.mcap: .*inril demos repair .*bag.mcap'):
        read(path)
    try:
        repaired = read(repair_bag(path).path)
    except BagError as error:
        assert 'nothing of it is whole' in str(error)
        repaired = []
    assert repaired == wanted(ROWS)[:len(repaired)]
    if kind not in ('zstd', 'lz4'):
        assert repaired == before(content, cut)
    assert path.read_bytes() == content[:cut]


@settings(max_examples=25, deadline=None)
@given(st.floats(0.0, 0.999))
def test_a_cut_database_is_refused_and_gives_messages_of_it(tmp_path_factory, share):
    folder = tmp_path_factory.mktemp('cut')
    [file] = ros2_bag(folder / 'bag', ROWS, StoragePlugin.SQLITE3).glob('*.db3')
    content = file.read_bytes()
    cut = folder / 'cut.db3'
    cut.write_bytes(content[:int(share * len(content))])
    with pytest.raises(DamagedBagError, match='cut.db3: .*inril demos repair'):
        read(cut)
    try:
        saved = read(repair_bag(cut).path)
    except BagError as error:
        assert 'nothing of it is whole' in str(error)
        saved = []
    assert set(saved) <= set(wanted(ROWS))


@pytest.mark.parametrize('kind', ['chunks', 'no chunks', 'zstd', 'lz4'])
def test_zeros_at_the_end_are_no_messages(files, tmp_path, kind):
    """A computer that loses power leaves them: they begin in the middle of a message."""
    content = files[kind]
    place = content.find(serialised(ROWS[-9][2]))  # in a file that isn't compressed
    cut = place + 40 if place >= 0 else len(content) // 5
    (tmp_path / 'bag.mcap').write_bytes(content[:cut] + bytes(4096))
    repaired = repair_bag(tmp_path / 'bag.mcap')
    assert read(repaired.path) == wanted(ROWS)[:repaired.messages]
    assert 0 < repaired.messages <= len(ROWS) - 9


def test_a_damaged_chunk_is_left_out_and_those_after_it_are_saved(files, tmp_path):
    content = bytearray(files['chunks'])
    content[content.index(serialised(ROWS[20][2])) + 30] ^= 1
    (tmp_path / 'bag.mcap').write_bytes(content)
    rows = read(repair_bag(tmp_path / 'bag.mcap').path)
    assert set(rows) < set(wanted(ROWS))
    assert rows[0] == wanted(ROWS)[0] and rows[-1] == wanted(ROWS)[-1]


def test_a_split_bag_without_a_part_keeps_the_others(tmp_path):
    path = split_bag(tmp_path / 'bag', ROWS)
    (path / 'bag_0.mcap').unlink()
    repaired = repair_bag(path)
    assert repaired.path == tmp_path / 'bag_repaired'
    assert read(repaired.path) == wanted(ROWS)[len(ROWS) // 2:]
    assert repaired.notes == ['bag_1.mcap: 24 messages']
    with AnyReader([repaired.path]) as reader:  # as other tools read it
        assert reader.message_count == repaired.messages == 24
    with pytest.raises(BagError, match='is there already'):
        repair_bag(path)
    assert repair_bag(path, tmp_path / 'elsewhere').path == tmp_path / 'elsewhere'


def test_a_cut_compressed_file_keeps_what_comes_before(tmp_path):
    [file] = ros2_bag(tmp_path / 'bag', ROWS).glob('*.mcap')
    compressor = zstandard.ZstdCompressor(write_checksum=False).compressobj()
    half = len(file.read_bytes()) // 2
    packed = (compressor.compress(file.read_bytes()[:half])
              + compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
    path = tmp_path / 'lone.mcap.zstd'
    path.write_bytes(packed)
    repaired = repair_bag(path)
    assert repaired.path == tmp_path / 'lone_repaired'
    assert 0 < repaired.messages < len(ROWS)
    assert read(repaired.path) == wanted(ROWS)[:repaired.messages]


def test_a_write_ahead_log_is_taken_in(tmp_path):
    path = ros2_bag(tmp_path / 'bag', ROWS, StoragePlugin.SQLITE3)
    [file] = path.glob('*.db3')
    base = sqlite3.connect(file)
    base.execute('PRAGMA journal_mode=WAL')
    base.execute('PRAGMA wal_autocheckpoint=0')
    base.execute('DELETE FROM messages WHERE id > 40')
    base.commit()
    copied = tmp_path / 'copied'  # as it is at this moment, when the recorder is killed
    copied.mkdir()
    for part in path.iterdir():
        (copied / part.name).write_bytes(part.read_bytes())
    base.close()
    with pytest.raises(DamagedBagError, match='db3-wal holds a part of it'):
        read(copied)
    assert read(repair_bag(copied).path) == wanted(ROWS)[:40]
    assert sorted(part.name for part in copied.iterdir()) == [
        'bag.db3', 'bag.db3-shm', 'bag.db3-wal', 'metadata.yaml']


def test_a_damaged_database_keeps_what_is_before_and_behind_the_damage(tmp_path):
    """https://github.com/ros2/rosbag2/issues/521, https://github.com/ros2/rosbag2/issues/1029."""
    rows = recording(3.0)
    path = ros2_bag(tmp_path / 'bag', rows, StoragePlugin.SQLITE3)
    [file] = path.glob('*.db3')
    content = bytearray(file.read_bytes())
    page = content.index(serialised(rows[120][2])) // 4096 * 4096
    content[page:page + 4096] = b'\xff' * 4096
    file.write_bytes(content)
    saved = read(repair_bag(path).path)
    assert set(saved) < set(wanted(rows))
    assert len(saved) > 0.8 * len(rows)
    assert saved[0] == wanted(rows)[0] and saved[-1] == wanted(rows)[-1]


def test_topics_that_cannot_be_kept_are_named(tmp_path):
    repaired = repair_bag(mcap_beside(tmp_path / 'bag.mcap', 'service event'))
    assert read(repaired.path) == wanted(ROWS)
    assert [note.partition(': ')[0] for note in repaired.notes] == [
        'bag.mcap', '/beside', '/without/schema']
    assert f'{len(ROWS)} messages could not be used; the first: ' in repaired.notes[1]


def test_a_bag_of_ros_1_names_its_own_tool(tmp_path):
    path = KINDS['ros1'](tmp_path / 'old', [row for row in ROWS if row[0] != '/command'])
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(BagError, match='old.bag: .*rosbag reindex'):
        read(path)
    with pytest.raises(BagError, match='is no bag of ROS 2'):
        repair_bag(path)
