# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A recording that is open for reading: a bag of ROS 2, or the files of one recording of ROS 1.

Only what is asked for is decoded, so that topics that nobody reads can be as they like.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, ExitStack
from heapq import merge
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rosbags.typesys.store import Typestore
import zstandard

from inril_ros.data.bags.bag_files import bag_folder, is_bag_file, open_file
from inril_ros.data.bags.bags import BagError, DamagedBagError
from inril_ros.data.bags.connection import BagFile, Connection, full_topic, Source
from inril_ros.data.bags.definitions import decoder, types_of, UndecodableError
from inril_ros.data.bags.ros1_file import RosOneFile

#: The first bytes of what zstd compressed; no serialised message begins so.
_ZSTD = b'\x28\xb5\x2f\xfd'
_LATEST = 2**63 - 1  # [ns]


class Recording:
    """The messages of some files, in order of time.

    Args:
        name: Name of the recording, for messages.
        files: Its open files; close them afterwards.

    Attributes:
        connections: The connections of all files: those that are alike are one.
    """

    def __init__(self, name: str, files: list[BagFile]) -> None:
        self._name = name
        self._files = files
        numbers: dict[Source, int] = {}
        self._ids = [{key: numbers.setdefault(source, len(numbers))
                      for key, source in file.sources.items()} for file in files]
        counts = dict.fromkeys(numbers.values(), 0)
        for file, ids in zip(files, self._ids, strict=True):
            for key, number in ids.items():
                counts[number] += file.counts.get(key, 0)
        self.connections = [Connection(number, source, counts[number], full_topic(source.written))
                            for source, number in numbers.items()]
        self._decoders: dict[int, Callable[[bytes], Any]] = {}
        self.message_count = sum(counts.values())
        filled = [file for file in files if file.end >= file.start]
        #: [ns] Time of the first message, and after the last one.
        self.start_time = min((file.start for file in filled), default=0)
        self.end_time = max((file.end + 1 for file in filled), default=0)

    @property
    def topics(self) -> dict[str, list[Connection]]:
        """The connections of each topic."""
        found: dict[str, list[Connection]] = {}
        for connection in self.connections:
            found.setdefault(connection.topic, []).append(connection)
        return dict(sorted(found.items()))

    def named(self, topic: str) -> list[Connection]:
        """Return the connections of a topic, by its name as it is in the bag, or in full."""
        exact = [each for each in self.connections if each.source.written == topic]
        return exact or [each for each in self.connections if each.topic == full_topic(topic)]

    def messages(
        self, connections: Collection[Connection] | None = None, start: int = 0,
        stop: int = _LATEST,
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """Yield connection, time [ns] and content of messages in order of time.

        Args:
            connections: The connections to read; None: all.
            start: [ns] Time of the first message that is read.
            stop: [ns] Time from which messages are not read.
        """
        chosen = {each.id: each for each in (
            self.connections if connections is None else connections)}
        pieces = []
        for number, (file, ids) in enumerate(zip(self._files, self._ids, strict=True)):
            wanted = {key: chosen[identity] for key, identity in ids.items()
                      if identity in chosen}
            pieces += [(begin, (number, index), part) for index, (begin, part) in enumerate(
                file.pieces(wanted, start, stop))]
        pieces.sort(key=lambda piece: piece[:2])
        for time, _, connection, raw in merge(*map(_lazily, pieces)):
            if connection is None:
                continue
            if raw[:4] == _ZSTD:
                raw = zstandard.ZstdDecompressor().decompressobj().decompress(raw)
            yield connection, time, raw

    def deserialize(self, raw: bytes, connection: Connection) -> Any:
        """Return a message.

        Raises:
            BagError: The messages of this connection can't be decoded, or this one can't.
        """
        decode = self._decoders.get(connection.id)
        try:
            if decode is None:
                decode = self._decoders[connection.id] = decoder(connection.source)
            return decode(raw)
        except UndecodableError as error:
            raise BagError(f'{self._name}: {connection.topic}: {error}') from error
        except Exception as error:  # damaged content makes the library raise almost anything
            raise BagError(f'{self._name}: {connection.topic}: a message is no '
                           f'{connection.msgtype}: {error}') from error

    def types_of(self, connection: Connection) -> Typestore:
        """Return the type store with the type of a connection's messages.

        Raises:
            BagError: They can't be decoded.
        """
        try:
            return types_of(connection.source)
        except UndecodableError as error:
            raise BagError(f'{self._name}: {connection.topic}: {error}') from error


@contextmanager
def open_recording(*paths: Path) -> Iterator[Recording]:
    """Open a bag of ROS 2 (its folder or a file), or the files of one recording of ROS 1.

    Raises:
        BagError: It can't be read, also while the context lasts.
    """
    name = ', '.join(map(str, paths))
    try:
        with ExitStack() as stack:
            scratch = Path(stack.enter_context(TemporaryDirectory(prefix='inril_bag_')))
            files = []
            for path in paths:
                for file in _opened(path, scratch):
                    stack.callback(file.close)
                    files.append(file)
            _check_copies(name, files)
            yield Recording(name, files)
    except DamagedBagError as error:
        raise DamagedBagError(f'{error}. To save what there is: inril demos repair {name}'
                              ) from error
    except BagError:
        raise
    except Exception as error:  # a damaged file makes the libraries raise almost anything
        reason = getattr(error, 'strerror', None) or f'cannot be read: {error}'
        raise BagError(f'{name}: {reason}') from error


def _opened(path: Path, scratch: Path) -> Iterator[BagFile]:
    """Yield the open files of a path."""
    if path.is_dir():
        folder = bag_folder(path)
        files = []
        for part in folder.files:
            files.append(open_file(part, scratch))
            yield files[-1]
        filled = [file for file in files if file.end >= file.start]
        if folder.told not in (None, (
                sum(sum(file.counts.values()) for file in files),
                min((file.start for file in filled), default=0),
                max((file.end for file in filled), default=0))):
            raise DamagedBagError(
                f'{path}: metadata.yaml lists other files than '
                f'{", ".join(part.name for part in folder.files)}, which do not hold its '
                f'{folder.told[0]} messages')
    elif path.suffix == '.bag':
        yield RosOneFile(path)
    elif is_bag_file(path):
        yield open_file(path, scratch)
    elif path.exists():
        raise BagError(f'{path}: is no bag: give a folder, or a file *.mcap, *.db3 or *.bag')
    else:
        raise BagError(f'{path}: No such file or directory')


def _check_copies(name: str, files: list[BagFile]) -> None:
    """Check that no file holds the messages of another: each would come twice.

    Raises:
        BagError: One does.
    """
    seen = set()
    for file in files:
        about = file.start, file.end, frozenset(
            (source, file.counts.get(key, 0)) for key, source in file.sources.items())
        if about in seen and file.end >= file.start:
            raise BagError(f'{name}: {file.path} holds the same messages as another file: move '
                           'the copy away')
        seen.add(about)


def _lazily(
    piece: tuple[int, tuple[int, int], Iterator[tuple[int, Connection, bytes]]],
) -> Iterator[tuple[int, tuple[int, int], Connection | None, bytes]]:
    """Yield the messages of a piece, which is read when its time has come.

    The first row holds no message: ``merge`` asks each piece for one row at once.
    """
    begin, order, messages = piece
    yield begin, order, None, b''
    for time, connection, raw in messages:
        yield time, order, connection, raw
