# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Demonstrations as a LeRobotDataset v3.0: parquet files that the lerobot package loads.

``observation.state`` holds the observations of the contract, one after the other, without derived
quantities. Images are PNG within the parquet files, or videos beside them. A frame has the
observation and the action of a tick; the observation after the last action has no frame. Needs
pyarrow, and PyAV for videos.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, ExitStack
import json
from pathlib import Path
import shutil
from typing import Any

import numpy as np

from inril_ros.data.bags.bags import BagError
from inril_ros.data.demonstrations.demonstration_set import list_demonstrations
from inril_ros.data.demonstrations.npz_export import action_columns, quantity_columns
from inril_ros.data.demonstrations.pieces import find_pieces, read_piece
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.data.lerobot import video as videos
from inril_ros.data.lerobot.format import (
    ACTION,
    DATA,
    DONE,
    image_key,
    require_pyarrow,
    REWARD,
    SCALED_FROM,
    STATE,
    SUCCESS,
    TRUNCATED,
    UNITS,
    VERSION,
)
from inril_ros.data.record_files import write_json
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.episode import EpisodeOutcome
from inril_ros.robot.messages.images import encode_png

_FILE_BYTES = 100 * 2**20
_CHUNK_FILES = 1000


def export_lerobot(
    folder: Path, contract: Contract, out: Path, video: str = '',
    tell: Callable[[str], object] = lambda text: None,
) -> int:
    """Write the demonstrations of a folder as a dataset: whole, or not at all.

    Args:
        folder: Folder of demonstrations.
        contract: The robot's contract.
        out: Folder to write, which must not exist.
        video: Codec of the images, ``av1`` or ``h264``; empty for PNG, without loss.
        tell: Called with what the dataset can't say: ticks without a valid observation, which
            have the last values that were known.

    Returns:
        The number of episodes.

    Raises:
        BagError: An episode can't be used, or the folder ``out`` exists already.
        LeRobotError: pyarrow isn't installed.
        VideoError: The codec can't encode the images, or PyAV isn't installed.
    """
    require_pyarrow()
    if video:
        videos.require_codec(video)
    if out.exists():
        raise BagError(f'{out}: is there already')
    partial = out.with_name(f'{out.name}.tmp')
    partial.mkdir(parents=True)
    try:
        number = _write(folder, contract, partial, video, tell)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return number


def _write(folder: Path, contract: Contract, out: Path, video: str,
           tell: Callable[[str], object]) -> int:
    tasks = {item.path: item.task or contract.name for item in list_demonstrations(folder)}
    pieces = find_pieces(folder)
    names = sorted(set(tasks[piece.path] for piece in pieces))
    rows, statistics = [], _Statistics()
    with ExitStack() as files:
        data = files.enter_context(closing(_DataFiles(out, contract, video)))
        video_files = [files.enter_context(closing(videos.VideoFiles(
            out, image_key(camera), video, contract.control_rate, _CHUNK_FILES)))
            for camera in contract.policy_cameras if video]
        for piece in pieces:
            task = tasks[piece.path]
            episode = read_piece(piece, contract, tuple(contract.observations))
            if episode.account:
                tell(f'{piece.name}: {episode.account}')
            place = data.write(len(rows), episode, names.index(task))
            for camera, file in enumerate(video_files):
                place |= file.write(episode.images[:len(episode.actions), camera])
            statistics.add(contract, episode)
            rows.append({'episode_index': len(rows), 'tasks': [task], **place,
                         'meta/episodes/chunk_index': 0, 'meta/episodes/file_index': 0})
    _write_table(out / 'meta/episodes/chunk-000/file-000.parquet', rows)
    _write_tasks(out / 'meta/tasks.parquet', names)
    write_json(out / 'meta/stats.json', statistics.result())
    write_json(out / 'meta/info.json', _info(contract, rows, names, video))
    return len(rows)


def features(contract: Contract, video: str = '') -> dict[str, dict[str, Any]]:
    """Return the columns of the dataset as LeRobot describes them."""
    observed = quantity_columns(contract, tuple(contract.observations))
    described: dict[str, dict[str, Any]] = {
        STATE: {'dtype': 'float32', 'shape': [len(observed)], 'names': observed,
                'info': {UNITS: 'si'}},
        ACTION: {'dtype': 'float32', 'shape': [contract.action_size],
                 'names': action_columns(contract), 'info': {UNITS: 'si'}},
        REWARD: {'dtype': 'float32', 'shape': [1], 'names': None},
        **{name: {'dtype': 'bool', 'shape': [1], 'names': None}
           for name in (DONE, SUCCESS, TRUNCATED)}}
    wanted = contract.policy_images
    for name, camera in contract.policy_cameras.items():
        information = videos.video_information(
            video, wanted.height, wanted.width, contract.control_rate) if video else {}
        if (camera.width, camera.height) != (wanted.width, wanted.height):
            information[SCALED_FROM] = [camera.width, camera.height]
        described[image_key(name)] = {
            'dtype': 'video' if video else 'image', 'shape': [wanted.height, wanted.width, 3],
            'names': ['height', 'width', 'channels'],
            **({'info': information} if information else {})}
    described['timestamp'] = {'dtype': 'float32', 'shape': [1], 'names': None}
    for name in ('frame_index', 'episode_index', 'index', 'task_index'):
        described[name] = {'dtype': 'int64', 'shape': [1], 'names': None}
    return described


def _info(contract: Contract, rows: list[dict], tasks: list[str], video: str) -> dict[str, Any]:
    rate = contract.control_rate
    return {
        'codebase_version': VERSION, 'robot_type': contract.name, 'total_episodes': len(rows),
        'total_frames': sum(row['length'] for row in rows), 'total_tasks': len(tasks),
        'chunks_size': _CHUNK_FILES, 'data_files_size_in_mb': _FILE_BYTES // 2**20,
        'video_files_size_in_mb': videos.FILE_BYTES // 2**20,
        'fps': int(rate) if rate == int(rate) else rate,
        'splits': {'train': f'0:{len(rows)}'}, 'data_path': DATA, 'video_path': videos.PATH,
        'features': features(contract, video)}


class _DataFiles:
    """The parquet files of the frames: a row group per episode, a new file when one is full."""

    def __init__(self, out: Path, contract: Contract, video: str) -> None:
        self._out = out
        self._period = contract.period
        self._cameras = () if video else tuple(contract.policy_cameras)
        self._file = 0
        self._written = 0
        self._writer: Any = None
        self._frames = 0

    def write(self, index: int, episode: RecordedEpisode, task: int) -> dict[str, int]:
        """Write an episode; return the entries of its row that locate it."""
        arrow = require_pyarrow()
        table = self._table(index, episode, task)
        if self._writer is not None and self._written + table.nbytes > _FILE_BYTES:
            self._next_file()
        if self._writer is None:
            path = self._out / DATA.format(**self._place())
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = arrow.parquet.ParquetWriter(path, table.schema, compression='snappy')
        self._writer.write_table(table)
        self._written += table.nbytes
        first, self._frames = self._frames, self._frames + len(table)
        place = self._place()
        return {'length': len(table), 'dataset_from_index': first,
                'dataset_to_index': self._frames, 'data/chunk_index': place['chunk_index'],
                'data/file_index': place['file_index']}

    def _place(self) -> dict[str, int]:
        return {'chunk_index': self._file // _CHUNK_FILES, 'file_index': self._file % _CHUNK_FILES}

    def _next_file(self) -> None:
        self._writer.close()
        self._writer, self._written = None, 0
        self._file += 1

    def _table(self, index: int, episode: RecordedEpisode, task: int) -> Any:
        arrow = require_pyarrow()
        number = len(episode.actions)
        last = np.arange(number) == number - 1
        columns = {
            STATE: _vectors(arrow, episode.observations[:number]),
            ACTION: _vectors(arrow, episode.actions),
            REWARD: arrow.array(episode.rewards, arrow.float32()),
            DONE: arrow.array(last),
            SUCCESS: arrow.array(last & (episode.outcome == EpisodeOutcome.SUCCESS.value)),
            TRUNCATED: arrow.array(
                last & (episode.outcome == EpisodeOutcome.TIME_LIMIT.value))}
        image = arrow.struct([('bytes', arrow.binary()), ('path', arrow.string())])
        for place, camera in enumerate(self._cameras):
            columns[image_key(camera)] = arrow.array(
                [{'bytes': encode_png(frame[place]), 'path': None}
                 for frame in episode.images[:number]], image)
        ticks = np.arange(number)
        columns['timestamp'] = arrow.array((ticks * self._period).astype(np.float32))
        numbers = {'frame_index': ticks, 'episode_index': np.full(number, index),
                   'index': self._frames + ticks, 'task_index': np.full(number, task)}
        for name, values in numbers.items():
            columns[name] = arrow.array(values, arrow.int64())
        return arrow.table(columns)

    def close(self) -> None:
        """Finish the last file."""
        if self._writer is not None:
            self._writer.close()


def _vectors(arrow: Any, rows: np.ndarray) -> Any:
    """Return rows (N, size) as lists of a fixed size."""
    flat = arrow.array(np.ascontiguousarray(rows, np.float32).ravel())
    return arrow.FixedSizeListArray.from_arrays(flat, rows.shape[1])


def _write_table(path: Path, rows: list[dict]) -> None:
    arrow = require_pyarrow()
    path.parent.mkdir(parents=True, exist_ok=True)
    arrow.parquet.write_table(arrow.Table.from_pylist(rows), path)


def _write_tasks(path: Path, names: list[str]) -> None:
    """Write the table of tasks; lerobot reads the texts as the index of a pandas frame."""
    arrow = require_pyarrow()
    table = arrow.table({'task_index': arrow.array(range(len(names)), arrow.int64()),
                         'task': arrow.array(names, arrow.string())})
    about = {'index_columns': ['task'], 'column_indexes': [], 'columns': [
        {'name': 'task_index', 'field_name': 'task_index', 'pandas_type': 'int64',
         'numpy_type': 'int64', 'metadata': None},
        {'name': 'task', 'field_name': 'task', 'pandas_type': 'unicode', 'numpy_type': 'object',
         'metadata': None}], 'creator': {'library': 'pyarrow', 'version': arrow.__version__},
        'pandas_version': '2.0.0'}
    arrow.parquet.write_table(
        table.replace_schema_metadata({'pandas': json.dumps(about)}), path)


class _Statistics:
    """Minimum, maximum, mean and deviation of each feature over all frames."""

    def __init__(self) -> None:
        self._sums: dict[str, list[np.ndarray]] = {}

    def add(self, contract: Contract, episode: RecordedEpisode) -> None:
        """Add an episode."""
        number = len(episode.actions)
        for name, rows in self._features(contract, episode, number):
            rows = np.asarray(rows, np.float64)
            part = [rows.min(0), rows.max(0), rows.sum(0), (rows ** 2).sum(0), len(rows)]
            kept = self._sums.get(name)
            self._sums[name] = part if kept is None else [
                np.minimum(kept[0], part[0]), np.maximum(kept[1], part[1]), kept[2] + part[2],
                kept[3] + part[3], kept[4] + part[4]]

    @staticmethod
    def _features(contract: Contract, episode: RecordedEpisode, number: int
                  ) -> Iterator[tuple[str, np.ndarray]]:
        yield STATE, episode.observations[:number]
        yield ACTION, episode.actions
        yield REWARD, episode.rewards[:, None]
        for place, camera in enumerate(contract.policy_cameras):
            every = max(1, number // 100)  # as lerobot does: images are sampled
            yield (image_key(camera),
                   episode.images[:number:every, place].reshape(-1, 3) / 255.0)

    def result(self) -> dict[str, dict[str, list]]:
        """Return the statistics by feature."""
        statistics = {}
        for name, (least, most, total, squares, number) in self._sums.items():
            mean = total / number
            deviation = np.sqrt(np.maximum(squares / number - mean ** 2, 0.0))
            shape = (3, 1, 1) if name.startswith('observation.images.') else mean.shape
            statistics[name] = {key: np.reshape(value, shape).tolist() for key, value in (
                ('min', least), ('max', most), ('mean', mean), ('std', deviation))}
            statistics[name]['count'] = [int(number)]
        return statistics
