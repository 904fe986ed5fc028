# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Edits of demonstrations, as a command or a page makes them: drop, label, trim, split, restore.

Each function adds one edit to the file beside the bag and returns all edits of the bag; none
changes the bag. Who reads demonstrations the next time finds them edited.
"""

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from inril_ros.data.demonstrations.aligned_cache import aligned_episode
from inril_ros.data.demonstrations.edit_file import add_edit, EditError, read_edits
from inril_ros.data.demonstrations.edit_log import Edit, Edits, Outcome
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.settings_check import checked


def drop(bag: Path, by: str, note: str = '', when: datetime | None = None) -> Edits:
    """Leave a demonstration out wherever demonstrations are read.

    Args:
        bag: The bag's folder.
        by: Who does it.
        note: Why.
        when: Time of it; None: now.

    Raises:
        EditError: The edits of the bag can't be read.
        BagError: It is no bag.
        OSError: The edit can't be written.
    """
    return _add(bag, by, note, when, kind='drop')


def restore(bag: Path, by: str, note: str = '', when: datetime | None = None) -> Edits:
    """Undo all edits of a bag; they stay in its file. Arguments as for ``drop``.

    Raises:
        EditError: There is nothing to undo, or the edits of the bag can't be read.
    """
    if not read_edits(bag).counting:
        raise EditError(f'{bag}: has no edits to undo')
    return _add(bag, by, note, when, kind='restore')


def label(
    bag: Path, outcome: Outcome, by: str, note: str = '', when: datetime | None = None,
) -> Edits:
    """Give a demonstration another outcome; failures aren't imitated. Arguments as for ``drop``.

    Raises:
        EditError: It is split, so its parts have outcomes, or its edits can't be read.
    """
    return _add(bag, by, note, when, kind='label', outcome=outcome)


def trim(
    bag: Path, contract: Contract, by: str, begin: int | None = None, end: int | None = None,
    note: str = '', when: datetime | None = None,
) -> Edits:
    """Leave out the ends of a demonstration.

    Args:
        bag: The bag's folder.
        contract: The contract that it was recorded under.
        by: Who does it.
        begin: Ticks that are left out at the beginning of the recording, whatever was trimmed
            before; None: as before.
        end: The same at its end.
        note: Why.
        when: Time of it; None: now.

    Raises:
        EditError: Nothing would be left, or the edits of the bag can't be read.
        BagError: The bag can't be read.
    """
    before = read_edits(bag).trim
    kept = (before.begin, before.end) if before else (0, 0)
    return _add(bag, by, note, when, kind='trim', begin=kept[0] if begin is None else begin,
                end=kept[1] if end is None else end, ticks=_ticks(bag, contract))


def split(
    bag: Path, contract: Contract, by: str, at: int, first: Outcome,
    second: Outcome | None = None, note: str = '', when: datetime | None = None,
) -> Edits:
    """Make two demonstrations of one.

    The second begins with what was seen at the tick at which it is split, as if the robot had been
    put there. Another split replaces the former one.

    Args:
        bag: The bag's folder.
        contract: The contract that it was recorded under.
        by: Who does it.
        at: First tick of the second one, counted from the beginning of the recording.
        first: Outcome of the first one: nobody has said it before.
        second: Outcome of the second one; None: what the whole had.
        note: Why.
        when: Time of it; None: now.

    Raises:
        EditError: One would be empty, or the edits of the bag can't be read.
        BagError: The bag can't be read.
    """
    before = read_edits(bag)
    if second is None:
        second = (before.split.second if before.split else
                  before.label.outcome if before.label else None)
    return _add(bag, by, note, when, kind='split', at=at, outcome=first, second=second,
                ticks=_ticks(bag, contract))


def _ticks(bag: Path, contract: Contract) -> int:
    return len(aligned_episode(bag, contract).actions)


def _add(bag: Path, by: str, note: str, when: datetime | None, **said: Any) -> Edits:
    time = (when or datetime.now(timezone.utc)).isoformat(timespec='seconds')
    said = {name: value for name, value in said.items() if value is not None}
    return add_edit(bag, checked(
        Edit, {'by': by, 'note': note, 'when': time, **said}, str(bag), EditError))
