# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Tensors read piece by piece equal those the library reads from the whole, or are refused."""

import hashlib
import json
import mmap
import struct

from array_sets import arrays
from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
from safetensors.numpy import save

from inril_ros.transport.weights import manifest as weights
from inril_ros.transport.weights.manifest import WeightsRefused
from inril_ros.transport.weights.tensor_reader import TensorReader
from inril_ros.transport.weights.tensors import read_tensors

contents = st.dictionaries(st.text(max_size=8).filter(lambda name: name != '__metadata__'),
                           arrays, max_size=6).map(save)


def document(header, data=b''):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack('<Q', len(text)) + text + data


def entry(dtype='U8', shape=(4,), offsets=(0, 4), **more):
    return {'dtype': dtype, 'shape': shape, 'data_offsets': offsets, **more}


@st.composite
def in_pieces(draw, content):
    """Cut bytes anywhere; some pieces are empty."""
    places = sorted(draw(st.lists(st.integers(0, len(content)), max_size=8)))
    return [memoryview(content)[begin:end]
            for begin, end in zip([0, *places], [*places, len(content)])]


@given(st.data(), contents)
def test_pieces_of_any_size_give_what_the_library_reads(data, content):
    pieces, reader = data.draw(in_pieces(content)), TensorReader()
    for number in sorted(data.draw(st.lists(st.integers(0, len(pieces)), max_size=4))):
        reader.read(pieces[:number])
    found = reader.finish(pieces)
    assert found == read_tensors(content)
    for tensor in found.values():
        assert tensor.is_hashed
        assert tensor.hash == hashlib.sha256(
            f'{tensor.wire}{list(tensor.shape)}'.encode() + tensor.data).hexdigest()


@given(st.data(), contents, contents)
def test_after_pieces_of_another_version_all_is_read_again(data, former, content):
    before, pieces, reader = data.draw(in_pieces(former)), data.draw(in_pieces(content)), \
        TensorReader()
    reader.read(before[:data.draw(st.integers(0, len(before)))])
    reader.read(pieces[:data.draw(st.integers(0, len(pieces)))])
    again = [memoryview(bytes(piece)) for piece in pieces]  # the same bytes again
    assert reader.finish(data.draw(st.sampled_from([pieces, again]))) == read_tensors(content)
    assert reader.finish(before) == read_tensors(former)


def outcome(read):
    try:
        return read()
    except WeightsRefused:
        return None


@settings(max_examples=300)
@given(st.data(), st.binary(max_size=200) | contents)
def test_damaged_bytes_are_refused_or_are_what_the_library_reads(data, content):
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(0, 2)) if content else 0):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(damaged[:data.draw(st.integers(0, len(damaged)))]) + data.draw(
        st.binary(max_size=3))
    pieces = data.draw(in_pieces(damaged))
    found = outcome(lambda: TensorReader().finish(pieces))
    if found is not None:  # it may be stricter than the library, never more lenient
        assert found == read_tensors(damaged)


WRONG = {
    'ends too early': (document({'a': entry()}, b'123'), 'ends too early'),
    'header missing': (b'1234567', 'ends too early'),
    'bytes too many': (document({'a': entry()}, b'12345'), 'bytes after the last'),
    'hole': (document({'a': entry(offsets=(1, 5))}, b'12345'), 'a is at 1..5'),
    'overlap': (document({'a': entry(), 'b': entry(offsets=(2, 6))}, b'123456'), 'b is at 2'),
    'other size': (document({'a': entry(shape=(5,))}, b'1234'), 'a is at 0..4'),
    'unknown type': (document({'a': entry('OBJECT')}, b'1234'), 'of type OBJECT'),
    'same name': (document(b'{"a": 1, "a": 2}'), 'twice'),
    'key more': (document({'a': entry(code='x')}, b'1234'), 'malformed entry of a'),
    'number': (document({'a': entry(shape=(4.0,))}, b'1234'), 'malformed entry of a'),
    'negative': (document({'a': entry(shape=(-2, -2))}, b'1234'), 'malformed entry of a'),
    'no mapping': (document([1]), 'no mapping'),
    'no entry': (document({'a': 1}), 'no valid safetensors'),
    'too deep': (document(b'[' * 100_000), 'no valid safetensors'),
    'header too large': (struct.pack('<Q', 2 ** 63) + b'{}', 'a header of 9223372036854775808'),
    'too many axes': (document({'a': entry(shape=(9,) * 500_000)}, b'1234'), 'entry of a')}


@pytest.mark.parametrize('name', WRONG)
def test_wrong_content_is_refused_with_the_reason_each_time(name):
    content, words = WRONG[name]
    reader = TensorReader()
    for _ in range(2):
        with pytest.raises(WeightsRefused, match=words):
            reader.finish([content])
    assert reader.finish([document({'a': entry()}, b'1234')])['a'].data == b'1234'


def test_wrong_pieces_are_not_read_again_when_others_follow(monkeypatch):
    pieces, reader = [document([1]), *map(bytes, [1] * 9)], TensorReader()
    with pytest.raises(WeightsRefused, match='no mapping'):
        reader.read(pieces[:1])
    monkeypatch.delattr('json.loads')
    with pytest.raises(WeightsRefused, match='no mapping'):
        reader.read(pieces)


def test_a_size_is_refused_before_its_allocation(monkeypatch):
    size = weights.MAXIMUM_BYTES + 1
    with pytest.raises(WeightsRefused, match=f'{size} bytes, 512000000 are allowed'):
        TensorReader().read([document({'a': entry(shape=(size,), offsets=(0, size))}, b'12')])
    reader, size = TensorReader(), weights.MAXIMUM_BYTES
    reader.read([document({'a': entry(shape=(size,), offsets=(0, size))})])
    assert reader._open[0]._data is None  # not before its first byte


def test_the_size_that_a_header_claims_costs_no_memory():
    """One short piece could otherwise take half a gigabyte, and hold up the other threads."""
    claimed = 400_000_000
    piece = document({'w': entry('U8', [claimed], [0, claimed])}, b'the first bytes')
    before = resident()
    reader = TensorReader()
    reader.read([piece])
    assert resident() - before < 50_000_000
    with pytest.raises(WeightsRefused, match='ends too early'):
        reader.finish([piece])


def resident():
    """Return the memory [byte] that this process has now."""
    with open('/proc/self/statm', encoding='ascii') as file:
        return int(file.read().split()[1]) * mmap.PAGESIZE
