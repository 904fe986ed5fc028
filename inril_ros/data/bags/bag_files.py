# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The files that belong to a bag, with or without the metadata.yaml that lists them."""

from dataclasses import dataclass, field
from pathlib import Path, PurePath

import zstandard

from inril_ros.data.bags.bags import BagError, DamagedBagError
from inril_ros.data.bags.connection import BagFile
from inril_ros.data.bags.mcap_file import McapFile
from inril_ros.data.bags.metadata import read_metadata
from inril_ros.data.bags.sqlite_file import SqliteFile

FILES: dict[str, type[BagFile]] = {'.mcap': McapFile, '.db3': SqliteFile}
COMPRESSED = '.zstd'


@dataclass(frozen=True)
class BagFolder:
    """The files of a bag's folder.

    Attributes:
        files: The files with its messages.
        told: Number of its messages, time of the first and of the last [ns] that the files must
            have because ``metadata.yaml`` lists other names; None where it doesn't.
    """

    files: list[Path] = field(default_factory=list)
    told: tuple[int, int, int] | None = None


def is_bag_file(path: Path) -> bool:
    """Return whether a file holds messages of a bag of ROS 2, by its name."""
    return path.suffix in FILES or (
        path.suffix == COMPRESSED and PurePath(path.stem).suffix in FILES)


def bag_folder(path: Path) -> BagFolder:
    """Return the files of a folder that hold its messages.

    Raises:
        DamagedBagError: A file that ``metadata.yaml`` lists is missing or empty, or
            ``metadata.yaml`` can't be read.
        BagError: There is no such file, or one that ``metadata.yaml`` doesn't list.
    """
    present = sorted(file for file in path.iterdir() if is_bag_file(file))
    if not present:
        raise BagError(f'{path}: is no bag: it has no file *.mcap or *.db3')
    if not (path / 'metadata.yaml').is_file():
        return BagFolder(present)
    listed, counts, told = _listed(path / 'metadata.yaml')
    unlisted = [file for file in present if file.name not in listed]
    missing = [name for name in listed if not (path / name).is_file()]
    if missing and len(unlisted) == len(missing):  # renamed, if the messages are the same
        return BagFolder(present, told)
    if missing:
        raise DamagedBagError(f'{path}: {", ".join(missing)} is missing, which metadata.yaml '
                              f'lists; the folder has {", ".join(file.name for file in present)}')
    if unlisted:
        raise BagError(f'{path}: metadata.yaml does not list {", ".join(map(str, unlisted))}: '
                       'move the files of another bag away, or metadata.yaml if they belong to '
                       'this one')
    # A recorder that splits may leave a last file without messages.
    return BagFolder([file for file in present
                      if file.stat().st_size or counts.get(file.name) != 0])


def open_file(path: Path, scratch: Path) -> BagFile:
    """Open a file of a bag; one that is compressed as a whole is decompressed into a folder.

    Raises:
        DamagedBagError: Its end is missing.
        BagError: It can't be read.
    """
    if path.suffix == COMPRESSED:
        path = decompressed(path, scratch)
    return FILES[path.suffix](path)


def decompressed(path: Path, scratch: Path) -> Path:
    """Decompress a file into a folder; return it.

    Raises:
        DamagedBagError: The end of the file is missing.
        BagError: It isn't compressed as its name says.
    """
    target = scratch / path.stem
    with path.open('rb') as source, target.open('wb') as copy:
        try:
            decompressor = zstandard.ZstdDecompressor().decompressobj()
            while part := source.read(2**20):
                copy.write(decompressor.decompress(part))
        except zstandard.ZstdError as error:
            raise BagError(f'{path}: is not compressed with zstd, or is damaged: {error}'
                           ) from error
    if not decompressor.eof:
        raise DamagedBagError(f'{path}: has no end: the copy is not complete')
    return target


def _listed(file: Path) -> tuple[list[str], dict[str, int], tuple[int, int, int]]:
    """Return the files that a metadata.yaml lists, their numbers of messages, and the whole's.

    The whole's are the number of messages, the time of the first, and of the last one.
    """
    about = read_metadata(file)
    try:
        # Old distributions write the folder, too.
        names = [PurePath(name).name for name in about['relative_file_paths']]
        counts = {PurePath(each['path']).name: int(each['message_count'])
                  for each in about.get('files') or ()}
        start = int(about['starting_time']['nanoseconds_since_epoch'])
        return names, counts, (int(about['message_count']), start,
                               start + int(about['duration']['nanoseconds']))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedBagError(f'{file}: cannot be read: {type(error).__name__}: '
                              f'{str(error).partition(chr(10))[0]}') from error
