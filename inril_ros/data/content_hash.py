# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A hash of what a contract reads of a bag, at the speed of the disk.

Of messages on topics that the contract doesn't read, most of them images, time and size count, the
content doesn't. All else counts byte by byte; so does a file that isn't understood.
"""

from collections.abc import Collection
import hashlib
from pathlib import Path
from typing import BinaryIO

from inril_ros.data.mcap_records import (
    CHANNEL,
    CHUNK,
    CHUNK_HEAD,
    MESSAGE,
    MESSAGE_HEAD,
    RECORD_HEAD,
)

_MAGIC = b'\x89MCAP0\r\n'
_BLOCK = 2**20  # [byte]
_LARGEST = 2**26  # [byte] Of a chunk that is looked into
_WORTH = 2**10  # [byte] Shorter messages are hashed rather than left out


def content_hash(path: Path, topics: Collection[str], key: str) -> str:
    """Return the SHA-256 of a bag's files, but for content on other topics.

    Args:
        path: Of the bag's folder.
        topics: That are read, as a contract names them, in any namespace.
        key: Goes into the hash.

    Raises:
        OSError: A file can't be read.
    """
    total = hashlib.sha256(key.encode())
    buffer = bytearray(_BLOCK)
    for file in sorted(item for item in path.iterdir() if item.is_file()):
        total.update(f'\0{file.name}\0{file.stat().st_size}\0'.encode())
        with file.open('rb', buffering=0) as content:
            if file.suffix == '.mcap' and content.read(len(_MAGIC)) == _MAGIC:
                buffer = _hash_records(content, total, tuple(topics), buffer)
            else:
                content.seek(0)
            while size := content.readinto(buffer):
                total.update(memoryview(buffer)[:size])
    return total.hexdigest()


def _hash_records(file: BinaryIO, total: 'hashlib._Hash', topics: tuple[str, ...],
                  buffer: bytearray) -> bytearray:
    """Hash records up to one that isn't understood, which is left to be read."""
    left_out: set[int] = set()
    while True:
        place = file.tell()
        head = file.read(RECORD_HEAD.size)
        length = RECORD_HEAD.unpack(head)[1] if len(head) == RECORD_HEAD.size else _LARGEST + 1
        if length > _LARGEST:
            file.seek(place)
            return buffer
        size = len(head) + length
        if len(buffer) < size:
            buffer = bytearray(size)
        view = memoryview(buffer)[:size]
        view[:len(head)] = head
        if file.readinto(view[len(head):]) != length:
            file.seek(place)
            return buffer
        spans = _spans(view, topics, left_out) if head[0] == CHUNK else [(0, size)]
        for first, after in spans:
            total.update(view[first:after])


def _spans(chunk: memoryview, topics: tuple[str, ...], left_out: set[int],
           ) -> list[tuple[int, int]]:
    """Return the parts of a chunk that count."""
    if len(chunk) < CHUNK_HEAD.size + 8 or CHUNK_HEAD.unpack_from(chunk)[6]:
        return [(0, len(chunk))]  # compressed
    spans, begun, position = [], 0, CHUNK_HEAD.size + 8
    while position + RECORD_HEAD.size <= len(chunk):
        op, length = RECORD_HEAD.unpack_from(chunk, position)
        following = position + RECORD_HEAD.size + length
        if following > len(chunk):
            break
        if op == CHANNEL:
            _take_channel(bytes(chunk[position + RECORD_HEAD.size:following]), topics, left_out)
        elif op == MESSAGE and length > _WORTH:
            if MESSAGE_HEAD.unpack_from(chunk, position)[2] in left_out:
                spans.append((begun, position + MESSAGE_HEAD.size))
                begun = following
        position = following
    return [*spans, (begun, len(chunk))]


def _take_channel(record: bytes, topics: tuple[str, ...], left_out: set[int]) -> None:
    """Remember whether the content of a channel's messages counts."""
    channel = int.from_bytes(record[:2], 'little')
    size = int.from_bytes(record[4:8], 'little')
    topic = record[8:8 + size].decode(errors='replace')
    if any(topic == name or topic.endswith(f'/{name}') for name in topics):
        left_out.discard(channel)
    else:
        left_out.add(channel)
