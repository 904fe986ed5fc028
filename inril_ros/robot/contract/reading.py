# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Reads settings from YAML files and checks them, with errors that name the line.

YAML's own reader silently takes the last of two equal keys: a limit that was written twice would
be the one that nobody looks at. Such a file is refused.
"""

from pathlib import Path
import re
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
import yaml

Lines = dict[tuple, int]
"""The line (from 1) of each key and element, by the path to it."""
_Settings = TypeVar('_Settings')


def load_yaml(path: str | Path, error: type[ValueError]) -> tuple[object, Lines]:
    """Return the data of a YAML file and the lines of its keys.

    Args:
        path: The file.
        error: Raised with a message that names the file if it is missing or isn't YAML.
    """
    try:
        return read_yaml(Path(path).read_text(encoding='utf-8'))
    except OSError as cause:
        raise error(f'{path}: cannot be read: {cause.strerror}') from cause
    except (yaml.YAMLError, ValueError, RecursionError) as cause:  # 2024-13-45 is a ValueError
        raise error(f'{path}: is not YAML: {cause}') from cause


def checked(
    kind: type[_Settings], data: object, source: str, error: type[ValueError],
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
        raise error(f'{source}: keys must be text, got {list(data)}')
    try:
        return TypeAdapter(kind).validate_python(data)
    except ValidationError as cause:
        found = '\n'.join(_explanation(item, lines) for item in cause.errors())
        raise error(f'{source}:\n{found}') from cause
    except RecursionError as cause:  # an anchor that contains itself
        raise error(f'{source}: is nested without end') from cause


def read_yaml(text: str) -> tuple[object, Lines]:
    """Return the data of a YAML text and the lines of its keys.

    Raises:
        yaml.YAMLError: It isn't YAML, or a mapping has a key twice.
        ValueError: A value isn't what YAML takes it for, such as a date 2024-13-45.
        RecursionError: It is nested too deeply.
    """
    data = yaml.safe_load(text)  # first, because it refuses what is unsafe
    lines: Lines = {}
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is not None:
        _add_lines(root, (), lines, set())
    return data, lines


def _add_lines(node: yaml.Node, path: tuple, lines: Lines, done: set[int]) -> None:
    lines[path] = node.start_mark.line + 1
    if id(node) in done:  # an alias, whose keys are in already
        return
    done.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _add_lines(item, (*path, index), lines, done)
    elif isinstance(node, yaml.MappingNode):
        first: dict[tuple[str, str], int] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line, name = key.start_mark.line + 1, (key.tag, key.value)
            if name in first:
                raise yaml.YAMLError(f'the key {key.value!r} is there twice, in line '
                                     f'{first[name]} and in line {line}: remove one of them')
            first[name] = line
            _add_lines(item, (*path, key.value), lines, done)
            lines[(*path, key.value)] = line


def _explanation(item: dict, lines: Lines | None) -> str:
    """Return one line about an error of pydantic: line, key, what is allowed, value."""
    key = '.'.join(str(part) for part in item['loc'])
    message = re.sub(r'^Value error, ', '', item['msg'])
    place = _place(item['loc'], message, lines)
    if item['type'] in ('unexpected_keyword_argument', 'extra_forbidden'):
        return f'  {place}{key}: unknown key'
    if item['type'] in ('missing', 'missing_argument'):
        return f'  {place}{key}: missing'
    if not key:  # the message names its keys, and the value would be the whole file
        return f'  {place}{message}'
    return f'  {place}{key}: {message} (value: {str(item["input"])[:120]!r})'


def _place(path: tuple, message: str, lines: Lines | None) -> str:
    """Return ``'line 12: '`` for the key that an error is about, ``''`` if it isn't known.

    Args:
        path: Path of the key, or of the mapping that lacks it. Empty if the message begins with
            the key.
        message: The error's message.
        lines: Lines of the keys.
    """
    if lines is None:
        return ''
    if not path:
        match = re.match(r'([a-z]\w*(\.\w+)*)', message)
        path = tuple(match[0].split('.')) if match else ()
    names = tuple(part if isinstance(part, int) else str(part) for part in path)
    while names and names not in lines:
        names = names[:-1]
    return f'line {lines[names]}: ' if names else ''
