# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A bag of ROS 1."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from rosbags.interfaces import MessageDefinitionFormat
from rosbags.rosbag1 import Reader, ReaderError

from inril_ros.data.bags.bags import BagError
from inril_ros.data.bags.connection import Source

_Key = TypeVar('_Key')


class RosOneFile:
    """A ``.bag`` file; see ``BagFile``.

    Raises:
        BagError: It can't be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = Reader(path)
        try:
            self._reader.open()
        except (ReaderError, AssertionError, ValueError, KeyError) as error:
            raise BagError(f'{path}: {error} If its recorder was killed, `rosbag reindex` of ROS '
                           '1 repairs it.') from error
        connections = {each.id: each for each in self._reader.connections}
        self.sources = {
            number: Source(
                each.topic, each.msgtype, 'ros1',
                'ros1msg' if each.msgdef.format is MessageDefinitionFormat.MSG else '',
                each.msgdef.data, each.digest)
            for number, each in connections.items()}
        self.counts = {number: each.msgcount for number, each in connections.items()}
        self._connections = connections
        some = self._reader.message_count > 0
        self.start, self.end = (
            (self._reader.start_time, self._reader.end_time - 1) if some else (0, -1))

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    def pieces(
        self, wanted: Mapping[int, _Key], start: int, stop: int,
    ) -> Iterator[tuple[int, Iterator[tuple[int, _Key, bytes]]]]:
        """Yield the file as one piece."""
        chosen = [self._connections[number] for number in wanted if number in self._connections]
        if chosen and start <= self.end:
            yield max(start, self.start), (
                (time, wanted[each.id], raw)
                for each, time, raw in self._reader.messages(chosen, start, stop))
