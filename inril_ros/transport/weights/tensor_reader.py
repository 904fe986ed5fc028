# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Reads tensors from safetensors bytes that are still arriving, and hashes them meanwhile.

The safetensors library reads only whole files. Here the header in the first pieces says which
bytes belong to which tensor, so that after the last piece only its own bytes remain to be read.
The hashes are computed from the very bytes that the tensors keep; ``tensors.complete`` compares
them with the manifest.
"""

from collections import deque
from collections.abc import Sequence
import hashlib
import json
from math import prod
from operator import is_
import struct
from typing import Any

import numpy as np

from inril_ros.transport.weights import manifest as weights
from inril_ros.transport.weights.manifest import MAXIMUM_TEXT, WeightsRefused
from inril_ros.transport.weights.tensors import Buffer, ITEM_BYTES, WireTensor

#: Axes of a tensor, at most; numpy has no more.
_MOST_AXES = 64


class TensorReader:
    """Reads one version after another; not for two threads at a time."""

    def __init__(self) -> None:
        self._begin()

    def read(self, pieces: Sequence[Buffer]) -> None:
        """Read the pieces that were not read yet.

        Args:
            pieces: The version's first pieces in order; must not be changed afterwards. If they
                don't continue those read so far (another version, or the same one sent again),
                all are read again.

        Raises:
            WeightsRefused: The bytes are no safetensors, or a type is unknown.
        """
        if len(pieces) < len(self._read) or not all(map(is_, self._read, pieces)):
            self._begin()
        for piece in pieces[len(self._read):]:
            if self._wrong is None:
                self._read_piece(memoryview(piece).cast('B'))
            self._read.append(piece)
        if self._wrong is not None:
            raise self._wrong

    def finish(self, pieces: Sequence[Buffer]) -> dict[str, WireTensor]:
        """Return the hashed tensors of a version by name, and forget the version.

        Args:
            pieces: All its pieces in order; those that were read before are not read again.

        Raises:
            WeightsRefused: The bytes are no safetensors, or a type is unknown.
        """
        try:
            self.read(pieces)
            if self._open is None or self._open:
                raise WeightsRefused('no valid safetensors data: it ends too early')
            return self._tensors
        finally:
            self._begin()

    def _begin(self) -> None:
        self._read: list[Buffer] = []
        self._wrong: Exception | None = None  # raised for these pieces, whatever follows them
        self._head = bytearray()
        self._open: deque[_OpenTensor] | None = None  # None: the header is incomplete
        self._tensors: dict[str, WireTensor] = {}

    def _read_piece(self, view: memoryview) -> None:
        try:
            self._parse(view)
        except Exception as error:  # a MemoryError, for example: not to be retried at each piece
            self._wrong, self._open, self._tensors = error, None, {}

    def _parse(self, view: memoryview) -> None:
        if self._open is None:
            self._head += view
            size = _header_size(self._head)
            if size is None or len(self._head) < size:
                return
            view = memoryview(bytes(self._head[size:]))
            self._open = deque(_open_tensors(bytes(self._head[8:size])))
            self._close()
        while view:
            if not self._open:
                raise WeightsRefused('no valid safetensors data: bytes after the last tensor')
            view = self._open[0].fill(view)
            self._close()

    def _close(self) -> None:
        """Move complete tensors to the result."""
        while self._open and not self._open[0].missing:
            tensor = self._open.popleft().close()
            self._tensors[tensor.name] = tensor


class _OpenTensor:
    """A tensor that has not arrived completely.

    Attributes:
        missing: [byte] What has not arrived yet.
    """

    def __init__(self, name: str, dtype: str, shape: tuple[int, ...], size: int) -> None:
        self.missing = size
        self._named = name, dtype, dtype, shape
        self._data: memoryview | None = None
        self._digest = hashlib.sha256(WireTensor(*self._named, b'').hashed_first)

    def fill(self, view: memoryview) -> memoryview:
        """Copy and hash the bytes that belong to the tensor; return the rest."""
        # A header may claim any size. So nothing is allocated before the first byte, and the
        # system provides memory only where bytes have come.
        if self._data is None:
            self._data = memoryview(np.empty(self.missing, np.uint8))
        begin, part = len(self._data) - self.missing, view[:self.missing]
        with memoryview(self._data) as data:
            data[begin:begin + len(part)] = part
            self._digest.update(data[begin:begin + len(part)])
        self.missing -= len(part)
        return view[len(part):]

    def close(self) -> WireTensor:
        """Return the complete tensor."""
        return WireTensor(*self._named, self._data or bytearray()).with_hash(
            self._digest.hexdigest())


def _header_size(head: bytearray) -> int | None:
    """Return where the header ends; None if that is not known yet."""
    if len(head) < 8:
        return None
    size = struct.unpack_from('<Q', head)[0]
    if size > MAXIMUM_TEXT:
        raise WeightsRefused(f'no valid safetensors data: a header of {size} bytes, '
                             f'{MAXIMUM_TEXT} are allowed')
    return 8 + size


def _open_tensors(header: bytes) -> list[_OpenTensor]:
    """Return the tensors that the header announces, in the order of their bytes."""
    try:
        entries = _entries(header)
        rows = sorted((*entry['data_offsets'], name, entry['dtype'], tuple(entry['shape']))
                      for name, entry in entries.items() if name != '__metadata__')
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise WeightsRefused(f'no valid safetensors data: {error!r}') from error
    opened, place = [], 0
    for begin, end, name, dtype, shape in rows:
        if dtype not in ITEM_BYTES:
            raise WeightsRefused(f'{name} is of type {dtype}, known are {", ".join(ITEM_BYTES)}')
        if begin != place or end - begin != prod(shape) * ITEM_BYTES[dtype]:
            raise WeightsRefused(f'no valid safetensors data: {name} is at {begin}..{end}')
        place = end
        opened.append(_OpenTensor(name, dtype, shape, end - begin))
    if place > weights.MAXIMUM_BYTES:
        raise WeightsRefused(f'{place} bytes, {weights.MAXIMUM_BYTES} are allowed')
    return opened


def _entries(header: bytes) -> dict[str, Any]:
    """Return the header's entries.

    Raises:
        ValueError: An entry has a wrong type.
    """
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError('a name occurs twice')
        return dict(pairs)

    entries = json.loads(header.decode(), object_pairs_hook=unique)
    if not isinstance(entries, dict):
        raise ValueError('the header is no mapping')
    for name, entry in entries.items():
        if name == '__metadata__':
            continue
        numbers = [*entry['shape'], *entry['data_offsets']]
        if entry.keys() != {'dtype', 'shape', 'data_offsets'} or type(entry['dtype']) is not str \
                or len(entry['data_offsets']) != 2 or len(numbers) > 2 + _MOST_AXES \
                or not all(type(number) is int and 0 <= number < 2 ** 63 for number in numbers):
            raise ValueError(f'malformed entry of {name}')
    return entries
