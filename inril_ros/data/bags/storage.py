# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The file of a bag that is being written, MCAP or sqlite3: on disk piece by piece.

rosbags writes MCAP in chunks of 1 MiB, which a killed recorder leaves on disk, but sqlite3 in one
transaction that ends when the bag is closed. Here sqlite3 is committed in pieces of the same size,
and fails with an OSError when the disk does.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
import errno
from pathlib import Path
import sqlite3

from rosbags.interfaces import Connection, Qos
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys.store import Typestore

STORAGES = {'mcap': StoragePlugin.MCAP, 'sqlite3': StoragePlugin.SQLITE3}
#: The file name endings of the storages.
SUFFIXES = {'.mcap': 'mcap', '.db3': 'sqlite3'}
PIECE = 2**20  # [byte]


class BagWriter(Writer):
    """A bag that is open for writing. Open, write and close it in one thread.

    Its methods raise OSError if the disk is full or fails.

    Args:
        path: The bag's folder, which must not exist.
        storage: ``mcap`` or ``sqlite3``.
    """

    def __init__(self, path: Path, storage: str) -> None:
        super().__init__(path, version=9, storage_plugin=STORAGES[storage])
        self._uncommitted = 0
        self._hashes: dict[str, str] = {}

    def add_topic(self, topic: str, message_type: str, types: Typestore,
                  offered: Sequence[Qos]) -> Connection:
        """Add a topic with the QoS that its publishers offered.

        Raises:
            ValueError: Another topic has the type with another definition; a file holds one.
        """
        told = types.hash_rihs01(message_type)
        if self._hashes.setdefault(message_type, told) != told:
            raise ValueError(f'{message_type} has two definitions, and a bag holds one of a type')
        with _disk_errors():
            return self.add_connection(topic, message_type, typestore=types,
                                       offered_qos_profiles=offered)

    def write(self, connection: Connection, timestamp: int, data: bytes | memoryview) -> None:
        """Write a serialised message; ``timestamp`` [ns] is its time in the bag."""
        if self.storage_plugin is not StoragePlugin.SQLITE3:
            super().write(connection, timestamp, data)
            return
        with _disk_errors():
            super().write(connection, timestamp, data)
            self._uncommitted += len(data)
            if self._uncommitted > PIECE:
                # rosbags promises no way to commit: a version without this attribute records, too.
                database = getattr(self.storage, 'conn', None)
                if database is not None:
                    database.commit()
                self._uncommitted = 0

    def close(self) -> None:
        """Finish file and metadata."""
        with _disk_errors():
            super().close()


def files_of(path: Path) -> list[Path]:
    """Return the files with the messages of a bag, finished or not, in order."""
    return sorted(file for file in path.glob('*') if file.suffix in SUFFIXES)


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Turn the errors of sqlite3 into those of a file that is written directly."""
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(errno.EIO, str(error)) from error
