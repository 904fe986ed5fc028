# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A version on its way out: its pieces are sent while its tensors are still being hashed.

What the pieces are depends on names, types, shapes and on which tensors are left out, not on any
hash: only the manifest, which goes last, waits for them. What is left out is therefore found by
comparing tensors with those of the version before, which costs next to nothing where they differ;
one that is the same takes over the hash as well.
"""

from collections.abc import Collection, Iterator, Mapping
import json
import struct

import numpy as np

from inril_ros.transport.weights import manifest as weights
from inril_ros.transport.weights.manifest import Manifest, piece_count
from inril_ros.transport.weights.tensors import Buffer, hash_all, weights_hash, WireTensor

#: Words compared first: a tensor that was trained differs there.
_GLANCE = 512


class OutgoingVersion:
    """The pieces and the manifest of one version for one receiver.

    Args:
        tensors: The whole set; it must stay as it is.
        left_out: Names of those that the receiver has.
        version: Its number.
        manifest: The other fields of the manifest that do not follow from the tensors.

    Attributes:
        number: The version's.
        size: [byte] Of all pieces together.
        chunk_count: How many pieces there are.
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
        """Give index, offset and the parts of each of these pieces, without a copy."""
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
        """Return what the version is; what was not hashed yet is hashed now."""
        if self._manifest is None:
            hash_all(self._tensors.values())
            rows = [self._tensors[name].row(name not in self._left_out)
                    for name in sorted(self._tensors)]
            self._manifest = Manifest(
                version=self.number, content_hash='', total_size=self.size,
                chunk_count=self.chunk_count, tensors=json.dumps(rows, separators=(',', ':')),
                weights_hash=weights_hash(rows), **self._fields)
        return self._manifest


def unchanged(tensors: Mapping[str, WireTensor], before: Mapping[str, WireTensor],
              ) -> dict[str, WireTensor]:
    """Return those tensors that are as they were before, with the hashes that they had.

    Args:
        tensors: The present ones.
        before: Former ones, hashed, by name.
    """
    same = {}
    for name, tensor in tensors.items():
        former = before.get(name)
        if former is not None and (former.wire, former.shape) == (tensor.wire, tensor.shape) \
                and _equal(former.data, tensor.data):
            same[name] = tensor.known_by(former.hash)
    return same


def _equal(first: Buffer, second: Buffer) -> bool:
    if len(first) != len(second):
        return False
    words = np.uint64 if len(first) % 8 == 0 else np.uint8
    one, other = np.frombuffer(first, words), np.frombuffer(second, words)
    return np.array_equal(one[:_GLANCE], other[:_GLANCE]) and np.array_equal(one, other)


def _header(tensors: list[WireTensor]) -> bytes:
    """Return what stands before the tensors' bytes in the safetensors format.

    Its library writes from torch or numpy arrays only, and numpy has no bfloat16.
    """
    header, end = {}, 0
    for tensor in tensors:
        begin, end = end, end + len(tensor.data)
        header[tensor.name] = {'dtype': tensor.wire, 'shape': list(tensor.shape),
                               'data_offsets': [begin, end]}
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    return struct.pack('<Q', len(text)) + text
