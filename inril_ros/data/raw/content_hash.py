# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A hash of what a contract reads of a bag, at the speed of the disk.

Of messages on topics that the contract doesn't read, most of them images, the time and the size
are hashed, but not the content. Everything else is hashed byte by byte, and so is a file of
another format than MCAP (https://mcap.dev/spec) without compression.
"""

from collections.abc import Collection, Iterator
import hashlib
import os
from pathlib import Path
from struct import Struct

_MAGIC = b'\x89MCAP0\r\n'
_CHANNEL, _MESSAGE, _CHUNK = 0x04, 0x05, 0x06
_RECORD = Struct('<BQH')  # op, length of what follows, channel if it is a message
_MESSAGE_HEAD = Struct('<BQHIQQ')  # .. channel, sequence, log time, publish time
_CHUNK_HEAD = Struct('<BQQQQII')  # .. first time, last time, size, CRC, length of compression
_BLOCK = 2**20  # [byte] Read at once
_WINDOW = 2**13  # [byte] Read at once to find records
_LARGEST = 2**26  # [byte] Size of a record that describes a channel
#: [byte] Messages up to this length are always hashed.
SHORT = 2**10


def content_hash(path: Path, topics: Collection[str], key: str) -> str:
    """Return the SHA-256 of a bag's files, without content on other topics.

    Args:
        path: The bag's folder.
        topics: The topics that are read, as a contract names them, in any namespace.
        key: Goes into the hash.

    Raises:
        OSError: A file can't be read.
    """
    total = hashlib.sha256(key.encode())
    for file in sorted(item for item in path.iterdir() if item.is_file()):
        digest = file_hash(file, topics)
        total.update(f'\0{file.name}\0{file.stat().st_size}\0{digest}'.encode())
    return total.hexdigest()


def file_hash(file: Path, topics: Collection[str]) -> str:
    """Return the SHA-256 of a file, without content on other topics.

    Raises:
        OSError: It can't be read.
    """
    total = hashlib.sha256()
    descriptor = os.open(file, os.O_RDONLY)
    try:
        for begin, end, window, start in _hashed_parts(descriptor, topics):
            if start <= begin and end <= start + len(window):
                total.update(window[begin - start:end - start])
                continue
            while begin < end and (part := os.pread(descriptor, min(_BLOCK, end - begin), begin)):
                total.update(part)
                begin += len(part)
    finally:
        os.close(descriptor)
    return total.hexdigest()


def _hashed_parts(file: int, topics: Collection[str]) -> Iterator[tuple[int, int, bytes, int]]:
    """Yield first byte and end of each hashed part, and bytes read around it with their start."""
    size = os.fstat(file).st_size
    begin, position = 0, len(_MAGIC) if os.pread(file, len(_MAGIC), 0) == _MAGIC else size
    skipped: set[int] = set()
    window, start, end = b'', 0, 0
    while position < size:
        if position + _MESSAGE_HEAD.size > end:
            window, start = os.pread(file, _WINDOW, position), position
            end = start + len(window)
            if end - position < _RECORD.size:
                break
        op, length, channel = _RECORD.unpack_from(window, position - start)
        content = position + _RECORD.size - 2
        following = content + length
        if following > size:
            break
        if op == _MESSAGE and length > SHORT and channel in skipped:
            yield begin, position + _MESSAGE_HEAD.size, window, start
            begin = following
        elif op == _CHANNEL and length < _LARGEST:
            topic = _topic(os.pread(file, length, content))
            is_read = any(topic == name or topic.endswith(f'/{name}') for name in topics)
            (skipped.discard if is_read else skipped.add)(channel)
        elif op == _CHUNK:
            head = os.pread(file, _CHUNK_HEAD.size, position)
            if len(head) == _CHUNK_HEAD.size and _CHUNK_HEAD.unpack(head)[6] == 0:
                following = position + _CHUNK_HEAD.size + 8  # the records of the chunk
        position = following
    yield begin, size, b'', 0


def _topic(record: bytes) -> str:
    """Return the topic of a channel record."""
    return record[8:8 + int.from_bytes(record[4:8], 'little')].decode(errors='replace')
