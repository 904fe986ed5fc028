# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Reads YAML files within limits: the one way in which this package reads YAML.

A few lines of YAML can stand for gigabytes: an alias repeats all of its anchor, and aliases of
aliases multiply. A number of a million digits takes hours to convert. So the limits hold for what
a text stands for, and are checked before anything of it is built.

YAML's own reader silently takes the last of two equal keys: a limit that was written twice would
be the one that nobody looks at. Such a file is refused.
"""

from dataclasses import dataclass
from pathlib import Path

import yaml

Lines = dict[tuple, int]
"""The line (from 1) of each key and element, by the path to it."""

_Loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)  # the same language, ten times as fast
_NUMBERS = {f'tag:yaml.org,2002:{kind}' for kind in ('int', 'float')}
_LONGEST_NUMBER = 100  # characters


class YamlError(ValueError):
    """A text that isn't YAML, or is beyond a limit; the message says where."""


@dataclass(frozen=True)
class YamlLimits:
    """What a YAML text may hold, with each alias counted as what it repeats.

    Attributes:
        size: Characters of the values, and bytes of the file.
        nodes: Keys, values and collections.
        depth: Collections within each other.
    """

    size: int
    nodes: int
    depth: int = 30


#: Settings that a person writes; the largest of this package have 5 kB and 600 nodes.
SETTINGS = YamlLimits(size=1_000_000, nodes=20_000)
#: The ``metadata.yaml`` of a bag, which lists each file of a long recording.
BAG_METADATA = YamlLimits(size=10_000_000, nodes=200_000)


def load_yaml(path: str | Path, error: type[ValueError], limits: YamlLimits = SETTINGS,
              ) -> tuple[object, Lines]:
    """Return the data of a YAML file and the lines of its keys.

    Args:
        path: The file.
        error: Raised with a message that names the file if it can't be read, isn't YAML, or is
            beyond a limit.
        limits: What it may hold.
    """
    try:
        with Path(path).open('rb') as file:
            content = file.read(limits.size + 1)
    except OSError as cause:
        raise error(f'{path}: cannot be read: {cause.strerror}') from cause
    try:
        if len(content) > limits.size:
            raise YamlError(f'has more than {limits.size} bytes: is it the right file?')
        return read_yaml(content.decode(), limits)
    except UnicodeDecodeError as cause:
        raise error(f'{path}: is not YAML: {cause}') from cause
    except YamlError as cause:
        raise error(f'{path}: {cause}') from cause


def read_yaml(text: str, limits: YamlLimits = SETTINGS) -> tuple[object, Lines]:
    """Return the data of a YAML text and the lines of its keys.

    Raises:
        YamlError: It isn't YAML, is beyond a limit, or a mapping has a key twice.
    """
    try:
        _check_limits(text, limits)
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
            if root is None:
                return None, {}
            lines: Lines = {}
            _add_lines(root, (), lines, set())
            return loader.construct_document(root), lines
        finally:
            loader.dispose()
    except YamlError:
        raise
    except Exception as cause:  # a value that isn't what its tag says makes the library raise all
        raise YamlError(f'is not YAML: {_told(cause)}') from cause


def _told(cause: Exception) -> str:
    if isinstance(cause, yaml.YAMLError | ValueError):
        return str(cause)
    return f'a value is not what its tag says ({type(cause).__name__}: {cause})'


def _check_limits(text: str, limits: YamlLimits) -> None:
    """Check what a text stands for, event by event, without building any of it.

    Raises:
        YamlError: It is beyond a limit, or an anchor contains itself.
    """
    nodes = size = 0
    known: dict[str, tuple[int, int]] = {}  # nodes and characters of what an anchor names
    above: list[tuple[str | None, int, int]] = []  # of the collections around the event
    for event in yaml.parse(text, Loader=_Loader):
        where = f'in line {event.start_mark.line + 1}'
        if isinstance(event, yaml.AliasEvent):
            if any(event.anchor == anchor for anchor, *_ in above):
                raise YamlError(f'is nested without end: {event.anchor!r} contains itself {where}')
            more, longer = known.get(event.anchor, (1, 0))  # an unknown one is refused later
            nodes, size = nodes + more, size + longer
        elif isinstance(event, yaml.ScalarEvent):
            nodes, size = nodes + 1, size + len(event.value)
            if event.anchor:
                known[event.anchor] = 1, len(event.value)
        elif isinstance(event, yaml.CollectionStartEvent):
            above.append((event.anchor, nodes, size))
            nodes += 1
            if len(above) > limits.depth:
                raise YamlError(f'is nested more than {limits.depth} deep {where}')
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, nodes_before, size_before = above.pop()
            if anchor:
                known[anchor] = nodes - nodes_before, size - size_before
        if nodes > limits.nodes or size > limits.size:
            raise YamlError(
                f'stands for more than {limits.nodes} keys and values, or {limits.size} '
                f'characters, {where}; an alias counts as all that it repeats')


def _add_lines(node: yaml.Node, path: tuple, lines: Lines, done: set[int]) -> None:
    """Add the lines of a node and of all below it, and check its keys and numbers.

    Raises:
        YamlError: A mapping has a key twice, a key is a collection, or a number is too long.
    """
    lines[path] = line = node.start_mark.line + 1
    if id(node) in done:  # an alias, whose keys are in already
        return
    done.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        _check_number(node)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _add_lines(item, (*path, index), lines, done)
    elif isinstance(node, yaml.MappingNode):
        first: dict[tuple[str, str], int] = {}
        for key, item in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise YamlError(f'is not YAML: a key is a list or a mapping in line {line}')
            _check_number(key)
            name = key.tag, key.value
            if name in first:
                raise YamlError(f'is not YAML: the key {key.value[:100]!r} is there twice, in '
                                f'line {first[name]} and in line {line}: remove one of them')
            first[name] = line
            _add_lines(item, (*path, key.value), lines, done)
            lines[(*path, key.value)] = line


def _check_number(node: yaml.ScalarNode) -> None:
    if node.tag in _NUMBERS and len(node.value) > _LONGEST_NUMBER:
        raise YamlError(f'has a number of {len(node.value)} characters in line '
                        f'{node.start_mark.line + 1}')
