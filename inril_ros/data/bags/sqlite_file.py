# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The sqlite3 file of a bag of any ROS 2 distribution, opened without changing it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
import sqlite3
from typing import Any, TypeVar

from inril_ros.data.bags.bags import BagError, DamagedBagError
from inril_ros.data.bags.connection import full_type, Source

_Key = TypeVar('_Key')


class SqliteFile:
    """A closed ``.db3`` file; see ``BagFile``.

    Args:
        path: The file.

    Raises:
        DamagedBagError: Its writer was killed, or the copy is incomplete; or it is damaged.
        BagError: It is no sqlite3 file.
        OSError: It can't be read.
    """

    def __init__(self, path: Path) -> None:
        check_closed(path)
        self.path = path
        # Without `immutable` SQLite makes a file beside one of the mode WAL.
        self._base = sqlite3.connect(f'{path.absolute().as_uri()}?mode=ro&immutable=1', uri=True)
        try:
            rows = list(topic_rows(self._base))
            self.sources = {row[0]: row[1] for row in rows}
            self.counts = dict(self._base.execute(
                'SELECT topic_id, count(*) FROM messages GROUP BY topic_id'))
            start, end = self._base.execute(
                'SELECT min(timestamp), max(timestamp) FROM messages').fetchone()
        except (sqlite3.Error, ValueError, TypeError) as error:
            self.close()
            raise DamagedBagError(f'{path}: cannot be read: {error}') from error
        self.start, self.end = (0, -1) if start is None else (start, end)

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def pieces(
        self, wanted: Mapping[int, _Key], start: int, stop: int,
    ) -> Iterator[tuple[int, Iterator[tuple[int, _Key, bytes]]]]:
        """Yield the file as one piece."""
        chosen = ','.join(str(number) for number in wanted if number in self.sources)
        if chosen and start <= self.end:
            yield max(start, self.start), self._messages(chosen, wanted, start, stop)

    def _messages(
        self, chosen: str, wanted: Mapping[int, _Key], start: int, stop: int,
    ) -> Iterator[tuple[int, _Key, bytes]]:
        try:
            for time, number, raw in self._base.execute(
                    'SELECT timestamp, topic_id, data FROM messages WHERE timestamp >= ? AND '
                    f'timestamp < ? AND topic_id IN ({chosen}) ORDER BY timestamp, id',
                    (start, stop)):
                yield time, wanted[number], raw
        except sqlite3.Error as error:
            raise DamagedBagError(f'{self.path}: is damaged: {error}') from error


def check_closed(path: Path) -> None:
    """Check that the writer of an sqlite3 file has finished it.

    Raises:
        DamagedBagError: A journal with messages lies beside it, or it is shorter than it says.
        BagError: It is no sqlite3 file.
    """
    size = path.stat().st_size
    with path.open('rb') as content:
        head = content.read(100)
    if not size:
        raise DamagedBagError(f'{path}: is empty')
    if not head.startswith(b'SQLite format 3\0'[:len(head)]):
        raise BagError(f'{path}: is no sqlite3 file')
    for journal in ('-wal', '-journal'):
        beside = path.with_name(path.name + journal)
        if beside.is_file() and beside.stat().st_size:
            raise DamagedBagError(f'{path}: was not closed: {beside.name} holds a part of it')
    page = int.from_bytes(head[16:18], 'big')
    needed = (65_536 if page == 1 else page) * int.from_bytes(head[28:32], 'big')
    if size < max(needed, 100):
        raise DamagedBagError(f'{path}: has {size} bytes, {needed} are told: the copy is not '
                              'complete, or its recorder was killed')


def topic_rows(base: sqlite3.Connection) -> Iterator[tuple[int, Source]]:
    """Yield number and source of each topic.

    Raises:
        sqlite3.Error: The database is damaged, or has no topics.
    """
    definitions: dict[str, tuple[str, str]] = {}
    if _columns(base, 'message_definitions') >= {'encoding', 'encoded_message_definition'}:
        definitions = {kind: (form, text) for kind, form, text in base.execute(
            'SELECT topic_type, encoding, encoded_message_definition FROM message_definitions')}
    digest = ('type_description_hash' if 'type_description_hash' in _columns(base, 'topics')
              else "''")
    for number, topic, kind, encoding, hashed in base.execute(
            f'SELECT id, name, type, serialization_format, {digest} FROM topics ORDER BY id'):
        form, text = definitions.get(kind, ('', ''))
        yield number, Source(topic, full_type(kind), encoding, form if text else '', text,
                             hashed or '')


def _columns(base: sqlite3.Connection, table: str) -> set[Any]:
    return {row[1] for row in base.execute(f'PRAGMA table_info({table})')}
