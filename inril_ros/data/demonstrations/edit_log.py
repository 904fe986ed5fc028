# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What people did to a demonstration after it was recorded, and what follows from it.

Edits are only added. ``restore`` undoes those before it; of the others the last of a kind counts.
Ticks count from the first one of the episode as it is read from its bag, whatever was cut before.
"""

from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass as plain_dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

Outcome = Literal['success', 'failure']
_Ticks = Annotated[int, Field(ge=0, le=2**53)] | None
# What an edit says besides who, when and why; what may be left out is in brackets.
_SAYS = {'drop': (), 'restore': (), 'label': ('outcome',), 'trim': ('begin', 'end', 'ticks'),
         'split': ('at', 'outcome', 'ticks', '[second]')}


@dataclass(frozen=True, config=ConfigDict(extra='forbid'))
class Edit:
    """One edit.

    Attributes:
        kind: ``drop``, ``label``, ``trim``, ``split`` or ``restore``.
        by: Who did it.
        when: Time of it, ISO 8601, UTC.
        note: Why.
        outcome: label: of the episode. split: of the first part.
        second: split: outcome of the second part; None: what the whole had.
        begin: trim: ticks that are left out at the beginning.
        end: trim: ticks that are left out at the end.
        at: split: first tick of the second part.
        ticks: trim, split: ticks of the episode as it was read then.
    """

    kind: Literal['drop', 'label', 'trim', 'split', 'restore']
    by: Annotated[str, Field(min_length=1, max_length=200)]
    when: Annotated[str, Field(min_length=1, max_length=64)]
    note: Annotated[str, Field(max_length=2000)] = ''
    outcome: Outcome | None = None
    second: Outcome | None = None
    begin: _Ticks = None
    end: _Ticks = None
    at: _Ticks = None
    ticks: _Ticks = None

    def __post_init__(self) -> None:
        said = {name for name in ('outcome', 'second', 'begin', 'end', 'at', 'ticks')
                if getattr(self, name) is not None}
        needed = {name for name in _SAYS[self.kind] if name[0] != '['}
        allowed = {name.strip('[]') for name in _SAYS[self.kind]}
        if not needed <= said <= allowed:
            raise ValueError(f'{self.kind} must say {sorted(needed) or "nothing more"}, '
                             f'says {sorted(said)}')

    def __str__(self) -> str:
        """Return it in words: what, by whom, when and why."""
        what = {'drop': 'dropped', 'restore': 'all edits undone',
                'label': f'labelled {self.outcome}',
                'trim': f'{self.begin} ticks at the beginning and {self.end} at the end of '
                        f'{self.ticks} left out',
                'split': f'split at tick {self.at} of {self.ticks}, the first part a '
                         f'{self.outcome}' + (f', the second a {self.second}' if self.second
                                              else '')}[self.kind]
        return f'{what} by {self.by}, {self.when}' + (f': {self.note}' if self.note else '')

    def to_json(self) -> dict[str, Any]:
        """Return what it says."""
        return {name: value for name, value in asdict(self).items() if value not in (None, '')}


@plain_dataclass(frozen=True)
class Edits:
    """The edits of one bag, and those that count.

    Attributes:
        log: All of them, oldest first.
        drop: It is not used at all.
        label: Its outcome is another.
        trim: Its ends are left out.
        split: It is two demonstrations.
    """

    log: tuple[Edit, ...] = ()
    drop: Edit | None = None
    label: Edit | None = None
    trim: Edit | None = None
    split: Edit | None = None

    @property
    def counting(self) -> tuple[Edit, ...]:
        """Those that count."""
        return tuple(each for each in (self.drop, self.label, self.trim, self.split) if each)


def edits_of(log: Sequence[Edit]) -> Edits:
    """Return what follows from the edits of a bag, oldest first.

    Raises:
        ValueError: One contradicts those before it; says what to do.
    """
    counting: dict[str, Edit] = {}
    for edit in log:
        if edit.kind == 'restore':
            counting = {}
        elif edit.kind == 'label' and 'split' in counting:
            raise ValueError('it is split, and each part has an outcome of its own: split it '
                             'again with --first and --second')
        else:
            counting[edit.kind] = edit
            if edit.kind == 'split':
                counting.pop('label', None)
        _check_ticks(counting.get('trim'), counting.get('split'))
    return Edits(tuple(log), **counting)


def _check_ticks(trim: Edit | None, split: Edit | None) -> None:
    """Refuse an empty demonstration."""
    begin, until = 0, (trim or split).ticks if trim or split else 0
    if trim:
        begin, until = trim.begin, trim.ticks - trim.end
        if begin >= until:
            raise ValueError(f'it has {trim.ticks} ticks: {trim.begin} at the beginning and '
                             f'{trim.end} at the end leave none; drop it, or trim less')
    if split:
        if trim and trim.ticks != split.ticks:
            raise ValueError(f'it had {trim.ticks} ticks when it was trimmed, and '
                             f'{split.ticks} when it was split: restore it, and edit it again')
        if not begin < split.at < until:
            raise ValueError(f'a split at tick {split.at} leaves a part empty: of its '
                             f'{split.ticks} ticks, {begin} to {until - 1} are used, and the '
                             f'second part may begin at {begin + 1} to {until - 1}')
