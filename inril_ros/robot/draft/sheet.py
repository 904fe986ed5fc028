# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The text of a draft: YAML with a comment at each thing that a person must look at."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain, count
import re
import textwrap
from typing import Any

import yaml

from inril_ros.robot.contract.topic_names import absolute_topic

#: Begins a comment that asks for an edit.
TO_DO = 'TO DO:'
_WIDTH = 95


@dataclass
class Entry:
    """One entry of a section.

    Attributes:
        name: Its key.
        values: Its content, of dicts, lists, texts and numbers.
        comments: Sentences above it.
        active: Whether it is part of the contract; otherwise it is written as a comment.
    """

    name: str
    values: dict[str, Any]
    comments: list[str] = field(default_factory=list)
    active: bool = True

    def lines(self) -> list[str]:
        """Return the lines of the entry within its section."""
        text = ['  ' + line for line in yaml_text({self.name: self.values}).splitlines()]
        if not self.active:
            text = ['# ' + line for line in text]
        return [*chain.from_iterable(comment_lines(sentence, '  ')
                                     for sentence in self.comments), *text]


class Names:
    """Makes unique keys of a contract from topic names.

    Args:
        namespace: Namespace of the robot, which is removed from the names of topics.
    """

    def __init__(self, namespace: str) -> None:
        self._space = absolute_topic('', namespace)
        self._taken: set[str] = set()

    def topic(self, name: str) -> str:
        """Return a topic relative to the namespace, or unchanged if it lies elsewhere."""
        return name.removeprefix(self._space) if name.startswith(self._space) else name

    def key(self, name: str, ending: str = '') -> str:
        """Return a key of a contract that no other entry has."""
        plain = re.sub(r'[^a-z0-9]+', '_', self.topic(name).lower()).strip('_')
        plain = re.sub(r'^[^a-z]+', '', plain) or 'topic'
        first = plain + ending
        candidates = chain([first], (f'{first}_{number}' for number in count(2)))
        key = next(key for key in candidates if key not in self._taken)
        self._taken.add(key)
        return key


class _Plain(yaml.SafeDumper):
    """Writes lists that are the same twice, not as an anchor and an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def yaml_text(data: dict[str, Any]) -> str:
    """Return data as YAML, short lists in one line."""
    nested = any(isinstance(value, (dict, list)) for value in data.values())
    return yaml.dump(data, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=_WIDTH - 10,
                     default_flow_style=None if nested else False).rstrip()


def comment_lines(sentence: str, indent: str = '') -> list[str]:
    """Return a sentence as comment lines; names in it may hold anything."""
    plain = ''.join(letter if letter.isprintable() else '?' for letter in sentence)
    return textwrap.wrap(
        plain, _WIDTH, initial_indent=f'{indent}# ', subsequent_indent=f'{indent}# ',
        break_long_words=False, break_on_hyphens=False)


def section(key: str, entries: Iterable[Entry]) -> list[str]:
    """Return the lines of a section of entries, with those that are comments at its end.

    An empty line divides entries with comments. A section without an active entry is a comment:
    without its hashes it is right.
    """
    entries = sorted(entries, key=lambda entry: not entry.active)
    lines = [f'{key}:' if any(entry.active for entry in entries) else f'# {key}:']
    for number, entry in enumerate(entries):
        if number and (entry.comments or not entry.active):
            lines.append('')
        lines += entry.lines()
    return lines
