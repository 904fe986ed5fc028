# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Episodes of a LeRobotDataset v3.0 as demonstrations.

A frame becomes the messages that the robot would have sent at its tick, so that the same code
reads these and recorded demonstrations. The state must hold the contract's observations, by name
or in its order. The dataset has no observation after the last action: the last one is repeated.
Needs pyarrow, and PyAV for videos.
"""

from array import array
from collections.abc import Iterator
from pathlib import Path
import shutil
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

import numpy as np

from inril_ros.data.bags.bags import BagError, EpisodeBag
from inril_ros.data.demonstrations.demonstration_set import add_staged, next_number
from inril_ros.data.demonstrations.npz_export import action_columns, quantity_columns
from inril_ros.data.importing.episode_messages import EpisodeMessages
from inril_ros.data.importing.imported_episode import ImportedEpisode
from inril_ros.data.lerobot.export import image_key, LeRobotError, require_pyarrow
from inril_ros.data.lerobot.video import read_video, VideoError
from inril_ros.data.raw.messages import message_class, serialised
from inril_ros.data.record_files import read_json, RecordError
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.episode import EpisodeOutcome
from inril_ros.robot.messages.codecs import encode_observations
from inril_ros.robot.messages.images import encode_image, encode_png, resized

_SECOND = 1_000_000_000


def import_lerobot(
    dataset: Path, contract: Contract, folder: Path, scale: float = 1.0, operator: str = '',
) -> list[ImportedEpisode]:
    """Import a dataset; all of its episodes are added, or none.

    Args:
        dataset: The dataset's folder.
        contract: The robot's contract.
        folder: Folder of demonstrations, to which the episodes are added.
        scale: Factor of states and actions; pi / 180 if they are in degrees.
        operator: The name of the person who drove.

    Raises:
        LeRobotError: It can't be read, or isn't of this robot.
        VideoError: One of its videos can't be read.
        BagError: It was imported before.
    """
    staging = folder / f'.import-{uuid4().hex[:8]}'
    try:
        source = _Dataset(dataset, contract, scale)
        first, done = next_number(folder), []
        for index, row in enumerate(source.episodes):
            identity = str(uuid5(NAMESPACE_URL, f'{dataset.name} {index} {contract.hash}'))
            bag = EpisodeBag(staging, f'{first + index:04d}_{identity[:8]}')
            outcome = source.outcome(row)
            messages = EpisodeMessages(bag, contract, identity, outcome,
                                       ', '.join(row['tasks']), operator)
            clipped = _write(messages, source.frames(row))
            bag.close(messages.information(str(dataset)), keep=True)
            done.append(ImportedEpisode(
                bag.path.name, messages.ticks, messages.ticks * contract.period, bag.messages,
                clipped, unreadable=0))
        add_staged(staging, folder)
    except (LeRobotError, BagError, VideoError):
        raise
    except Exception as error:  # a damaged file makes the reader raise almost anything
        raise LeRobotError(f'{dataset}: cannot be read: {error}') from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return done


class _Dataset:
    """The files of a dataset, checked against the contract."""

    def __init__(self, path: Path, contract: Contract, scale: float) -> None:
        self._arrow = require_pyarrow()
        self._path, self._contract, self._scale = path, contract, scale
        try:
            self._info = read_json(path / 'meta/info.json')
            version, rate = str(self._info['codebase_version']), float(self._info['fps'])
            features = self._info['features']
        except (RecordError, KeyError, TypeError, ValueError) as error:
            raise LeRobotError(f'{path}: is no LeRobotDataset: {error}') from error
        if not version.startswith('v3.'):
            raise LeRobotError(f'{path}: has version {version}, v3 is read: convert it with '
                               "lerobot's convert_dataset_v21_to_v30")
        if abs(rate - contract.control_rate) > 1e-3:
            raise LeRobotError(f'{path}: has {rate:g} frames per second, the contract '
                               f'{contract.control_rate:g} Hz')
        observed = quantity_columns(contract, tuple(contract.observations))
        self._state = self._order('observation.state', observed, features)
        self._action = self._order('action', action_columns(contract), features)
        for camera in contract.policy_cameras:
            if image_key(camera) not in features:
                seen = sorted(name for name in features if 'image' in name)
                raise LeRobotError(f'{path}: lacks {image_key(camera)}; it has {seen}')
            if _is_depth(features[image_key(camera)]):
                raise LeRobotError(f'{path}: {image_key(camera)} has depths, the contract colours')
        self._features, self._rate = features, rate
        self.episodes = self._read_episodes()

    def _order(self, name: str, wanted: list[str], features: dict) -> list[int]:
        """Return the indices of the contract's numbers in a vector."""
        if name not in features:
            raise LeRobotError(f'{self._path}: lacks {name}; it has {sorted(features)}')
        names, size = features[name].get('names'), features[name]['shape'][0]
        names = list(names) if isinstance(names, (list, dict)) else []
        plain = [str(item).removesuffix('.pos') for item in names]
        for candidates in (wanted, [item.partition('.')[2] for item in wanted]):
            if len(plain) == size and set(candidates) <= set(plain):
                return [plain.index(item) for item in candidates]
        if size != len(wanted):
            raise LeRobotError(f'{self._path}: {name} has {size} numbers {names}, the contract '
                               f'needs {len(wanted)}: {wanted}')
        return list(range(size))

    def _read_episodes(self) -> list[dict]:
        files = sorted((self._path / 'meta/episodes').glob('*/*.parquet'))
        rows = [row for file in files
                for row in self._arrow.parquet.read_table(file).to_pylist()]
        if not rows:
            raise LeRobotError(f'{self._path}: has no episodes')
        return sorted(rows, key=lambda row: row['episode_index'])

    def outcome(self, row: dict) -> EpisodeOutcome:
        """Return an episode's outcome: by its reward if there is one, else success."""
        if 'next.reward' not in self._features:
            return EpisodeOutcome.SUCCESS
        rewards = self._rows(row, ['next.reward'])['next.reward'].to_pylist()
        good = any(float(np.ravel(reward)[0]) > 0.0 for reward in rewards)
        return EpisodeOutcome.SUCCESS if good else EpisodeOutcome.FAILURE

    def _rows(self, row: dict, columns: list[str]) -> Any:
        path = self._path / self._info['data_path'].format(
            chunk_index=row['data/chunk_index'], file_index=row['data/file_index'],
            episode_chunk=row['data/chunk_index'], episode_index=row['episode_index'])
        return self._arrow.parquet.read_table(
            path, columns=columns, filters=[('episode_index', '=', row['episode_index'])])

    def frames(self, row: dict) -> Iterator[tuple[np.ndarray, np.ndarray, list[np.ndarray]]]:
        """Yield state (O,), action (A,) and the image of each policy camera of each frame."""
        names = [image_key(camera) for camera in self._contract.policy_cameras]
        kept = [name for name in names if self._features[name]['dtype'] == 'image']
        table = self._rows(row, ['observation.state', 'action', *kept])
        videos = {name: self._video(row, name, len(table)) for name in names if name not in kept}
        for frame in table.to_pylist():
            images = [_decoded(frame[name], name) if name in kept else next(videos[name])
                      for name in names]
            yield (self._scale * np.array(frame['observation.state'], float)[self._state],
                   self._scale * np.array(frame['action'], float)[self._action], images)

    def _video(self, row: dict, name: str, number: int) -> Iterator[np.ndarray]:
        """Yield the images of an episode from the video that holds it."""
        path = self._path / self._info['video_path'].format(
            video_key=name, chunk_index=row[f'videos/{name}/chunk_index'],
            file_index=row[f'videos/{name}/file_index'])
        return read_video(path, float(row[f'videos/{name}/from_timestamp']), number, self._rate)


def _is_depth(feature: dict) -> bool:
    information = feature.get('info') or {}
    return bool(information.get('is_depth_map') or information.get('video.is_depth_map'))


def _decoded(image: dict, name: str) -> np.ndarray:
    import cv2

    content = (image or {}).get('bytes') or b''
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if pixels is None:
        raise LeRobotError(f'{name}: an image is not in the parquet file, or is none')
    return np.ascontiguousarray(pixels[:, :, ::-1])


def _write(
    messages: EpisodeMessages, frames: Iterator[tuple[np.ndarray, np.ndarray, list[np.ndarray]]],
) -> int:
    """Write the messages of an episode; return how many actions were reduced to the limits."""
    contract = messages.contract
    start, clipped = 1000 * _SECOND, 0
    delay = round(contract.observation_delay * 1e9)
    frame = None
    for frame in frames:
        stamp = start + messages.ticks * contract.period_ns
        if messages.ticks == 0:
            messages.start(stamp)
        _observe(messages, frame, stamp - delay)
        action = np.clip(frame[1], contract.action_minimum, contract.action_maximum)
        clipped += int((np.abs(action - frame[1]) > 1e-6).any())
        messages.execute(stamp, action.astype(np.float32))
    if frame is None:
        raise LeRobotError('an episode has no frames')
    end = start + messages.ticks * contract.period_ns
    _observe(messages, frame, end - delay)
    messages.end(end)
    return clipped


def _observe(messages: EpisodeMessages, frame: tuple, stamp: int) -> None:
    """Write the messages that the robot would have sent of a frame."""
    contract, start, values = messages.contract, 0, {}
    for name, entry in contract.observations.items():
        values[name] = frame[0][start:start + entry.length]
        start += entry.length
    for topic, message in encode_observations(contract, values, stamp, message_class):
        messages.bag.write(topic, message.__msgtype__, stamp, serialised(message))
    for camera, image in zip(contract.policy_cameras.values(), frame[2], strict=True):
        image = resized(image, camera.height, camera.width)
        message = encode_image(camera, image, stamp, message_class)
        if hasattr(message, 'format'):  # no second loss
            message.format, message.data = 'png', array('B', encode_png(image))
        messages.bag.write(camera.topic, message.__msgtype__, stamp, serialised(message))
