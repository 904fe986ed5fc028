# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An MCAP file that was closed, whoever wrote it (https://mcap.dev/spec).

Writers differ: with or without chunks, summary, statistics, message indexes and repeated channels,
and with channels of other encodings than those of ROS beside. Where the summary isn't complete,
the whole file is read once when it is opened.
"""

from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
import os
from pathlib import Path
from struct import Struct, unpack_from
from typing import ClassVar, TypeVar
from zlib import crc32

import lz4.frame
from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Channel, ChunkIndex, Schema, Statistics
import numpy as np
import zstandard

from inril_ros.data.bags.bags import BagError, DamagedBagError
from inril_ros.data.bags.connection import full_type, Source

MAGIC = b'\x89MCAP0\r\n'
_HEAD = Struct('<BQ')  # op, length of what follows
_MESSAGE = Struct('<HIQQ')  # channel, sequence, log time, publish time
_FOOTER = Struct('<BQQQI')  # op, length, start of the summary, of its offsets, CRC
_INDEX_HEAD, _INDEX_ENTRY = 15, 16  # [byte] of a message index
_TEXTS = ('ros2msg', 'ros1msg', 'ros2idl', 'omgidl')
_Key = TypeVar('_Key')


@dataclass(frozen=True)
class _ChunkPlace:
    """Where a chunk is, and what it holds; without channels it may hold any."""

    start: int
    end: int
    offset: int
    length: int
    channels: Collection[int]


class McapFile:
    """A closed MCAP file; see ``BagFile``.

    Args:
        path: The file.

    Raises:
        DamagedBagError: It has no end: its writer was killed, or the copy is incomplete; or it is
            damaged.
        BagError: It is no MCAP file.
        OSError: It can't be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDONLY)
        self._schemas: dict[int, Schema] = {}
        self._channels: dict[int, Channel] = {}
        self._chunks: list[_ChunkPlace] = []
        # Messages that are in no chunk: time, channel, offset of the content, its length.
        self._loose = tuple(array(code) for code in 'QHQQ')
        self.counts: dict[int, int] = Counter()
        self.start, self.end = 0, -1
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        self.sources = {number: channel_source(channel, self._schemas.get(channel.schema_id))
                        for number, channel in self._channels.items()}

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def pieces(
        self, wanted: Mapping[int, _Key], start: int, stop: int,
    ) -> Iterator[tuple[int, Iterator[tuple[int, _Key, bytes]]]]:
        """Yield the chunks that hold wanted messages, and the messages that are in no chunk."""
        for chunk in self._chunks:
            if chunk.end >= start and chunk.start < stop and (
                    not chunk.channels or not wanted.keys().isdisjoint(chunk.channels)):
                yield chunk.start, self._of_chunk(chunk, wanted, start, stop)
        if len(self._loose[0]):
            yield self.start, self._outside(wanted, start, stop)

    def _of_chunk(
        self, place: _ChunkPlace, wanted: Mapping[int, _Key], start: int, stop: int,
    ) -> Iterator[tuple[int, _Key, bytes]]:
        data = self._content(place.offset, place.length)
        rows = []
        for position, op, end in records(data, self.path):
            if op == Opcode.MESSAGE:
                channel, _, time, _ = _MESSAGE.unpack_from(data, position)
                if channel in wanted and start <= time < stop:
                    rows.append((time, wanted[channel], data[position + _MESSAGE.size:end]))
        rows.sort(key=lambda row: row[0])
        yield from rows

    def _outside(
        self, wanted: Mapping[int, _Key], start: int, stop: int,
    ) -> Iterator[tuple[int, _Key, bytes]]:
        times, channels, offsets, lengths = self._loose
        for index in np.argsort(np.frombuffer(times, np.uint64), kind='stable').tolist():
            time, channel = times[index], channels[index]
            if channel in wanted and start <= time < stop:
                yield time, wanted[channel], self._bytes(offsets[index], lengths[index])

    def _open(self) -> None:
        size = os.fstat(self._file).st_size
        if not size:
            raise DamagedBagError(f'{self.path}: is empty')
        begin = os.pread(self._file, len(MAGIC), 0)
        if begin != MAGIC[:len(begin)]:
            raise BagError(f'{self.path}: is no MCAP file')
        foot = os.pread(self._file, _FOOTER.size + len(MAGIC),
                        max(0, size - _FOOTER.size - len(MAGIC)))
        if not foot.endswith(MAGIC) or foot[:_HEAD.size] != _HEAD.pack(Opcode.FOOTER, 20):
            raise DamagedBagError(f'{self.path}: has no end: its recorder was killed, or the '
                                  'copy is not complete')
        summary, end = _FOOTER.unpack(foot[:_FOOTER.size])[2], size - len(foot)
        if not (summary and self._read_summary(self._bytes(summary, end - summary))):
            self._read_all(end)

    def _read_summary(self, data: bytes) -> bool:
        """Read what the summary says; return whether it tells all messages of the file."""
        statistics, indexed = None, 0
        for position, op, end in records(data, self.path):
            stream = ReadDataStream(BytesIO(data[position:end]))
            if op in (Opcode.SCHEMA, Opcode.CHANNEL):
                self._describe(op, stream)
            elif op == Opcode.STATISTICS:
                statistics = Statistics.read(stream)
            elif op == Opcode.CHUNK_INDEX:
                index = ChunkIndex.read(stream)
                indexed += (index.message_index_length
                            - _INDEX_HEAD * len(index.message_index_offsets)) // _INDEX_ENTRY
                self._chunks.append(_ChunkPlace(
                    index.message_start_time, index.message_end_time, index.chunk_start_offset,
                    index.chunk_length, frozenset(index.message_index_offsets)))
        if (statistics is None or indexed != statistics.message_count
                or len(self._chunks) != statistics.chunk_count
                or len(self._channels) < statistics.channel_count
                or len(self._schemas) < statistics.schema_count):
            self._chunks.clear()
            return False
        self.counts.update(statistics.channel_message_counts)
        if statistics.message_count:
            self.start, self.end = statistics.message_start_time, statistics.message_end_time
        return True

    def _read_all(self, end: int) -> None:
        """Find all chunks, channels and messages by reading the file."""
        position = len(MAGIC)
        while position < end:
            op, length = _HEAD.unpack(self._bytes(position, _HEAD.size))
            content = position + _HEAD.size
            if op == Opcode.MESSAGE:
                channel, _, time, _ = _MESSAGE.unpack(self._bytes(content, _MESSAGE.size))
                row = time, channel, content + _MESSAGE.size, length - _MESSAGE.size
                for column, value in zip(self._loose, row, strict=True):
                    column.append(value)
                self._count(channel, time)
            elif op in (Opcode.SCHEMA, Opcode.CHANNEL):
                self._describe(op, ReadDataStream(BytesIO(self._bytes(content, length))))
            elif op == Opcode.CHUNK:
                self._read_chunk(position, _HEAD.size + length)
            elif op in (Opcode.DATA_END, Opcode.FOOTER):
                return
            position = content + length

    def _read_chunk(self, offset: int, length: int) -> None:
        data = self._content(offset, length)
        times, channels = [], set()
        for position, op, end in records(data, self.path):
            if op == Opcode.MESSAGE:
                channel, _, time, _ = _MESSAGE.unpack_from(data, position)
                times.append(time)
                channels.add(channel)
                self._count(channel, time)
            elif op in (Opcode.SCHEMA, Opcode.CHANNEL):
                self._describe(op, ReadDataStream(BytesIO(data[position:end])))
        if times:
            self._chunks.append(_ChunkPlace(min(times), max(times), offset, length, channels))

    def _count(self, channel: int, time: int) -> None:
        self.counts[channel] += 1
        self.start = min(self.start, time) if self.end >= 0 else time
        self.end = max(self.end, time)

    def _describe(self, op: int, stream: ReadDataStream) -> None:
        if op == Opcode.SCHEMA:
            schema = Schema.read(stream)
            self._schemas[schema.id] = schema
            return
        channel = Channel.read(stream)
        known = self._channels.setdefault(channel.id, channel)
        if (known.topic, known.schema_id) != (channel.topic, channel.schema_id):
            raise BagError(f'{self.path}: channel {channel.id} is both {known.topic} and '
                           f'{channel.topic}')

    def _content(self, offset: int, length: int) -> bytes:
        """Return the records of a chunk."""
        head = self._bytes(offset, min(length, _HEAD.size + ChunkHead.LONGEST))
        if head[0] != Opcode.CHUNK:
            raise DamagedBagError(f'{self.path}: has no chunk at byte {offset}')
        about = ChunkHead.read(head, _HEAD.size)
        # Read apart from the head: each copy of such a block costs as much as reading it.
        data = self._bytes(offset + about.end, about.length)
        try:
            return about.records(data)
        except (ValueError, RuntimeError, zstandard.ZstdError) as error:
            raise DamagedBagError(f'{self.path}: a chunk at byte {offset} is damaged: {error}'
                                  ) from error

    def _bytes(self, offset: int, length: int) -> bytes:
        data = os.pread(self._file, length, offset)
        if len(data) != length:
            raise DamagedBagError(f'{self.path}: is damaged: a record at byte {offset} has '
                                  f'{length} bytes, {len(data)} are there')
        return data


@dataclass(frozen=True)
class ChunkHead:
    """What a chunk says about its records.

    Attributes:
        size: Their size without compression [byte].
        crc: Their CRC without compression; 0: none.
        compression: ``zstd``, ``lz4``, or empty.
        length: Their size in the file [byte].
        end: Where they begin.
    """

    size: int
    crc: int
    compression: str
    length: int
    end: int

    #: [byte] The longest head that is read.
    LONGEST: ClassVar[int] = 64

    @classmethod
    def read(cls, data: bytes, position: int) -> 'ChunkHead':
        """Read it from the content of a chunk record.

        Raises:
            ValueError: It isn't whole, or too long.
        """
        _, _, size, crc, count = unpack_from('<QQQII', data, position)
        begin = position + 32
        (length,) = unpack_from('<Q', data, begin + count)
        return cls(size, crc, data[begin:begin + count].decode(), length, begin + count + 8)

    def records(self, data: bytes) -> bytes:
        """Return the records, decompressed and checked.

        Raises:
            ValueError: They are damaged; or an exception of the library that decompresses them.
        """
        if self.compression == 'zstd':
            data = zstandard.decompress(data, self.size)
        elif self.compression == 'lz4':
            data = lz4.frame.decompress(data)
        elif self.compression:
            raise ValueError(f'compression {self.compression!r} is not known')
        if len(data) != self.size:
            raise ValueError(f'a chunk has {len(data)} bytes, {self.size} are told')
        if self.crc and crc32(data) != self.crc:
            raise ValueError('the CRC of a chunk is wrong')
        return data


def records(data: bytes, path: Path) -> Iterator[tuple[int, int, int]]:
    """Yield (position of the content, op, end) of the records in a buffer.

    Raises:
        DamagedBagError: A record is longer than the buffer.
    """
    position, size, head = 0, len(data), _HEAD.size
    while position < size:
        op, length = (_HEAD.unpack_from(data, position) if position + head <= size
                      else (0, size))
        end = position + head + length
        if end > size:
            raise DamagedBagError(f'{path}: is damaged: a record is longer than what it is in')
        yield position + head, op, end
        position = end


def channel_source(channel: Channel, schema: Schema | None) -> Source:
    """Return what a channel and its schema say about its messages."""
    form = schema.encoding if schema is not None and schema.encoding in _TEXTS else ''
    # Writers that don't know a type leave its definition empty.
    form = form if form and schema.data.strip() else ''
    return Source(
        channel.topic, full_type(schema.name) if schema is not None else '',
        channel.message_encoding, form,
        schema.data.decode(errors='replace') if form else '',
        channel.metadata.get('topic_type_hash', ''))
