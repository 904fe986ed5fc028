# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a recorder left that was killed: all whole chunks of the unfinished bag, as a bag."""

from pathlib import Path
import struct

from mcap.exceptions import McapError
from mcap.records import Channel, Message, Schema
from mcap.stream_reader import StreamReader
from rosbags.typesys import get_types_from_msg, get_typestore, Stores

from inril_ros.data.bags import BagError, EpisodeBag
from inril_ros.data.typestore import ros_typestore


def recover_bag(path: Path) -> tuple[Path, int]:
    """Write what is whole of an unfinished bag to ``rejected/``, since its end is missing.

    The unfinished bag stays as it is.

    Args:
        path: ``<name>.tmp``.

    Returns:
        Where the recovered bag is, and how many messages it has.

    Raises:
        BagError: It is no unfinished bag, nothing of it is whole, or it was recovered before.
    """
    files = sorted(path.glob('*.mcap')) if path.suffix == '.tmp' else []
    if not files:
        raise BagError(f'{path}: is no unfinished bag (<name>.tmp with an .mcap file)')
    bag = EpisodeBag(path.parent, f'{path.stem}_recovered')
    for file in files:
        _copy(file, bag)
    count = bag.messages
    target = bag.close({'outcome': 'incomplete', 'reason': f'recovered from {path.name}, whose '
                        'recorder was killed'}, keep=False)
    if not count:
        raise BagError(f'{path}: nothing of it is whole')
    return target, count


def _copy(file: Path, bag: EpisodeBag) -> None:
    """Copy messages up to the first torn record."""
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
                    bag.write(channel.topic, schema.name, record.log_time, record.data,
                              _types(schema))
        except (McapError, EOFError, KeyError, ValueError, IndexError, struct.error):
            return  # the torn end


def _types(schema: Schema) -> object:
    """Return a type store with the definition that the file gives, unless ours has the type."""
    if schema.name in ros_typestore().fielddefs:
        return None
    store = get_typestore(Stores.ROS2_KILTED)
    store.register(get_types_from_msg(schema.data.decode(), schema.name))
    return store
