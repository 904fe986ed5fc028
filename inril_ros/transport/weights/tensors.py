# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The tensors of a version as bytes with hashes, and how the receiver completes the set.

Tensors that the receiver is known to have (a frozen encoder, for example) are left out, and the
receiver adds its own. Matrices may travel as bfloat16: half the size, 8 bits of precision. Vectors
(biases, scales of a normaliser) never do: they are small, and rounding an observation's scale
shifts all its values.

Only the tensors' hashes vouch for their bytes, so each byte is hashed once at either end: while it
travels (`outgoing`, `tensor_reader`), or, for a large set that is whole already, in a few threads,
because `hashlib` releases the interpreter's lock.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
import hashlib
import json
import os

import numpy as np
from safetensors import deserialize, SafetensorError

from inril_ros.transport.weights.manifest import (
    Manifest,
    MAXIMUM_TEXT,
    TensorsMissing,
    WeightsRefused,
)

#: [byte] Sizes of the types that tensors may have, by their safetensors names.
ITEM_BYTES = {'F64': 8, 'F32': 4, 'F16': 2, 'BF16': 2, 'I64': 8, 'I32': 4, 'I16': 2, 'I8': 1,
              'U8': 1, 'BOOL': 1}
#: [byte] Fewer bytes are hashed by one thread, because starting others takes longer.
_WORTH_THREADS = 2_000_000
#: Most threads that hash: inference and control beside them need a processor too.
_THREADS = 4

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True)
class WireTensor:
    """A tensor as it travels.

    Attributes:
        name: The tensor's name.
        dtype: Safetensors name of the type that its users see.
        wire: Type on the wire.
        shape: Shape.
        data: Bytes in the type of the wire, little endian; never changed.
    """

    name: str
    dtype: str
    wire: str
    shape: tuple[int, ...]
    data: Buffer

    @property
    def hash(self) -> str:
        """SHA-256 of type, shape and data, hexadecimal; computed once."""
        # Not functools.cached_property: before Python 3.12 it lets one thread hash at a time.
        if not self.is_hashed:
            digest = hashlib.sha256(self.hashed_first)
            digest.update(self.data)
            self.__dict__['_hash'] = digest.hexdigest()
        return self.__dict__['_hash']

    @property
    def is_hashed(self) -> bool:
        """Whether the hash is known."""
        return '_hash' in self.__dict__

    @property
    def hashed_first(self) -> bytes:
        """Bytes that are hashed before the data."""
        return f'{self.wire}{list(self.shape)}'.encode()

    def with_hash(self, digest: str) -> 'WireTensor':
        """Return the tensor with a hash that was computed from these very bytes."""
        self.__dict__['_hash'] = digest
        return self

    def renamed(self, name: str, dtype: str) -> 'WireTensor':
        """Return the same bytes with another name and user type, which are not hashed."""
        return replace(self, name=name, dtype=dtype).with_hash(self.hash)

    def row(self, sent: bool) -> list[object]:
        """Return the tensor's row in the manifest."""
        return [self.name, self.dtype, self.wire, list(self.shape), self.hash, sent]


def wire_tensors(raw: Mapping[str, tuple[str, tuple[int, ...], Buffer]]) -> dict[str, WireTensor]:
    """Return tensors by name.

    Args:
        raw: Safetensors name of the type, shape and bytes of each tensor; bytes are not copied.

    Raises:
        WeightsRefused: A type is unknown.
    """
    for name, (dtype, _, _) in raw.items():
        if dtype not in ITEM_BYTES:
            raise WeightsRefused(f'{name} is of type {dtype}, known are {", ".join(ITEM_BYTES)}')
    return {name: WireTensor(name, dtype, dtype, tuple(shape), data)
            for name, (dtype, shape, data) in raw.items()}


def read_tensors(content: bytes) -> dict[str, WireTensor]:
    """Return the tensors of safetensors bytes by name.

    Raises:
        WeightsRefused: The bytes are no safetensors, or a type is unknown.
    """
    try:
        found = deserialize(bytes(content))
    except SafetensorError as error:
        raise WeightsRefused(f'no valid safetensors data: {error}') from error
    return wire_tensors({name: (entry['dtype'], entry['shape'], entry['data'])
                   for name, entry in found})


def expanded(tensors: Mapping[str, WireTensor]) -> dict[str, WireTensor]:
    """Return the tensors in the types that their users see."""
    return {name: _expanded(tensor) for name, tensor in tensors.items()}


def rounded(tensors: Mapping[str, WireTensor]) -> dict[str, WireTensor]:
    """Return the tensors with float32 matrices rounded to the nearest bfloat16, ties to even."""
    return {name: _halved(tensor) if tensor.wire == 'F32' and len(tensor.shape) > 1 else tensor
            for name, tensor in tensors.items()}


def complete(
    manifest: Manifest, sent: Mapping[str, WireTensor], held: Mapping[str, WireTensor],
) -> dict[str, WireTensor]:
    """Return all tensors of a version, each verified by its hash.

    Without a list of tensors in the manifest nothing was left out, and a hash of the whole content
    must have been verified (``ReceivedVersion.check_hash``).

    Args:
        manifest: The version's manifest.
        sent: The tensors that were sent, by name.
        held: The tensors that the receiver has, by hash.

    Raises:
        TensorsMissing: The receiver lacks tensors that were left out.
        WeightsRefused: Manifest and tensors do not fit each other.
    """
    sent = dict(sent)
    if not manifest.tensors:
        return sent
    rows = _rows(manifest)
    hash_all(sent.values())
    tensors, missing = {}, []
    for name, dtype, wire, shape, digest, is_sent in rows:
        tensor = sent.pop(name, None) if is_sent else held.get(digest)
        if tensor is None and not is_sent:
            missing.append(name)
            continue
        if tensor is None or (tensor.wire, tensor.shape) != (wire, tuple(shape)):
            raise WeightsRefused(f'tensor {name} is not what the manifest says')
        if tensor.hash != digest:
            raise WeightsRefused(f'tensor {name} does not have the hash of the manifest')
        tensors[name] = tensor.renamed(name, dtype)
    if sent:
        raise WeightsRefused(f'tensors that the manifest does not name: {sorted(sent)[:3]}')
    if missing:
        raise TensorsMissing(f'{len(missing)} tensors were left out as unchanged and are not here '
                             f'({missing[0]} first): the whole set is requested')
    return tensors


def _rows(manifest: Manifest) -> list[list[object]]:
    """Return the manifest's rows after checking them."""
    if len(manifest.tensors) > MAXIMUM_TEXT:
        raise WeightsRefused(f'a list of tensors of {len(manifest.tensors)} characters, '
                             f'{MAXIMUM_TEXT} are allowed')
    try:
        rows = json.loads(manifest.tensors)
        valid = all(
            [type(each) for each in row] == [str, str, str, list, str, bool]
            and row[2] in ITEM_BYTES and (row[1] == row[2] or (row[1], row[2]) == ('F32', 'BF16'))
            and all(type(size) is int and size >= 0 for size in row[3]) for row in rows)
    except (ValueError, TypeError, RecursionError) as error:
        raise WeightsRefused(f'the list of tensors is not JSON: {error}') from error
    if not isinstance(rows, list) or not valid or len({row[0] for row in rows}) != len(rows):
        raise WeightsRefused('the list of tensors is malformed')
    manifest.check_hash()
    return rows


def hash_all(tensors: Iterable[WireTensor]) -> None:
    """Compute all hashes, in several threads where that is faster."""
    largest_first = sorted((tensor for tensor in tensors if not tensor.is_hashed),
                           key=lambda tensor: len(tensor.data), reverse=True)
    threads = min(_THREADS, len(largest_first), os.cpu_count() or 1)
    if threads > 1 and sum(len(tensor.data) for tensor in largest_first) > _WORTH_THREADS:
        with ThreadPoolExecutor(threads, thread_name_prefix='hashing') as pool:
            list(pool.map(lambda tensor: tensor.hash, largest_first))


def _halved(tensor: WireTensor) -> WireTensor:
    bits = np.frombuffer(tensor.data, '<u4')
    carried = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    # A NaN must remain one: rounding could carry it over to infinity and hide it.
    high = np.where(np.isnan(np.frombuffer(tensor.data, '<f4')), bits | np.uint32(0x400000),
                    carried) >> np.uint32(16)
    return replace(tensor, wire='BF16', data=high.astype('<u2').tobytes())


def _expanded(tensor: WireTensor) -> WireTensor:
    if tensor.wire == tensor.dtype:
        return tensor
    bits = np.frombuffer(tensor.data, '<u2').astype('<u4') << np.uint32(16)
    return replace(tensor, wire='F32', data=bytearray(bits.astype('<u4').data))
