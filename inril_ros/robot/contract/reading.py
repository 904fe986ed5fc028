# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""YAML as contracts need it: no key twice, and the line of each key for error messages.

YAML's own reader takes the last of two equal keys without a word: a limit that was written twice
would be the one that nobody looks at.
"""

import re

import yaml

Lines = dict[tuple, int]
"""The line (from 1) of each key and element, by the path to it."""


def read_yaml(text: str) -> tuple[object, Lines]:
    """Return the data of a YAML text and the lines of its keys.

    Raises:
        yaml.YAMLError: It isn't YAML, or a mapping has a key twice.
        ValueError: A value isn't what YAML takes it for, such as a date 2024-13-45.
        RecursionError: It is nested too deeply.
    """
    data = yaml.safe_load(text)  # first, since it refuses what is unsafe
    lines: Lines = {}
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is not None:
        _walk(root, (), lines, set())
    return data, lines


def _walk(node: yaml.Node, path: tuple, lines: Lines, done: set[int]) -> None:
    lines[path] = node.start_mark.line + 1
    if id(node) in done:  # an alias: its keys have been seen
        return
    done.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*path, index), lines, done)
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
            _walk(item, (*path, key.value), lines, done)
            lines[(*path, key.value)] = line


def place_of(path: tuple, message: str, lines: Lines | None) -> str:
    """Return ``'line 12: '`` for the key that an error is about, or ``''`` if it isn't known.

    Args:
        path: Of the key, or of what it is missing from. Empty: the message begins with the key.
        message: See above.
        lines: See ``read_yaml``.
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
