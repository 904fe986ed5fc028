# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recordings as others make them: an arm's streams and commands, in every kind of bag."""

from dataclasses import replace
from struct import pack, unpack_from

import numpy as np
from rosbags.rosbag1 import Writer as RosOneWriter
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import get_typestore, Stores
import yaml

from inril_ros.data.bags.bags import BagError
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.episode_cuts import CutError
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.data.raw.messages import blank_message, serialised
from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.messages.codecs import put_stamp

SECOND = 1_000_000_000
BEGIN = 1_700_000_000 * SECOND
JOINTS, TRAJECTORY = 'sensor_msgs/msg/JointState', 'trajectory_msgs/msg/JointTrajectory'
POSE = 'geometry_msgs/msg/PoseStamped'
ARM = {
    'name': 'arm', 'control_rate': 10,
    'observations': {
        'angles': {'topic': 'joint_states', 'type': JOINTS, 'joints': ['a', 'b'],
                   'max_age': 0.2},
        'hand': {'topic': 'hand', 'type': POSE, 'field': 'pose', 'max_age': 0.3}},
    'derived': {'hand_change': {'change': 'hand'}},
    'policy_observations': ['angles', 'hand', 'hand_change'],
    'actions': {'arm': {
        'topic': 'command', 'type': TRAJECTORY, 'joints': ['a', 'b'], 'minimum': [-9, -9],
        'maximum': [9, 9], 'hold': 'last'}},
    'episode': {'time_limit': 60}}
CONTRACT = parse_contract(ARM)


def joint_state(stamp, seconds):
    message = blank_message(JOINTS)
    put_stamp(message, stamp, '')
    message.name.extend(['b', 'a'])
    message.position.extend([2.0 * seconds, seconds])
    return message


def hand(stamp, seconds):
    message = blank_message(POSE)
    put_stamp(message, stamp, 'base')
    message.pose.position.x, message.pose.orientation.w = seconds, 1.0
    return message


def command(seconds):
    """A command without a time, as most controllers accept it."""
    message = blank_message(TRAJECTORY)
    message.joint_names.extend(['a', 'b'])
    point = blank_message('trajectory_msgs/msg/JointTrajectoryPoint')
    point.positions.extend([seconds + 0.1, 2.0 * seconds + 0.1])
    message.points.append(point)
    return message


def recording(seconds=2.0, first=0.0, clock=0, space=''):
    """Rows (topic, time [ns], message): joints at 50 Hz, hand at 20 Hz, commands at 10 Hz.

    ``clock`` [ns] is added to the stamps: a simulation has a clock of its own.
    """
    rows = []
    for topic, rate, delay, make in (('joint_states', 50, 0.001, joint_state),
                                     ('hand', 20, 0.004, hand), ('command', 10, 0.03, command)):
        for index in range(round(seconds * rate)):
            at = first + index / rate
            stamp = BEGIN + round(at * SECOND)
            came = stamp + round(delay * SECOND)
            message = make(at) if make is command else make(stamp + clock, at)
            rows.append((f'/{space}{topic}', came, message))
    return sorted(rows, key=lambda row: row[1])


def ros2_bag(path, rows, plugin=StoragePlugin.MCAP, compression=None, serialise=serialised):
    bag = Writer(path, version=9, storage_plugin=plugin)
    if compression is not None:
        bag.set_compression(compression, CompressionFormat.ZSTD)
    connections = {}
    with bag:
        for topic, time, message in rows:
            if topic not in connections:
                connections[topic] = bag.add_connection(
                    topic, message.__msgtype__, typestore=ros_typestore())
            bag.write(connections[topic], time, serialise(message))
    return path


def split_bag(path, rows):
    """A bag of two files, as rosbag2 makes them when a file becomes too large."""
    half = len(rows) // 2
    parts = [ros2_bag(path.with_name(f'{path.name}_{index}'), part)
             for index, part in enumerate((rows[:half], rows[half:]))]
    metadata = [yaml.safe_load((part / 'metadata.yaml').read_text())[
        'rosbag2_bagfile_information'] for part in parts]
    path.mkdir()
    files = []
    for index, part in enumerate(parts):
        [file] = part.glob('*.mcap')
        files.append(f'{path.name}_{index}.mcap')
        file.rename(path / files[-1])
    whole = {**metadata[0], 'relative_file_paths': files}
    whole['message_count'] = sum(part['message_count'] for part in metadata)
    whole['duration'] = {'nanoseconds': rows[-1][1] - rows[0][1]}
    whole['files'] = [{**part['files'][0], 'path': file} if part.get('files') else {
        'path': file, 'starting_time': part['starting_time'], 'duration': part['duration'],
        'message_count': part['message_count']} for part, file in zip(metadata, files)]
    counts = {}
    for part in metadata:
        for entry in part['topics_with_message_count']:
            name = entry['topic_metadata']['name']
            counts.setdefault(name, {**entry, 'message_count': 0})
            counts[name]['message_count'] += entry['message_count']
    whole['topics_with_message_count'] = list(counts.values())
    (path / 'metadata.yaml').write_text(yaml.safe_dump({'rosbag2_bagfile_information': whole}))
    return path


def ros1_bag(path, rows):
    """A .bag file: headers have a sequence number, messages another serialisation."""
    store = get_typestore(Stores.ROS1_NOETIC)
    connections = {}
    with RosOneWriter(path) as bag:
        for topic, time, message in rows:
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = bag.add_connection(topic, kind, typestore=store)
            bag.write(connections[topic], time,
                      store.serialize_ros1(for_ros1(message, store), kind))
    return path


def without_chunks(path, rows):
    """An MCAP file as `mcap` writes it without chunking: with the messages in the file itself."""
    [file] = ros2_bag(path, rows).glob('*.mcap')
    content = file.read_bytes()
    position, out, ends = 8, bytearray(content[:8]), False
    while not ends:
        op, length = unpack_from('<BQ', content, position)
        record = content[position:position + 9 + length]
        position += 9 + length
        if op == 0x06:  # the records in a chunk that isn't compressed
            out += record[9 + 8 + 8 + 8 + 4 + 4 + 8:]
        elif op in (0x01, 0x0f):
            out += record
            ends = op == 0x0f
    file.write_bytes(out + b'\x02' + pack('<QQQI', 20, 0, 0, 0) + content[:8])
    return file


def for_ros1(message, store):
    """A message as ROS 1 has it: its header has a sequence number."""
    from inril_ros.data.raw.messages import with_numpy

    message = with_numpy(message)
    old = message.header
    stamp = store.types['builtin_interfaces/msg/Time'](old.stamp.sec, old.stamp.nanosec)
    header = store.types['std_msgs/msg/Header'](seq=7, stamp=stamp, frame_id=old.frame_id)
    return replace(message, header=header)


KINDS = {
    'mcap': ros2_bag,
    'sqlite3': lambda path, rows: ros2_bag(path, rows, StoragePlugin.SQLITE3),
    'compressed messages': lambda path, rows: ros2_bag(
        path, rows, StoragePlugin.SQLITE3, CompressionMode.MESSAGE),
    'compressed file': lambda path, rows: ros2_bag(
        path, rows, StoragePlugin.SQLITE3, CompressionMode.FILE),
    'compressed chunks': lambda path, rows: ros2_bag(
        path, rows, StoragePlugin.MCAP, CompressionMode.STORAGE),
    'no chunks': without_chunks,
    'split': split_bag,
    'ros1': lambda path, rows: ros1_bag(path.with_suffix('.bag'), rows),
    'one file': lambda path, rows: next(ros2_bag(path, rows).glob('*.mcap')),
}


def expected(rows, start, ticks, clock=0):
    """Observations and actions of ticks from ``start`` [ns] on, found by hand among all rows."""
    observations, actions = [], []

    def newest(topic, until, time):
        found = None
        for name, came, message in rows:
            if name.endswith(topic) and time(came, message) <= until:
                found = message
        return found

    def stamp(came, message):
        return message.header.stamp.sec * SECOND + message.header.stamp.nanosec

    before = None
    for tick in range(ticks + 1):
        at = start + tick * SECOND // 10
        joints, seen = newest('joint_states', at, stamp), newest('hand', at, stamp)
        pose = [seen.pose.position.x, 0, 0, 0, 0, 0, 1]
        change = np.subtract(pose, pose if before is None else before)
        before = pose
        observations.append([joints.position[1], joints.position[0], *pose, *change])
        if tick < ticks:
            sent = newest('command', at + SECOND // 10 - 1, lambda came, _: came + clock)
            actions.append(list(sent.points[0].positions) if sent else
                           [joints.position[1], joints.position[0]])
    return np.array(observations, np.float32), np.array(actions, np.float32)


def check_import_of_damaged(source, folder):
    """Check that importing a damaged bag adds whole episodes, or says so and adds nothing."""
    try:
        done = import_bag([source], CONTRACT, folder, ImportOptions())
    except (BagError, CutError) as error:
        assert source.name in str(error)
        assert not folder.exists() or not list(folder.iterdir())
        return
    assert not list(folder.glob('.import*'))
    for report in done:
        if report.kept:
            assert len(read_episode(folder / report.name, CONTRACT).actions) == report.ticks
