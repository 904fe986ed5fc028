# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A model folder is complete or refused; bytes and hashes follow the content."""
from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
import torch

from inril_ros.learning.policies import artifact
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig

CONFIG = ModelConfig(observation_size=3, action_size=2, actor_width=16, critic_width=8)


@pytest.fixture
def policy() -> BestOfN:
    torch.manual_seed(0)
    return BestOfN(CONFIG)


def same(first: BestOfN, second: BestOfN) -> bool:
    left, right = first.state_dict(), second.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[k], right[k]) for k in left)


def test_a_saved_policy_is_loaded_unchanged(policy: BestOfN, tmp_path: Path) -> None:
    policy.candidates.fill_(5)
    folder = tmp_path / 'runs' / 'model'
    written = artifact.save_policy(folder, policy)
    loaded = artifact.load_policy(folder)
    assert same(loaded, policy)
    assert loaded.config == policy.config
    assert sorted(p.name for p in folder.iterdir()) == ['model.json', 'model.safetensors']
    assert written == artifact.content_hash((folder / 'model.safetensors').read_bytes())


def test_a_model_for_quaternions_of_any_sign_is_refused_where_there_are_quaternions(
        policy: BestOfN, tmp_path: Path) -> None:
    folder = tmp_path / 'model'
    artifact.write_folder(folder, policy.state_dict(), {
        'model_config': json.loads(policy.config.to_json())})  # as versions before wrote it
    assert same(artifact.load_policy(folder), policy)
    with pytest.raises(ValueError, match='model: this model was made when.*Clone it again'):
        artifact.load_policy(folder, rotations=True)
    artifact.save_policy(folder, policy, replace=True)
    assert same(artifact.load_policy(folder, rotations=True), policy)


def test_a_model_lists_the_demonstrations_that_it_has_not_learned_from(
        policy: BestOfN, tmp_path: Path) -> None:
    folder = tmp_path / 'model'
    artifact.save_policy(folder, policy)
    assert artifact.heldout_names(folder) == []
    artifact.save_policy(folder, policy, replace=True, heldout=['0003', '0007'])
    assert artifact.heldout_names(folder) == ['0003', '0007']
    assert same(artifact.load_policy(folder), policy)
    document = artifact.model_document(policy.config.to_json())
    del document['heldout']  # as versions before wrote it
    artifact.write_folder(folder, policy.state_dict(), document, replace=True)
    assert artifact.heldout_names(folder) is None
    artifact.write_folder(folder, policy.state_dict(), {**document, 'heldout': 2}, replace=True)
    with pytest.raises(ValueError, match='heldout is no list of names: 2'):
        artifact.heldout_names(folder)


def test_an_existing_folder_is_replaced_only_on_request(policy: BestOfN,
                                                        tmp_path: Path) -> None:
    folder = tmp_path / 'model'
    artifact.save_policy(folder, policy)
    policy.candidates.fill_(9)
    with pytest.raises(FileExistsError, match='exists'):
        artifact.save_policy(folder, policy)
    assert int(artifact.load_policy(folder).candidates) == 1
    artifact.save_policy(folder, policy, replace=True)
    assert int(artifact.load_policy(folder).candidates) == 9
    assert [p.name for p in tmp_path.iterdir()] == ['model']


def test_a_failed_write_leaves_the_old_model_and_no_other_files(
        policy: BestOfN, tmp_path: Path) -> None:
    folder = tmp_path / 'model'
    artifact.save_policy(folder, policy)
    with pytest.raises(TypeError):
        artifact.write_folder(folder, policy.state_dict(), {'no': {1, 2}}, replace=True)
    assert same(artifact.load_policy(folder), policy)
    assert [p.name for p in tmp_path.iterdir()] == ['model']


@settings(deadline=None, max_examples=40)
@given(where=st.floats(0.0, 1.0, exclude_max=True), flip=st.integers(0, 255))
def test_any_damage_to_a_file_is_noticed(tmp_path_factory: pytest.TempPathFactory,
                                         where: float, flip: int) -> None:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp('damage') / 'model'
    artifact.save_policy(folder, BestOfN(CONFIG))
    path = folder / 'model.safetensors'
    content = bytearray(path.read_bytes())
    position = int(where * len(content))
    if flip:
        content[position] ^= flip
    else:
        del content[position:]
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match='damaged'):
        artifact.load_policy(folder)


@pytest.mark.parametrize(('change', 'message'), [
    (lambda header: header.update(format='other 2'), 'other 2'),
    (lambda header: header.update(extra=1), 'exactly the keys'),
    (lambda header: header.update(schema_hash='0'), 'schema hash'),
    (lambda header: header['document']['model_config'].update(actor_width=32), 'its own hash'),
    (lambda header: header.update(document_hash='0'), 'its own hash'),
])
def test_a_header_that_does_not_fit_is_refused(policy: BestOfN, tmp_path: Path,
                                               change: object, message: str) -> None:
    folder = tmp_path / 'model'
    artifact.save_policy(folder, policy)
    path = folder / 'model.json'
    header = json.loads(path.read_text())
    change(header)
    path.write_text(json.dumps(header))
    with pytest.raises(ValueError, match=message):
        artifact.load_policy(folder)


@pytest.mark.parametrize(('change', 'message'), [
    (lambda document: document.update(extra=1), 'model_config'),
    (lambda document: document['model_config'].update(colour=1), 'unknown keys'),
    (lambda document: document['model_config'].update(actor_width=32), 'do not fit'),
])
def test_a_document_that_does_not_fit_is_refused(policy: BestOfN, tmp_path: Path,
                                                 change: object, message: str) -> None:
    document = {'model_config': json.loads(policy.config.to_json())}
    change(document)
    artifact.write_folder(tmp_path / 'model', policy.state_dict(), document)
    with pytest.raises(ValueError, match=message):
        artifact.load_policy(tmp_path / 'model')


def test_keys_of_a_document_can_have_any_type_that_json_allows(tmp_path: Path) -> None:
    artifact.write_folder(tmp_path / 'model', {}, {'of': {10: 'ten', 9: (1, 2.5)}})
    assert artifact.read_folder(tmp_path / 'model')[1] == {
        'of': {'10': 'ten', '9': [1, 2.5]}}


def test_a_missing_or_unreadable_file_is_named(policy: BestOfN, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='no model folder'):
        artifact.load_policy(tmp_path / 'nowhere')
    folder = tmp_path / 'model'
    artifact.save_policy(folder, policy)
    (folder / 'model.json').write_text('{')
    with pytest.raises(ValueError, match='no JSON'):
        artifact.load_policy(folder)


def test_weights_that_do_not_fit_are_refused_with_the_difference(policy: BestOfN) -> None:
    good = dict(policy.state_dict())
    name = 'critic.values.value.weight'
    for changed, message in [
            ({key: value for key, value in good.items() if key != name}, f'{name} is missing'),
            ({**good, 'stray': torch.zeros(1)}, 'stray is unknown'),
            ({**good, name: good[name][:1]}, rf'{name} is \(1, 8, 1\)'),
            ({**good, name: good[name].double()}, 'float64'),
            ({**good, name: torch.full_like(good[name], torch.inf)}, f'not finite: {name}'),
            ({**good, 'candidates': torch.tensor(0)}, 'candidates is 0'),
            ({**good, 'candidates': torch.tensor(10**9)}, 'candidates is 1000000000')]:
        with pytest.raises(ValueError, match=message):
            artifact.build_policy(CONFIG.to_json(), changed)
    assert same(artifact.build_policy(CONFIG.to_json(), good), policy)


def test_bytes_carry_the_tensors_and_equal_tensors_give_equal_bytes(
        policy: BestOfN) -> None:
    tensors = policy.state_dict()
    data = artifact.to_bytes(tensors)
    assert artifact.to_bytes(dict(reversed(list(tensors.items())))) == data
    back = artifact.from_bytes(data)
    assert all(torch.equal(back[name], tensors[name]) for name in tensors)
    with pytest.raises(ValueError, match='safetensors'):
        artifact.from_bytes(data[:100])


def test_the_schema_hash_follows_names_shapes_and_dtypes_only(policy: BestOfN) -> None:
    tensors = dict(policy.state_dict())
    schema = artifact.schema_hash(tensors)
    tensors['critic.values.value.weight'] = tensors['critic.values.value.weight'] + 1
    assert artifact.schema_hash(tensors) == schema
    tensors['critic.values.value.weight'] = tensors['critic.values.value.weight'].double()
    assert artifact.schema_hash(tensors) != schema
