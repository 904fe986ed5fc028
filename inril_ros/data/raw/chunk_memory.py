# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Chunks of an MCAP file in memory, one after the other, in room that is used again."""

from collections.abc import Sequence
import os
from struct import error

import numpy as np
from rosbags.rosbag2.storage_mcap import ChunkInfo, decompress, McapReader

from inril_ros.data.raw.mcap_records import (
    CHUNK,
    CHUNK_HEAD,
    MESSAGE,
    MESSAGE_HEAD,
    RECORD_HEAD,
)

_MOST = 2**27  # [byte] That are believed to be needed before there is something to be put there


class ChunkMemory:
    """Reads chunks.

    Args:
        file: Of the recording, open.
    """

    def __init__(self, file: McapReader) -> None:
        self._file = file.bio
        self._file_size = os.fstat(file.bio.fileno()).st_size
        self._room = np.empty(0, np.uint8)
        self._used = 0

    @property
    def content(self) -> np.ndarray:
        """(b,) uint8 What was read since it was cleared; writable."""
        return self._room[:self._used]

    def clear(self, chunks: Sequence[ChunkInfo]) -> None:
        """Forget what was read: what comes, these chunks, is put in its place."""
        self._used = 0
        size = sum(max(chunk.chunk_length, chunk.uncompressed_size) for chunk in chunks)
        if len(self._room) < size <= _MOST:
            self._room = np.empty(size, np.uint8)

    def take(self, chunk: ChunkInfo) -> np.ndarray:
        """Read a chunk; return the bytes (n,) where the records of messages begin.

        Raises:
            ValueError: It is damaged; what decompresses it raises other errors, too.
        """
        place, head = chunk.chunk_start_offset, CHUNK_HEAD.size + len(chunk.compression) + 8
        if not head <= chunk.chunk_length <= self._file_size:
            raise ValueError(f'the chunk at byte {place} has {chunk.chunk_length} bytes')
        self._file.seek(place)
        if chunk.compression:
            record = np.empty(chunk.chunk_length, np.uint8)
        else:
            record = self._more(chunk.chunk_length)
        if self._file.readinto(record) != len(record):
            raise ValueError(f'the chunk at byte {place} is cut off')
        op, _, _, _, size, crc, _ = CHUNK_HEAD.unpack_from(record)
        if op != CHUNK:
            raise ValueError(f'no chunk at byte {place}')
        content = decompress(record[head:], chunk.compression, size, crc)
        if chunk.compression:
            self._more(len(content))[:] = np.frombuffer(content, np.uint8)
        return _message_records(self.content, self._used - len(content), place)

    def _more(self, size: int) -> np.ndarray:
        """Return room for so many bytes more."""
        if self._used + size > len(self._room):
            room = np.empty(self._used + size, np.uint8)
            room[:self._used] = self.content
            self._room = room
        self._used += size
        return self._room[self._used - size:self._used]


def _message_records(content: np.ndarray, position: int, place: int) -> np.ndarray:
    """Return the bytes (n,) where the records of messages begin from a position on.

    Raises:
        ValueError: A record is cut off.
    """
    found, end = [], len(content)
    unpack, head = RECORD_HEAD.unpack_from, RECORD_HEAD.size
    try:
        while position < end:
            op, length = unpack(content, position)
            if op == MESSAGE:
                found.append(position)
                if length < MESSAGE_HEAD.size - head:
                    raise ValueError(f'a message in the chunk at byte {place} is too short')
            position += head + length
    except error as cut:
        raise ValueError(f'a record in the chunk at byte {place} is cut off') from cut
    if position > end:
        raise ValueError(f'a record in the chunk at byte {place} is cut off')
    return np.array(found, np.int64)
