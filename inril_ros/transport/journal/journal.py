# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The rollout journal: every transition is on disk before it is sent.

A run's journal consists of append-only segments (``segments``). Each record is handed to the
operating system at once: a killed process loses nothing. The caller decides when records are
forced to the disk (``sync``); until then they can be lost with the machine.

Opening the journal verifies all of it, cuts a torn end and reports damage. Numbers of records that
may be lost are not used again: the learner may have those records, and would take new ones with
their numbers for repetitions.

Nothing is removed unless a limit is set (``retention``).
"""

from collections.abc import Iterator
from contextlib import suppress
import os
from pathlib import Path
import re

from inril_ros.transport.folder_lock import FolderLock
from inril_ros.transport.journal.retention import removable, Retention, SegmentFacts
from inril_ros.transport.journal.segments import Damage, read_segment, SegmentWriter

#: [byte] Size beyond which a segment is closed and the next one begun.
SEGMENT_BYTES = 16_000_000
#: Numbers skipped where records may be lost: more than are lost when a machine goes down.
SKIPPED = 100_000
#: No journal begins with a higher number, so that a message (64 bits) can hold each that follows.
HIGHEST = 2 ** 62
_MOST_BETWEEN = 2 ** 40  # numbers from the beginning of a segment to that of the next one
_NAME = re.compile(r'^(\d{6})-(\d+)\.mcap$')  # index, number of the first record


class Journal:
    """Numbered records of one run, for one process at a time.

    Args:
        folder: Folder of the segments; made if it doesn't exist. Each opening begins a segment.
        schema_name: Message type of the records, for other readers of the files.
        schema_text: Its definition (``ros2msg`` text with dependencies).
        segment_bytes: See ``SEGMENT_BYTES``.

    Attributes:
        damages: Damage found when the journal was opened, including a torn end.
        last_sequence: Number of the last record; 0 if there is none.
        next_sequence: Number of the next record.

    Raises:
        FolderInUseError: Another process writes to this journal.
        OSError: The folder can't be read. What is full can be opened and read.
    """

    def __init__(self, folder: Path, schema_name: str, schema_text: str,
                 segment_bytes: int = SEGMENT_BYTES) -> None:
        self._lock = FolderLock(folder, 'the journal')
        try:
            self._folder = folder
            self._schema = (schema_name, schema_text)
            self._segment_bytes = segment_bytes
            self.last_sequence, found, lost = _verify(folder)
            self.damages = tuple(found)
            self.next_sequence = 1 + max(
                self.last_sequence, *(_first(path) - 1 for path in _segments(folder)), 0)
            if lost or self._lock.machine_went_down:
                self.next_sequence += SKIPPED
            self._segment: SegmentWriter | None = None
            with suppress(OSError):  # a full disk: the next record tries again
                self._begin_segment()
        except BaseException:
            self._lock.release()
            raise

    def append(self, sequence: int, stamp: int, record: bytes) -> None:
        """Write a record; on return the operating system has it.

        Args:
            sequence: Its number, which must be ``next_sequence``.
            stamp: [ns] ROS time.
            record: The message (CDR).

        Raises:
            ValueError: It isn't the next number, or the record is too large.
            OSError: It could not be written. The journal is unchanged; try again later.
        """
        if sequence != self.next_sequence:
            raise ValueError(f'record {sequence}: the next one is {self.next_sequence}')
        if self._segment is not None and self._segment.size > self._segment_bytes:
            self._end_segment()
        if self._segment is None:
            self._begin_segment()
        try:
            self._segment.append(sequence, stamp, record)
        except OSError:
            self._segment.abandon()
            self._segment = None
            raise
        self.last_sequence = sequence
        self.next_sequence = sequence + 1

    def sync(self) -> None:
        """Force everything to the disk."""
        if self._segment is not None:
            self._segment.sync()

    def after(self, sequence: int) -> Iterator[tuple[int, bytes]]:
        """Return the (sequence, record) pairs after a sequence number, in order.

        Records appended meanwhile are returned too, up to the end of their segment.
        """
        segments = _segments(self._folder)
        # A segment ends before the first number of the next one.
        begin = max((index for index, path in enumerate(segments)
                     if _first(path) <= sequence + 1), default=0)
        for path in segments[begin:]:
            for record in read_segment(path, _first(path)):
                if record.sequence > sequence:
                    yield record.sequence, record.data

    def prune(self, covered: int, retention: Retention, now: float) -> list[str]:
        """Remove segments that are beyond a limit and no longer needed, oldest first.

        Args:
            covered: Number up to which every kept checkpoint of the learner has the records.
            retention: The limits.
            now: [s] Unix time.

        Returns:
            The names of the removed segments.

        Raises:
            OSError: A segment can't be removed; those after it remain too.
        """
        if retention.keeps_all:
            return []
        paths = _segments(self._folder)
        status = [path.stat() for path in paths]
        facts = [SegmentFacts(_first(path), each.st_size, each.st_mtime)
                 for path, each in zip(paths, status)]
        removed = paths[:removable(facts, covered, self.last_sequence, retention, now)]
        for path in removed:
            path.unlink()
        if removed:
            _sync_folder(self._folder)
        return [path.name for path in removed]

    def close(self) -> None:
        """Close the journal; it can't be used afterwards."""
        self._end_segment()
        self._lock.release()

    def _begin_segment(self) -> None:
        index = 1 + segments_begun(self._folder)
        path = self._folder / f'{index:06d}-{self.next_sequence}.mcap'
        self._lock.note_holder()
        try:
            self._segment = SegmentWriter(path, *self._schema)
            _sync_folder(self._folder)
        except OSError:
            path.unlink(missing_ok=True)
            raise

    def _end_segment(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.finish()


def read_journal(folder: Path, damages: list[Damage] | None = None) -> Iterator[tuple[int, bytes]]:
    """Return all (sequence, record) pairs of a journal in order.

    Args:
        folder: Folder of the journal.
        damages: Receives the damage found, including a torn end.
    """
    for path in _segments(folder):
        for record in read_segment(path, _first(path), damages):
            yield record.sequence, record.data


def segments_begun(folder: Path) -> int:
    """Return how many segments were ever begun in a journal, removed ones included."""
    return max((_index(path) for path in _segments(folder)), default=0)


def _verify(folder: Path) -> tuple[int, list[Damage], bool]:
    """Read everything once, and cut a torn end of the last segment.

    Returns:
        The last number, the damage, and whether records after the last one may be lost.
    """
    damages: list[Damage] = []
    highest = HIGHEST
    for path in _segments(folder):
        if _first(path) > highest:
            damages.append(Damage(path, 0, 'no journal has the number in its name', rest=True))
            path.rename(path.with_suffix('.damaged'))
        else:
            highest = max(highest, _first(path) + _MOST_BETWEEN)
    paths = _segments(folder)
    last, holds_last = 0, paths[0] if paths else folder
    for path in paths:
        for record in read_segment(path, _first(path), damages):
            last, holds_last = record.sequence, path
    lost = any(damage.path >= holds_last and not damage.cut_off for damage in damages)
    if damages and paths and damages[-1].rest and damages[-1].path == paths[-1]:
        if damages[-1].offset:
            os.truncate(paths[-1], damages[-1].offset)
        else:  # it doesn't even begin as a segment
            paths[-1].rename(paths[-1].with_suffix('.damaged'))
    return last, damages, lost


def _segments(folder: Path) -> list[Path]:
    """Return the segments in the order in which they were written."""
    return sorted(path for path in folder.glob('*.mcap') if _NAME.match(path.name))


def _index(path: Path) -> int:
    return int(_NAME.match(path.name)[1])


def _first(path: Path) -> int:
    """Return the number of a segment's first record, or of the next one if it is empty."""
    return int(_NAME.match(path.name)[2])


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
