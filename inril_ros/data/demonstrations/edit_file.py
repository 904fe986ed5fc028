# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The file beside a bag that holds its edits: ``<bag>.edits.json``. The bag is never changed.

It names the content of the bag that it speaks of, and has a hash of its own. Edits of another
content are refused, and so is a file that was changed by anything but this module. Of large
messages, such as images, time and size are compared, so that it takes no time to tell.
"""

from collections.abc import Iterator
from contextlib import contextmanager
import fcntl
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from inril_ros.data.bags.bags import BagError
from inril_ros.data.bags.storage import SUFFIXES
from inril_ros.data.demonstrations.edit_log import Edit, Edits, edits_of
from inril_ros.data.raw.content_hash import file_hash
from inril_ros.data.record_files import read_record, RecordError, write_json
from inril_ros.robot.settings_check import checked

SUFFIX = '.edits.json'
_FORMAT = 1
_KEYS = {'format', 'bag', 'edits', 'hash'}


class EditError(BagError):
    """Edits that can't be made, or can't be applied; the message says what to do."""


def edit_file(bag: Path) -> Path:
    """Return the path of a bag's edits, which need not exist."""
    return bag.with_name(f'{bag.name}{SUFFIX}')


def read_edits(bag: Path) -> Edits:
    """Return the edits of a bag; none if there is no file of them.

    Raises:
        EditError: The file is damaged, was changed by hand, or speaks of another bag.
    """
    path = edit_file(bag)
    if not path.exists():
        return Edits()
    advice = f'move {path.name} away to read the bag as it was recorded'
    try:
        record = read_record(path)
        if record.get('format') != _FORMAT or set(record) != _KEYS:
            raise RecordError(f'{path}: is no file of edits of format {_FORMAT}')
        if record['hash'] != _hash(record):
            raise RecordError(f'{path}: was damaged, or changed by hand: its hash is another')
        log = [checked(Edit, each, f'{path}, edit {number}', RecordError)
               for number, each in enumerate(record['edits'], start=1)]
        edits = edits_of(log)
    except RecordError as error:
        raise EditError(f'{error}; {advice}') from error
    except (ValueError, TypeError) as error:
        raise EditError(f'{path}: {error}; {advice}') from error
    if record['bag'] != bag_content(bag):
        last = f'; the last: {log[-1]}' if log else ''
        raise EditError(f'{path}: its edits are of another content than that of {bag}{last}. If '
                        'the bag was replaced, look at it and edit it anew: ' + advice)
    return edits


def add_edit(bag: Path, edit: Edit) -> Edits:
    """Add an edit to those of a bag; return all. Two processes may add at once.

    Raises:
        EditError: It contradicts those before it, or the bag's edits can't be read.
        BagError: It is no bag.
        OSError: The file can't be written; nothing has changed.
    """
    if not (bag / 'metadata.yaml').is_file():
        raise BagError(f'{bag}: is no bag; inril demos list shows those there are')
    with _alone(bag.parent):
        before = read_edits(bag)
        try:
            edits = edits_of([*before.log, edit])
        except ValueError as error:
            raise EditError(f'{bag}: {error}') from error
        content = {'format': _FORMAT, 'bag': bag_content(bag),
                   'edits': [each.to_json() for each in edits.log]}
        write_json(edit_file(bag), {**content, 'hash': _hash(content)}, replace=True)
    return edits


def bag_content(bag: Path) -> str:
    """Return the SHA-256 of a bag's messages; of those on large topics, of their time and size.

    Raises:
        BagError: It can't be read.
    """
    total = hashlib.sha256()
    try:
        files = sorted(file for file in bag.iterdir() if SUFFIXES.keys() & {*file.suffixes})
        for file in files:
            total.update(file_hash(file, ()).encode())
    except OSError as error:
        raise BagError(f'{bag}: cannot be read: {error.strerror}') from error
    if not files:
        raise BagError(f'{bag}: holds no file of messages; inril demos repair may save some')
    return total.hexdigest()


def refuse_orphans(folder: Path) -> None:
    """Refuse edits in a folder whose bag is not there: it would be used as it was recorded.

    Raises:
        EditError: There are such; names them.
    """
    for path in sorted(folder.glob(f'*{SUFFIX}')):
        bag = path.with_name(path.name.removesuffix(SUFFIX))
        if not bag.is_dir():
            raise EditError(f'{path}: there is no bag {bag.name} beside it. If the bag was '
                            'renamed, give its edits the new name; if it was deleted, delete them')


def _hash(record: dict[str, Any]) -> str:
    """Return the SHA-256 of what a file says."""
    said = {name: value for name, value in record.items() if name != 'hash'}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process adds an edit in a folder, and keep others waiting."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
