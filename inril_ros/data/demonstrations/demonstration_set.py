# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A folder of demonstrations: listing it, adding bags, putting them aside, removing them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
import shutil
from typing import Any

from inril_ros.data.bags.bags import BagError
from inril_ros.data.bags.metadata import read_metadata
from inril_ros.data.bags.storage import files_of
from inril_ros.data.demonstrations.edit_file import edit_file, read_edits

REJECTED = 'rejected'
#: The folder of aligned episodes.
ALIGNED = '.aligned'


@dataclass(frozen=True)
class Demonstration:
    """The metadata of one bag.

    Attributes:
        path: The bag's folder.
        state: ``kept``, ``dropped`` (by a person), ``rejected``, ``dry run``, ``unfinished`` (the
            recorder died), ``damaged`` or ``edits refused``.
        outcome: ``success``, ``failure`` ..., as labelled if it was; empty if unknown.
        task: The task.
        operator: The name of the person who drove.
        contract: Name of the robot's contract.
        contract_hash: Hash of the robot's contract.
        seconds: Length of the recording [s].
        messages: Number of messages.
        size: Size on disk [byte].
        recorded: Time of the recording, ISO 8601, UTC.
        note: Where it was imported from, or why it was rejected; what was edited.
    """

    path: Path
    state: str
    outcome: str = ''
    task: str = ''
    operator: str = ''
    contract: str = ''
    contract_hash: str = ''
    seconds: float = 0.0
    messages: int = 0
    size: int = 0
    recorded: str = ''
    note: str = ''


def list_demonstrations(folder: Path) -> list[Demonstration]:
    """Return all bags of a folder, including rejected and unfinished ones.

    Raises:
        BagError: There is no such folder.
    """
    if not folder.is_dir():
        raise BagError(f'{folder}: no such folder')
    return [_edited(_described(path, state)) for path, state in _bags(folder)]


def described(path: Path) -> Demonstration:
    """Return what the metadata of a bag say about it, and its edits."""
    if path.suffix == '.tmp':
        return _described(path, 'unfinished')
    return _edited(_described(
        path, 'rejected' if path.absolute().parent.name == REJECTED else 'kept'))


def put_aside(path: Path) -> Path:
    """Move a bag and its edits to the rejected ones of its folder; return its new path.

    Raises:
        BagError: It is no bag, or a rejected one has its name.
    """
    if not (path / 'metadata.yaml').is_file():
        raise BagError(f'{path}: is no bag')
    target = path.parent / REJECTED / path.name
    if path.parent.name == REJECTED or target.exists():
        raise BagError(f'{path}: is among the rejected ones already')
    target.parent.mkdir(exist_ok=True)
    _rename_edits(path, target)
    return path.rename(target)


def remove(path: Path) -> None:
    """Remove a bag and its edits for ever.

    Raises:
        BagError: It is no bag.
    """
    unfinished = path.suffix == '.tmp' and files_of(path)
    if not unfinished and not (path / 'metadata.yaml').is_file():
        raise BagError(f'{path}: is no bag')
    shutil.rmtree(path)
    edit_file(path).unlink(missing_ok=True)


def next_number(folder: Path) -> int:
    """Return the number of the next bag of a folder: one more than the largest."""
    taken = [int(path.name[:4]) for pattern in ('*', f'{REJECTED}/*')
             for path in folder.glob(pattern) if path.name[:4].isdecimal()]
    return max(taken, default=-1) + 1


def add_staged(staging: Path, folder: Path) -> None:
    """Move all bags, including rejected ones, from a folder where they were made into the set.

    Raises:
        BagError: One exists already, by its name after the number; nothing is moved.
    """
    there = {path.name[5:]: path for path in folder.glob('*') if path.name[:4].isdecimal()}
    made = sorted(path for path in staging.iterdir() if path.name not in (REJECTED, ALIGNED))
    for path in made:
        if path.name[5:] in there:
            raise BagError(f'{there[path.name[5:]]}: this episode was imported before')
    for name in (REJECTED, ALIGNED):
        for path in sorted((staging / name).glob('*')):
            (folder / name).mkdir(exist_ok=True)
            path.rename(folder / name / path.name)
    for path in made:
        path.rename(folder / path.name)
    shutil.rmtree(staging)


def _bags(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.iterdir()):
        if path.suffix == '.tmp' and path.is_dir():
            yield path, 'unfinished'
        elif (path / 'metadata.yaml').is_file():
            yield path, 'kept'
    if (folder / REJECTED).is_dir():
        for path in sorted((folder / REJECTED).iterdir()):
            if (path / 'metadata.yaml').is_file():
                yield path, 'rejected'


def _described(path: Path, state: str) -> Demonstration:
    size = sum(item.stat().st_size for item in path.rglob('*') if item.is_file())
    try:
        data = read_metadata(path / 'metadata.yaml')
        began = data['starting_time']['nanoseconds_since_epoch'] / 1e9
        custom = data.get('custom_data') or {}
        texts = {name: str(custom.get(name, ''))
                 for name in ('outcome', 'task', 'operator', 'contract', 'contract_hash')}
        return Demonstration(
            path, 'dry run' if custom.get('dry_run') else state, **texts,
            seconds=data['duration']['nanoseconds'] / 1e9,
            messages=int(data['message_count']), size=size,
            recorded=datetime.fromtimestamp(began, timezone.utc).isoformat(timespec='seconds')
            if began < 1e11 else '', note=_note(custom))
    except (OSError, ArithmeticError, ValueError, KeyError, TypeError, AttributeError) as error:
        if state == 'unfinished':
            return Demonstration(path, state, size=size, note='the recorder died; inril demos '
                                 'repair saves what it had written')
        return Demonstration(path, 'damaged', size=size, note=f'metadata.yaml: {error}')


def _rename_edits(bag: Path, target: Path) -> None:
    if edit_file(bag).exists():
        edit_file(bag).rename(edit_file(target))


def _edited(demonstration: Demonstration) -> Demonstration:
    """Return a demonstration with what its edits say."""
    if not edit_file(demonstration.path).exists():
        return demonstration
    try:
        edits = read_edits(demonstration.path)
    except BagError as error:
        return replace(demonstration, state='edits refused', note=str(error))
    label = f'{edits.split.outcome}, {edits.split.second or demonstration.outcome}' if (
        edits.split) else edits.label.outcome if edits.label else demonstration.outcome
    dropped = edits.drop and demonstration.state == 'kept'
    return replace(
        demonstration, state='dropped' if dropped else demonstration.state, outcome=label,
        note='; '.join(filter(None, (demonstration.note, *map(str, edits.counting)))))


def _note(custom: dict[str, Any]) -> str:
    notes = [str(custom.get('reason') or custom.get('imported_from') or '')]
    if custom.get('dropped'):
        notes.append(f'{custom["dropped"]} messages were lost: the disk was too slow')
    return '; '.join(filter(None, notes))
