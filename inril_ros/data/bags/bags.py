# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The bags of episodes: one folder each, with messages as they came, for any ROS 2 tool.

A bag is written to ``<name>.tmp`` and renamed when it is closed, so a folder without that ending
is whole. Bags of episodes that are not kept go to ``rejected/``; nothing is deleted.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rosbags.interfaces import Connection, Qos
from rosbags.typesys.store import Typestore

from inril_ros.data.bags.connection import full_topic
from inril_ros.data.bags.storage import BagWriter, files_of, STORAGES
from inril_ros.data.raw.typestore import ros_typestore

EXECUTED_TOPIC = 'executed_action'
EVENT_TOPIC = 'episode/event'


class BagError(ValueError):
    """A bag that can't be used; the message names the bag and what is wrong with it."""


class DamagedBagError(BagError):
    """A bag of which a part is missing or damaged; ``repair_bag`` saves what is whole."""


class EpisodeBag:
    """The bag of one running episode. Write and close it in one thread.

    Args:
        folder: The folder in which the bag's folder is made.
        name: Name of the bag's folder.
        storage: ``mcap`` or ``sqlite3``.
        offered: QoS of the publishers by topic, which playback offers again.

    Raises:
        BagError: It is no name of a folder, a bag of this name exists already, or there is no
            such storage.
    """

    def __init__(self, folder: Path, name: str, storage: str = 'mcap',
                 offered: Mapping[str, Sequence[Qos]] | None = None) -> None:
        if name in ('', '.', '..') or Path(name).name != name or '\0' in name:
            raise BagError(f'{folder}: {name!r} is no name of a bag')
        self.path = folder / name
        self._folder = folder
        self._partial = folder / f'{name}.tmp'
        if storage not in STORAGES:
            raise BagError(f'{self.path}: storage {storage!r} is none of {", ".join(STORAGES)}')
        for taken in (self.path, self._partial, folder / 'rejected' / name):
            if taken.exists():
                raise BagError(f'{taken}: is there already; recorded episodes are never replaced')
        folder.mkdir(parents=True, exist_ok=True)
        self._offered = offered or {}
        self._storage = storage
        self._writer: BagWriter | None = None
        self._connections: dict[tuple[str, str], Connection] = {}
        self.messages = 0

    def write(self, topic: str, message_type: str, stamp: int, raw: bytes,
              types: Typestore | None = None) -> None:
        """Write a serialised message; ``stamp`` [ns] is its time in the bag.

        ``types`` defines its type, if that isn't the definition of this ROS distribution.

        Raises:
            OSError: The disk is full, or fails.
        """
        connection = self._connections.get((topic, message_type))
        if connection is None:
            connection = self._connections[topic, message_type] = self._open().add_topic(
                full_topic(topic), message_type, types or ros_typestore(),
                self._offered.get(topic, ()))
        self._writer.write(connection, stamp, raw)
        self.messages += 1

    def close(self, information: Mapping[str, str], keep: bool) -> Path:
        """Finish the bag; return its final folder.

        Args:
            information: Entries of the bag's metadata: outcome, operator, task, contract hash ...
            keep: Whether the bag is kept; otherwise it goes to ``rejected/``.

        Raises:
            OSError: The disk is full, or fails.
        """
        writer = self._open()
        for key, value in information.items():
            writer.set_custom_data(key, value)
        writer.close()
        self._name_file()
        target = self.path if keep else self._folder / 'rejected' / self.path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        return self._partial.rename(target)

    def _name_file(self) -> None:
        """Give the file the name of the finished bag: the writer named it after the folder."""
        for file in files_of(self._partial):
            name = f'{self.path.name}{file.suffix}'
            metadata = self._partial / 'metadata.yaml'
            text = metadata.read_text(encoding='utf-8')
            # Until the folder is renamed the bag is unfinished, and read by what its files hold.
            metadata.write_text(text.replace(file.name, name), encoding='utf-8')
            file.rename(file.with_name(name))

    def _open(self) -> BagWriter:
        """Return the writer, opened at the first use because sqlite3 stays with one thread."""
        if self._writer is None:
            self._writer = BagWriter(self._partial, self._storage)
            self._writer.open()
        return self._writer


def find_bags(folder: Path) -> list[Path]:
    """Return the whole bags of a folder in the order of their names.

    Raises:
        BagError: The folder doesn't exist or holds none.
    """
    if not folder.is_dir():
        raise BagError(f'{folder}: no such folder; record demonstrations first (inril record)')
    bags = sorted(path.parent for path in folder.glob('*/metadata.yaml')
                  if path.parent.suffix != '.tmp')
    if not bags:
        raise BagError(f'{folder}: holds no bag; record demonstrations first (inril record)')
    return bags
