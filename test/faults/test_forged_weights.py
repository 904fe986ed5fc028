# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Each forged version has exactly one defect, which the receiver must find."""

import json

from made_version import make_version
import numpy as np
import pytest
import torch

from inril_ros.faults.forged_weights import (
    flipped_byte,
    FORGED,
    not_a_number,
    older,
    other_run,
    replayed,
    TAMPERS,
)
from inril_ros.learning.policies.artifact import schema_hash, to_bytes
from inril_ros.transport.weights.manifest import content_hash, cut, PIECE_BYTES
from inril_ros.transport.weights.tensors import complete, read_tensors

TENSORS = {'large': torch.arange(400_000, dtype=torch.float32).reshape(1000, 400),
           'small': torch.ones(3), 'left_out': torch.zeros(2)}


def version(number, run_id='run'):
    content = to_bytes(TENSORS)
    tensors = read_tensors(content)
    return make_version(
        tensors, {tensors['left_out'].hash}, version=number, parent_version=number - 1,
        learner_step=number, model_config=json.dumps({'actor_width': 8}),
        schema_hash=schema_hash(TENSORS), run_id=run_id, learner_id='learner', contract_hash='c')


def forged(parcels):
    """Return the forged version."""
    return next(parcel.version for parcel in parcels if parcel.altered)


@pytest.mark.parametrize('name', TAMPERS)
def test_the_good_version_is_sent_with_every_forgery(name):
    good = version(5)
    parcels = TAMPERS[name][0](good, version(4))
    own = {parcel.index for parcel in parcels if not parcel.altered and parcel.version == good}
    lacking = {0} if name in ('weights_flipped_byte', 'weights_dropped_piece') else set()
    assert own == {None, *range(good.manifest.chunk_count)} - lacking
    assert good.manifest.chunk_count > 1


def test_a_flipped_byte_is_one_bit_within_the_first_piece():
    good = version(5)
    damaged = forged(flipped_byte(good, None))
    bits = np.unpackbits(np.frombuffer(damaged.content, np.uint8)
                         ^ np.frombuffer(good.content, np.uint8))
    assert bits.sum() == 1 and bits.argmax() < 8 * PIECE_BYTES
    assert cut(damaged.content)[1] == cut(good.content)[1]


def test_a_version_with_nan_has_correct_hashes():
    good = version(5)
    found = forged(not_a_number(good, None))
    assert content_hash(found.content) == found.manifest.content_hash
    whole = read_tensors(to_bytes(TENSORS))
    tensors = complete(found.manifest, read_tensors(found.content),
                       {whole['left_out'].hash: whole['left_out']})
    assert set(tensors) == set(TENSORS) and found.manifest.version == 5 + FORGED
    values = np.frombuffer(tensors['large'].data, '<f4')
    assert np.isnan(values).sum() == 1


def test_older_and_replayed_versions_have_past_numbers():
    good = version(5)
    assert forged(older(good, None)).manifest.version == 4
    assert replayed(good, version(4))[-1].version.manifest.version == 4


def test_another_run_is_named():
    assert forged(other_run(version(5), None)).manifest.run_id != 'run'
