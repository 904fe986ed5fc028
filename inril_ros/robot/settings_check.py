# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Checks settings that were read as plain data, with errors that name the key and its line."""

from collections.abc import Iterable
import re
from reprlib import Repr
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from inril_ros.robot.yaml_file import Lines

_Settings = TypeVar('_Settings')
_MOST_ERRORS = 20
_LONGEST_LINE = 1000  # characters of one error
_SHORT = Repr()  # cuts a value before it is written out
_SHORT.maxstring = _SHORT.maxother = 120


def checked(
    kind: type[_Settings], data: object, source: str, error: type[Exception],
    lines: Lines | None = None,
) -> _Settings:
    """Return settings of a pydantic dataclass from plain data.

    Args:
        kind: The dataclass.
        data: Content of the file.
        source: File name in the error's message.
        error: Raised if the data breaks a rule; names the key, the value and what is allowed.
        lines: Lines of the keys, which the message then names too.
    """
    if not isinstance(data, dict):
        raise error(f'{source}: must be a mapping of keys, got {type(data).__name__}')
    if not all(isinstance(key, str) for key in data):
        raise error(f'{source}: keys must be text, got {_SHORT.repr(list(data))}')
    try:
        return TypeAdapter(kind).validate_python(data)
    except ValidationError as cause:
        errors = cause.errors(include_url=False)
        if lines is not None:  # as a person goes through the file
            errors.sort(key=lambda item: _line(item['loc'], item['msg'], lines))
        found = [_explanation(item, lines)[:_LONGEST_LINE] for item in errors[:_MOST_ERRORS]]
        if len(errors) > _MOST_ERRORS:
            found.append(f'  and {len(errors) - _MOST_ERRORS} more')
        raise error('\n'.join([f'{source}:', *found])) from cause
    except RecursionError as cause:  # an anchor that contains itself
        raise error(f'{source}: is nested without end') from cause


def in_order(mistakes: Iterable[str], lines: Lines) -> list[str]:
    """Return messages that begin with their key in the order of the file, each with its line."""
    return [f'{_place((), text, lines)}{text}'
            for text in sorted(mistakes, key=lambda text: _line((), text, lines))]


def _explanation(item: dict, lines: Lines | None) -> str:
    """Return one line about an error of pydantic: line, key, what is allowed, value."""
    key = '.'.join(str(part) for part in item['loc'])
    message = item['msg'].removeprefix('Value error, ')[:_LONGEST_LINE]
    place = _place(item['loc'], message, lines)
    if item['type'] in ('unexpected_keyword_argument', 'extra_forbidden'):
        return f'  {place}{key}: unknown key'
    if item['type'] in ('missing', 'missing_argument'):
        return f'  {place}{key}: missing'
    if not key:  # the message names its keys, and the value would be the whole file
        return f'  {place}{message}'
    return f'  {place}{key}: {message} (value: {_SHORT.repr(item["input"])})'


def _place(path: tuple, message: str, lines: Lines | None) -> str:
    """Return ``'line 12: '`` for the key that an error is about, ``''`` if it isn't known."""
    line = _line(path, message, lines) if lines is not None else 0
    return f'line {line}: ' if line else ''


def _line(path: tuple, message: str, lines: Lines) -> int:
    """Return the line of the key that an error is about, 0 if it isn't known.

    Args:
        path: Path of the key, or of the mapping that lacks it. Empty if the message begins with
            the key.
        message: The error's message.
        lines: Lines of the keys.
    """
    if not path:
        match = re.match(r'([a-z]\w*(\.\w+)*)', message.removeprefix('Value error, '))
        path = tuple(match[0].split('.')) if match else ()
    names = tuple(part if isinstance(part, int) else str(part) for part in path)
    while names and names not in lines:
        names = names[:-1]
    return lines[names] if names else 0
