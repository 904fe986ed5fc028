# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The sent pieces are the version, whatever was hashed before or is left out."""

from hypothesis import given
from hypothesis import strategies as st
from made_version import whole
import numpy as np
import pytest
from safetensors.numpy import save

from inril_ros.transport.weights import manifest as weights
from inril_ros.transport.weights.manifest import cut
from inril_ros.transport.weights.outgoing import OutgoingVersion, unchanged
from inril_ros.transport.weights.tensors import complete, read_tensors

FIELDS = {'run_id': 'run', 'version': 2, 'parent_version': 1, 'learner_step': 10,
          'model_config': '{}', 'schema_hash': 's', 'contract_hash': 'c', 'learner_id': 'l'}
sets = st.dictionaries(
    st.sampled_from('abcdef'), st.tuples(st.integers(0, 30), st.integers(0, 1)).map(
        lambda drawn: np.full(drawn[0], drawn[1], 'u1')), max_size=6)


@pytest.fixture(autouse=True, scope='module')
def small_pieces():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, 'PIECE_BYTES', 7)
        yield


@given(sets, st.data())
def test_pieces_are_those_of_the_version_in_any_order_of_requests(values, data):
    tensors = read_tensors(save(values))
    left_out = data.draw(st.sets(st.sampled_from(sorted(tensors)))) if tensors else set()
    outgoing = OutgoingVersion(tensors, left_out, **FIELDS)
    indices = data.draw(st.permutations(range(outgoing.chunk_count)))
    sent = {index: (offset, b''.join(parts)) for index, offset, parts in outgoing.pieces(indices)}
    assert list(sent) == indices
    assert not any(tensor.is_hashed for tensor in tensors.values())  # sending needs no hashes
    version = whole(outgoing)
    assert [sent[index] for index in sorted(sent)] == cut(version.content)
    assert outgoing.size == len(version.content) == version.manifest.total_size
    assert version.manifest.chunk_count == outgoing.chunk_count == len(sent)
    held = {tensors[name].hash: tensors[name] for name in left_out}
    assert set(read_tensors(version.content)) == tensors.keys() - left_out
    assert complete(version.manifest, read_tensors(version.content), held) == tensors
    version.manifest.check_hash()


@given(sets, sets)
def test_an_unchanged_tensor_has_the_same_bytes_and_keeps_its_hash(before, after):
    old, new = read_tensors(save(before)), read_tensors(save(after))
    hashes = {name: tensor.hash for name, tensor in old.items()}
    same = unchanged(new, old)
    assert same.keys() == {name for name in before.keys() & after.keys()
                           if before[name].tobytes() == after[name].tobytes()}
    assert all(new[name].is_hashed and new[name].hash == hashes[name] for name in same)
    assert not any(new[name].is_hashed for name in new.keys() - same.keys())


@pytest.mark.parametrize('size', [8 * 600, 8 * 600 + 3])
@pytest.mark.parametrize('place', [0, 5, -1])
def test_any_changed_byte_makes_a_different_tensor(size, place):
    values = np.zeros(size, 'u1')
    old = read_tensors(save({'a': values}))
    values[place] = 1
    assert not unchanged(read_tensors(save({'a': values})), old)
    assert unchanged(read_tensors(save({'a': np.zeros(size, 'u1')})), old)


def test_another_type_or_shape_makes_a_different_tensor():
    old = read_tensors(save({'a': np.zeros(4, 'f4')}))
    for other in (np.zeros((2, 2), 'f4'), np.zeros(4, 'i4'), np.zeros(2, 'f8')):
        assert not unchanged(read_tensors(save({'a': other})), old)
