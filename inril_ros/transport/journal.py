# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The rollout journal: every transition is on disk before it is sent.

Append-only MCAP segments without chunking, so that a record is in the file as soon as it is
written. A segment that was not closed (the recorder was killed) is read up to its last whole
record.
Written is flushed to the operating system at each record, and forced to the disk when a segment is
closed or ``sync`` is called (at each end of an episode): a killed process loses nothing, a power
cut at most the running episode.
"""

from collections.abc import Iterator
import os
from pathlib import Path
import struct

from mcap.exceptions import McapError
from mcap.records import Message
from mcap.stream_reader import StreamReader
from mcap.writer import CompressionType, Writer

_TOPIC = 'transition'


class Journal:
    """Numbered records of one run.

    Args:
        folder: Where the segments lie; made if need be. A new segment is begun at each opening.
        schema_name: Message type of the records, for other readers of the files.
        schema_text: Its definition (``ros2msg`` text with dependencies).
    """

    def __init__(self, folder: Path, schema_name: str, schema_text: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.last_sequence = max((sequence for sequence, _ in read_journal(folder)), default=0)
        index = 1 + max((int(path.stem) for path in _segments(folder)), default=0)
        self._file = open(folder / f'{index:06d}.mcap', 'xb')  # noqa: SIM115 (kept open)
        self._writer = Writer(self._file, use_chunking=False, compression=CompressionType.NONE)
        self._writer.start(profile='ros2', library='inril_ros')
        schema = self._writer.register_schema(schema_name, 'ros2msg', schema_text.encode())
        self._channel = self._writer.register_channel(_TOPIC, 'cdr', schema)

    def append(self, sequence: int, stamp: int, record: bytes) -> None:
        """Write a record; on return it is with the operating system.

        Args:
            sequence: 1, 2, 3 ... without gaps over the whole run.
            stamp: [ns] ROS time.
            record: The message, CDR.

        Raises:
            ValueError: The sequence number is not the next one.
        """
        if sequence != self.last_sequence + 1:
            raise ValueError(f'record {sequence} after {self.last_sequence}: numbers have no gaps')
        self._writer.add_message(
            self._channel, log_time=stamp, publish_time=stamp, sequence=sequence & 0xFFFFFFFF,
            data=record)
        self._file.flush()
        self.last_sequence = sequence

    def sync(self) -> None:
        """Force everything to the disk."""
        os.fsync(self._file.fileno())

    def after(self, sequence: int) -> Iterator[tuple[int, bytes]]:
        """Return the (sequence, record) pairs after a sequence number, in order."""
        self._file.flush()
        return (pair for pair in read_journal(self._folder) if pair[0] > sequence)

    def close(self) -> None:
        """Finish the segment; the journal can't be used any more."""
        if self._file.closed:
            return
        self._writer.finish()
        self._file.flush()
        self.sync()
        self._file.close()


def read_journal(folder: Path) -> Iterator[tuple[int, bytes]]:
    """Return all (sequence, record) pairs of a journal in order; a torn end is left out."""
    for path in _segments(folder):
        with open(path, 'rb') as file:
            records = StreamReader(file, record_size_limit=256_000_000).records
            while True:
                try:
                    record = next(records, None)
                except (McapError, EOFError, ValueError, struct.error):
                    break
                if record is None:
                    break
                if isinstance(record, Message):
                    yield record.sequence, record.data


def _segments(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob('*.mcap') if path.stem.isdigit())
