# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Bags written chunk by chunk, from the messages where they are."""

from collections.abc import Collection, Iterator, Mapping, Sequence
import hashlib
from io import BytesIO
import os
from pathlib import Path
from struct import Struct
from typing import Any

import numpy as np
from rosbags.interfaces import (
    Connection,
    ConnectionExtRosbag2,
    MessageDefinition,
    MessageDefinitionFormat,
    Qos,
)
from rosbags.rosbag2 import CompressionMode, StoragePlugin, Writer
from rosbags.rosbag2.metadata import dump_qos_v9
from rosbags.rosbag2.storage_mcap import McapWriter

from inril_ros.data.raw.bag_metadata import bag_metadata, yaml_text
from inril_ros.data.raw.content_hash import file_hash, is_read, SHORT
from inril_ros.data.raw.mcap_records import (
    at_each_byte,
    CHUNK,
    CHUNK_HEAD,
    INDEX,
    INDEX_HEAD,
    MESSAGE,
    MESSAGE_FIELDS,
    MESSAGE_HEAD,
    MESSAGE_HEADS,
)
from inril_ros.data.raw.message_batch import MessageBatch

_SIZE, _PLACE = Struct('<Q'), Struct('<HQ')
_CHUNK_INDEX = Struct('<QQQQI')  # first time, last time, place, length, length of index places
_CHUNK_SIZES = Struct('<QIQQ')  # length of the index, of compression, of content twice
_CHUNK_SIZE = 2**20  # [byte]
_VECTOR = 1024  # Parts that POSIX systems write in one call


class _ChunkFile(McapWriter):
    """A file whose chunks are written from the messages where they are."""

    def __init__(self, path: Path, compression: CompressionMode) -> None:
        super().__init__(path, compression)
        self._parts: list[bytes | memoryview] = []
        self._hashed: list[bytes | memoryview] = []  # of them, as ``content_hash`` says
        self._topics: tuple[str, ...] | None = None
        self._left_out: set[int] = set()
        self._size = 0
        self._times: dict[int, list[int]] = {}
        self._tables: dict[int, list[np.ndarray]] = {}

    def hash_for(self, topics: Collection[str]) -> None:
        """Hash what is written for who reads these topics, from the beginning."""
        self.bio.flush()
        self._topics = tuple(topics)
        self._total = hashlib.sha256(self.path.read_bytes())

    def file_hash(self) -> str:
        """Return what ``content_hash.file_hash`` returns of the file, which is closed."""
        return file_hash(self.path, self._topics, self._written, self._total)

    def add_msgtype(self, connection: Connection) -> None:
        super().add_msgtype(connection)
        self._take_records()

    def add_connection(self, connection: Connection, offered_qos_profiles: str) -> None:
        super().add_connection(connection, offered_qos_profiles)
        self._times[connection.id], self._tables[connection.id] = [], []
        if self._topics is not None and not is_read(connection.topic, self._topics):
            self._left_out.add(connection.id)
        self._take_records()

    def _take_records(self) -> None:
        """Take over what was written into the chunk that is open."""
        self._parts.append(self.chunk.bio.getvalue())
        self._hashed.append(self._parts[-1])
        self._size += len(self._parts[-1])
        self.chunk.bio = BytesIO()

    def write(self, connection: Connection, timestamp: int, data: bytes | memoryview) -> None:
        size = len(data)
        self._times[connection.id] += (timestamp, self._size)
        head = MESSAGE_HEAD.pack(MESSAGE, MESSAGE_FIELDS + size, connection.id, 0,
                                 timestamp, timestamp)
        self._parts += (head, data)
        self._hashed += (head,) if self._is_left_out(connection.id, size) else (head, data)
        self._size += MESSAGE_HEAD.size + size
        if self._size > _CHUNK_SIZE:
            self.close_chunk()

    def write_batch(self, batch: MessageBatch, connections: Mapping[int, Connection],
                    shift: int) -> None:
        """Write messages as they lie; the heads of their records are changed where they are."""
        batch = batch.chosen(np.argsort(batch.first))
        every = at_each_byte(batch.content, MESSAGE_HEADS)
        heads, times = every[batch.first], batch.times + shift
        heads['sequence'], heads['time'], heads['published'] = 0, times, times
        lengths = MESSAGE_HEAD.size + batch.sizes
        table = np.stack([times, self._size + np.cumsum(lengths) - lengths], 1).astype('<u8')
        for channel, connection in connections.items():
            which = batch.channels == channel
            heads['channel'][which] = connection.id
            self._tables[connection.id].append(table[which])
        every[batch.first] = heads
        self._parts += _runs(batch.content, batch.first, batch.ends)
        if self._topics is not None:
            left_out = np.isin(heads['channel'], list(self._left_out)) & self._is_long(batch.sizes)
            self._hashed += _runs(batch.content, batch.first,
                                  np.where(left_out, batch.begins, batch.ends))
        self._size += int(lengths.sum())
        self.close_chunk()  # while the batch holds

    def close_chunk(self) -> None:
        rows = {}
        for channel, tables in self._tables.items():
            tables.append(np.array(self._times[channel], '<u8').reshape(-1, 2))
            table = tables[0] if len(tables) == 1 else np.concatenate(tables)
            if len(table):
                rows[channel] = table.ravel()
        begin = min((int(times[::2].min()) for times in rows.values()), default=2**63 - 1)
        end = max((int(times[::2].max()) for times in rows.values()), default=0)
        place, size = self.bio.tell(), self._size
        head = CHUNK_HEAD.pack(CHUNK, CHUNK_HEAD.size - 1 + size, begin, end, size, 0, 0)
        self._write([head, _SIZE.pack(size), *self._parts])
        length = self.bio.tell() - place
        written = [head, _SIZE.pack(size), *self._hashed]
        offsets = bytearray()
        for channel, times in rows.items():
            offsets += _PLACE.pack(channel, self.bio.tell())
            written += (INDEX_HEAD.pack(INDEX, 6 + times.nbytes, channel, times.nbytes), times)
            self._write(written[-2:])
            self.channel_stats[channel] += len(times) // 2
        index = BytesIO()
        index.write(_CHUNK_INDEX.pack(begin, end, place, length, len(offsets)))
        index.write(offsets)
        index.write(_CHUNK_SIZES.pack(self.bio.tell() - place - length, 0, size, size))
        self.chunks.append(index)
        self.message_start_time = min(begin, self.message_start_time)
        self.message_end_time = max(end, self.message_end_time)
        if self._topics is not None:
            for part in written:
                self._total.update(part)
            self._written = self.bio.tell()
        self._parts, self._hashed, self._size = [], [], 0
        self._times = {channel: [] for channel in self._times}
        self._tables = {channel: [] for channel in self._times}

    def _write(self, parts: list[bytes | memoryview]) -> None:
        """Write parts one after the other, from where they are and in few calls."""
        self.bio.flush()
        for first in range(0, len(parts), _VECTOR):
            some = [memoryview(part).cast('B') for part in parts[first:first + _VECTOR]]
            written, size = os.writev(self.bio.fileno(), some), sum(map(len, some))
            if written < size:  # the disk is full, which the rest will tell
                self.bio.write(b''.join(some)[written:])
                self.bio.flush()
        self.bio.seek(0, os.SEEK_END)

    def _is_left_out(self, channel: int, size: int) -> bool:
        return channel in self._left_out and bool(self._is_long(size))

    @staticmethod
    def _is_long(sizes: Any) -> Any:
        return MESSAGE_FIELDS + sizes > SHORT

    def flush(self) -> None:
        """Write what is there."""
        if self._parts:
            self.close_chunk()

    def close(self, version: int, metadata: str) -> None:
        self.flush()
        super().close(version, metadata)


def _runs(content: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> Iterator[memoryview]:
    """Yield parts (n,) of a content, those that touch as one."""
    apart = np.flatnonzero(begins[1:] != ends[:-1]) + 1
    view = memoryview(content)
    return (view[begin:end] for begin, end in zip(
        begins[np.append(0, apart)].tolist(), ends[np.append(apart - 1, -1)].tolist(),
        strict=True))


class ChunkWriter(Writer):
    """What writes bags: ``rosbags``' writer, with its MCAP files written as above.

    It keeps single messages until the chunk is full: they must not change until then.
    """

    STORAGE_PLUGINS = {**Writer.STORAGE_PLUGINS, StoragePlugin.MCAP: _ChunkFile}
    _hashing: _ChunkFile | None = None

    def add(self, topic: str, message_type: str, definition: tuple[str, str],
            offered: Sequence[Qos]) -> Connection:
        """Add a topic, which is new, as ``add_connection`` does, but with a faster YAML library.

        Args:
            topic: Its full name.
            message_type: Of its messages.
            definition: Text and hash of that, as a type store makes them.
            offered: Quality of service.
        """
        text, digest = definition
        link = Connection(
            len(self.connections) + 1, topic, message_type,
            MessageDefinition(MessageDefinitionFormat.MSG, text), digest, 0,
            ConnectionExtRosbag2('cdr', list(offered)), self)
        if message_type not in self.added_types:
            self.storage.add_msgtype(link)
            self.added_types.add(message_type)
        self.storage.add_connection(link, yaml_text(dump_qos_v9(list(offered))).strip())
        self.connections.append(link)
        self.counts[link.id] = 0
        return link

    def hash_for(self, topics: Collection[str]) -> None:
        """Hash an MCAP file while it is written, for who reads these topics; call it first."""
        if isinstance(self.storage, _ChunkFile):
            self._hashing = self.storage
            self._hashing.hash_for(topics)

    def hashes(self) -> dict[str, str]:
        """Return the hashes of files that are known, by their names; the bag is closed."""
        if self._hashing is None:
            return {}
        return {self._hashing.path.name: self._hashing.file_hash()}

    def write(self, connection: Connection, timestamp: int, data: bytes | memoryview) -> None:
        """Write a message; ``timestamp`` [ns] is its time in the bag."""
        if isinstance(self.storage, _ChunkFile):
            self.storage.write(connection, timestamp, data)
        else:
            super().write(connection, timestamp, data)

    def write_batch(self, batch: MessageBatch, connections: Mapping[int, Connection],
                    shift: int) -> None:
        """Write many messages; the batch is of no use for anything else afterwards.

        Args:
            batch: There is one at least.
            connections: By the batch's channels, for all messages.
            shift: [ns] What is added to their times.
        """
        if isinstance(self.storage, _ChunkFile):
            self.storage.write_batch(batch, connections, shift)
            return
        channels = {link.id: connections[channel] for channel, link in batch.links.items()}
        for time, link, raw in batch.rows():
            self.write(channels[link.id], time + shift, raw)

    def close(self) -> None:
        """Finish files and metadata, the latter without the YAML library that rosbags takes."""
        if isinstance(self.storage, _ChunkFile):
            self.storage.flush()
            self.counts.update(self.storage.channel_stats)
            self.min_timestamp = min(self.min_timestamp, self.storage.message_start_time)
            self.max_timestamp = max(self.max_timestamp, self.storage.message_end_time)
        told = bag_metadata(self)
        self.storage.close(self.version, yaml_text(told).strip())
        self.storage = None
        partial = self.metapath.with_suffix('.yaml.tmp')
        partial.write_text(yaml_text({'rosbag2_bagfile_information': told}), 'utf8')
        partial.replace(self.metapath)
