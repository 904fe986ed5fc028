# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The images of a dataset, as the contract's cameras would send them."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from inril_ros.data.lerobot.dataset import Dataset
from inril_ros.data.lerobot.format import LeRobotError, SCALED_FROM
from inril_ros.data.lerobot.video import count_images, read_video
from inril_ros.data.lerobot.wholeness import Episode
from inril_ros.robot.contract.contract import Camera
from inril_ros.robot.messages.images import resized

_CHANNELS = (1, 3, 4)
# A picture that is more than this narrower or wider would be distorted visibly.
_ASPECT_TOLERANCE = 0.01


class CameraImages:
    """The images of one camera of the contract.

    Attributes:
        notes: What is done to each image, for the user.
    """

    def __init__(self, dataset: Dataset, name: str, camera: Camera, stretch: bool) -> None:
        """Check that a feature's images can be the camera's.

        Args:
            dataset: The dataset.
            name: The image feature.
            camera: The camera's entry in the contract.
            stretch: Whether images may be distorted to the camera's size.

        Raises:
            LeRobotError: They can't.
        """
        self._dataset, self._name, self._camera = dataset, name, camera
        self._feature = dataset.feature(name)
        where = f'{dataset.path}: {name}'
        if self._feature.get('dtype') not in ('image', 'video'):
            raise LeRobotError(f'{where}: has dtype {self._feature.get("dtype")!r}; images have '
                               'image or video')
        if camera.depth_range is not None or is_depth(self._feature):
            theirs = 'depths' if is_depth(self._feature) else 'colours'
            ours = 'colours' if camera.depth_range is None else 'depths (depth_range)'
            raise LeRobotError(f'{where}: has {theirs}, the contract {ours}; depth images are not '
                               'imported: leave this camera out of policy_images')
        try:
            self._size, channels = image_size(self._feature)
        except LeRobotError as error:
            raise LeRobotError(f'{where}: {error}') from error
        self.notes = self._check_size(where, stretch)
        if channels == 1:
            self.notes.append(f'{name}: grey images become colour images without colour')
        if channels == 4:
            self.notes.append(f'{name}: the fourth channel, transparency, is left out')

    def _check_size(self, where: str, stretch: bool) -> list[str]:
        """Return what is said of another size than the camera's."""
        (height, width), camera = self._size, self._camera
        if (height, width) == (camera.height, camera.width):
            return []
        change = f'{width} x {height} becomes {camera.width} x {camera.height}'
        ratio = (camera.width / camera.height) / (width / height)
        ours = (self._feature.get('info') or {}).get(SCALED_FROM) == [camera.width, camera.height]
        if ours or abs(ratio - 1.0) <= _ASPECT_TOLERANCE:
            return [f'{self._name}: {change}']
        if not stretch:
            raise LeRobotError(
                f'{where}: {change}, the size of {camera.topic} in the contract, and would be '
                f'distorted by {100 * abs(ratio - 1.0):.0f} %: give the camera another size in '
                'the contract, or import with --stretch')
        return [f'{self._name}: {change}, distorted by {100 * abs(ratio - 1.0):.0f} %']

    def of(self, episode: Episode) -> Iterator[np.ndarray]:
        """Yield an image (height, width, 3) uint8 of the camera's size for each frame.

        Raises:
            LeRobotError: One is missing, can't be decoded, or has another size than is said.
            VideoError: The same, of a video.
        """
        source = self._images if self._feature['dtype'] == 'image' else self._video
        for frame, image in enumerate(source(episode)):
            if image.shape[:2] != self._size:
                raise LeRobotError(
                    f'{self._name}: frame {frame} has {image.shape[1]} x {image.shape[0]} pixels, '
                    f'and meta/info.json says {self._size[1]} x {self._size[0]}')
            yield resized(image, self._camera.height, self._camera.width)

    def _images(self, episode: Episode) -> Iterator[np.ndarray]:
        for frame, image in enumerate(self._dataset.images(self._name, episode.rows)):
            yield decoded(image, f'{self._name}: frame {frame}')

    def _video(self, episode: Episode) -> Iterator[np.ndarray]:
        """Yield the images of an episode from the video that holds it."""
        info, entry, name = self._dataset.info, episode.entry, self._name
        whole = self._dataset.one_file_per_episode
        path = self._dataset.path / str(info['video_path']).format(
            video_key=name, episode_index=episode.index,
            episode_chunk=episode.index // int(info.get('chunks_size', 1000)),
            chunk_index=entry.get(f'videos/{name}/chunk_index', 0),
            file_index=entry.get(f'videos/{name}/file_index', 0))
        number = len(episode.rows)
        if whole and count_images(path) not in (0, number):
            raise LeRobotError(f'{path}: has {count_images(path)} images, and the episode '
                               f'{number} frames')
        start = 0.0 if whole else float(entry[f'videos/{name}/from_timestamp'])
        return read_video(path, start, number, self._dataset.rate)


def image_size(feature: Mapping[str, Any]) -> tuple[tuple[int, int], int]:
    """Return (height, width) and the number of channels of an image feature.

    Shapes have the channels last or first. Names say which, but not all writers get them right,
    so the shape itself is asked first.

    Raises:
        LeRobotError: The shape is no image's.
    """
    shape = [int(size) for size in feature['shape']]
    names = feature.get('names')
    if len(shape) == 3:
        last, first = shape[2] in _CHANNELS, shape[0] in _CHANNELS
        named_first = isinstance(names, list) and str(names[0]).startswith('channel')
        if first and (not last or named_first):
            return (shape[1], shape[2]), shape[0]
        if last:
            return (shape[0], shape[1]), shape[2]
    raise LeRobotError(f'has the shape {shape}, names {names}: no height, width and 1, 3 or 4 '
                       'channels in it')


def is_depth(feature: Mapping[str, Any]) -> bool:
    """Return whether a feature's images are depths, as any version of lerobot marks them."""
    parts = [feature.get('info') or {}, feature.get('video_info') or {}]
    return any(part.get(key) for part in parts if isinstance(part, Mapping)
               for key in ('is_depth_map', 'video.is_depth_map'))


def decoded(image: Any, what: str) -> np.ndarray:
    """Return an image as a parquet file has it, as (height, width, 3) uint8 RGB.

    Raises:
        LeRobotError: It is none, or has more than 8 bits, as depths have.
    """
    import cv2

    content = image.get('bytes') if isinstance(image, Mapping) else image
    if not content:
        path = image.get('path') if isinstance(image, Mapping) else None
        raise LeRobotError(f'{what}: the image is not in the parquet file'
                           f'{f", which names {path}" if path else ""}')
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise LeRobotError(f'{what}: {len(content)} bytes that are no image')
    if pixels.dtype != np.uint8:
        raise LeRobotError(f'{what}: has numbers of type {pixels.dtype}, as depths have; images '
                           'of 8 bits are imported')
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    return cv2.cvtColor(pixels, {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB,
                                 4: cv2.COLOR_BGRA2RGB}[channels])
