# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Messages of recordings as they lie in the file, and their times without the messages."""

from collections.abc import Collection, Iterable, Iterator
from operator import itemgetter

import numpy as np
from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection
from rosbags.rosbag2.reader import DirectoryReader
from rosbags.rosbag2.storage_mcap import ChunkInfo, decompress, McapReader

from inril_ros.data.mcap_records import (
    CHUNK,
    CHUNK_HEAD,
    INDEX,
    INDEX_HEAD,
    MESSAGE,
    MESSAGE_HEAD,
    RECORD_HEAD,
)

Row = tuple[int, Connection, bytes | memoryview]
"""Time [ns], connection and content of a message."""

# Smaller messages are copied out of their chunk: one that waits must not keep a chunk in memory.
_VIEWED = 2**15  # [byte]


def chunked_files(reader: AnyReader, links: Collection[Connection],
                  ) -> list[tuple[McapReader, dict[int, Connection]]] | None:
    """Return the files of a recording with the connections that are wanted, by channel.

    None: they aren't all MCAP in chunks, or are compressed as a whole; ``reader.messages`` reads
    those.
    """
    if not reader.is2 or len(reader.readers) != 1:
        return None
    storage = reader.readers[0].storage
    files = storage.storages if isinstance(storage, DirectoryReader) else [storage]
    if storage.metadata.compression_mode == 'message':
        return None
    if not all(isinstance(file, McapReader) and file.chunks for file in files):
        return None
    return [(file, {channel.id: link for channel in file.connections for link in links
                    if (channel.topic, channel.msgtype) == (link.topic, link.msgtype)})
            for file in files]


def raw_messages(
    reader: AnyReader, links: Collection[Connection], start: int | None = None,
    stop: int | None = None,
) -> Iterator[Row]:
    """Yield what ``reader.messages`` does, in the same order; long messages as views.

    Args:
        reader: Of a recording of any kind, open.
        links: Connections that are wanted.
        start: [ns] Messages before it are left out,
        stop: [ns] and those from then on.

    Raises:
        ValueError: A chunk is damaged; the libraries below raise other errors, too.
    """
    files = chunked_files(reader, links)
    if files is None:
        for link, time, raw in reader.messages(links, start, stop):
            yield time, link, raw
        return
    start, stop = 0 if start is None else start, 2**63 if stop is None else stop
    for file, wanted in files:
        chunks = [chunk for chunk in file.chunks
                  if start <= chunk.message_end_time and chunk.message_start_time < stop
                  and (any(map(chunk.channel_count.get, wanted)) or not chunk.channel_count)]
        chunks.sort(key=lambda chunk: (chunk.message_start_time, chunk.chunk_start_offset))
        waiting: list[tuple[int, int, Connection, bytes | memoryview]] = []
        for chunk in chunks:
            while waiting and waiting[-1][0] < chunk.message_start_time:
                row = waiting.pop()
                yield row[0], row[2], row[3]
            rows = list(_rows(file, chunk, wanted, start, stop))
            rows.sort(key=itemgetter(0))
            waiting = sorted(waiting[::-1] + rows, key=itemgetter(0, 1)) if waiting else rows
            waiting.reverse()  # the next one is the last
        while waiting:
            row = waiting.pop()
            yield row[0], row[2], row[3]


def message_times(reader: AnyReader, links: Collection[Connection]) -> Iterable[int]:
    """Return the times [ns] of messages, in order; where there is an index, from that alone."""
    files = chunked_files(reader, links)
    if files is None or not all(chunk.message_index_offsets or not chunk.uncompressed_size
                                for file, _ in files for chunk in file.chunks):
        return (time for time, _, _ in raw_messages(reader, links))
    found = [np.zeros(0, '<u8')]
    for file, wanted in files:
        for chunk in file.chunks:
            for channel in wanted.keys() & chunk.message_index_offsets.keys():
                found.append(_indexed_times(file, chunk.message_index_offsets[channel]))
    return np.sort(np.concatenate(found)).tolist()


def _indexed_times(file: McapReader, place: int) -> np.ndarray:
    """Return the times [ns] of a channel's messages in a chunk, from the index at a byte."""
    file.bio.seek(place)
    head = file.bio.read(INDEX_HEAD.size)
    op, _, _, size = INDEX_HEAD.unpack(head)
    rows = file.bio.read(size)
    if op != INDEX or len(rows) != size or size % 16:
        raise ValueError(f'no index of messages at byte {place}')
    return np.frombuffer(rows, '<u8')[::2]


def _rows(file: McapReader, chunk: ChunkInfo, wanted: dict[int, Connection], start: int,
          stop: int) -> Iterator[tuple[int, int, Connection, bytes | memoryview]]:
    """Yield (time [ns], place of the chunk, connection, content) in the order of the file."""
    place = chunk.chunk_start_offset
    file.bio.seek(place)
    record = memoryview(file.bio.read(chunk.chunk_length))
    first = CHUNK_HEAD.size + len(chunk.compression) + 8
    if len(record) != chunk.chunk_length or len(record) < first:
        raise ValueError(f'the chunk at byte {place} is cut off')
    op, _, _, _, size, crc, _ = CHUNK_HEAD.unpack_from(record)
    if op != CHUNK:
        raise ValueError(f'no chunk at byte {place}')
    content = memoryview(decompress(record[first:], chunk.compression, size, crc))
    end, position, header = len(content), 0, MESSAGE_HEAD.size
    unpack, unpack_length = MESSAGE_HEAD.unpack_from, RECORD_HEAD.unpack_from
    while position < end:
        op, length = unpack_length(content, position)
        following = position + RECORD_HEAD.size + length
        if following > end:
            raise ValueError(f'a record in the chunk at byte {place} is cut off')
        if op == MESSAGE:
            _, _, channel, _, time, _ = unpack(content, position)
            link = wanted.get(channel)
            if link is not None and start <= time < stop:
                raw = content[position + header:following]
                yield time, place, link, raw if len(raw) > _VIEWED else bytes(raw)
        position = following
