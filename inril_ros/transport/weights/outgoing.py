# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An outgoing version: its pieces are sent while its tensors are still being hashed.

The pieces depend on names, types and shapes and on which tensors are left out, not on any hash:
only the manifest, which goes last, needs the hashes. So unchanged tensors are found by comparing
bytes with the version before, which costs next to nothing where they differ; an unchanged tensor
takes over the hash too.
"""

from collections.abc import Collection, Iterator, Mapping
import json
import struct

import numpy as np

from inril_ros.transport.weights import manifest as weights
from inril_ros.transport.weights.manifest import Manifest, piece_count
from inril_ros.transport.weights.tensors import Buffer, hash_all, WireTensor

#: Words compared first: a trained tensor differs in them.
_GLANCE = 512


class OutgoingVersion:
    """The pieces and the manifest of one version for one receiver.

    Args:
        tensors: All tensors by name; must not be changed afterwards.
        left_out: Names of the tensors that the receiver has.
        version: The version's number.
        manifest: The other fields of the manifest that do not follow from the tensors.

    Attributes:
        number: The version's number.
        size: [byte] Size of all pieces together.
        chunk_count: Number of pieces.
    """

    def __init__(self, tensors: Mapping[str, WireTensor], left_out: Collection[str],
                 version: int, **manifest: object) -> None:
        self.number = version
        self._tensors = tensors
        self._left_out = frozenset(left_out)
        self._fields = manifest
        sent = [tensors[name] for name in sorted(tensors) if name not in self._left_out]
        self._parts = [_header(sent), *(tensor.data for tensor in sent)]
        self.size = sum(map(len, self._parts))
        self.chunk_count = piece_count(self.size)
        self._manifest: Manifest | None = None

    def pieces(self, indices: Collection[int]) -> Iterator[tuple[int, int, list[memoryview]]]:
        """Yield index, offset and parts of each piece, without a copy."""
        starts = np.cumsum([0, *map(len, self._parts)])
        for index in indices:
            offset = index * weights.PIECE_BYTES
            end = min(offset + weights.PIECE_BYTES, self.size)
            first, last = np.searchsorted(starts, [offset, end - 1], 'right') - 1
            yield index, offset, [
                memoryview(self._parts[part])[max(0, offset - int(starts[part])):
                                              end - int(starts[part])]
                for part in range(first, last + 1)]

    def manifest(self) -> Manifest:
        """Return the manifest; tensors without a hash are hashed now."""
        if self._manifest is None:
            hash_all(self._tensors.values())
            rows = [self._tensors[name].row(name not in self._left_out)
                    for name in sorted(self._tensors)]
            self._manifest = Manifest(
                version=self.number, content_hash='', total_size=self.size,
                chunk_count=self.chunk_count, tensors=json.dumps(rows, separators=(',', ':')),
                **self._fields).sealed()
        return self._manifest


def unchanged(tensors: Mapping[str, WireTensor], before: Mapping[str, WireTensor],
              ) -> dict[str, WireTensor]:
    """Return the tensors that have not changed, with the hashes that they had.

    Args:
        tensors: The present tensors by name.
        before: The former tensors by name, hashed.
    """
    same = {}
    for name, tensor in tensors.items():
        former = before.get(name)
        if former is not None and (former.wire, former.shape) == (tensor.wire, tensor.shape) \
                and _equal(former.data, tensor.data):
            same[name] = tensor.with_hash(former.hash)
    return same


def _equal(first: Buffer, second: Buffer) -> bool:
    if len(first) != len(second):
        return False
    words = np.uint64 if len(first) % 8 == 0 else np.uint8
    one, other = np.frombuffer(first, words), np.frombuffer(second, words)
    return np.array_equal(one[:_GLANCE], other[:_GLANCE]) and np.array_equal(one, other)


def _header(tensors: list[WireTensor]) -> bytes:
    """Return the header of the safetensors format.

    The library writes only torch or numpy arrays, and numpy has no bfloat16.
    """
    header, end = {}, 0
    for tensor in tensors:
        begin, end = end, end + len(tensor.data)
        header[tensor.name] = {'dtype': tensor.wire, 'shape': list(tensor.shape),
                               'data_offsets': [begin, end]}
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    return struct.pack('<Q', len(text)) + text
