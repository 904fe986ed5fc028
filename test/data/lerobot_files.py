# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A LeRobotDataset as lerobot lays it out on disk, small, and with any fault."""

import json

import numpy as np
import pyarrow
import pyarrow.parquet as parquet

from inril_ros.robot.contract.contract import parse_contract

JOINTS = ('shoulder', 'elbow', 'gripper')
EPISODES = 'meta/episodes/chunk-000/file-000.parquet'
DATA = 'data/chunk-000/file-000.parquet'


def arm(rate=10, joints=JOINTS, **more):
    """A contract with one observation and one action of the same joints."""
    return parse_contract({
        'name': 'arm', 'control_rate': rate,
        'observations': {'angles': {
            'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState',
            'joints': list(joints), 'max_age': 0.2}},
        'policy_observations': ['angles'],
        'actions': {'arm': {
            'topic': 'commands', 'type': 'std_msgs/msg/Float64MultiArray',
            'joints': list(joints), 'minimum': [-2] * len(joints), 'maximum': [2] * len(joints),
            'hold': 'last'}},
        'episode': {'time_limit': 60}, **more})


def motion(number, size=3, seed=0):
    """States and actions (number, size) of an episode, different in each number, rad."""
    ticks = np.arange(number)[:, None] + 10 * seed
    state = 0.1 * (1 + np.arange(size)) + 0.01 * ticks
    return state, state + 0.01


class Files:
    """The content of a dataset, to be changed and then written.

    Attributes:
        info: ``meta/info.json``.
        rows: The table of episodes.
        frames: The frames, a dict each.
        tasks: The texts of the tasks by number; None for no table.
    """

    def __init__(self, lengths=(6, 5), rate=10, names=JOINTS, version='v3.0'):
        vector = {'dtype': 'float32', 'shape': [len(names)], 'names': list(names)}
        one = {'shape': [1], 'names': None}
        self.info = {
            'codebase_version': version, 'robot_type': 'so101_follower',
            'total_episodes': len(lengths), 'total_frames': sum(lengths), 'total_tasks': 1,
            'chunks_size': 1000, 'fps': rate, 'splits': {'train': f'0:{len(lengths)}'},
            'data_path': 'data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet',
            'video_path': 'videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4',
            'features': {
                'observation.state': dict(vector), 'action': dict(vector),
                'timestamp': {'dtype': 'float32', **one},
                **{name: {'dtype': 'int64', **one} for name in (
                    'frame_index', 'episode_index', 'index', 'task_index')}}}
        self.rows, self.frames, self.tasks = [], [], {0: 'pick the cube'}
        for episode, length in enumerate(lengths):
            state, action = motion(length, len(names), episode)
            first = len(self.frames)
            self.rows.append({
                'episode_index': episode, 'tasks': ['pick the cube'], 'length': length,
                'data/chunk_index': 0, 'data/file_index': 0, 'dataset_from_index': first,
                'dataset_to_index': first + length})
            self.frames += [
                {'observation.state': state[frame].tolist(), 'action': action[frame].tolist(),
                 'timestamp': frame / rate, 'frame_index': frame, 'episode_index': episode,
                 'index': first + frame, 'task_index': 0} for frame in range(length)]

    def feature(self, name, values, **description):
        """Add a feature with a value for each frame."""
        self.info['features'][name] = {'shape': [1], 'names': None, **description}
        for frame, value in zip(self.frames, values, strict=True):
            frame[name] = value

    def vectors(self, name):
        """The vectors (N, size) of state or action."""
        return np.array([frame[name] for frame in self.frames])

    def put(self, name, values):
        """Replace the vectors of state or action."""
        for frame, value in zip(self.frames, np.asarray(values, float).tolist(), strict=True):
            frame[name] = value

    def write(self, folder):
        """Write all files; return the folder."""
        old = self.info['codebase_version'].startswith('v2')
        put_json(folder / 'meta/info.json', self.info)
        if old:
            put_lines(folder / 'meta/episodes.jsonl', [
                {key: row[key] for key in ('episode_index', 'tasks', 'length')}
                for row in self.rows])
            if self.tasks is not None:
                put_lines(folder / 'meta/tasks.jsonl', [
                    {'task_index': number, 'task': text} for number, text in self.tasks.items()])
            for index in {frame['episode_index'] for frame in self.frames}:
                put_table(folder / f'data/chunk-000/episode_{index:06d}.parquet',
                          [frame for frame in self.frames if frame['episode_index'] == index])
            return folder
        put_table(folder / EPISODES, self.rows)
        if self.tasks is not None:
            put_table(folder / 'meta/tasks.parquet', [
                {'task_index': number, 'task': text} for number, text in self.tasks.items()])
        put_table(folder / DATA, self.frames)
        return folder


def put_table(path, rows):
    """Write rows as a parquet file, vectors and numbers as float32 like lerobot's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pyarrow.Table.from_pylist(rows)
    for place, field in enumerate(table.schema):
        kind = field.type
        if pyarrow.types.is_floating(kind):
            kind = pyarrow.float32()
        elif pyarrow.types.is_list(kind) and pyarrow.types.is_floating(kind.value_type):
            kind = pyarrow.list_(pyarrow.float32())
        table = table.set_column(place, field.name, table.column(place).cast(kind))
    parquet.write_table(table, path)


def put_json(path, content):
    """Write a JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def put_lines(path, rows):
    """Write a file of JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(f'{json.dumps(row)}\n' for row in rows))
