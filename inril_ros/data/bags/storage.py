# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The files of a bag that is being written, MCAP or sqlite3: on disk piece by piece.

rosbags writes MCAP in chunks of 1 MiB, and sqlite3 in one transaction that ends when the bag is
closed: a recorder that is killed would leave nothing. Here both are on disk up to the last piece,
and both fail with an OSError when the disk does.
"""

from collections.abc import Mapping, Sequence
import errno
from pathlib import Path
import sqlite3
from weakref import WeakKeyDictionary

from rosbags.interfaces import Connection, Qos
from rosbags.rosbag2 import StoragePlugin
from rosbags.typesys.store import Typestore

from inril_ros.data.raw.chunk_writer import ChunkWriter
from inril_ros.data.raw.message_batch import MessageBatch

STORAGES = {'mcap': StoragePlugin.MCAP, 'sqlite3': StoragePlugin.SQLITE3}
#: How the files of a storage end.
SUFFIXES = {'.mcap': 'mcap', '.db3': 'sqlite3'}
PIECE = 2**20  # [byte]
_DEFINITIONS: WeakKeyDictionary[Typestore, dict[str, tuple[str, str]]] = WeakKeyDictionary()


class BagWriter(ChunkWriter):
    """A bag that is open for writing. Open, write and close it in one thread.

    Args:
        path: The bag's folder, which must not be there.
        storage: ``mcap`` or ``sqlite3``.
    """

    def __init__(self, path: Path, storage: str) -> None:
        super().__init__(path, version=9, storage_plugin=STORAGES[storage])
        self._uncommitted = 0

    def add_topic(self, topic: str, message_type: str, types: Typestore,
                  offered: Sequence[Qos]) -> Connection:
        """Add a topic with the quality of service that its publishers offered.

        Raises:
            OSError: The disk is full, or fails.
        """
        try:
            return self.add(topic, message_type, _definition(types, message_type), offered)
        except sqlite3.Error as error:
            raise _failed(error) from error

    def write(self, connection: Connection, timestamp: int, data: bytes | memoryview) -> None:
        """Write a serialised message; ``timestamp`` [ns] is its time in the bag.

        Raises:
            OSError: The disk is full, or fails.
        """
        try:
            super().write(connection, timestamp, data)
            self._uncommitted += len(data)
            if self._uncommitted > PIECE and self.storage_plugin is StoragePlugin.SQLITE3:
                self.storage.conn.commit()
                self._uncommitted = 0
        except sqlite3.Error as error:
            raise _failed(error) from error

    def write_batch(self, batch: MessageBatch, connections: Mapping[int, Connection],
                    shift: int) -> None:
        """Write many messages; see ``ChunkWriter``.

        Raises:
            OSError: The disk is full, or fails.
        """
        try:
            super().write_batch(batch, connections, shift)
        except sqlite3.Error as error:
            raise _failed(error) from error

    def close(self) -> None:
        """Finish files and metadata.

        Raises:
            OSError: The disk is full, or fails.
        """
        try:
            super().close()
        except sqlite3.Error as error:
            raise _failed(error) from error


def files_of(path: Path) -> list[Path]:
    """Return the files with the messages of a bag, finished or not, in order."""
    return sorted(file for file in path.glob('*') if file.suffix in SUFFIXES)


def _definition(types: Typestore, message_type: str) -> tuple[str, str]:
    """Return the text and the hash of a type's definition; episodes ask for the same ones."""
    known = _DEFINITIONS.setdefault(types, {})
    if message_type not in known:
        text, _ = types.generate_msgdef(message_type, ros_version=2)
        known[message_type] = text, types.hash_rihs01(message_type)
    return known[message_type]


def _failed(error: sqlite3.Error) -> OSError:
    """Return what a file that is written directly would have raised."""
    return OSError(errno.EIO, str(error))
