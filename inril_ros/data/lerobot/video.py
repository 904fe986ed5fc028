# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The videos of a LeRobotDataset v3.0: one camera's images, several episodes to a file.

Encoded as lerobot does by default, so that its tools cut and join these files: yuv420p, a key
frame every second image, a constant rate factor. Needs av (PyAV).
"""

from collections.abc import Iterator
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from inril_ros.data.lerobot.encoder_priority import unchanged_priority

PATH = 'videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4'
FILE_BYTES = 200 * 2**20
_KEY_FRAMES = 2
_SMALLEST_AV1 = 64  # SVT-AV1 before 3.0 ends the process on smaller ones
_ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    'av1': ('libsvtav1', {'crf': '30', 'preset': '12', 'svtav1-params': 'fast-decode=0'}),
    'h264': ('libx264', {'crf': '23'})}  # at 30 it loses 4 dB more than AV1 does
CODECS = tuple(_ENCODERS)


class VideoError(ValueError):
    """A video that can't be written or read; the message says what is wrong with it."""


def require_av() -> Any:
    """Return PyAV.

    Raises:
        VideoError: It isn't installed.
    """
    try:
        import av
    except ImportError as error:
        raise VideoError("videos are written and read by PyAV: pip install 'inril_ros[lerobot]', "
                         'or av') from error
    return av


def require_codec(codec: str) -> Any:
    """Return PyAV, if it can encode as one of ``CODECS``.

    Raises:
        VideoError: There is no such codec, or PyAV isn't installed.
    """
    if codec not in _ENCODERS:
        raise VideoError(f'video {codec}: allowed are {", ".join(CODECS)}')
    av, encoder = require_av(), _ENCODERS[codec][0]
    if encoder not in av.codecs_available:
        raise VideoError(f'this PyAV has no {encoder}: take another codec of '
                         f'{", ".join(CODECS)}, or install av from its wheel')
    return av


class VideoFiles:
    """Writes the images of one camera: episode after episode, a new file when one is full."""

    def __init__(self, out: Path, key: str, codec: str, rate: float, chunk_files: int) -> None:
        """Prepare to write.

        Args:
            out: Folder of the dataset.
            key: Name of the feature, such as ``observation.images.front``.
            codec: One of ``CODECS``.
            rate: Images per second.
            chunk_files: Number of files per folder.

        Raises:
            VideoError: PyAV isn't installed, or there is no such codec in it.
        """
        self._av = require_codec(codec)
        self._encoder, self._options = _ENCODERS[codec]
        self._out, self._key, self._codec, self._chunk_files = out, key, codec, chunk_files
        self._rate = Fraction(rate).limit_denominator(1001)
        self._container: Any = None
        self._stream: Any = None
        self._file = self._frames = self._bytes = 0

    def write(self, images: np.ndarray) -> dict[str, Any]:
        """Write the images (N, H, W, 3) uint8 of an episode; return its row's entries.

        Raises:
            VideoError: The codec takes no images of this size.
        """
        if self._frames and self._bytes * (1 + len(images) / self._frames) > FILE_BYTES:
            self.close()
            self._file += 1
        if self._container is None:
            self._open(*images.shape[1:3])
        first = self._frames
        for image in images:
            frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(image), 'rgb24')
            frame.pts, frame.time_base = self._frames, 1 / self._rate
            self._mux(frame)
            self._frames += 1
        place = self._place()
        return {f'videos/{self._key}/{name}': value for name, value in (
            *place.items(), ('from_timestamp', float(first / self._rate)),
            ('to_timestamp', float(self._frames / self._rate)))}

    def _place(self) -> dict[str, int]:
        return {'chunk_index': self._file // self._chunk_files,
                'file_index': self._file % self._chunk_files}

    def _open(self, height: int, width: int) -> None:
        if self._codec == 'h264' and (height % 2 or width % 2):
            raise VideoError(f'{self._key}: h264 takes no images of {width} x {height} pixels: '
                             'both must be even')
        if self._codec == 'av1' and min(height, width) < _SMALLEST_AV1:
            raise VideoError(f'{self._key}: av1 takes no images of {width} x {height} pixels: '
                             f'both must be {_SMALLEST_AV1} or more')
        path = self._out / PATH.format(video_key=self._key, **self._place())
        path.parent.mkdir(parents=True, exist_ok=True)
        self._container = self._av.open(str(path), 'w')
        self._stream = self._container.add_stream(self._encoder, rate=self._rate, options={
            'g': str(_KEY_FRAMES), **self._options})
        self._stream.width, self._stream.height = width, height
        self._stream.pix_fmt = 'yuv420p'
        self._frames = self._bytes = 0

    def _mux(self, frame: Any) -> None:
        with nullcontext() if self._frames else unchanged_priority():  # the first one opens it
            packets = self._stream.encode(frame)
        for packet in packets:
            self._bytes += packet.size
            self._container.mux(packet)

    def close(self) -> None:
        """Finish the file."""
        if self._container is None:
            return
        container, self._container = self._container, None
        try:
            for packet in self._stream.encode(None):
                container.mux(packet)
        finally:
            container.close()


def video_information(codec: str, height: int, width: int, rate: float) -> dict[str, Any]:
    """Return the description of a video feature in ``meta/info.json``, with lerobot's keys."""
    return {
        'video.height': height, 'video.width': width, 'video.codec': codec,
        'video.pix_fmt': 'yuv420p', 'video.fps': int(rate) if rate == int(rate) else rate,
        'video.channels': 3, 'has_audio': False, 'is_depth_map': False,
        'video.is_depth_map': False, 'video.g': _KEY_FRAMES,
        'video.crf': int(_ENCODERS[codec][1]['crf'])}


def count_images(path: Path) -> int:
    """Return the number of images that a video says it has; 0 if it doesn't say.

    Raises:
        VideoError: It can't be read.
    """
    av = require_av()
    try:
        with av.open(str(path)) as container:
            return container.streams.video[0].frames
    except (av.FFmpegError, IndexError, OSError) as error:
        raise VideoError(f'{path}: cannot be decoded: {error}') from error


def read_video(path: Path, start: float, number: int, rate: float) -> Iterator[np.ndarray]:
    """Yield images (H, W, 3) uint8 of a video, by their times.

    Args:
        path: The file.
        start: Time of the first image in it [s].
        number: Number of images.
        rate: Images per second; each image must be found within a quarter of a period.

    Raises:
        VideoError: One is missing or cannot be decoded.
    """
    av = require_av()
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            container.seek(max(0, round((start - 0.25 / rate) / stream.time_base)), stream=stream)
            wanted = 0
            for frame in container.decode(stream):
                if frame.pts is None or wanted == number:
                    break
                late = (float(frame.pts * stream.time_base) - start) * rate - wanted
                if late > 0.25:
                    break
                if late >= -0.25:
                    yield frame.to_ndarray(format='rgb24')
                    wanted += 1
    except (av.FFmpegError, IndexError, OSError) as error:
        raise VideoError(f'{path}: cannot be decoded: {error}') from error
    if wanted < number:
        raise VideoError(f'{path}: has no image at {start + wanted / rate:.3f} s, '
                         f'the {wanted + 1}. of {number} from {start:.3f} s on')
