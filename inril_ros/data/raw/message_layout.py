# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the numbers of a serialised message lie, found from one message for all like it.

CDR has no table of contents: where a number is depends on the texts and the lengths before it.
Those seldom change from one message of a topic to the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct, unpack_from
from typing import Any

import numpy as np
from rosbags.interfaces import Nodetype
from rosbags.typesys.store import Typestore

#: Numbers that are read by place, as `struct` calls them, and their sizes [byte].
FORMATS = {'int16': 'h', 'uint16': 'H', 'int32': 'i', 'uint32': 'I', 'float32': 'f',
           'float64': 'd'}
_SIZES = {'bool': 1, 'byte': 1, 'char': 1, 'int8': 1, 'uint8': 1, 'int16': 2, 'uint16': 2,
          'int32': 4, 'uint32': 4, 'float32': 4, 'int64': 8, 'uint64': 8, 'float64': 8}
_ENCAPSULATION = 4  # [byte] What stands before the message and doesn't count for alignment
_MOST = 4096  # numbers of a message: a larger one is an array that nobody reads by place


class LayoutError(ValueError):
    """A message whose layout isn't worth knowing, or that isn't what its type says."""


@dataclass(frozen=True)
class Layout:
    """The layout that messages share.

    Attributes:
        size: [byte] Of each of them.
        fixed: First byte and content of what decides the layout: texts and lengths.
        places: First byte and format of each number.
    """

    size: int
    fixed: tuple[tuple[int, bytes], ...]
    places: tuple[tuple[int, str], ...]

    def __post_init__(self) -> None:
        mask, content = bytearray(self.size), bytearray(self.size)
        for first, part in self.fixed:
            mask[first:first + len(part)] = b'\xff' * len(part)
            content[first:first + len(part)] = part
        # As one number: many short comparisons would take longer than all the rest.
        object.__setattr__(self, '_mask', int.from_bytes(mask, 'little'))
        object.__setattr__(self, '_content', int.from_bytes(content, 'little'))
        fixed = np.flatnonzero(np.frombuffer(mask, np.uint8))
        object.__setattr__(self, '_columns', fixed)
        object.__setattr__(self, '_bytes', np.frombuffer(content, np.uint8)[fixed])

    def fits(self, raw: bytes | memoryview) -> bool:
        """Say whether a message of the same type has this layout."""
        return (len(raw) == self.size
                and int.from_bytes(raw, 'little') & self._mask == self._content)

    def fits_all(self, rows: np.ndarray) -> bool:
        """Say whether messages (n, size) uint8 of the same type have this layout."""
        return bool((rows[:, self._columns] == self._bytes).all())


def layout_of(raw: bytes, kind: str, types: Typestore) -> Layout:
    """Return the layout of a message.

    Args:
        raw: In CDR, little-endian.
        kind: Its type.
        types: Where that is defined.

    Raises:
        LayoutError: It is too large, or damaged, or has fields that aren't known here.
    """
    if raw[:2] != b'\0\1':
        raise LayoutError('the message is not in little-endian CDR')
    walk = _Walk(raw, types)
    try:
        walk.message(kind)
    except (IndexError, KeyError, ValueError, TypeError) as error:
        raise LayoutError(f'{kind}: {error}') from error
    return Layout(len(raw), tuple(walk.joined()), tuple(walk.places))


class _Walk:
    """Goes through a message field by field."""

    def __init__(self, raw: bytes, types: Typestore) -> None:
        self._raw = raw
        self._types = types
        self._position = _ENCAPSULATION
        self._fixed: list[tuple[int, int]] = [(0, 2)]
        self.places: list[tuple[int, str]] = []

    def joined(self) -> list[tuple[int, bytes]]:
        """Return the parts that decide the layout, those that touch as one."""
        spans: list[list[int]] = []
        for first, after in self._fixed:
            if spans and spans[-1][1] == first:
                spans[-1][1] = after
            else:
                spans.append([first, after])
        return [(first, bytes(self._raw[first:after])) for first, after in spans]

    def message(self, kind: str) -> None:
        for _, entry in self._types.fielddefs[kind][1]:
            self._field(entry)

    def _field(self, entry: tuple[Nodetype, Any]) -> None:
        node, about = entry
        if node == Nodetype.NAME:
            self.message(about)
        elif node == Nodetype.BASE:
            self._base(about[0])
        else:
            inner, count = about
            if node == Nodetype.SEQUENCE:
                count = self._length()
            if inner[0] == Nodetype.BASE and inner[1][0] in _SIZES:
                self._numbers(inner[1][0], count)
            else:
                if count > _MOST:
                    raise LayoutError(f'{count} elements')
                for _ in range(count):
                    self._field(inner)

    def _base(self, kind: str) -> None:
        if kind == 'string':
            self._fix(self._length())
        else:
            self._numbers(kind, 1)

    def _numbers(self, kind: str, count: int) -> None:
        size = _SIZES[kind]
        if count == 0:
            return
        self._align(size)
        first, self._position = self._position, self._position + size * count
        if self._position > len(self._raw):
            raise LayoutError('the message ends early')
        if kind in FORMATS:
            if len(self.places) + count > _MOST:
                raise LayoutError(f'{count} numbers')
            self.places += ((first + size * index, FORMATS[kind]) for index in range(count))

    def _length(self) -> int:
        self._align(4)
        [length] = unpack_from('<I', self._raw, self._position) if (
            self._position + 4 <= len(self._raw)) else [None]
        if length is None:
            raise LayoutError('the message ends early')
        self._fix(4)
        return length

    def _fix(self, size: int) -> None:
        self._fixed.append((self._position, self._position + size))
        self._position += size
        if self._position > len(self._raw):
            raise LayoutError('the message ends early')

    def _align(self, size: int) -> None:
        body = self._position - _ENCAPSULATION
        self._position += -body % size


class Numbers:
    """Reads numbers at some places of messages that share a layout.

    Args:
        places: First byte and format of each number, in the order in which they are wanted.
    """

    def __init__(self, places: Sequence[tuple[int, str]]) -> None:
        ascending = sorted(set(places))
        text, position = '<', ascending[0][0]
        runs: list[tuple[int, int, str]] = []  # first byte, byte after, format
        for first, kind in ascending:
            text += f'{first - position}x{kind}' if first > position else kind
            position = first + Struct(f'<{kind}').size
            if runs and runs[-1][1:] == (first, kind):
                runs[-1] = (runs[-1][0], position, kind)
            else:
                runs.append((first, position, kind))
        self._unpack, self._begin, self._runs = Struct(text).unpack_from, ascending[0][0], runs
        self._order = None
        if ascending != list(places):
            self._order = [ascending.index(place) for place in places]

    def of(self, raw: bytes | memoryview) -> tuple[float, ...] | list[float]:
        """Return the numbers of one message."""
        found = self._unpack(raw, self._begin)
        return found if self._order is None else [found[index] for index in self._order]

    def columns(self, rows: np.ndarray) -> np.ndarray:
        """Return the numbers (n, places) float64 of messages (n, size) uint8."""
        parts = [np.ascontiguousarray(rows[:, first:after]).view(f'<{kind}')
                 for first, after, kind in self._runs]
        found = np.concatenate(parts, axis=1, dtype=np.float64)
        return found if self._order is None else found[:, self._order]

    def put(self, rows: np.ndarray, values: np.ndarray) -> None:
        """Write the numbers (n, places) into messages (n, size) uint8."""
        if self._order is not None:
            values = values[:, np.argsort(self._order)]
        position = 0
        for first, after, kind in self._runs:
            count = (after - first) // Struct(f'<{kind}').size
            part = np.ascontiguousarray(values[:, position:position + count], f'<{kind}')
            rows[:, first:after] = part.view(np.uint8)
            position += count
