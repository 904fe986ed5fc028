# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Parameters of nodes from a standard ROS 2 parameter file, checked before any node starts.

A file that names a node which isn't there, or a parameter that the node doesn't declare, changes
nothing in ROS and says nothing. Here it is refused, as is a value of a wrong type or out of range.
What nodes declare is read from ``config/schema/parameters.schema.json``.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
import json
from pathlib import Path
import re
from reprlib import repr as short
from typing import Any

from inril_ros.robot.configuration_folder import configuration_folder
from inril_ros.robot.yaml_file import Lines, load_yaml

_VALUES = 'ros__parameters'
#: Choices of a stage that a file may change; all else that a stage sets is an option of its own.
_CHANGEABLE = frozenset({'automatic_rollback', 'person_starts', 'watch_cameras'})
_TYPES = {'boolean': bool, 'integer': int, 'number': (int, float), 'string': str, 'array': list}
_NAMED = {'boolean': 'true or false', 'integer': 'a whole number', 'number': 'a number',
          'string': 'text', 'array': 'a list of texts'}


class ParameterFileError(ValueError):
    """A parameter file is wrong; each line of the message says what and where."""


@dataclass(frozen=True)
class _Entry:
    """One value of a file.

    Attributes:
        key: Which nodes it is for, as in the file: ``/**/actuation_node``.
        name: The parameter's name.
        value: Its value.
        line: Its line, from 1.
    """

    key: str
    name: str
    value: Any
    line: int


def find_parameter_file(name: str) -> str:
    """Return the absolute path of a file, given by its path or by its name in config/parameters.

    Raises:
        ParameterFileError: There is no such file; the message lists the names.
    """
    folder = configuration_folder() / 'parameters'
    for path in (Path(name), folder / f'{name}.yaml'):
        if path.is_file():
            return str(path.resolve())
    raise ParameterFileError(f'{name} is no parameter file, and no name in {folder}, which has '
                             f'{sorted(path.stem for path in folder.glob("*.yaml"))}')


def parameters_of_file(
    path: str, nodes: Mapping[str, tuple[str, Mapping[str, Any]]],
) -> dict[str, dict[str, Any]]:
    """Return what a parameter file sets for each node of a graph.

    A key with a wildcard gives way to one without; else the later one in the file counts.

    Args:
        path: The file.
        nodes: For each node by its namespace and name (``left/actuation_node``): its executable,
            and the parameters that the stage sets.

    Raises:
        ParameterFileError: The file can't be read, or something in it is wrong.
    """
    data, lines = load_yaml(path, ParameterFileError)
    declared = _declared()
    mistakes: list[str] = []
    entries = list(_entries(data, lines, mistakes))
    found: dict[str, dict[str, Any]] = {node: {} for node in nodes}
    for entry in sorted(entries, key=lambda each: '*' not in each.key):
        kinds = _kinds(entry.key, declared)
        refusal = (_mistake_in_key(entry.key, kinds, nodes, declared)
                   or _mistake_in_value(entry, kinds, declared))
        for node, (kind, told) in nodes.items():
            if refusal or not _means(entry.key, node) or entry.name not in declared[kind]:
                continue
            refusal = (_mistake_in_value(entry, [kind], declared)
                       or _contradiction(entry, node, told))
            number = declared[kind][entry.name]['type'] == 'number'
            found[node][entry.name] = float(entry.value) if number and not refusal else entry.value
        if refusal:
            mistakes.append(f'line {entry.line}: {refusal}')
    if mistakes:
        raise ParameterFileError('\n'.join(f'{path}: {each}' for each in mistakes))
    return found


def _declared() -> dict[str, dict[str, Any]]:
    """Return the parameters of each node by its executable, as JSON Schema describes them."""
    path = configuration_folder() / 'schema' / 'parameters.schema.json'
    tables = json.loads(path.read_text(encoding='utf-8'))['$defs']
    return {node: table['properties'] for node, table in tables.items()}


def _entries(
    data: object, lines: Lines, mistakes: list[str], path: tuple[str, ...] = (),
) -> Iterator[_Entry]:
    """Yield the values of a file; what has another form is added to the mistakes."""
    line, key = lines.get(path, 1), '/'.join(path)
    if not isinstance(data, Mapping):
        mistakes.append(f'line {line}: {key or "the file"}: names of nodes are expected, each '
                        f'with {_VALUES} below it, not {short(data)}')
        return
    for name, below in data.items():
        if name != _VALUES:
            yield from _entries(below, lines, mistakes, (*path, str(name)))
        elif not path:
            mistakes.append(f'line {lines.get((name,), 1)}: {_VALUES} belongs below the name of '
                            'a node, or below /** for each node')
        else:
            yield from _values(below, lines, mistakes, path, ())


def _values(
    data: object, lines: Lines, mistakes: list[str], node: tuple[str, ...],
    group: tuple[str, ...],
) -> Iterator[_Entry]:
    """Yield the values below ``ros__parameters``; groups within it give dotted names."""
    here = (*node, _VALUES, *group)
    if isinstance(data, Mapping):
        for name, below in data.items():
            yield from _values(below, lines, mistakes, node, (*group, str(name)))
    elif group:
        yield _Entry('/'.join(node), '.'.join(group), data, lines.get(here, 1))
    else:
        mistakes.append(f'line {lines.get(here, 1)}: {"/".join(node)}: parameters with values '
                        f'are expected below {_VALUES}, not {short(data)}')


def _means(key: str, node: str) -> bool:
    """Return whether a key means a node, by its namespace and name, as ROS reads wildcards."""
    *above, name = key.strip('/').split('/')
    pattern = ''.join('(/[^/]+)*' if part == '**' else _part(part) for part in above)
    pattern += '(/[^/]+)+' if name == '**' else _part(name)
    return re.fullmatch(pattern, f'/{node}') is not None


def _part(part: str) -> str:
    return '/[^/]+' if part == '*' else f'/{re.escape(part)}'


def _kinds(key: str, declared: Mapping[str, Any]) -> list[str]:
    """Return the executables that a key may be for; empty if there is no such node."""
    name = key.rpartition('/')[2]
    return list(declared) if name in ('*', '**') else [name] if name in declared else []


def _mistake_in_key(
    key: str, kinds: list[str], nodes: Mapping[str, tuple[str, Mapping[str, Any]]],
    declared: Mapping[str, Any],
) -> str:
    """Return what is wrong with the name of a node; empty if nothing is."""
    name = key.rpartition('/')[2]
    if not kinds:
        return f'{key}: unknown node{_like(name, declared)}'
    there = [node for node, (kind, _) in nodes.items() if kind in kinds]
    if not there or any(_means(key, node) for node in there):
        return ''  # a node of another stage, or of this one
    return (f'{key}: no node has this name; here it is '
            f'{" or ".join(f"/{node}" for node in there)} (in any namespace: '
            f'/{name if name == "**" else f"**/{name}"})')


def _mistake_in_value(
    entry: _Entry, kinds: list[str], declared: Mapping[str, Mapping[str, Any]],
) -> str:
    """Return what is wrong with a parameter for each of these kinds of nodes, or empty."""
    about, known = f'{entry.key}: {entry.name}', [
        declared[kind][entry.name] for kind in kinds if entry.name in declared[kind]]
    if not known:
        names = {name for kind in kinds for name in declared[kind]}
        return f'{about}: unknown parameter{_like(entry.name, names)}'
    refusals = [_refusal(entry.value, table) for table in known]
    return f'{about}: {refusals[0]}, not {short(entry.value)}' if all(refusals) else ''


def _refusal(value: Any, table: Mapping[str, Any]) -> str:
    """Return what a value must be, empty if it is that."""
    kind = table['type']
    right = isinstance(value, _TYPES[kind]) and (kind == 'boolean' or not isinstance(value, bool))
    if kind == 'array' and right:
        right = all(isinstance(item, str) for item in value)
    low, high = table.get('minimum'), table.get('maximum')
    if right and (low is None or low <= value <= high):
        return ''
    return f'must be {_NAMED[kind]}' + (f' from {low:g} to {high:g}' if low is not None else '')


def _contradiction(entry: _Entry, node: str, told: Mapping[str, Any]) -> str:
    """Return why a value contradicts what the stage sets; empty if it may be set."""
    if entry.name not in told or entry.value == told[entry.name] or entry.name in _CHANGEABLE:
        return ''
    if entry.name == 'enable_on_activate':
        return ('' if not entry.value else f'{entry.key}: enable_on_activate: on a robot a person '
                f'consents to motion, by the service /{node}/enable')
    return (f'{entry.key}: {entry.name}: the stage sets it, to {told[entry.name]!r}; give the '
            'option of the command or of the launch file instead')


def _like(name: str, names: Iterable[str]) -> str:
    close = get_close_matches(name, names, n=1)
    return f'; did you mean {close[0]}?' if close else f': known are {", ".join(sorted(names))}'
