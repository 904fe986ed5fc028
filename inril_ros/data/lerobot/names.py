# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Joints and cameras of a contract in a dataset: found by name, or named by the user, or refused.

A place is never taken for a name. The same joint may have a prefix (``main_shoulder_pan``,
``left_waist``) or a suffix (``shoulder_pan.pos``) in the dataset; anything else is asked for with
``--map``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import zip_longest
import re
from typing import Any

import numpy as np

from inril_ros.data.lerobot.format import image_key, LeRobotError
from inril_ros.robot.contract.contract import Action, Contract, Observation

_QUANTITIES = {'pos': 'position', 'position': 'position', 'qpos': 'position', 'angle': 'position',
               'vel': 'velocity', 'velocity': 'velocity', 'qvel': 'velocity',
               'eff': 'effort', 'effort': 'effort', 'torque': 'effort'}
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
    read = [_read(name) for name in names]
    fit = [place for place, (_, _, quantity) in enumerate(read)
           if quantity == column.quantity or (not quantity and column.unmarked)]
    if column.name in given:
        return _places(given[column.name], names)
    if column.joint in given:
        places = [place for place in _places(given[column.joint], names) if place in fit]
        if places:
            return places
    exact = [place for place, name in enumerate(names) if name == column.name]
    if exact or not column.joint:
        return exact
    whole = [place for place in fit if read[place][0] == _words(column.joint)]
    core, sides = _core(_words(column.joint))
    sides = sides or _SIDES & set(_words(column.entry))
    if all(word.isdigit() for word in core):  # too little to know a joint by
        return whole
    like = [place for place in fit if _core(read[place][0])[0] == core]
    if sides and any(read[place][1] for place in like):
        return [place for place in like if read[place][1] == sides]
    return whole if len(whole) == 1 else like


def _places(wanted: str, names: list[str]) -> list[int]:
    """Return the places of a name; a number that is no name is a place."""
    places = [place for place, name in enumerate(names) if name == wanted]
    if not places and wanted.isdigit() and int(wanted) < len(names):
        return [int(wanted)]
    return places


def _words(name: str) -> list[str]:
    return re.findall(r'[a-z0-9]+', name.lower())


def _read(name: str) -> tuple[list[str], frozenset[str], str]:
    """Return the words of a dataset's name without its quantity, its side, and the quantity."""
    words = _words(name)
    quantity = _QUANTITIES.get(words[-1], '') if len(words) > 1 else ''
    words = words[:-1] if quantity else words
    return words, _core(words)[1], quantity


def _core(words: list[str]) -> tuple[list[str], frozenset[str]]:
    """Return the words of a joint's name without prefixes, and the side that they say."""
    sides = set()
    while len(words) > 1 and words[0] in _PREFIXES:
        sides |= {words[0]} & _SIDES
        words = words[1:]
    return words[:-1] if len(words) > 1 and words[-1] == 'joint' else words, frozenset(sides)


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
    wanted = '_'.join(_words(column.joint or column.name))
    texts = {'_'.join(_words(names[place])): place for place in free}
    holding = [place for text, place in texts.items() if wanted in text or (
        text in wanted and not text.isdigit())]
    if len(holding) == 1:
        return holding
    return [texts[text] for text in get_close_matches(wanted, texts, 1, 0.8)]


def find_cameras(
    contract: Contract, features: Mapping[str, Any], given: Mapping[str, str], what: str,
) -> dict[str, str]:
    """Return the image feature of each of the policy's cameras.

    Raises:
        LeRobotError: One isn't found.
    """
    images = [name for name, feature in features.items()
              if feature.get('dtype') in ('image', 'video') or 'image' in name]
    found = {}
    for camera in contract.policy_cameras:
        wanted = given.get(camera, image_key(camera))
        fit = [name for name in images if name in (wanted, image_key(wanted))]
        if not fit:
            rows = '\n'.join(f'  {ours:{max(map(len, contract.policy_cameras))}}  {theirs}'
                             for ours, theirs in zip_longest(
                                 contract.policy_cameras, images, fillvalue=''))
            raise LeRobotError(
                f'{what}: has no images {wanted} for the camera {camera}. Cameras of the contract '
                f'and images of the dataset:\n{rows}\nSay which is which: '
                f'--map {camera}={images[0] if len(images) == 1 else "NAME"}')
        found[camera] = fit[0]
    return found


def parse_map(pairs: Sequence[str], contract: Contract) -> dict[str, str]:
    """Return the dataset's names by the contract's, from ``CONTRACT=DATASET`` as a user types it.

    Raises:
        LeRobotError: A pair has another form, or the contract has no such joint or camera.
    """
    columns = [*columns_of(contract.observations), *columns_of(contract.actions)]
    known = dict.fromkeys([*(column.joint for column in columns if column.joint),
                           *(column.name for column in columns), *contract.policy_cameras])
    given: dict[str, str] = {}
    for pair in pairs:
        ours, sign, theirs = pair.partition('=')
        if not (ours and sign and theirs):
            raise LeRobotError(f"--map {pair}: must be <the contract's name>=<the dataset's>")
        if ours not in known:
            raise LeRobotError(f'--map {pair}: the contract has no {ours}; it has '
                               f'{", ".join(known)}')
        if given.setdefault(ours, theirs) != theirs:
            raise LeRobotError(f'--map {pair}: {ours} was {given[ours]} before')
    return given


def check_map_used(given: Mapping[str, str], features: Sequence[Mapping[str, Any]],
                   contract: Contract) -> None:
    """Check that the dataset has each name that the user gave for a joint.

    Raises:
        LeRobotError: It lacks one.
    """
    lists = [names_of(feature)[0] for feature in features]
    for ours, theirs in given.items():
        if ours not in contract.policy_cameras and not any(
                _places(theirs, names) for names in lists):
            raise LeRobotError(f'--map {ours}={theirs}: the dataset has no {theirs}; it has '
                               f'{", ".join(dict.fromkeys(sum(lists, [])))}')
