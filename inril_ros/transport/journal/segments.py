# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Journal segments on disk: MCAP with one record per chunk, so that each record has a checksum.

MCAP has a CRC per chunk and none per message: with a chunk per record a flipped bit shows in the
very record that it hit. Only the records that the writer makes are accepted, each in its form, so
that a chunk whose opcode was damaged isn't passed over as something else. Any MCAP reader reads a
closed segment. A segment that was not closed is read up to its last whole record; a record with a
wrong checksum is left out and reported.

MCAP keeps the lower 32 bits of a number. The others follow from the number of the first record,
which the segment's name holds, because numbers rise within a segment, by less than 2^31 each time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
import os
from pathlib import Path
import struct
import zlib

from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Chunk, Message
from mcap.stream_reader import breakup_chunk
from mcap.writer import CompressionType, MCAP0_MAGIC, Writer

#: [byte] Larger records are refused, and not allocated when reading.
RECORD_LIMIT = 256_000_000
_ROOM = 1000  # [byte] of it, for what MCAP adds to a record
_LOWER, _STEP = 0xFFFFFFFF, 2 ** 31  # the bits that MCAP keeps; less than this between two numbers
_TOPIC = 'transition'
_FRAME = struct.Struct('<BQ')  # opcode, length
# Times, size of the records, checksum, length of the compression's name (none); the size again and
# the records follow.
_CHUNK = struct.Struct('<QQQII')
_SMALLEST = _FRAME.size + _CHUNK.size + 8 + _FRAME.size  # [byte] of a chunk with a record
_INDEX = struct.Struct('<HI')  # of a MessageIndex: channel, size of the entries [byte]
_INDEX_ENTRY, _DATA_END = 16, 4  # [byte]


@dataclass(frozen=True)
class Damage:
    """A part of a segment that can't be read.

    Attributes:
        path: The segment.
        offset: [byte] Beginning of the damage.
        reason: Reason, for people.
        rest: Whether nothing after it could be read either.
        cut_off: Whether a process's last write was cut off: no whole record was ever there.
    """

    path: Path
    offset: int
    reason: str
    rest: bool
    cut_off: bool = False

    def __str__(self) -> str:
        extent = 'everything from there on is lost' if self.rest else 'one record is lost'
        if self.cut_off:
            extent = 'a write was cut off there, no whole record is lost'
        return f'{self.path.name} at byte {self.offset}: {self.reason}; {extent}'


@dataclass(frozen=True)
class Record:
    """A record, and its end in the segment [byte]."""

    sequence: int
    data: bytes
    end: int


class SegmentWriter:
    """Writes one segment, record by record, each whole or not at all.

    Args:
        path: A file that doesn't exist yet.
        schema_name: Message type of the records, for other readers of the file.
        schema_text: Its definition (``ros2msg`` text with dependencies).

    Raises:
        OSError: The file can't be created.
    """

    def __init__(self, path: Path, schema_name: str, schema_text: str) -> None:
        self.path = path
        self._file = _WholeWrites(path)
        self._writer = Writer(self._file, chunk_size=1, compression=CompressionType.NONE)
        self._writer.start(profile='ros2', library='inril_ros')
        schema = self._writer.register_schema(schema_name, 'ros2msg', schema_text.encode())
        self._channel = self._writer.register_channel(_TOPIC, 'cdr', schema)
        self._file.commit()

    @property
    def size(self) -> int:
        """Size [byte]."""
        return self._file.size

    def append(self, sequence: int, stamp: int, record: bytes) -> None:
        """Hand a record to the operating system.

        Raises:
            ValueError: It is larger than a reader accepts, or its time isn't in 0 .. 2^64 - 1. The
                file is unchanged.
            OSError: It could not be written (a full disk, for example). The file ends before it,
                and the segment must be closed.
        """
        if len(record) > RECORD_LIMIT - _ROOM:
            raise ValueError(f'record {sequence} has {len(record)} bytes, '
                             f'{RECORD_LIMIT - _ROOM} are allowed')
        if not 0 <= stamp < 2 ** 64:
            raise ValueError(f'record {sequence}: time {stamp} ns is not in 0 .. 2^64 - 1')
        self._writer.add_message(self._channel, log_time=stamp, publish_time=stamp,
                                 sequence=sequence & _LOWER, data=record)
        self._file.commit()

    def sync(self) -> None:
        """Force everything to the disk."""
        self._file.sync()

    def finish(self) -> None:
        """Write the summary that other readers expect, and close.

        Raises:
            OSError: The summary could not be written; every record is in the file.
        """
        try:
            self._writer.finish()
            self._file.commit()
            self._file.sync()
        finally:
            self._file.close()

    def abandon(self) -> None:
        """Close as it is, after a failed ``append``."""
        self._file.close()


class _WholeWrites:
    """A file for the MCAP writer; each commit writes all pending bytes or none."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC,
                                   0o644)
        self._pending = bytearray()
        self.size = 0

    def write(self, data: bytes) -> int:
        self._pending += data
        return len(data)

    def tell(self) -> int:
        return self.size + len(self._pending)

    def commit(self) -> None:
        """Write the pending bytes; if that fails, remove the part that was written."""
        pending, self._pending = memoryview(bytes(self._pending)), bytearray()
        written = 0
        try:
            while written < len(pending):
                written += os.pwrite(self._descriptor, pending[written:], self.size + written)
        except OSError:
            os.ftruncate(self._descriptor, self.size)
            raise
        self.size += written

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def read_segment(
    path: Path, first: int, damages: list[Damage] | None = None,
) -> Iterator[Record]:
    """Return the records of a segment in order, each verified by its checksum.

    Args:
        path: The segment; it may still be written to.
        first: Number of its first record.
        damages: Receives the damage found.
    """
    damages = [] if damages is None else damages
    following = first
    with open(path, 'rb') as file:
        magic = file.read(len(MCAP0_MAGIC))
        if not magic:
            return  # nothing written yet
        if magic != MCAP0_MAGIC:
            damages.append(Damage(path, 0, 'it does not begin as an MCAP file does', rest=True,
                                  cut_off=MCAP0_MAGIC.startswith(magic)))
            return
        while True:
            start = file.tell()
            head = file.read(_FRAME.size)
            if not head:
                return  # whole, but not closed
            opcode, length = _FRAME.unpack(head) if len(head) == _FRAME.size else (0, 0)
            if opcode == Opcode.DATA_END and length == _DATA_END:
                return
            reason = _frame_is_wrong(head, opcode, length)
            # What is declared and not there isn't allocated.
            present = os.fstat(file.fileno()).st_size - file.tell()
            content = b'' if reason else file.read(min(length, present))
            if not reason and len(content) < length:
                reason = f'the file ends {length - len(content)} bytes too early'
            if reason:
                size = os.fstat(file.fileno()).st_size - start
                short = len(head) < _FRAME.size or len(content) < length <= RECORD_LIMIT
                damages.append(Damage(path, start, reason, rest=True, cut_off=(
                    short and _is_cut_off(opcode, length, content, size))))
                return
            if opcode == Opcode.HEADER and start == len(MCAP0_MAGIC):
                continue
            try:
                messages = _messages(opcode, content)
            except (McapError, EOFError, ValueError, OverflowError, struct.error) as error:
                damages.append(Damage(path, start, f'damaged record ({error})', rest=False))
                continue
            for lower, data in messages:
                step = (lower - following) & _LOWER
                if step >= _STEP:
                    damages.append(Damage(
                        path, start, f'its number ends in {lower:#x} where {following} or a later '
                        'one is expected', rest=False))
                    continue
                following += step + 1
                yield Record(following - 1, data, file.tell())


def _frame_is_wrong(head: bytes, opcode: int, length: int) -> str:
    if len(head) < _FRAME.size:
        return 'the file ends within the head of a record'
    if not Opcode.HEADER <= opcode <= Opcode.DATA_END:
        return f'no record begins with byte {opcode}'
    if length > RECORD_LIMIT:
        return f'a record of {length} bytes, {RECORD_LIMIT} are allowed'
    return ''


def _is_cut_off(opcode: int, length: int, content: bytes, size: int) -> bool:
    """Return whether a file ends in a record that was never whole.

    A record whose length was changed later looks alike, but hides what follows it.

    Args:
        opcode: Opcode of the last record.
        length: [byte] Length that it should have.
        content: Its present content.
        size: [byte] Size from its beginning to the end of the file.
    """
    if size < _SMALLEST:
        return True
    return opcode == Opcode.CHUNK and length == _CHUNK.size + _CHUNK.unpack_from(content)[2] + 8


def _messages(opcode: int, content: bytes) -> list[tuple[int, bytes]]:
    """Return the messages of an MCAP record: those of a chunk, or none of a chunk's index.

    Raises:
        ValueError, OverflowError, McapError, EOFError, struct.error: It is neither, or damaged.
    """
    if opcode == Opcode.MESSAGE_INDEX:
        _, entries = _INDEX.unpack_from(content)
        if entries != len(content) - _INDEX.size or entries % _INDEX_ENTRY:
            raise ValueError('it is no index of a chunk')
        return []
    if opcode != Opcode.CHUNK:
        raise ValueError(f'opcode {opcode} where a chunk or its index is expected')
    begin, end, size, checksum, name = _CHUNK.unpack_from(content)
    records = content[_CHUNK.size + 8:]
    if name or size != len(records) or zlib.crc32(records) != checksum:
        raise ValueError('its checksum is wrong')
    chunk = Chunk(compression='', data=records, message_start_time=begin, message_end_time=end,
                  uncompressed_crc=checksum, uncompressed_size=size)
    return [(each.sequence, each.data) for each in breakup_chunk(chunk)
            if isinstance(each, Message)]
