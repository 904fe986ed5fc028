# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A received set of tensors equals the sent one, however little was sent, or is refused."""

from dataclasses import fields, replace
from functools import cache
import json

from array_sets import arrays
from hypothesis import given, settings
from hypothesis import strategies as st
from made_version import make_version
import numpy as np
import pytest
from safetensors.numpy import load, save
from safetensors.torch import load as load_torch
import torch

from inril_ros.transport.weights.manifest import Manifest, TensorsMissing, WeightsRefused
from inril_ros.transport.weights.tensors import (
    complete,
    expanded,
    read_tensors,
    rounded,
    wire_tensors,
)

FIELDS = {'run_id': 'run', 'version': 2, 'parent_version': 1, 'learner_step': 10,
          'model_config': '{}', 'schema_hash': 's', 'contract_hash': 'c', 'learner_id': 'l'}
sets = st.dictionaries(st.text(st.characters(categories=['L', 'N']), min_size=1, max_size=8),
                       arrays, max_size=6)


def join(tensors):
    """Return tensors as safetensors bytes, in their original types."""
    return make_version(expanded(tensors), (), **FIELDS).content


def same(first, second):
    return first.keys() == second.keys() and all(
        first[name].dtype == second[name].dtype and first[name].shape == second[name].shape
        and first[name].tobytes() == second[name].tobytes() for name in first)


@given(sets)
def test_split_and_joined_tensors_are_what_the_library_reads(values):
    assert same(load(join(read_tensors(save(values)))), values)


@given(sets, sets, st.booleans())
def test_tensors_known_to_the_receiver_are_not_sent_and_the_set_is_complete(before, after, half):
    """Also if a tensor has another name than before."""
    prepare = rounded if half else dict
    old, new = prepare(read_tensors(save(before))), prepare(read_tensors(save(after)))
    held = {tensor.hash: tensor for tensor in old.values()}
    version = make_version(new, held, **FIELDS)
    sent = read_tensors(version.content)
    assert not {tensor.hash for tensor in sent.values()} & held.keys()
    whole = complete(version.manifest, read_tensors(version.content), held)
    assert whole == new
    if not half:
        assert same(load(join(whole)), after)
    full = make_version(new, (), **FIELDS)  # to a receiver that has nothing
    assert complete(full.manifest, read_tensors(full.content), {}) == new


@given(sets)
def test_tensors_from_memory_equal_those_from_safetensors(values):
    names = {'float64': 'F64', 'float32': 'F32', 'float16': 'F16', 'int64': 'I64', 'int32': 'I32',
             'int16': 'I16', 'int8': 'I8', 'uint8': 'U8', 'bool': 'BOOL'}
    from_memory = wire_tensors({
        name: (names[array.dtype.name], array.shape, memoryview(array.tobytes()))
        for name, array in values.items()})
    read = read_tensors(save(values))
    assert from_memory == read
    assert {name: tensor.hash for name, tensor in from_memory.items()} == {
        name: tensor.hash for name, tensor in read.items()}


@cache
def large_version():
    """Return a version that several threads hash."""
    random = np.random.default_rng(0)
    return make_version(read_tensors(save({
        name: random.standard_normal((500, 500)) for name in 'abcd'})), (), **FIELDS)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_a_changed_byte_in_a_tensor_is_refused(data):
    version = data.draw(st.sampled_from([large_version(), make_version(
        read_tensors(save({'a': np.ones(3)})), (), **FIELDS)]))
    content = bytearray(version.content)
    begin = 8 + int.from_bytes(content[:8], 'little')
    content[data.draw(st.integers(begin, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(WeightsRefused, match='tensor [abcd] does not have the hash of the man'):
        complete(version.manifest, read_tensors(bytes(content)), {})


def test_a_hash_is_computed_once_also_for_a_tensor_used_under_another_name(monkeypatch):
    tensor = read_tensors(save({'a': np.ones(3)}))['a']
    digest = tensor.hash
    monkeypatch.delattr('hashlib.sha256')
    assert tensor.hash == tensor.renamed('b', 'F64').hash == digest


def test_an_omitted_tensor_that_the_receiver_does_not_have_is_named():
    tensors = read_tensors(save({'encoder': np.ones(3), 'head': np.zeros(2)}))
    version = make_version(tensors, {tensors['encoder'].hash}, **FIELDS)
    assert set(read_tensors(version.content)) == {'head'}
    with pytest.raises(TensorsMissing, match=r'1 tensors were left out .*\(encoder first\)'):
        complete(version.manifest, read_tensors(version.content), {})


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=20))
def test_matrices_are_rounded_as_torch_rounds_and_vectors_are_not(bits):
    values = np.array(bits, '<u4').view('<f4')
    found = load_torch(join(rounded(read_tensors(save(
        {'matrix': values.reshape(-1, 1), 'vector': values})))))
    expected = torch.from_numpy(values.copy()).bfloat16().float().reshape(-1, 1)
    assert torch.equal(found['matrix'].isnan(), expected.isnan())
    kept = ~expected.isnan()
    assert torch.equal(found['matrix'][kept], expected[kept])
    assert found['vector'].numpy().tobytes() == values.tobytes()


def test_half_the_bytes_are_sent_and_hashes_cover_the_sent_bytes():
    tensors = read_tensors(save({'w': np.ones((100, 100), 'f4')}))
    half = rounded(tensors)
    assert len(half['w'].data) * 2 == len(tensors['w'].data)
    assert half['w'].hash != tensors['w'].hash and half['w'].dtype == 'F32'


def changed_rows(change):
    version = make_version(
        read_tensors(save({'a': np.ones(3), 'b': np.zeros((2, 2))})), (), **FIELDS)
    rows = json.loads(version.manifest.tensors)
    change(rows)
    return replace(version.manifest, tensors=json.dumps(rows, separators=(',', ':'))), \
        version.content


REFUSED = {
    'shape': (lambda rows: rows[0].__setitem__(3, [4]), 'not what the manifest says'),
    'row lost': (lambda rows: rows.pop(), 'does not name'),
    'row twice': (lambda rows: rows.append(rows[0]), 'malformed'),
    'row short': (lambda rows: rows[0].pop(), 'malformed'),
    'number': (lambda rows: rows.append(7), 'not JSON|malformed'),
    'type': (lambda rows: rows[0].__setitem__(2, 'OBJECT'), 'malformed'),
    'said to be left out': (lambda rows: rows[0].__setitem__(5, False), 'does not name')}


@pytest.mark.parametrize('name', REFUSED)
def test_a_manifest_that_does_not_fit_its_content_is_refused(name):
    change, words = REFUSED[name]
    manifest, content = changed_rows(change)
    with pytest.raises(WeightsRefused, match='not have its own hash|malformed|not JSON'):
        complete(manifest, read_tensors(content), {})
    with pytest.raises(WeightsRefused, match=words):
        complete(manifest.sealed(), read_tensors(content), {})


@pytest.mark.parametrize('field', [field.name for field in fields(Manifest)])
def test_the_hash_of_a_manifest_covers_each_of_its_fields(field):
    manifest = make_version(read_tensors(save({'a': np.ones(3)})), (), **FIELDS).manifest
    manifest.check_hash()
    value = getattr(manifest, field)
    changed = replace(manifest, **{field: value + 1 if isinstance(value, int) else f'{value}x'})
    with pytest.raises(WeightsRefused, match='not have its own hash'):
        changed.check_hash()
    if field != 'weights_hash':
        changed.sealed().check_hash()


@pytest.mark.parametrize('text', ['[' * 100_000, '{"a": 1}', 'null', '7', 'import os', '[[]]'])
def test_a_malformed_list_of_tensors_is_refused(text):
    version = make_version(read_tensors(save({'a': np.ones(3)})), (), **FIELDS)
    with pytest.raises(WeightsRefused, match='list of tensors'):
        complete(replace(version.manifest, tensors=text),
                 read_tensors(version.content), {})


@settings(max_examples=200)
@given(st.binary(max_size=300) | sets.map(save), st.data())
def test_bytes_that_are_no_tensors_raise_only_a_refusal(content, data):
    if content and data.draw(st.booleans()):
        damaged = bytearray(content)
        place = data.draw(st.integers(0, len(content) - 1))
        damaged[place] ^= data.draw(st.integers(1, 255))
        content = bytes(damaged)
    try:
        found = read_tensors(content)
    except WeightsRefused as error:
        assert str(error)
    else:
        assert join(found) is not None
