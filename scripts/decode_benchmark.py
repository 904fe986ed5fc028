#!/usr/bin/env python3
# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How fast demonstrations come in, beside the libraries that only decode bags.

    scripts/decode_benchmark.py --gigabytes 2 --folder decode

A recording is generated (an arm at 100 Hz, a pose at 50 Hz, two cameras at 30 Hz, commands) and
read in each way by a process of its own, since a process's peak memory never shrinks:

  rosbags   AnyReader, every message decoded: what there is to beat
  mcap      mcap with mcap-ros2-support, every message decoded (if it is installed)
  import    the whole import: cut, decoded, aligned, written as episodes
  aligned   reading the imported episodes to aligned arrays

Rates are of the whole recording per second of CPU time; repetitions are interleaved and the median
is told.
"""

import argparse
import json
from pathlib import Path
import resource
import shutil
from statistics import median
import subprocess
import sys
import time

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from inril_ros.robot.contract import Contract, parse_contract  # noqa: E402

_SECOND = 1_000_000_000
_BEGIN = 1_700_000_000 * _SECOND
_CAMERAS = ('front', 'wrist')
_JOINTS, _POSE = 'sensor_msgs/msg/JointState', 'geometry_msgs/msg/PoseStamped'
_IMAGE, _TRAJECTORY = 'sensor_msgs/msg/CompressedImage', 'trajectory_msgs/msg/JointTrajectory'
WAYS = ('rosbags', 'mcap', 'import', 'aligned')


def contract() -> Contract:
    """Return the contract of the recorded arm."""
    joints = [f'joint{number}' for number in range(7)]
    return parse_contract({
        'name': 'decode_benchmark', 'control_rate': 20,
        'observations': {
            'angles': {'topic': 'joint_states', 'type': _JOINTS, 'joints': joints,
                       'max_age': 0.2},
            'hand': {'topic': 'hand', 'type': _POSE, 'field': 'pose', 'max_age': 0.2}},
        'policy_observations': ['angles', 'hand'],
        'cameras': {name: {'topic': f'{name}/compressed', 'width': 640, 'height': 480}
                    for name in _CAMERAS},
        'actions': {'arm': {'topic': 'command', 'type': _TRAJECTORY, 'joints': joints,
                            'minimum': [-3] * 7, 'maximum': [3] * 7, 'hold': 'last'}},
        'episode': {'time_limit': 600}})


def generate(path: Path, size: float) -> None:
    """Write a recording of about so many bytes, in episodes of 20 s with pauses of 3 s."""
    from rosbags.rosbag2 import StoragePlugin, Writer

    from inril_ros.data.messages import serialised
    from inril_ros.data.typestore import ros_typestore

    pictures = np.random.default_rng(0).bytes(60_000)
    bag = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
    with bag:
        links = {topic: bag.add_connection(f'/{topic}', kind, typestore=ros_typestore())
                 for topic, kind in (('joint_states', _JOINTS), ('hand', _POSE),
                                     ('command', _TRAJECTORY),
                                     *((f'{name}/compressed', _IMAGE) for name in _CAMERAS))}
        written, first = 0, 0.0
        while written < size:
            for topic, stamp, message in _episode(first, pictures):
                raw = serialised(message)
                bag.write(links[topic], stamp, raw)
                written += len(raw)
            first += 23.0


def _episode(first: float, picture: bytes) -> list[tuple[str, int, object]]:
    from array import array

    from inril_ros.data.messages import blank_message
    from inril_ros.robot.codecs import put_stamp

    rows = []
    for topic, kind, rate in (('joint_states', _JOINTS, 100), ('hand', _POSE, 50),
                              ('command', _TRAJECTORY, 20),
                              *((f'{name}/compressed', _IMAGE, 30) for name in _CAMERAS)):
        for index in range(20 * rate):
            at = first + index / rate
            stamp = _BEGIN + round(at * _SECOND)
            message = blank_message(kind)
            put_stamp(message, stamp, 'base')
            values = np.sin(at + np.arange(7))
            if kind == _JOINTS:
                message.name.extend(f'joint{number}' for number in range(7))
                for quantity in (message.position, message.velocity, message.effort):
                    quantity.extend(values)
            elif kind == _POSE:
                message.pose.position.x, message.pose.orientation.w = float(values[0]), 1.0
            elif kind == _TRAJECTORY:
                message.joint_names.extend(f'joint{number}' for number in range(7))
                point = blank_message('trajectory_msgs/msg/JointTrajectoryPoint')
                point.positions.extend(values)
                message.points.append(point)
            else:
                message.format, message.data = 'jpeg', array('B', picture)
            rows.append((topic, stamp + 1_000_000, message))
    return sorted(rows, key=lambda row: row[1])


def run(way: str, path: Path, folder: Path) -> int:
    """Read the recording in one way; return how many messages or ticks it gave."""
    if way == 'rosbags':
        from rosbags.highlevel import AnyReader

        with AnyReader([path]) as reader:
            return sum(reader.deserialize(raw, link.msgtype) is not None
                       for link, _, raw in reader.messages())
    if way == 'mcap':
        from mcap.reader import make_reader
        from mcap_ros2.decoder import DecoderFactory

        [file] = path.glob('*.mcap')
        with file.open('rb') as content:
            reader = make_reader(content, decoder_factories=[DecoderFactory()])
            return sum(1 for _ in reader.iter_decoded_messages())
    if way == 'import':
        from inril_ros.data.bag_import import import_bag, ImportOptions
        from inril_ros.data.episode_cuts import CutRule

        done = import_bag([path], contract(), folder, ImportOptions(cut=CutRule('gaps', '1.5')))
        return sum(episode.ticks for episode in done)
    from inril_ros.data.aligned_cache import aligned_episode
    from inril_ros.data.bags import find_bags

    return sum(len(aligned_episode(bag, contract()).actions) for bag in find_bags(folder))


def main() -> None:
    """Generate, measure, print and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--gigabytes', type=float, default=0.2)
    parser.add_argument('--folder', type=Path, default=Path('decode_benchmark'))
    parser.add_argument('--repetitions', type=int, default=3)
    parser.add_argument('--out', type=Path, help='JSON file for the results')
    parser.add_argument('--way', choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    path, folder = options.folder / 'recording', options.folder / 'demonstrations'
    if options.way:
        if options.way == 'import':
            shutil.rmtree(folder, ignore_errors=True)
        began = time.process_time()
        number = run(options.way, path, folder)
        seconds = time.process_time() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({'number': number, 'seconds': seconds, 'peak': peak}))
        return
    if not path.exists():
        options.folder.mkdir(parents=True, exist_ok=True)
        generate(path, options.gigabytes * 1e9)
    results = measure(options, path)
    if options.out:
        options.out.write_text(json.dumps(results, indent=2) + '\n', encoding='utf-8')


def measure(options: argparse.Namespace, path: Path) -> dict[str, dict[str, float]]:
    """Run each way in turn, several times; print and return the medians."""
    from rosbags.highlevel import AnyReader

    with AnyReader([path]) as reader:
        messages = reader.message_count
    size = sum(file.stat().st_size for file in path.iterdir()) / 1e6
    print(f'{messages} messages, {size:.0f} MB')
    told: dict[str, list[dict]] = {way: [] for way in WAYS}
    for _ in range(options.repetitions):
        for way in WAYS:
            child = subprocess.run(
                [sys.executable, __file__, '--folder', str(options.folder), '--way', way],
                capture_output=True, text=True, check=False)
            if child.returncode:
                print(f'{way}: {child.stderr.strip().splitlines()[-1]}', file=sys.stderr)
                continue
            told[way].append(json.loads(child.stdout.splitlines()[-1]))
    results = {'recording': {'messages': messages, 'megabytes': size}}
    print(f'{"":10}{"messages/s":>12}{"MB/s":>8}{"peak MB":>9}{"x rosbags":>11}')
    for way, runs in told.items():
        if runs:
            seconds = median(one['seconds'] for one in runs)
            results[way] = {'messages_per_second': messages / seconds,
                            'megabytes_per_second': size / seconds, 'seconds': seconds,
                            'peak_megabytes': max(one['peak'] for one in runs)}
            share = results[way]['messages_per_second'] / results['rosbags']['messages_per_second']
            print(f'{way:10}{messages / seconds:12.0f}{size / seconds:8.0f}'
                  f'{results[way]["peak_megabytes"]:9.0f}{share:11.2f}')
    return results


if __name__ == '__main__':
    main()
