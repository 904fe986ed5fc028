#!/usr/bin/env python3
# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The speed of importing demonstrations, beside libraries that only decode bags.

    benchmarks/decode_benchmark.py --gigabytes 0.25 1 2.2 --folder decode --out docs/studies/import

Recordings are generated (an arm at 100 Hz, a pose at 50 Hz, two cameras at 30 Hz, commands). Each
way reads them in a process of its own, because a process's peak memory never shrinks:

  rosbags   AnyReader, every message decoded: the reference
  mcap      mcap with mcap-ros2-support, every message decoded (if it is installed)
  import    the whole import: cut, decode, align, write episodes, keep them aligned
  aligned   loading the imported episodes as aligned arrays, as training does at its start
  whole     the last two in one process: from a recording to arrays

Rates are of the whole recording per second of CPU time, which includes the system's time and the
loading of modules. Repetitions are interleaved; the results are their medians.
"""

import argparse
import json
from pathlib import Path
import shutil
from statistics import median
import subprocess
import sys
import time

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from inril_ros.robot.contract.contract import Contract, parse_contract  # noqa: E402

_SECOND = 1_000_000_000
_BEGIN = 1_700_000_000 * _SECOND
_CAMERAS = ('front', 'wrist')
_JOINTS, _POSE = 'sensor_msgs/msg/JointState', 'geometry_msgs/msg/PoseStamped'
_IMAGE, _TRAJECTORY = 'sensor_msgs/msg/CompressedImage', 'trajectory_msgs/msg/JointTrajectory'
WAYS = ('rosbags', 'mcap', 'import', 'aligned', 'whole')


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
    """Write a recording of about ``size`` bytes, in episodes of 20 s with pauses of 3 s."""
    from rosbags.rosbag2 import StoragePlugin, Writer

    from inril_ros.data.raw.messages import serialised
    from inril_ros.data.raw.typestore import ros_typestore

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

    from inril_ros.data.raw.messages import blank_message
    from inril_ros.robot.messages.codecs import put_stamp

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
    """Read the recording in one way; return the number of messages or ticks."""
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
    ticks = 0
    if way in ('import', 'whole'):
        from inril_ros.data.importing.bag_import import import_bag
        from inril_ros.data.importing.episode_cuts import CutRule
        from inril_ros.data.importing.import_options import ImportOptions

        done = import_bag([path], contract(), folder, ImportOptions(cut=CutRule('gaps', '1.5')))
        ticks = sum(episode.ticks for episode in done)
    if way == 'import':
        return ticks
    from inril_ros.data.bags.bags import find_bags
    from inril_ros.data.demonstrations.aligned_cache import aligned_episode

    return sum(len(aligned_episode(bag, contract()).actions) for bag in find_bags(folder))


def main() -> None:
    """Generate, measure, print and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--gigabytes', type=float, nargs='+', default=[0.2],
                        help='sizes of the recordings')
    parser.add_argument('--folder', type=Path, default=Path('decode_benchmark'),
                        help='folder of the recordings, which are made if absent')
    parser.add_argument('--repetitions', type=int, default=3)
    parser.add_argument('--out', type=Path,
                        help='folder for import.json and import.md, which are added to')
    parser.add_argument('--way', choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(_run_here(options.way, options.folder)))
        return
    results = []
    for size in options.gigabytes:
        folder = options.folder / f'{size:g}'
        if not (folder / 'recording').exists():
            folder.mkdir(parents=True, exist_ok=True)
            generate(folder / 'recording', size * 1e9)
        results.append(measure(folder, options.repetitions))
    if options.out:
        _write(options.out, results)


def _run_here(way: str, folder: Path) -> dict[str, float]:
    """Read a recording in one way in this process; return its number, time and memory."""
    if way in ('import', 'whole'):
        shutil.rmtree(folder / 'demonstrations', ignore_errors=True)
    began = time.process_time()
    number = run(way, folder / 'recording', folder / 'demonstrations')
    seconds = time.process_time() - began
    return {'number': number, 'seconds': seconds, 'peak': _peak_memory()}


def _peak_memory() -> float:
    """Return the peak memory of this process [MB]."""
    # getrusage would count the memory of the parent process, too.
    lines = Path('/proc/self/status').read_text(encoding='utf-8').splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith('VmHWM')) / 1024


def measure(folder: Path, repetitions: int) -> dict[str, dict[str, float]]:
    """Run each way in turn, several times; print and return the medians."""
    from rosbags.highlevel import AnyReader

    path = folder / 'recording'
    with AnyReader([path]) as reader:
        messages = reader.message_count
    size = sum(file.stat().st_size for file in path.iterdir()) / 1e6
    print(f'{messages} messages, {size:.0f} MB')
    measured: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(repetitions):
        for way in WAYS:
            child = subprocess.run(
                [sys.executable, __file__, '--folder', str(folder), '--way', way],
                capture_output=True, text=True, check=False)
            if child.returncode:
                print(f'{way}: {child.stderr.strip().splitlines()[-1]}', file=sys.stderr)
                continue
            measured[way].append(json.loads(child.stdout.splitlines()[-1]))
    results = {'recording': {'messages': messages, 'megabytes': size,
                             'repetitions': repetitions}}
    for way, runs in measured.items():
        if runs:
            seconds = median(run['seconds'] for run in runs)
            # Within a repetition, because other work on a machine changes its speed.
            times = [base['seconds'] / run['seconds'] for base, run in zip(
                measured['rosbags'], runs, strict=True)]
            results[way] = {
                'messages_per_second': messages / seconds, 'megabytes_per_second': size / seconds,
                'seconds': seconds, 'each_seconds': [run['seconds'] for run in runs],
                'peak_megabytes': max(run['peak'] for run in runs),
                'times_rosbags': median(times), 'each_times_rosbags': times}
    print('\n'.join(_table(results)))
    return results


def _table(results: dict[str, dict[str, float]]) -> list[str]:
    lines = ['| way | messages/s | MB/s | peak memory [MB] | x rosbags |', '|---|---|---|---|---|']
    return lines + [
        f'| {way} | {row["messages_per_second"]:.0f} | {row["megabytes_per_second"]:.0f} '
        f'| {row["peak_megabytes"]:.0f} | {row["times_rosbags"]:.2f} '
        f'({min(row["each_times_rosbags"]):.2f} to {max(row["each_times_rosbags"]):.2f}) |'
        for way, row in results.items() if way != 'recording']


def _write(folder: Path, results: list[dict[str, dict[str, float]]]) -> None:
    """Write results as JSON and as tables; results of other sizes stay."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / 'import.json'
    known = json.loads(data.read_text(encoding='utf-8')) if data.exists() else []
    sizes = {row['recording']['messages']: row for row in [*known, *results]}
    rows = [sizes[key] for key in sorted(sizes)]
    data.write_text(json.dumps(rows, indent=2) + '\n', encoding='utf-8')
    text = ['# Import beside decoding', '', 'Made by `benchmarks/decode_benchmark.py --out`, '
            'which describes the ways. Rates are of CPU time; x rosbags is the median (and range) '
            'of the ratios within a repetition; peak memory is the largest.']
    for row in rows:
        about = row['recording']
        text += ['', f'## {about["megabytes"] / 1000:.2f} GB, {about["messages"]} messages, '
                 f'{about["repetitions"]} repetitions', '', *_table(row)]
    notes = folder / 'notes.md'
    if notes.exists():
        text += ['', notes.read_text(encoding='utf-8').rstrip()]
    (folder / 'import.md').write_text('\n'.join(text) + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
