# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A hash of what a contract reads of a bag, at the speed of the disk.

Of messages on topics that the contract doesn't read, most of them images, time and size count, the
content doesn't. All else counts byte by byte; so does a file that isn't understood.
"""

from collections.abc import Collection, Iterator, Mapping
import hashlib
import os
from pathlib import Path
from struct import Struct

from inril_ros.data.raw.mcap_records import CHANNEL, CHUNK, CHUNK_HEAD, MESSAGE, MESSAGE_HEAD

_MAGIC = b'\x89MCAP0\r\n'
_BLOCK = 2**20  # [byte] That are read at once,
_WINDOW = 2**13  # and where it is seen what is to be read
_LARGEST = 2**26  # [byte] Of a record that describes a channel
_RECORD = Struct('<BQH')  # op, length of what follows, channel if it is a message
#: [byte] Messages that aren't longer are hashed in any case.
SHORT = 2**10


def content_hash(path: Path, topics: Collection[str], key: str,
                 known: Mapping[str, str] | None = None) -> str:
    """Return the SHA-256 of a bag's files, but for content on other topics.

    Args:
        path: Of the bag's folder.
        topics: That are read, as a contract names them, in any namespace.
        key: Goes into the hash.
        known: What ``file_hash`` would return, by the file's name.

    Raises:
        OSError: A file can't be read.
    """
    total = hashlib.sha256(key.encode())
    for file in sorted(item for item in path.iterdir() if item.is_file()):
        found = (known or {}).get(file.name) or file_hash(file, topics)
        total.update(f'\0{file.name}\0{file.stat().st_size}\0{found}'.encode())
    return total.hexdigest()


def file_hash(file: Path, topics: Collection[str], first: int = 0,
              total: 'hashlib._Hash | None' = None) -> str:
    """Return the SHA-256 of a file, but for content on other topics.

    Args:
        file: Its path.
        topics: That are read.
        first: Byte to begin at, where a record begins,
        total: if this is the hash of what is before it.

    Raises:
        OSError: It can't be read.
    """
    total = hashlib.sha256() if total is None else total
    descriptor = os.open(file, os.O_RDONLY)
    try:
        for begin, end, window, start in _counted(descriptor, first, tuple(topics)):
            if start <= begin and end <= start + len(window):
                total.update(window[begin - start:end - start])
                continue
            while begin < end and (part := os.pread(descriptor, min(_BLOCK, end - begin), begin)):
                total.update(part)
                begin += len(part)
    finally:
        os.close(descriptor)
    return total.hexdigest()


def is_read(topic: str, topics: Collection[str]) -> bool:
    """Say whether a topic of a bag is one of those that are read, in any namespace."""
    return any(topic == name or topic.endswith(f'/{name}') for name in topics)


def _counted(file: int, position: int, topics: tuple[str, ...],
             ) -> Iterator[tuple[int, int, bytes, int]]:
    """Yield the parts of a file that count, from byte to byte; and what was read, from where."""
    size, begun, record_head, message_head = (
        os.fstat(file).st_size, position, _RECORD.size, MESSAGE_HEAD.size)
    if position == 0 and os.pread(file, len(_MAGIC), 0) == _MAGIC:
        position = len(_MAGIC)
    elif position == 0:
        position = size
    left_out: set[int] = set()
    window, start, end, unpack = b'', 0, 0, _RECORD.unpack_from
    while position < size:
        if position + message_head > end:
            window, start = os.pread(file, _WINDOW, position), position
            end = start + len(window)
            if end - position < record_head:
                break
        op, length, channel = unpack(window, position - start)
        following = position + record_head - 2 + length
        if following > size:
            break
        if op == MESSAGE and length > SHORT and channel in left_out:
            yield begun, position + message_head, window, start
            begun = following
        elif op == CHANNEL and length < _LARGEST:
            record = os.pread(file, length, position + record_head - 2)
            (left_out.discard if is_read(_topic(record), topics) else left_out.add)(channel)
        elif op == CHUNK:
            head = os.pread(file, CHUNK_HEAD.size, position)
            if len(head) == CHUNK_HEAD.size and CHUNK_HEAD.unpack(head)[6] == 0:
                following = position + CHUNK_HEAD.size + 8  # to its records: not compressed
        position = following
    yield begun, size, b'', 0


def _topic(record: bytes) -> str:
    """Return the topic of a channel."""
    return record[8:8 + int.from_bytes(record[4:8], 'little')].decode(errors='replace')
