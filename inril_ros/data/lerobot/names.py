# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Joints of a contract in a dataset: found by name, or named by the user, or refused.

A place is never taken for a name. The same joint may have a prefix (``main_shoulder_pan``,
``left_waist``) or a suffix (``shoulder_pan.pos``) in the dataset; anything else is asked for with
``--map``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
import re
from typing import Any

import numpy as np

from inril_ros.data.lerobot.format import LeRobotError
from inril_ros.robot.contract.contract import Action, Observation

_QUANTITIES = {'pos': 'position', 'position': 'position', 'qpos': 'position', 'vel': 'velocity',
               'velocity': 'velocity', 'qvel': 'velocity', 'eff': 'effort', 'effort': 'effort',
               'torque': 'effort'}
_GRIPPER = ('grip', 'jaw', 'finger', 'claw', 'pinch', 'hand')
_SIDES = frozenset({'left', 'right'})
#: Words before a joint's name that say nothing about which joint it is.
_PREFIXES = _SIDES | {'observation', 'state', 'action', 'motors', 'joints', 'names', 'axes',
                      'main', 'follower', 'puppet', 'robot', 'arm'}


@dataclass(frozen=True)
class Column:
    """One number of the contract's observations or actions.

    Attributes:
        entry: Name of the observation or action.
        place: Its place there.
        joint: The joint's name; empty if the number is of no joint.
        quantity: The joint's quantity; empty without a joint.
        command: Whether it is commanded.
    """

    entry: str
    place: int
    joint: str = ''
    quantity: str = ''
    command: bool = False

    @property
    def name(self) -> str:
        """The name that an export gives it."""
        return f'{self.entry}.{self.joint}' if self.joint else f'{self.entry}[{self.place}]'

    @property
    def unmarked(self) -> bool:
        """Whether a name that says no quantity can mean it."""
        return self.command or self.quantity == 'position'


def columns_of(entries: Mapping[str, Observation | Action]) -> list[Column]:
    """Return the numbers of observations or actions, one entry after the other."""
    return [Column(name, place, *((entry.joints[place], entry.quantity) if entry.joints
                                  else ('', '')), command=isinstance(entry, Action))
            for name, entry in entries.items() for place in range(entry.length)]


def names_of(feature: Mapping[str, Any]) -> tuple[list[str], str]:
    """Return the names of a vector's numbers; without names, their places and why.

    Names are a list, or a dict of lists (``motors``, ``axes``), nested or not, or a dict from
    name to place.
    """
    size, given = int(np.prod(feature['shape'])), feature.get('names')
    names = [] if given is None else list(_flattened(given))
    if len(names) == size:
        return names, ''
    places = [str(place) for place in range(size)]
    return places, (f'the dataset has {len(names)} names for {size} numbers, {names}' if names
                    else 'the dataset gives its numbers no names')


def _flattened(names: Any, prefix: str = '') -> Any:
    if isinstance(names, Mapping):
        places = list(names.values())
        if places and all(isinstance(place, int) for place in places):
            if sorted(places) != list(range(len(places))):
                return
            yield from (prefix + name for name in sorted(names, key=names.get))
            return
        for key, part in names.items():  # one key says what the list is, several say whose
            yield from _flattened(part, f'{prefix}{key}.' if len(names) > 1 else prefix)
    elif isinstance(names, list | tuple):
        for part in names:
            yield from _flattened(part, prefix)
    else:
        yield f'{prefix}{names}'


def find_columns(
    columns: Sequence[Column], feature: Mapping[str, Any], given: Mapping[str, str], what: str,
) -> list[int]:
    """Return the place of each of the contract's numbers in a vector of the dataset.

    Args:
        columns: The contract's numbers.
        feature: The vector's description.
        given: Names of the dataset by the contract's, as the user gave them.
        what: The vector's name, for errors.

    Raises:
        LeRobotError: A number isn't found, or more than one fits.
    """
    names, unnamed = names_of(feature)
    found = [_found(column, names, given) for column in columns]
    problems = [unnamed] if unnamed else [
        f'{column.name} could be {" or ".join(_named(names, places))}' if places
        else f'{column.name} is not found'
        for column, places in zip(columns, found, strict=True) if len(places) != 1]
    taken: dict[int, Column] = {}
    for column, places in zip(columns, found, strict=True):
        other = taken.setdefault(places[0], column) if len(places) == 1 else column
        if other is not column and not {other.name, column.name} <= set(given):
            problems.append(f'{names[places[0]]} is found for both {other.name} and {column.name}')
            places.clear()
    if all(len(places) == 1 for places in found):
        return [places[0] for places in found]
    raise LeRobotError(_explained(what, columns, names, found, '; '.join(problems)))


def _found(column: Column, names: list[str], given: Mapping[str, str]) -> list[int]:
    """Return the places that can be a number of the contract's: one, none, or several."""
    if column.name in given:
        return places_of(given[column.name], names)
    readings = [[words for words, quantity in _readings(name)
                 if quantity == column.quantity or (not quantity and column.unmarked)]
                for name in names]
    if column.joint in given:
        places = [place for place in places_of(given[column.joint], names) if readings[place]]
        if places:
            return places
    exact = [place for place, name in enumerate(names) if name == column.name]
    if exact or not column.joint:
        return exact
    joint = words_of(column.joint)
    whole = [place for place, read in enumerate(readings) if joint in read]
    core, sides = _core(joint)
    sides = _SIDES & set(words_of(column.entry)) or sides
    if all(word.isdigit() for word in core):  # too little to know a joint by
        return whole
    like = {place: _core(words)[1] for place, read in enumerate(readings) for words in read
            if _core(words)[0] == core}
    if sides and any(like.values()):
        return [place for place, theirs in like.items() if theirs == sides]
    return whole if len(whole) == 1 else list(like)


def places_of(wanted: str, names: list[str]) -> list[int]:
    """Return the places of a name; a number that is no name is a place."""
    places = [place for place, name in enumerate(names) if name == wanted]
    if not places and wanted.isdigit() and int(wanted) < len(names):
        return [int(wanted)]
    return places


def words_of(name: str) -> list[str]:
    """Return the words of a name, in small letters."""
    return re.findall(r'[a-z0-9]+', name.lower())


def _readings(name: str) -> list[tuple[list[str], str]]:
    """Return what a dataset's name can mean: words and quantity, with and without a suffix."""
    words = words_of(name)
    quantity = _QUANTITIES.get(words[-1], '') if len(words) > 1 else ''
    return [(words, ''), *([(words[:-1], quantity)] if quantity else [])]


def _core(words: list[str]) -> tuple[list[str], frozenset[str]]:
    """Return the words of a joint's name without prefixes, and the side that they say."""
    sides = set()
    while len(words) > 1 and words[0] in _PREFIXES:
        sides |= {words[0]} & _SIDES
        words = words[1:]
    return words[:-1] if len(words) > 1 and words[-1] == 'joint' else words, frozenset(sides)


def is_gripper(name: str) -> bool:
    """Return whether a joint is a gripper's, by its name."""
    return any(word in name.lower() for word in _GRIPPER)


def _named(names: list[str], places: Sequence[int]) -> list[str]:
    """Return names for the user: with their places where a name is there twice."""
    return [f'{names[place]} (place {place})' if names.count(names[place]) > 1 else names[place]
            for place in places]


def _explained(
    what: str, columns: Sequence[Column], names: list[str], found: list[list[int]], problem: str,
) -> str:
    """Return the refusal: what is wrong, both lists side by side, and the option that helps."""
    used = {places[0] for places in found if len(places) == 1}
    rest = [place for place in range(len(names)) if place not in used]
    rows = [('contract', 'dataset')]
    options = []
    joints = [column.joint for column in columns]
    for column, places in zip(columns, found, strict=True):
        rows.append((column.name, ', '.join(_named(names, places)) or '?'))
        if len(places) != 1:
            guess = places or _similar(column, names, rest)
            ours = column.joint if joints.count(column.joint) == 1 else column.name
            options.append(f'--map {ours}={names[guess[0]] if guess else "..."}')
    rows += [('', f'{name} (not used)') for name in _named(names, rest)]
    width = max(len(ours) for ours, _ in rows)
    listed = '\n'.join(f'  {ours:{width}}  {theirs}' for ours, theirs in rows)
    return (f'{what}: joints are found by name, never by place, and {problem}.\n{listed}\n'
            'Say which is which, by the name or the place (from 0) in the dataset, and check each '
            f'one: {" ".join(options)}')


def _similar(column: Column, names: list[str], free: list[int]) -> list[int]:
    """Return the place of the name that may be meant."""
    sides = _SIDES & set(words_of(column.entry)) or _SIDES & set(words_of(column.joint))
    texts = {'_'.join(words_of(names[place])): place for place in free
             if not sides or _SIDES & set(words_of(names[place])) in (sides, set())}
    grippers = [place for text, place in texts.items() if is_gripper(text)]
    if is_gripper(column.joint) and len(grippers) == 1:
        return grippers
    wanted = '_'.join(_core(words_of(column.joint or column.name))[0])
    holding = [place for text, place in texts.items() if wanted in text or (
        text in wanted and not text.isdigit())]
    if len(holding) == 1:
        return holding
    return [texts[text] for text in get_close_matches(wanted, texts, 1, 0.8)]
