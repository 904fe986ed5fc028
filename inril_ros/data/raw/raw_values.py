# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Values straight out of serialised messages, without making messages of them.

What is read from which place is not said twice: the codecs decode a message in whose numbers
stand the places of the numbers, and what they return is where to look in all messages like it.
Messages that are in any way unusual aren't read here, but decoded.
"""

from collections.abc import Callable, Hashable, Mapping
from math import isfinite
from struct import pack_into
from typing import Any, NamedTuple

import numpy as np
from rosbags.typesys.store import Typestore

from inril_ros.data.raw.mcap_records import at_each_byte
from inril_ros.data.raw.message_layout import Layout, layout_of, LayoutError, Numbers

Codec = Callable[[Any], np.ndarray]
"""Reads values (n,) float64 from a message, from its places alone."""

_SECOND = 1_000_000_000
_STAMP = object()  # the name of what reads the stamp
_LAYOUTS = 4  # that are kept per topic
_TRIES = 16  # times that a topic's layout is looked for


class RawValues(NamedTuple):
    """What a message holds.

    Attributes:
        stamp: [ns] Of its header; 0: it has none.
        values: (n,) float64 for each codec, by its name.
    """

    stamp: int
    values: dict[Hashable, np.ndarray]


class RawColumns(NamedTuple):
    """What many messages hold.

    Attributes:
        stamps: (n,) int64 [ns] Of their headers; 0: they have none.
        values: (n, size) float64 for each codec, by its name.
    """

    stamps: np.ndarray
    values: dict[Hashable, np.ndarray]


class RawReader:
    """Reads the messages of one type with some codecs.

    Args:
        kind: The type.
        types: Where it is defined.
        codecs: By name.
    """

    def __init__(self, kind: str, types: Typestore, codecs: Mapping[Hashable, Codec]) -> None:
        self._kind = kind
        self._types = types
        self._codecs = dict(codecs)
        self._plans: list[_Plan] = []
        self._tries = 0 if codecs else _TRIES

    def read(self, raw: bytes | memoryview) -> RawValues | None:
        """Return what a message holds; None: it has to be decoded to know."""
        for plan in self._plans:
            if plan.layout.fits(raw):
                return plan.read(raw)
        if self._tries < _TRIES:
            self._tries += 1
            self._learn(bytes(raw))
        return None

    def read_many(self, content: np.ndarray, begins: np.ndarray, sizes: np.ndarray,
                  ) -> RawColumns | None:
        """Return what messages hold that all have one layout; None: see ``read`` for each.

        Args:
            content: (b,) uint8 In which they lie.
            begins: (n,) Byte where each begins; there is one at least.
            sizes: (n,) [byte] Of each.
        """
        if (sizes != sizes[0]).any():
            return None
        for plan in self._plans:
            if plan.layout.size == sizes[0]:
                rows = at_each_byte(content, np.dtype(f'V{plan.layout.size}'))[begins]
                rows = rows.view(np.uint8).reshape(len(begins), -1)
                if plan.layout.fits_all(rows):
                    return plan.read_many(rows)
        return None

    def _learn(self, raw: bytes) -> None:
        try:
            plan = _Plan(layout_of(raw, self._kind, self._types), raw, self._kind, self._types,
                         self._codecs)
        except LayoutError:
            return
        self._plans = [plan, *self._plans[:_LAYOUTS - 1]]


class _Plan:
    """How the messages of one layout are read."""

    def __init__(self, layout: Layout, raw: bytes, kind: str, types: Typestore,
                 codecs: Mapping[Hashable, Codec]) -> None:
        self.layout = layout
        wanted = dict(codecs)
        if 'header' in types.types[kind].__dataclass_fields__:
            wanted[_STAMP] = _stamp
        self._reads = numbers_of(raw, kind, types, wanted, layout)
        self._stamp = self._reads.pop(_STAMP, None)

    def read(self, raw: bytes | memoryview) -> RawValues | None:
        """Return what a message of this layout holds; None: a value isn't finite."""
        stamp = 0
        if self._stamp is not None:
            seconds, nanoseconds = self._stamp.of(raw)
            stamp = seconds * _SECOND + nanoseconds
        values = {}
        for name, numbers in self._reads.items():
            found = numbers.of(raw)
            if not isfinite(sum(found)):
                return None
            values[name] = np.array(found, np.float64)
        return RawValues(stamp, values)

    def read_many(self, rows: np.ndarray) -> RawColumns | None:
        """Return what messages of this layout hold (n, layout.size) uint8; None: likewise."""
        stamps = np.zeros(len(rows), np.int64)
        if self._stamp is not None:
            seconds, nanoseconds = self._stamp.columns(rows).astype(np.int64).T
            stamps = seconds * _SECOND + nanoseconds
        values = {name: numbers.columns(rows) for name, numbers in self._reads.items()}
        if not all(np.isfinite(found).all() for found in values.values()):
            return None
        return RawColumns(stamps, values)


def _stamp(message: Any) -> np.ndarray:
    return np.array([message.header.stamp.sec, message.header.stamp.nanosec], np.float64)


def numbers_of(raw: bytes, kind: str, types: Typestore, codecs: Mapping[Hashable, Codec],
               layout: Layout) -> dict[Hashable, Numbers]:
    """Return what reads and writes the numbers that codecs read.

    Args:
        raw: A message.
        kind: Its type.
        types: Where that is defined.
        codecs: By name.
        layout: Of the message.

    Raises:
        LayoutError: A codec reads something else than the numbers.
    """
    # Twice, with other numbers: a value that is computed is none that was found.
    first, second = (_numbered(raw, kind, types, layout, step, offset)
                     for step, offset in ((1, 1), (3, 7)))
    return {name: _found(codec, first, second, layout) for name, codec in codecs.items()}


def _numbered(raw: bytes, kind: str, types: Typestore, layout: Layout, step: int, offset: int,
              ) -> Any:
    """Return the message with the places' numbers 0, 1 .. times step plus offset in it."""
    numbered, fixed = bytearray(raw), bytearray(len(raw))
    for first, content in layout.fixed:
        fixed[first:first + len(content)] = b'\1' * len(content)
    for index in range(4, len(numbered)):
        if not fixed[index]:
            numbered[index] = 0
    for index, (first, form) in enumerate(layout.places):
        pack_into(f'<{form}', numbered, first, index * step + offset)
    try:
        return types.deserialize_cdr(bytes(numbered), kind)
    except Exception as error:  # whatever it is, the message isn't understood here
        raise LayoutError(f'{kind}: {error}') from error


def _found(codec: Codec, first: Any, second: Any, layout: Layout) -> Numbers:
    """Return what reads the values of a codec."""
    try:
        numbers = (codec(first) - 1.0).tolist()
        again = codec(second).tolist()
        places = [layout.places[int(number)] for number in numbers]
    except Exception as error:  # likewise
        raise LayoutError(str(error)) from error
    if not numbers or again != [3.0 * number + 7.0 for number in numbers] or min(numbers) < 0:
        raise LayoutError('a value is not one of the numbers')
    return Numbers(places)
