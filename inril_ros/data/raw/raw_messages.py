# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Messages of recordings as they lie in the file, and their times without the messages."""

from collections.abc import Collection, Iterable, Iterator

import numpy as np
from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection
from rosbags.rosbag2.reader import DirectoryReader
from rosbags.rosbag2.storage_mcap import ChunkInfo, McapReader

from inril_ros.data.raw.chunk_memory import ChunkMemory
from inril_ros.data.raw.mcap_records import INDEX, INDEX_HEAD
from inril_ros.data.raw.message_batch import found_messages, joined, MessageBatch, Row

_END = 2**63 - 1  # [ns] Later than any message
_GROUP = 2**23  # [byte] Of chunks that are read together, unless a single one is larger


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
    return [(file, {channel.id: link for channel in file.connections
                    for link in [_link_of(channel, links)] if link is not None})
            for file in files]


def _link_of(channel: Connection, links: Collection[Connection]) -> Connection | None:
    """Return the connection of a recording that a channel of one of its files belongs to."""
    about = channel.topic, channel.msgtype, channel.ext
    return next((link for link in links if (link.topic, link.msgtype, link.ext) == about
                 and (link.digest == channel.digest or not link.digest or not channel.digest)),
                None)


def message_batches(
    reader: AnyReader, links: Collection[Connection], start: int | None = None,
    stop: int | None = None,
) -> Iterator[MessageBatch] | None:
    """Yield the messages that ``reader.messages`` yields, in the same order, many at a time.

    Args:
        reader: Of a recording of any kind, open.
        links: Connections that are wanted.
        start: [ns] Messages before it are left out,
        stop: [ns] and those from then on.

    Returns:
        Batches, each of which holds until the next one is asked for. None: the recording isn't
        in chunks of MCAP.

    Raises:
        ValueError: A chunk is damaged; the libraries below raise other errors, too.
    """
    files = chunked_files(reader, links)
    if files is None:
        return None
    return (batch for file, wanted in files
            for batch in _file_batches(file, wanted, max(start or 0, 0),
                                       _END if stop is None else stop))


def raw_messages(
    reader: AnyReader, links: Collection[Connection], start: int | None = None,
    stop: int | None = None,
) -> Iterator[Row]:
    """Yield what ``reader.messages`` does, in the same order.

    See ``message_batches``.
    """
    batches = message_batches(reader, links, start, stop)
    if batches is None and links:  # the library takes none for all
        for link, time, raw in reader.messages(links, start, stop):
            yield time, link, raw
    for batch in batches or ():
        yield from batch.rows()


def message_times(reader: AnyReader, links: Collection[Connection]) -> Iterable[int]:
    """Return the times [ns] of messages, in order; where there is an index, from that alone."""
    files = chunked_files(reader, links)
    if files is None or not all(chunk.message_index_offsets
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


def _file_batches(file: McapReader, wanted: dict[int, Connection], start: int, stop: int,
                  ) -> Iterator[MessageBatch]:
    """Yield the messages of a file, by chunks; where those overlap in time, the rest waits."""
    chunks = [chunk for chunk in file.chunks
              if start <= chunk.message_end_time and chunk.message_start_time < stop
              and (any(map(chunk.channel_count.get, wanted)) or not chunk.channel_count)]
    chunks.sort(key=lambda chunk: (chunk.message_start_time, chunk.chunk_start_offset))
    groups = _groups(chunks)
    memory, waiting = ChunkMemory(file), None
    for number, group in enumerate(groups, 1):
        until = groups[number][0].message_start_time if number < len(groups) else _END
        memory.clear(group)
        found, places = [], []
        for chunk in group:
            found.append(memory.take(chunk))
            places.append(np.full(len(found[-1]), chunk.chunk_start_offset))
        batch = found_messages(memory.content, np.concatenate(found), np.concatenate(places),
                               wanted, start, stop)
        if waiting is not None:
            batch = joined(waiting, batch)
            waiting = None
        batch = batch.in_time()
        ready = int(np.searchsorted(batch.times, until))
        if ready < len(batch):
            waiting = batch.chosen(np.arange(ready, len(batch))).copied()
            batch = batch.chosen(np.arange(ready))
        if len(batch):
            yield batch


def _groups(chunks: list[ChunkInfo]) -> list[list[ChunkInfo]]:
    """Return chunks that follow each other, so many that handling them isn't what takes time."""
    groups, size = [], _GROUP
    for chunk in chunks:
        size += chunk.uncompressed_size
        if size > _GROUP:
            groups.append([])
            size = chunk.uncompressed_size
        groups[-1].append(chunk)
    return groups
