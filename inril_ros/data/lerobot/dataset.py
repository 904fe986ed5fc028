# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The files of a LeRobotDataset of version 2.0, 2.1 or 3.0, as they are.

Which frames an episode has is read from the frames themselves, not from where the table of
episodes points: converters have left that table wrong. Nothing is checked here beyond what is
needed to read; see ``wholeness``.
"""

from collections.abc import Iterator
from functools import cached_property
import json
from pathlib import Path
from typing import Any

import numpy as np

from inril_ros.data.lerobot.format import (
    ACTION,
    DONE,
    LeRobotError,
    require_pyarrow,
    REWARD,
    STATE,
    SUCCESS,
    TRUNCATED,
)
from inril_ros.data.record_files import read_json, RecordError

_READ = ('v2.0', 'v2.1', 'v3.0')
_SMALL = ('episode_index', 'frame_index', 'timestamp', 'index', 'task_index', STATE, ACTION,
          REWARD, SUCCESS, DONE, TRUNCATED)
_FROM_1 = ('Convert it with lerobot 0.3.3: python -m lerobot.datasets.v2.convert_dataset_v1_to_v2 '
           '--repo-id USER/NAME --single-task "WHAT IS DONE" --local-dir FOLDER')
#: The columns without which the order and the length of an episode can't be known.
_NEEDED = ('episode_index', 'frame_index', 'timestamp')


class Dataset:
    """A dataset's description, its table of episodes, and its frames without their images.

    Attributes:
        path: The dataset's folder.
        version: Such as ``v3.0``.
        info: The content of ``meta/info.json``.
        rate: Frames per second.
        features: Descriptions of the features by name.
    """

    def __init__(self, path: Path) -> None:
        """Open a dataset.

        Raises:
            LeRobotError: It is none, or of a version that is not read.
        """
        self._arrow = require_pyarrow()
        self.path = path
        _refuse_old(path)
        try:
            self.info = read_json(path / 'meta/info.json')
            self.version = str(self.info['codebase_version'])
            self.rate = float(self.info['fps'])
            self.features = dict(self.info['features'])
        except (RecordError, KeyError, TypeError, ValueError) as error:
            raise LeRobotError(f'{path}: is no LeRobotDataset: {error}') from error
        if self.version not in _READ:
            raise LeRobotError(f'{path}: has version {self.version}; {", ".join(_READ)} are read. '
                               f'{_advice(self.version)}')
        if not self.rate > 0.0:
            raise LeRobotError(f'{path}: meta/info.json: fps is {self.info["fps"]}')

    @property
    def one_file_per_episode(self) -> bool:
        """Whether each episode has its own files, as before version 3."""
        return self.version.startswith('v2.')

    def feature(self, name: str) -> dict[str, Any]:
        """Return the description of a feature.

        Raises:
            LeRobotError: There is none.
        """
        if name not in self.features:
            raise LeRobotError(f'{self.path}: lacks {name}; it has {sorted(self.features)}')
        feature = self.features[name]
        if not isinstance(feature, dict) or not isinstance(feature.get('shape'), list):
            raise LeRobotError(f'{self.path}: meta/info.json: {name} has no shape: {feature}')
        return feature

    @cached_property
    def episodes(self) -> list[dict[str, Any]]:
        """The rows of the table of episodes, in its order.

        Raises:
            LeRobotError: It can't be read, or is empty.
        """
        rows = list(self._lines('meta/episodes.jsonl') if self.one_file_per_episode
                    else self._episode_rows())
        if not rows:
            raise LeRobotError(f'{self.path}: meta/episodes has no episodes, as after a recording '
                               'that was not finished (finalize)')
        for row in rows:
            if not isinstance(row.get('episode_index'), int):
                raise LeRobotError(f'{self.path}: meta/episodes: a row has no episode_index: '
                                   f'{row}')
        return rows

    @cached_property
    def tasks(self) -> dict[int, str]:
        """The texts of the tasks by their numbers; empty if there is no table."""
        if self.one_file_per_episode:
            rows: Any = self._lines('meta/tasks.jsonl')
        elif (self.path / 'meta/tasks.parquet').is_file():
            rows = self._table(self.path / 'meta/tasks.parquet').to_pylist()
        else:
            rows = ()
        # lerobot keeps the texts as the index of a pandas frame, under this name at times.
        return {int(row['task_index']): str(row.get('task', row.get('__index_level_0__', '')))
                for row in rows}

    @cached_property
    def files(self) -> list[Path]:
        """The parquet files of the frames."""
        return sorted((self.path / 'data').glob('**/*.parquet'))

    @cached_property
    def frames(self) -> dict[str, np.ndarray]:
        """The frames of all files: an array by column (N, ...), and ``file``, the file's number.

        Raises:
            LeRobotError: A file can't be read, or lacks a column.
        """
        if not self.files:
            raise LeRobotError(f'{self.path}: has no parquet file in data')
        parts = [self._frames_of(number, path) for number, path in enumerate(self.files)]
        names = [name for name in parts[0] if all(name in part for part in parts)]
        return {name: np.concatenate([part[name] for part in parts]) for name in names}

    def images(self, name: str, rows: np.ndarray) -> Iterator[Any]:
        """Yield the images of an image feature at rows (n,) of ``frames``, as the file has them.

        Args:
            name: The feature.
            rows: Row numbers of one episode's frames, in the order in which images are wanted.
        """
        frames, found = self.frames, {}
        for number in np.unique(frames['file'][rows]):
            episode = int(frames['episode_index'][rows[0]])
            table = self._table(self.files[number], ['frame_index', name],
                                [('episode_index', '=', episode)])
            found |= dict(zip(table.column('frame_index').to_pylist(),
                              table.column(name).to_pylist(), strict=True))
        yield from (found[int(frame)] for frame in frames['frame_index'][rows])

    def _frames_of(self, number: int, path: Path) -> dict[str, np.ndarray]:
        try:
            there = self._arrow.parquet.read_schema(path).names
        except Exception as error:  # a damaged file makes pyarrow raise almost anything
            raise self._damaged(path, error) from error
        lacking = [name for name in (*_NEEDED, STATE, ACTION) if name not in there]
        if lacking:
            raise LeRobotError(f'{path}: lacks the columns {lacking}; it has {there}')
        table = self._table(path, [name for name in _SMALL if name in there])
        columns = {name: self._array(path, name, table) for name in table.column_names}
        return {**columns, 'file': np.full(table.num_rows, number)}

    def _array(self, path: Path, name: str, table: Any) -> np.ndarray:
        """Return a column as (N,) or, for vectors, (N, size) float64; null becomes NaN."""
        column = table.column(name).combine_chunks()
        types = self._arrow.types
        is_list = types.is_list(column.type) or types.is_fixed_size_list(column.type) or (
            types.is_large_list(column.type))
        if name in (STATE, ACTION):
            size = int(np.prod(self.feature(name)['shape']))
            if is_list:
                self._check_sizes(path, name, column, table, size)
                column = self._arrow.compute.list_flatten(column)
            return np.asarray(column.to_numpy(zero_copy_only=False), float).reshape(-1, size)
        if is_list:  # some writers keep a single number as a list of one
            column = self._arrow.compute.list_element(column, 0)
        values = column.to_numpy(zero_copy_only=False)
        whole = name.endswith('index')
        if whole and column.null_count:
            raise LeRobotError(f'{path}: {name} is empty in {column.null_count} rows')
        return np.asarray(values, np.int64 if whole else float)

    def _check_sizes(self, path: Path, name: str, column: Any, table: Any, size: int) -> None:
        sizes = np.asarray(self._arrow.compute.list_value_length(column).to_numpy(
            zero_copy_only=False), float)
        wrong = np.flatnonzero(~(sizes == size))
        if len(wrong):
            episode, frame = (table.column(which)[int(wrong[0])].as_py()
                              for which in ('episode_index', 'frame_index'))
            raise LeRobotError(f'{path}: {name} has {sizes[wrong[0]]:g} numbers in episode '
                               f'{episode}, frame {frame}, and meta/info.json says {size}')

    def _episode_rows(self) -> Iterator[dict[str, Any]]:
        for path in sorted((self.path / 'meta/episodes').glob('**/*.parquet')):
            try:
                names = self._arrow.parquet.read_schema(path).names
            except Exception as error:  # as above
                raise self._damaged(path, error) from error
            yield from self._table(path, [name for name in names
                                          if not name.startswith('stats/')]).to_pylist()

    def _lines(self, name: str) -> Iterator[dict[str, Any]]:
        path = self.path / name
        try:
            for line in path.read_text(encoding='utf-8').splitlines():
                if line.strip():
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise ValueError(f'a line is no object: {line[:80]!r}')
                    yield row
        except (OSError, ValueError, RecursionError) as error:
            raise LeRobotError(f'{path}: cannot be read: {error}') from error

    def _table(self, path: Path, columns: list[str] | None = None, filters: Any = None) -> Any:
        try:
            return self._arrow.parquet.read_table(
                path, columns=columns, filters=filters, partitioning=None)
        except Exception as error:  # as above
            raise self._damaged(path, error) from error

    def _damaged(self, path: Path, error: Exception) -> LeRobotError:
        return LeRobotError(
            f'{path}: cannot be read: {str(error).rstrip(".")}. A recording that was interrupted '
            'leaves such a file, and its episodes are lost: take a whole copy of the dataset, or '
            'move the file away and import the rest with --skip-broken')


def _refuse_old(path: Path) -> None:
    """Refuse a dataset of version 1, which has other files."""
    if not (path / 'meta/info.json').exists() and (
            (path / 'meta_data').is_dir() or (path / 'train').is_dir()):
        raise LeRobotError(f'{path}: is a LeRobotDataset of version 1 (meta_data, Arrow files in '
                           f'train); {", ".join(_READ)} are read. {_FROM_1}')


def _advice(version: str) -> str:
    """Return what can be done about a version that is not read."""
    if version.startswith('v1.'):
        return _FROM_1
    return ('What it means is not known here: take a newer version of this package, or write the '
            'dataset again as v3.0')
