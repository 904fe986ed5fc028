# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images of a recording that are video, or not of sensor_msgs, as images of sensor_msgs.

The images of a video are written as PNG files, so that the imported bag reads without a decoder.
Decoding begins at the last key frame before an episode.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from typing import Any

import numpy as np

from inril_ros.data.bags.bags import BagError
from inril_ros.data.bags.connection import Connection
from inril_ros.data.bags.recording import Recording
from inril_ros.data.lerobot.video import VideoError
from inril_ros.data.raw.image_types import FFMPEG_PACKET, FOREIGN_IMAGES, FOXGLOVE_RAW
from inril_ros.data.raw.messages import blank_message, serialised
from inril_ros.data.video.decoder import (
    Decoded,
    decoder_of,
    DecodingError,
    is_key_frame,
    VideoDecoder,
)
from inril_ros.robot.messages.images import encode_png

COMPRESSED, RAW = 'sensor_msgs/msg/CompressedImage', 'sensor_msgs/msg/Image'
_NO_KEY = 'no key frame of the video came before it'
_PAUSE = 2.5  # times the usual interval between packets


@dataclass(frozen=True)
class SensorImage:
    """An image as a message of sensor_msgs.

    Attributes:
        message: The message.
    """

    message: Any

    @property
    def kind(self) -> str:
        """Its type."""
        return self.message.__msgtype__

    @property
    def raw(self) -> bytes:
        """Its content in CDR."""
        return serialised(self.message)


@dataclass
class _Video:
    """A topic that is video.

    Attributes:
        decoder: Name of its decoder.
        keys: Times of the packets with which decoding can begin [ns].
        lost: Spans of time [ns] in which its images are damaged, because a packet is missing.
        interval: [ns] Usual time between packets.
    """

    decoder: str
    keys: list[int] = field(default_factory=list)
    lost: list[tuple[int, int]] = field(default_factory=list)
    interval: float = 0.0


class ImageTopics:
    """The camera connections of an open recording whose messages must be turned into others.

    Args:
        reader: The recording.
        connections: Its connections that carry images.

    Raises:
        BagError: One is video that can't be decoded here.
    """

    def __init__(self, reader: Recording, connections: Sequence[Connection]) -> None:
        self._reader = reader
        self._videos: dict[int, _Video] = {}
        self._others: set[int] = set()
        for connection in connections:
            decoder = _decoder(reader, connection)
            if decoder is not None:
                self._videos[connection.id] = _scanned(reader, connection, decoder)
            elif connection.msgtype in FOREIGN_IMAGES:
                self._others.add(connection.id)
        self._video_connections = [each for each in connections if each.id in self._videos]

    def of_episode(self, start: int) -> 'EpisodeImages':
        """Return the images of an episode whose messages are read from ``start`` [ns] on."""
        streams = {}
        for connection in self._video_connections:
            video = self._videos[connection.id]
            stream = streams[connection.id] = _Stream(video)
            since = max((key for key in video.keys if key <= start), default=0)
            for _, _, raw in self._reader.messages([connection], since, start):
                stream.prepare(self._reader.deserialize(raw, connection))
        return EpisodeImages(self._reader, streams, self._others)


def first_images(reader: Recording, connections: Sequence[Connection]) -> Iterator[Any]:
    """Yield the images of connections as messages of sensor_msgs, from the beginning.

    Raises:
        BagError: One can't be decoded.
    """
    seen = ImageTopics(reader, connections).of_episode(0)
    for connection, _, raw in seen.messages(connections, 0, reader.end_time):
        yield raw.message if isinstance(raw, SensorImage) else reader.deserialize(raw, connection)


class EpisodeImages:
    """The messages of one episode, with its images as those of sensor_msgs."""

    def __init__(self, reader: Recording, streams: dict[int, '_Stream'], others: set[int]) -> None:
        self._reader = reader
        self._streams = streams
        self._others = others

    def messages(
        self, connections: Sequence[Connection], start: int, stop: int,
    ) -> Iterator[tuple[Connection, int, bytes | SensorImage]]:
        """Yield connection, time [ns], and content or image of messages, in order of time."""
        videos = [each for each in connections if each.id in self._streams]
        rest = [each for each in connections if each.id not in self._streams]
        # A decoder gives an image some packets later: it reads ahead of the other streams.
        yield from merge(self._others_in_order(rest, start, stop),
                         *(self._video(each, start, stop) for each in videos),
                         key=lambda message: message[1])

    def _others_in_order(
        self, connections: Sequence[Connection], start: int, stop: int,
    ) -> Iterator[tuple[Connection, int, bytes | SensorImage]]:
        for connection, time, raw in self._reader.messages(connections, start, stop):
            yield connection, time, (
                _of_sensor_msgs(self._reader.deserialize(raw, connection))
                if connection.id in self._others else raw)

    def _video(
        self, connection: Connection, start: int, stop: int,
    ) -> Iterator[tuple[Connection, int, SensorImage]]:
        stream = self._streams[connection.id]
        for _, time, raw in self._reader.messages([connection], start, stop):
            for begun, image in stream.add(time, self._reader.deserialize(raw, connection)):
                yield connection, begun, image
        for begun, image in stream.end():
            yield connection, begun, image

    def refused(self, connection: Connection) -> list[str]:
        """Return why each message of a video that gave no image so far will give none."""
        stream = self._streams.get(connection.id)
        return [] if stream is None else stream.refused()

    def notes(self, connection: Connection, topic: str) -> list[str]:
        """Return what a person should know of a video."""
        stream = self._streams.get(connection.id)
        if stream is None or not stream.pauses:
            return []
        return [f'{topic}: its video pauses {stream.pauses} times: if packets were lost there, '
                'its images are damaged until the next key frame']


class _Stream:
    """The decoder of a video in one episode."""

    def __init__(self, video: _Video) -> None:
        self._video = video
        self._decoder = VideoDecoder(video.decoder)
        self._number = 0
        self._waiting: dict[int, tuple[int, Any]] = {}  # time and header, by packet
        self._times: dict[int, int] = {}  # at which the next images come, by packet
        self._reasons: dict[int, str] = {}
        self._rest = ''  # why a packet without an image has none, once all images are there
        self._begun = False
        self._newest: int | None = None
        self.pauses = 0

    def prepare(self, message: Any) -> None:
        """Decode a packet from before the episode."""
        self._decode(message)
        self._reasons.clear()

    def add(self, time: int, message: Any) -> list[tuple[int, SensorImage]]:
        """Decode a packet; return times [ns] and images, of this or earlier packets.

        The images of a video can be sent in another order: the first image gets the time at which
        the first packet came.
        """
        if self._newest is not None and time - self._newest > _PAUSE * self._video.interval:
            self.pauses += 1
        self._newest = time
        self._waiting[self._number] = time, getattr(message, 'header', message)
        self._times[self._number] = time
        return self._images(self._decode(message))

    def end(self) -> list[tuple[int, SensorImage]]:
        """Return the images that the decoder has not given yet."""
        self._rest = 'it gave no image'
        try:
            return self._images(self._decoder.end())
        except DecodingError:
            return []

    def refused(self) -> list[str]:
        """Return why packets gave no image, each once."""
        told = [number for number in self._waiting if self._reasons.get(number, self._rest)]
        for number in told:
            del self._waiting[number]
        return [self._reasons.get(number, self._rest) for number in told]

    def _decode(self, message: Any) -> Decoded:
        number, self._number = self._number, self._number + 1
        data = bytes(message.data)
        self._begun = self._begun or is_key_frame(self._video.decoder, data)
        try:
            decoded = self._decoder.add(number, data)
        except DecodingError as error:
            self._reasons[number] = (
                f'a packet of the video cannot be decoded: {error}' if self._begun else _NO_KEY)
            return []
        self._begun = self._begun or bool(decoded)
        if not self._begun:
            self._reasons[number] = _NO_KEY
        return decoded

    def _images(self, decoded: Decoded) -> list[tuple[int, SensorImage]]:
        images = []
        for number, rgb in decoded:
            if number not in self._waiting:
                continue  # from before the episode
            time, header = self._waiting[number]
            if any(first <= time < last for first, last in self._video.lost):
                self._reasons[number] = 'a packet of the video before it is missing'
                continue
            del self._waiting[number]
            first = next(each for each in self._times if each not in self._reasons)
            images.append((self._times.pop(first), _png(header, rgb)))
        return images


def _decoder(reader: Recording, connection: Connection) -> str | None:
    """Return the decoder for the messages of a connection; None if they are no video."""
    for _, _, raw in reader.messages([connection]):
        message = reader.deserialize(raw, connection)
        form = getattr(message, 'encoding', None) or getattr(message, 'format', '')
        decoder = decoder_of(form)
        if decoder is None and connection.msgtype in (FFMPEG_PACKET, FOREIGN_IMAGES[1]):
            raise BagError(f'{connection.topic}: video of the format {form!r} is not known')
        try:
            if decoder is not None:
                VideoDecoder(decoder)
        except (VideoError, DecodingError) as error:
            raise BagError(f'{connection.topic}: its images are video ({form}): {error}'
                           ) from error
        return decoder
    return None


def _scanned(reader: Recording, connection: Connection, decoder: str) -> _Video:
    """Find the key frames of a video, and where packets are missing."""
    video = _Video(decoder)
    times, counters, keys = [], [], []
    for _, time, raw in reader.messages([connection]):
        message = reader.deserialize(raw, connection)
        times.append(time)
        counters.append(getattr(message, 'pts', 0))
        if getattr(message, 'flags', 0) & 1 or is_key_frame(decoder, bytes(message.data)):
            keys.append(len(times) - 1)
    video.keys = [times[index] for index in keys]
    video.interval = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    steps = np.diff(np.array(counters, np.int64))
    # A counter of packets, unless they are in another order than their images.
    if len(steps) and np.all(steps > 0) and np.median(steps) == 1:
        for index in np.flatnonzero(steps > 1) + 1:
            following = [times[key] for key in keys if key >= index]
            video.lost.append((times[index], following[0] if following else times[-1] + 1))
    return video


def _png(header: Any, rgb: np.ndarray) -> SensorImage:
    image = blank_message(COMPRESSED)
    _put_header(image, header)
    image.format = 'png'
    image.data.frombytes(encode_png(rgb))
    return SensorImage(image)


def _of_sensor_msgs(message: Any) -> SensorImage:
    """Return a message of foxglove_msgs as one of sensor_msgs, which has the same fields."""
    kind = RAW if message.__msgtype__ == FOXGLOVE_RAW else COMPRESSED
    image = blank_message(kind)
    _put_header(image, message)
    for name in ('width', 'height', 'encoding', 'step') if kind == RAW else ('format',):
        setattr(image, name, getattr(message, name))
    image.data.frombytes(bytes(message.data))
    return SensorImage(image)


def _put_header(image: Any, header: Any) -> None:
    """Copy stamp and frame; a message of foxglove_msgs is its own header."""
    stamp = header.stamp if hasattr(header, 'stamp') else header.timestamp
    image.header.stamp.sec, image.header.stamp.nanosec = stamp.sec, stamp.nanosec
    image.header.frame_id = header.frame_id
