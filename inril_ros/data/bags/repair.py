# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Repair of a bag whose end is missing: its whole messages become a new bag.

A recorder that is killed, a full disk and an interrupted copy leave such bags. Chunks with a wrong
CRC and everything after the first torn record are left out; the old bag stays as it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath
import re
from tempfile import TemporaryDirectory

from inril_ros.data.bags.bag_files import COMPRESSED, decompressed, is_bag_file
from inril_ros.data.bags.bags import BagError, DamagedBagError, EpisodeBag
from inril_ros.data.bags.definitions import types_of, UndecodableError
from inril_ros.data.bags.salvage import mcap_rows, Row, sqlite_rows
from inril_ros.data.bags.storage import SUFFIXES
from inril_ros.data.frames.rejections import Rejections


@dataclass(frozen=True)
class Repaired:
    """The result of a repair.

    Attributes:
        path: The new bag's folder.
        messages: Number of its messages.
        notes: What was left out, and what each file had.
    """

    path: Path
    messages: int
    notes: list[str] = field(default_factory=list)


def repair_bag(path: Path, to: Path | None = None) -> Repaired:
    """Write the whole messages of a bag as a new bag.

    Args:
        path: The folder or a file of a bag of ROS 2.
        to: The new bag's folder; default: ``<name>_repaired`` beside it and, for the bag
            ``<name>.tmp`` of a killed recorder, ``rejected/<name>_recovered``.

    Raises:
        BagError: It is no bag of ROS 2, no message of it is whole, or the new bag's folder exists.
    """
    files = [path] if is_bag_file(path) and path.is_file() else (
        sorted(filter(is_bag_file, path.glob('*')), key=_parts))
    if not files:
        raise BagError(f'{path}: is no bag of ROS 2 (a folder with files *.mcap or *.db3, or one '
                       'such file)')
    storage = SUFFIXES[PurePath(files[0].name.removesuffix(COMPRESSED)).suffix]
    bag, ours = _new_bag(path, to, storage)
    left_out, notes = Rejections(), []
    rows = _rows(files, notes)
    first = next(rows, None)
    if first is None:
        raise BagError(f'{path}: nothing of it is whole')
    _write(bag, first, left_out)
    for row in rows:
        _write(bag, row, left_out)
    count = bag.messages
    information = {'reason': f'repaired from {path.name}, whose end was missing'}
    target = bag.close({**information, **({'outcome': 'incomplete'} if ours else {})},
                       keep=not ours)
    return Repaired(target, count, notes + left_out.lines())


def _new_bag(path: Path, to: Path | None, storage: str) -> tuple[EpisodeBag, bool]:
    """Return the bag to write, and whether it is an unfinished episode of a recorder."""
    if to is not None:
        return EpisodeBag(to.parent, to.name, storage), False
    if path.suffix == '.tmp':
        return EpisodeBag(path.parent, f'{path.stem}_recovered', storage), True
    name = path.name if path.is_dir() else path.name.partition('.')[0]
    return EpisodeBag(path.absolute().parent, f'{name}_repaired', storage), False


def _write(bag: EpisodeBag, row: Row, left_out: Rejections) -> None:
    source, stamp, raw = row
    try:
        if source.encoding != 'cdr':
            raise UndecodableError(f'its messages are encoded as {source.encoding}, not as cdr')
        bag.write(source.written, source.msgtype, stamp, raw, types_of(source))
    except ValueError as error:
        left_out.add(source.written, str(error))


def _rows(files: list[Path], notes: list[str]) -> Iterator[Row]:
    """Yield the whole messages of files; add a note on each file."""
    with TemporaryDirectory(prefix='inril_repair_') as folder:
        for file in files:
            readable = file
            try:
                if file.suffix == COMPRESSED:
                    readable = Path(folder) / file.stem
                    decompressed(file, Path(folder))
            except DamagedBagError:
                pass  # what there is of it was decompressed
            number = 0
            read = mcap_rows if readable.suffix == '.mcap' else sqlite_rows
            for row in read(readable):
                number += 1
                yield row
            notes.append(f'{file.name}: {number} messages')


def _parts(file: Path) -> list[tuple[int, str]]:
    """Return the key that sorts part 10 of a bag behind part 2."""
    return [(int(text), '') if text.isdigit() else (-1, text)
            for text in re.split(r'(\d+)', file.name)]
