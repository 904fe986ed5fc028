# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Bags are read as tools and accidents leave them: any writer's files, names, types and parts."""

import shutil
import sqlite3

from foreign_bags import for_ros1, KINDS, recording, ros2_bag, serialised, split_bag
from mcap.writer import CompressionType, IndexType
from mcap.writer import Writer as McapWriter
import pytest
from rosbags.rosbag2 import StoragePlugin
from rosbags.typesys import get_typestore, Stores
import zstandard

from inril_ros.data.bags.bags import BagError, DamagedBagError
from inril_ros.data.bags.recording import open_recording
from inril_ros.data.raw.messages import blank_message
from inril_ros.data.raw.typestore import ros_typestore

ROWS = recording(0.6)


def mcap(path, rows, shortened=None, profile='ros2', **settings):
    """An MCAP file of `mcap`; rows are (topic, time, message)."""
    with path.open('wb') as file:
        writer = McapWriter(file, **settings)
        writer.start(profile, 'test')
        channels = {}
        for topic, time, message in rows:
            kind = message.__msgtype__
            if topic not in channels:
                text, _ = ros_typestore().generate_msgdef(kind, ros_version=2)
                number = writer.register_schema(
                    kind, 'ros2msg', (text if shortened is None else shortened(text)).encode())
                channels[topic] = writer.register_channel(topic, 'cdr', number)
            writer.add_message(channels[topic], time, serialised(message), time)
        writer.finish()
    return path


def read(path, topics=None):
    """Return (topic, time, content) of all messages, each decoded."""
    with open_recording(path) as reader:
        rows = []
        for connection, time, raw in reader.messages():
            assert reader.deserialize(raw, connection).__msgtype__ == connection.msgtype
            rows.append((connection.topic, time, bytes(raw)))
        assert len(rows) == reader.message_count
        assert (reader.start_time, reader.end_time) == (rows[0][1], rows[-1][1] + 1)
        return rows


def wanted(rows=ROWS):
    return [(topic, time, serialised(message)) for topic, time, message in rows]


@pytest.mark.parametrize('settings', [
    {}, {'chunk_size': 2000}, {'use_chunking': False}, {'compression': CompressionType.LZ4},
    {'compression': CompressionType.NONE}, {'index_types': IndexType.NONE},
    {'index_types': IndexType.CHUNK, 'chunk_size': 2000}, {'use_statistics': False},
    {'repeat_channels': False}, {'repeat_schemas': False}, {'use_summary_offsets': False},
    {'index_types': IndexType.NONE, 'use_statistics': False, 'repeat_channels': False,
     'repeat_schemas': False, 'use_summary_offsets': False, 'chunk_size': 2000},
    {'profile': ''}, {'enable_data_crcs': True}])
def test_an_mcap_of_any_writer_is_read_whole(tmp_path, settings):
    assert read(mcap(tmp_path / 'bag.mcap', ROWS, **settings)) == wanted()


@pytest.mark.parametrize('chunking', [True, False])
def test_messages_come_in_order_of_time_however_they_were_written(tmp_path, chunking):
    """Several threads wrote the file, or files were joined."""
    late = ROWS[30:] + ROWS[:30][::-1]
    path = mcap(tmp_path / 'bag.mcap', late, use_chunking=chunking, chunk_size=2000)
    assert sorted(read(path)) == sorted(wanted())
    assert [row[1] for row in read(path)] == sorted(row[1] for row in ROWS)


@pytest.mark.parametrize('kind', ['mcap', 'sqlite3', 'split', 'compressed messages'])
def test_a_folder_is_read_without_its_metadata(tmp_path, kind):
    path = KINDS[kind](tmp_path / 'bag', ROWS)
    (path / 'metadata.yaml').unlink()
    assert read(path) == wanted()


def test_parts_are_put_in_order_by_their_times(tmp_path):
    """By their names part 10 comes before part 2."""
    path = split_bag(tmp_path / 'bag', ROWS)
    (path / 'bag_0.mcap').rename(path / 'bag_2.mcap')
    (path / 'bag_1.mcap').rename(path / 'bag_10.mcap')
    (path / 'metadata.yaml').unlink()
    assert read(path) == wanted()


@pytest.mark.parametrize('plugin', StoragePlugin)
def test_one_file_that_rosbag2_compressed_is_read(tmp_path, plugin):
    [file] = (one for one in ros2_bag(tmp_path / 'bag', ROWS, plugin).iterdir()
              if one.suffix != '.yaml')
    lone = tmp_path / f'{file.name}.zstd'
    lone.write_bytes(zstandard.compress(file.read_bytes()))
    assert read(lone) == wanted()
    cut = tmp_path / f'cut{file.suffix}.zstd'
    cut.write_bytes(lone.read_bytes()[:-20])
    with pytest.raises(DamagedBagError, match='has no end: .*inril demos repair'):
        read(cut)


def test_renamed_files_are_read_if_nothing_is_missing(tmp_path):
    path = split_bag(tmp_path / 'bag', ROWS)
    for index in range(2):
        (path / f'bag_{index}.mcap').rename(path / f'lab_{index}.mcap')
    assert read(path) == wanted()
    shutil.copy(path / 'lab_0.mcap', path / 'lab_1.mcap')
    with pytest.raises(BagError, match='lists other files than .*do not hold its 48 messages'):
        read(path)


def test_a_missing_part_is_named(tmp_path):
    path = split_bag(tmp_path / 'bag', ROWS)
    (path / 'bag_1.mcap').unlink()
    with pytest.raises(DamagedBagError, match='bag_1.mcap is missing.*inril demos repair'):
        read(path)


def test_a_copy_is_not_read_twice(tmp_path):
    path = ros2_bag(tmp_path / 'bag', ROWS)
    (path / 'metadata.yaml').unlink()
    (path / 'bag.mcap.zstd').write_bytes(zstandard.compress((path / 'bag.mcap').read_bytes()))
    with pytest.raises(BagError, match='bag.mcap holds the same messages as another file'):
        read(path)


def test_messages_of_ros_1_in_an_mcap_file_are_read(tmp_path):
    """As `mcap convert` makes it of a .bag file."""
    store = get_typestore(Stores.ROS1_NOETIC)
    rows = [row for row in ROWS if row[0] == '/joint_states']
    path = tmp_path / 'bag.mcap'
    with path.open('wb') as file:
        writer = McapWriter(file)
        writer.start('ros1', 'test')
        text, _ = store.generate_msgdef('sensor_msgs/msg/JointState', ros_version=1)
        channel = writer.register_channel('/joint_states', 'ros1', writer.register_schema(
            'sensor_msgs/JointState', 'ros1msg', text.encode()))
        for _, time, message in rows:
            raw = store.serialize_ros1(for_ros1(message, store), 'sensor_msgs/msg/JointState')
            writer.add_message(channel, time, bytes(raw), time)
        writer.finish()
    with open_recording(path) as reader:
        seen = [reader.deserialize(raw, each) for each, _, raw in reader.messages()]
    assert [message.header.stamp.nanosec for message in seen] == [
        message.header.stamp.nanosec for _, _, message in rows]
    assert [list(message.position) for message in seen] == [
        list(message.position) for _, _, message in rows]


def test_a_file_that_the_metadata_does_not_list_is_named(tmp_path):
    path = ros2_bag(tmp_path / 'bag', ROWS)
    other = ros2_bag(tmp_path / 'other', ROWS)
    shutil.copy(other / 'other.mcap', path)
    with pytest.raises(BagError, match='does not list .*other.mcap'):
        read(path)


def test_an_empty_last_part_is_no_loss_if_the_metadata_says_so(tmp_path):
    path = split_bag(tmp_path / 'bag', ROWS)
    text = (path / 'metadata.yaml').read_text()
    last = ('  - duration: {nanoseconds: 0}\n    message_count: 0\n    path: bag_2.mcap\n'
            '    starting_time: {nanoseconds_since_epoch: 0}\n')
    assert '  files:\n' in text
    text = text.replace('  files:\n', f'  files:\n{last}')
    text = text.replace('  relative_file_paths:\n', '  relative_file_paths:\n  - bag_2.mcap\n')
    (path / 'metadata.yaml').write_text(text)
    (path / 'bag_2.mcap').touch()
    assert read(path) == wanted()
    (path / 'bag_0.mcap').write_bytes(b'')
    with pytest.raises(DamagedBagError, match='bag_0.mcap: is empty'):
        read(path)


@pytest.mark.parametrize('text', ['', '- nothing', '{', 'rosbag2_bagfile_information: {}'])
def test_metadata_that_cannot_be_read_is_named(tmp_path, text):
    path = ros2_bag(tmp_path / 'bag', ROWS)
    (path / 'metadata.yaml').write_text(text)
    with pytest.raises(BagError, match='(?s)metadata.yaml: .*inril demos repair'):
        read(path)


@pytest.mark.parametrize('journal', ['-wal', '-journal'])
def test_a_database_with_a_journal_beside_it_is_not_read_without_it(tmp_path, journal):
    path = ros2_bag(tmp_path / 'bag', ROWS, StoragePlugin.SQLITE3)
    [file] = path.glob('*.db3')
    file.with_name(file.name + journal).write_bytes(b'x')
    with pytest.raises(DamagedBagError, match=f'was not closed: bag.db3{journal} holds a part'):
        read(path)


def test_a_database_that_is_cut_off_is_refused(tmp_path):
    path = ros2_bag(tmp_path / 'bag', ROWS, StoragePlugin.SQLITE3)
    [file] = path.glob('*.db3')
    file.write_bytes(file.read_bytes()[:-4096])
    with pytest.raises(DamagedBagError, match='the copy is not complete'):
        read(path)


def test_a_database_without_definitions_is_read_by_ours(tmp_path):
    """Distributions up to Humble wrote none."""
    path = ros2_bag(tmp_path / 'bag', ROWS, StoragePlugin.SQLITE3)
    [file] = path.glob('*.db3')
    with sqlite3.connect(file) as base:
        base.execute('DROP TABLE message_definitions')
        base.execute('ALTER TABLE topics DROP COLUMN type_description_hash')
    assert read(path) == wanted()


STRING = blank_message('std_msgs/msg/String')
STRING.data = 'what nobody needs'
#: Kind of a channel beside: type, encoding of the schema, schema, encoding of the messages.
BESIDE = {
    'service event': ('example_interfaces/srv/AddTwoInts_Event', 'ros2msg',
                      b'service_msgs/ServiceEventInfo info\nexample_interfaces/AddTwoInts_Request'
                      b'[<=1] request\n', 'cdr'),
    'service': ('std_srvs/srv/SetBool', 'ros2msg', b'bool data\n---\nbool success\n', 'cdr'),
    'protobuf': ('foxglove.Log', 'protobuf', b'\x0a\x80\xff\x00', 'protobuf'),
    'json': ('some.Thing', 'jsonschema', b'{"type": "object"}', 'json'),
    'flatbuffer': ('some.Thing', 'flatbuffer', b'\x00\xff\xfe', 'flatbuffer'),
    'unknown': ('lab_msgs/msg/Thing', '', b'', 'cdr'),
    'empty': ('lab_msgs/msg/Thing', 'ros2msg', b'', 'cdr'),
    'broken': ('lab_msgs/msg/Thing', 'ros2msg', b'this is == no definition [\n', 'cdr'),
    'part missing': ('lab_msgs/msg/Thing', 'ros2msg', b'lab_msgs/Part part\n', 'cdr'),
    'not UTF-8': ('lab_msgs/msg/Thing', 'ros2msg', b'# \xff\xfe\nstring data\n==[\n', 'cdr'),
    'hash unlike': ('std_msgs/msg/String', 'ros2msg', b'string data\n', 'cdr'),
}


def mcap_beside(path, kind):
    """The recording, and a channel of another kind in the same file."""
    name, encoding, schema, coding = BESIDE[kind]
    with path.open('wb') as file:
        writer = McapWriter(file)
        writer.start('ros2', 'test')
        beside = writer.register_channel(
            '/beside', coding, writer.register_schema(name, encoding, schema),
            {'topic_type_hash': 'RIHS01_00'} if kind == 'hash unlike' else {})
        lone = writer.register_channel('/without/schema', 'json', 0)
        channels = {}
        for topic, time, message in ROWS:
            if topic not in channels:
                text, _ = ros_typestore().generate_msgdef(message.__msgtype__, ros_version=2)
                channels[topic] = writer.register_channel(topic, 'cdr', writer.register_schema(
                    message.__msgtype__, 'ros2msg', text.encode()))
            writer.add_message(channels[topic], time, serialised(message), time)
            writer.add_message(beside, time, serialised(STRING), time)
            writer.add_message(lone, time, b'{}', time)
        writer.finish()
    return path


@pytest.mark.parametrize('kind', BESIDE)
def test_what_nobody_needs_is_no_reason_to_refuse(tmp_path, kind):
    """Service events: https://github.com/ros2/rosbag2/issues/2365."""
    with open_recording(mcap_beside(tmp_path / 'bag.mcap', kind)) as reader:
        chosen = [each for each in reader.connections
                  if each.topic not in ('/beside', '/without/schema')]
        rows = [(each.topic, time, raw) for each, time, raw in reader.messages(chosen)]
        assert rows == wanted()
        [beside] = reader.named('/beside')
        _, _, raw = next(reader.messages([beside]))
        with pytest.raises(BagError, match='/beside: its|/beside: the bag has no definition'):
            reader.deserialize(raw, beside)


def test_a_message_is_decoded_by_the_definition_in_the_bag(tmp_path):
    """A newer distribution has added a field to a common type."""
    path = tmp_path / 'bag.mcap'
    with path.open('wb') as file:
        writer = McapWriter(file)
        writer.start('ros2', 'test')
        channel = writer.register_channel('/told', 'cdr', writer.register_schema(
            'std_msgs/msg/String', 'ros2msg', b'string data\nint32 added\n'))
        writer.add_message(channel, 1, b'\0\1\0\0' + b'\2\0\0\0a\0' + b'\0\0' + b'\7\0\0\0', 1)
        writer.finish()
    with open_recording(path) as reader:
        [(connection, _, raw)] = reader.messages()
        message = reader.deserialize(raw, connection)
    assert (message.data, message.added) == ('a', 7)


def test_a_definition_may_leave_out_common_types(tmp_path):
    """Writers by hand give the message's own text only."""
    path = mcap(tmp_path / 'bag.mcap', ROWS, shortened=lambda text: text.split('=' * 80)[0])
    assert read(path) == wanted()


@pytest.mark.parametrize('written', ['joint_states', '/joint_states/', '//joint_states'])
def test_a_topic_is_found_however_its_slashes_are_written(tmp_path, written):
    rows = [(written, time, message) for topic, time, message in ROWS
            if topic == '/joint_states']
    with open_recording(mcap(tmp_path / 'bag.mcap', rows)) as reader:
        [connection] = reader.connections
        assert connection.topic == '/joint_states'
        for name in ('joint_states', '/joint_states', written):
            assert reader.named(name) == [connection]
        assert len(list(reader.messages())) == len(rows)


def test_a_name_as_it_is_in_the_bag_comes_first(tmp_path):
    rows = [(topic, time, message) for name, time, message in ROWS if name == '/joint_states'
            for topic in ('joint_states', '/joint_states')]
    with open_recording(mcap(tmp_path / 'bag.mcap', rows)) as reader:
        assert [each.source.written for each in reader.named('joint_states')] == ['joint_states']
        assert [each.source.written for each in reader.named('/joint_states')] == ['/joint_states']
        assert len(reader.named('/joint_states/')) == 2


def test_connections_of_two_bags_of_ros_1_are_not_confused(tmp_path):
    """Each file numbers its connections from 0."""
    rows = [row for row in ROWS if row[0] != '/command']
    paths = [KINDS['ros1'](tmp_path / topic, [row for row in rows if row[0] == f'/{topic}'])
             for topic in ('joint_states', 'hand')]
    with open_recording(*paths) as reader:
        assert [(each.topic, time) for each, time, _ in reader.messages()] == [
            (topic, time) for topic, time, _ in rows]


def test_a_damaged_chunk_is_refused(tmp_path):
    path = mcap(tmp_path / 'bag.mcap', ROWS, compression=CompressionType.NONE)
    content = bytearray(path.read_bytes())
    place = content.index(serialised(ROWS[20][2]))
    content[place + 20] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedBagError, match='the CRC of a chunk is wrong.*inril demos repair'):
        read(path)


def test_a_damaged_database_is_refused(tmp_path):
    path = ros2_bag(tmp_path / 'bag', recording(3.0), StoragePlugin.SQLITE3)
    [file] = path.glob('*.db3')
    content = bytearray(file.read_bytes())
    half = len(content) // 8192 * 4096
    content[half:half + 4096] = b'\xff' * 4096
    file.write_bytes(content)
    with pytest.raises(DamagedBagError, match='malformed.*inril demos repair'):
        read(path)


def test_chunks_of_a_streaming_compressor_are_read(tmp_path):
    """Their frames don't tell a size: https://github.com/foxglove/mcap/issues/389."""
    path = mcap(tmp_path / 'bag.mcap', ROWS, compression=CompressionType.NONE,
                index_types=IndexType.NONE, use_statistics=False, repeat_channels=False,
                repeat_schemas=False, use_summary_offsets=False)
    content = path.read_bytes()
    begin = content.index(b'\x06', content.index(b'ros2') + 8)
    length = int.from_bytes(content[begin + 1:begin + 9], 'little')
    head, records = content[begin + 9:begin + 37], content[begin + 49:begin + 9 + length]
    compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    packed = compressor.compress(records) + compressor.flush()
    chunk = head + b'\4\0\0\0zstd' + len(packed).to_bytes(8, 'little') + packed
    path.write_bytes(content[:begin + 1] + len(chunk).to_bytes(8, 'little') + chunk
                     + content[begin + 9 + length:])
    assert read(path) == wanted()


@pytest.mark.parametrize('change', [
    lambda text: text.replace('MSG: std_msgs/Header', 'MSG: std_msgs/msg/Header'),
    lambda text: text.rstrip('\n'), lambda text: text.replace('\n', '\r\n'),
    lambda text: f'# A comment\n\n{text}\n\n'])
def test_a_definition_is_read_however_its_writer_formats_it(tmp_path, change):
    """https://github.com/Extelligence-ai/bagel/pull/41, https://github.com/foxglove/mcap/issues/404."""
    assert read(mcap(tmp_path / 'bag.mcap', ROWS, shortened=change)) == wanted()


def test_a_bag_that_was_reindexed_needs_no_name_of_its_storage(tmp_path):
    """https://github.com/ros2/rosbag2/issues/2175."""
    path = ros2_bag(tmp_path / 'bag', ROWS)
    text = (path / 'metadata.yaml').read_text()
    assert 'storage_identifier: mcap' in text
    (path / 'metadata.yaml').write_text(
        text.replace('storage_identifier: mcap', "storage_identifier: ''"))
    assert read(path) == wanted()


def test_files_of_one_recording_can_be_named_one_by_one(tmp_path):
    path = split_bag(tmp_path / 'bag', ROWS)
    with open_recording(path / 'bag_1.mcap', path / 'bag_0.mcap') as reader:
        assert [(each.topic, time) for each, time, _ in reader.messages()] == [
            (topic, time) for topic, time, _ in ROWS]
