# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recovery of the unfinished bag of a killed recorder: its whole messages become a bag."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
import shutil
import sqlite3
import struct
from tempfile import TemporaryDirectory

from mcap.exceptions import McapError
from mcap.records import Channel, Message, Schema
from mcap.stream_reader import StreamReader
from rosbags.typesys import get_types_from_msg, get_typestore, Stores

from inril_ros.data.bags.bags import BagError, EpisodeBag
from inril_ros.data.bags.storage import files_of, SUFFIXES
from inril_ros.data.raw.typestore import ros_typestore

_ROWS = """SELECT topics.name, type, timestamp, data, encoded_message_definition
    FROM messages JOIN topics ON topic_id == topics.id
    LEFT JOIN message_definitions ON topic_type == type GROUP BY messages.id ORDER BY messages.id
"""


@dataclass(frozen=True)
class _Row:
    """A message with the definition of its type."""

    topic: str
    message_type: str
    stamp: int
    raw: bytes
    definition: str


def recover_bag(path: Path) -> tuple[Path, int]:
    """Write the whole messages of an unfinished bag to ``rejected/``, because its end is missing.

    The unfinished bag stays as it is.

    Args:
        path: ``<name>.tmp``.

    Returns:
        The recovered bag's folder and its number of messages.

    Raises:
        BagError: It is no unfinished bag, no message of it is whole, or it was recovered before.
    """
    files = files_of(path) if path.suffix == '.tmp' else []
    if not files:
        raise BagError(f'{path}: is no unfinished bag (<name>.tmp with an .mcap or .db3 file)')
    storage = SUFFIXES[files[0].suffix]
    bag = EpisodeBag(path.parent, f'{path.stem}_recovered', storage)
    for file in files:
        for row in _chunks(file) if storage == 'mcap' else _transactions(file):
            bag.write(row.topic, row.message_type, row.stamp, row.raw, _types(row))
    count = bag.messages
    target = bag.close({'outcome': 'incomplete', 'reason': f'recovered from {path.name}, whose '
                        'recorder was killed'}, keep=False)
    if not count:
        raise BagError(f'{path}: nothing of it is whole')
    return target, count


def _chunks(file: Path) -> Iterator[_Row]:
    """Yield the messages of an MCAP file up to the first torn record."""
    schemas: dict[int, Schema] = {}
    channels: dict[int, Channel] = {}
    with file.open('rb') as content:
        try:
            for record in StreamReader(content, validate_crcs=True).records:
                if isinstance(record, Schema):
                    schemas[record.id] = record
                elif isinstance(record, Channel):
                    channels[record.id] = record
                elif isinstance(record, Message):
                    channel = channels[record.channel_id]
                    schema = schemas[channel.schema_id]
                    yield _Row(channel.topic, schema.name, record.log_time, record.data,
                               schema.data.decode())
        except (McapError, EOFError, KeyError, ValueError, IndexError, struct.error):
            return  # the torn end


def _transactions(file: Path) -> Iterator[_Row]:
    """Yield the messages of the whole transactions of an sqlite3 file.

    When SQLite opens the file, it undoes a torn transaction by the journal beside it; so it gets
    copies of both.
    """
    with TemporaryDirectory(prefix='inril_recover_') as folder:
        for part in file.parent.glob(f'{file.name}*'):
            shutil.copy(part, folder)
        base = sqlite3.connect(Path(folder) / file.name)
        try:
            for topic, kind, stamp, raw, definition in base.execute(_ROWS):
                yield _Row(topic, kind, stamp, raw, definition or '')
        except sqlite3.Error:
            return  # the torn end
        finally:
            base.close()


def _types(row: _Row) -> object:
    """Return a type store with the file's definition of a type that ours doesn't know, or None."""
    if row.message_type in ros_typestore().fielddefs:
        return None
    store = get_typestore(Stores.ROS2_KILTED)
    store.register(get_types_from_msg(row.definition, row.message_type))
    return store
