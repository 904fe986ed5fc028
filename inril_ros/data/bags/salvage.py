# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The whole messages of a file that was not closed, was cut off, or is damaged."""

from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
import os
from pathlib import Path
import shutil
import sqlite3
from struct import error as StructError
from struct import Struct
from tempfile import TemporaryDirectory
from typing import BinaryIO

import lz4.frame
from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Schema
import zstandard

from inril_ros.data.bags.connection import Source
from inril_ros.data.bags.mcap_file import channel_source, ChunkHead, MAGIC
from inril_ros.data.bags.sqlite_file import topic_rows

#: Source, time [ns] and content of a message.
Row = tuple[Source, int, bytes]
_HEAD = Struct('<BQ')  # op, length of what follows
_MESSAGE = Struct('<HIQQ')  # channel, sequence, log time, publish time
_OPS = {op.value for op in Opcode}
_DAMAGE = (McapError, zstandard.ZstdError, RuntimeError, EOFError, ValueError, KeyError,
           IndexError, StructError)


def mcap_rows(path: Path) -> Iterator[Row]:
    """Yield the whole messages of an MCAP file, those of a torn chunk at its end, too."""
    schemas: dict[int, Schema] = {}
    sources: dict[int, Source] = {}
    with path.open('rb') as file:
        if file.read(len(MAGIC)) != MAGIC:
            return
        for op, content in _mcap_records(file):
            try:
                if op == Opcode.SCHEMA:
                    schema = Schema.read(ReadDataStream(BytesIO(content)))
                    schemas[schema.id] = schema
                elif op == Opcode.CHANNEL:
                    channel = Channel.read(ReadDataStream(BytesIO(content)))
                    sources[channel.id] = channel_source(channel, schemas.get(channel.schema_id))
                elif op == Opcode.MESSAGE:
                    number, _, time, _ = _MESSAGE.unpack_from(content)
                    yield sources[number], time, content[_MESSAGE.size:]
            except _DAMAGE:
                continue


def _mcap_records(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield op and content of the records of a file, from the chunks, too."""
    for op, content, is_whole in _whole(file):
        if op in (Opcode.DATA_END, Opcode.FOOTER):
            return
        if op != Opcode.CHUNK:
            if is_whole:
                yield op, content
            continue
        try:
            about = ChunkHead.read(content, 0)
            data = content[about.end:about.end + about.length]
            inner = about.records(data) if is_whole else _begun(about.compression, data)
        except _DAMAGE:
            continue  # a wrong CRC: none of its messages can be trusted
        yield from ((part, record) for part, record, whole in _whole(BytesIO(inner)) if whole)


def _whole(file: BinaryIO) -> Iterator[tuple[int, bytes, bool]]:
    """Yield op, content and wholeness of records; only the last one can be torn.

    A computer that loses power leaves zeros at the end of a file. They are no record, and may have
    begun in the record before, which is left out.
    """
    size = os.fstat(file.fileno()).st_size if not isinstance(file, BytesIO) else len(
        file.getbuffer())
    waiting: tuple[int, bytes, bool] | None = None
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        op, length = _HEAD.unpack(head)
        if op not in _OPS:
            return
        if waiting is not None:
            yield waiting
        content = file.read(min(length, size))
        waiting = op, content, len(content) == length
    if waiting is not None:
        yield waiting


def _begun(compression: str, data: bytes) -> bytes:
    """Return what there is of the records of a torn chunk."""
    if compression == 'zstd':
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    if compression == 'lz4':
        return lz4.frame.LZ4FrameDecompressor().decompress(data)
    return data if not compression else b''


def sqlite_rows(path: Path) -> Iterator[Row]:
    """Yield the messages of the whole transactions of an sqlite3 file.

    When SQLite opens the file, it undoes a torn transaction by the journal beside it, or adds the
    whole ones of a write-ahead log; so it gets copies.
    """
    with TemporaryDirectory(prefix='inril_repair_') as folder:
        for part in path.parent.glob(f'{path.name}*'):
            if part.name in (path.name, f'{path.name}-wal', f'{path.name}-journal'):
                shutil.copy(part, folder)
        _cut_to_whole_pages(Path(folder) / path.name)
        with closing(sqlite3.connect(Path(folder) / path.name)) as base:
            try:
                sources = dict(topic_rows(base))
            except (sqlite3.Error, ValueError, TypeError):
                return
            newest = -1
            # Messages behind a damaged part are reached from the other end.
            for rule in ('ORDER BY id', 'WHERE id > {} ORDER BY id DESC'):
                for number, stamp, raw, identity in _until_damage(base, rule.format(newest)):
                    newest = max(newest, identity)
                    if number in sources and isinstance(raw, bytes):
                        yield sources[number], stamp, raw


def _cut_to_whole_pages(file: Path) -> None:
    """Take a torn page and zeros off the end of a database, and make it say how long it is.

    SQLite reads what is missing as zeros, which would stand in the messages.
    """
    with file.open('r+b') as database:
        head = database.read(100)
        size = {1: 65_536}.get(page := int.from_bytes(head[16:18], 'big'), page)
        if len(head) < 100 or size < 512:
            return
        pages = file.stat().st_size // size
        while pages > 1 and database.seek((pages - 1) * size) >= 0 and not any(
                database.read(size)):
            pages -= 1
        if pages >= int.from_bytes(head[28:32], 'big'):
            return  # whole, or longer by a torn transaction that its journal undoes
        database.truncate(pages * size)
        database.seek(28)
        database.write(pages.to_bytes(4, 'big'))


def _until_damage(base: sqlite3.Connection, rule: str) -> Iterator[tuple[int, int, bytes, int]]:
    """Yield topic, time, content and id of messages up to the first that can't be read."""
    try:
        yield from base.execute(f'SELECT topic_id, timestamp, data, id FROM messages {rule}')
    except sqlite3.Error:
        return
