# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Contract files: duplicate keys, errors with their line, the URDF, the hash, the schema."""

from copy import deepcopy
from dataclasses import fields
import json
from pathlib import Path

import pytest
import yaml

from inril_ros.robot.contract.contract import (
    Contract,
    ContractError,
    load_contract,
    parse_contract,
)
from inril_ros.robot.contract.schema import attribute_texts, contract_schema, schema_text

CONFIG = Path(__file__).parents[3] / 'config'
ARM = """\
name: arm
control_rate: 10
observations:
  angle:
    topic: joint_states
    type: sensor_msgs/msg/JointState
    joints: [j]
policy_observations: [angle]
actions:
  arm:
    topic: command
    type: trajectory_msgs/msg/JointTrajectory
    joints: [j]
    minimum: [-1]
    maximum: [1]
    hold: last
episode: {time_limit: 5}
"""
URDF = '<robot name="arm"><link name="a"/></robot>'


def written(folder, text=ARM, name='arm.yaml'):
    (folder / name).write_text(text)
    return folder / name


@pytest.mark.parametrize(('text', 'words'), [
    (ARM + 'control_rate: 20\n', "'control_rate' is there twice, in line 2 and in line 18"),
    (ARM.replace('    hold: last\n', '    hold: last\n    minimum: [-9]\n'),
     "'minimum' is there twice, in line 14 and in line 17"),
    (ARM.replace('{time_limit: 5}', '{time_limit: 5, time_limit: 6}'),
     "'time_limit' is there twice, in line 17 and in line 17"),
])
def test_a_duplicate_key_is_refused_with_both_lines(tmp_path, text, words):
    with pytest.raises(ContractError, match='is not YAML') as caught:
        load_contract(written(tmp_path, text))
    assert words in str(caught.value)


def test_equal_keys_in_different_mappings_are_fine(tmp_path):
    assert load_contract(written(tmp_path)).name == 'arm'


@pytest.mark.parametrize(('old', 'new', 'words'), [
    ('control_rate: 10', 'control_rat: 10', 'line 2: control_rat: unknown key'),
    ('    joints: [j]\n    minimum', '    joints: 5\n    minimum', 'line 13: actions.arm.joints'),
    ('maximum: [1]', 'maximum: [.inf]', 'line 15: actions.arm.maximum.0'),
    ('sensor_msgs/msg/JointState', 'sensor_msgs/msg/Imu', 'line 4: observations.angle'),
    ('policy_observations: [angle]', 'policy_observations: [angel]',
     'line 8: policy_observations has'),
])
def test_an_error_names_the_line_in_the_file(tmp_path, old, new, words):
    path = written(tmp_path, ARM.replace(old, new))
    with pytest.raises(ContractError) as caught:
        load_contract(path)
    assert str(path) in str(caught.value)
    assert words in str(caught.value)


# The URDF.

def with_urdf(folder, urdf='arm.urdf', content=URDF, **more):
    (folder / 'arm.urdf').write_text(content)
    lines = ''.join(f', {key}: {value}' for key, value in more.items())
    return written(folder, ARM + f'kinematics: {{urdf: {urdf}{lines}}}\n')


def test_the_hash_covers_the_content_of_the_urdf_and_not_its_path(tmp_path):
    folders = [tmp_path / name for name in ('one', 'two', 'three')]
    for folder in folders:
        folder.mkdir()
    one = load_contract(with_urdf(folders[0]))
    two = load_contract(with_urdf(folders[1], urdf=str(folders[0] / 'arm.urdf')))
    three = load_contract(with_urdf(folders[2], content=URDF.replace('"a"', '"b"')))
    assert one.hash == two.hash
    assert one.hash != three.hash
    assert one.hash != load_contract(written(tmp_path)).hash


def test_a_urdf_that_cannot_be_read_is_named(tmp_path):
    path = with_urdf(tmp_path, urdf='other.urdf')
    with pytest.raises(ContractError, match='kinematics.urdf: no file .*/other.urdf nor .*: put'):
        load_contract(path)


def test_a_urdf_other_than_the_pinned_one_is_refused(tmp_path):
    digest = load_contract(with_urdf(tmp_path)).kinematics.sha256
    assert load_contract(with_urdf(tmp_path, sha256=digest)).kinematics.sha256 == digest
    with pytest.raises(ContractError, match='it is another URDF'):
        load_contract(with_urdf(tmp_path, content=URDF + ' ', sha256=digest))


def test_a_urdf_outside_the_folder_needs_an_absolute_path(tmp_path):
    with pytest.raises(ContractError, match='leaves the folder of the contract'):
        load_contract(with_urdf(tmp_path, urdf='../arm.urdf'))


# The hash.

# Recordings and weights made with a contract are refused under another hash.
HASHES = {
    'aloha': '16f5d2071c3d8813',
    'fr3_joint_trajectory': '9873fb5d34ebbdc3',
    'gazebo_arm': '6926ef443b832542',
    'gym_hil_panda': '006990c3235e7ef2',
    'metaworld_sawyer': 'dd4cfea011f48ea8',
    'metaworld_sawyer_cameras': '95440e755e773d90',
    'mock_arm': '122a1cf319367a58',
    'mock_arm_forward': '0bff1674b80da862',
    'servo_twist': '6996c9735675757c',
    'so101_forward_position': '17bbdb4afa61c026',
    'two_arms': '29c6714c1c8f5701',
    'ur5e_joint_trajectory': '16595802441a02d7',
    'xarm6_gripper': '65dfca69230bb4d4',
}


@pytest.mark.parametrize('name', sorted(HASHES))
def test_shipped_contracts_keep_their_hash(name):
    assert load_contract(CONFIG / 'robots' / f'{name}.yaml').hash[:16] == HASHES[name]


# Their policy observations have quaternions, which had no fixed sign. Bags of that time are read.
FORMER_HASHES = {
    'fr3_joint_trajectory': 'e10a866641102cdf',
    'gazebo_arm': '0d5a3ea5c131faee',
    'metaworld_sawyer': 'fc01650e77726265',
    'servo_twist': 'd2fbb8222d8ac361',
    'two_arms': '30a082ea91d258a3',
    'ur5e_joint_trajectory': '6b87d88739fc3ab5',
}


@pytest.mark.parametrize('name', sorted(HASHES))
def test_shipped_contracts_know_the_hash_of_their_former_bags(name):
    contract = load_contract(CONFIG / 'robots' / f'{name}.yaml')
    assert contract.former_hash[:16] == FORMER_HASHES.get(name, '')
    assert contract.recording_hash[:16] == FORMER_HASHES.get(name, HASHES[name])


@pytest.mark.parametrize(('derived', 'changed'), [
    ({'seen': {'relative': ['hand', 'hand']}}, True),
    ({'seen': {'previous': 'hand'}}, True),
    ({'far': {'change': 'hand'}, 'seen': {'history': 'far', 'ticks': 2}}, True),
    ({'seen': {'rotation_6d': 'hand'}}, False),
    ({'at': {'relative': ['hand', 'hand']}, 'seen': {'rotation_6d': 'at'}}, False),
    ({'at': {'relative': ['hand', 'hand']}, 'seen': {'cos_sin': 'angle'}}, False)])
def test_only_what_depends_on_the_sign_of_a_quaternion_has_another_hash(derived, changed):
    data = yaml.safe_load(ARM)
    data['observations']['hand'] = {
        'topic': 'hand', 'type': 'geometry_msgs/msg/PoseStamped', 'field': 'pose'}
    contract = parse_contract({**data, 'derived': derived, 'policy_observations': ['seen']})
    assert bool(contract.former_hash) == changed
    assert not parse_contract(data).former_hash, 'the policy does not see the pose'


def test_a_key_at_its_default_equals_an_absent_key():
    data = yaml.safe_load(ARM)
    written_out = deepcopy(data)
    written_out['observations']['angle'].update(
        align='hold', max_age=0.1, clock='header', latency=0.0, latched=False)
    written_out.update(observation_delay=0.0, derived={}, safety={}, chunks={'blend': 'latest'})
    assert parse_contract(data).hash == parse_contract(written_out).hash


def test_the_hash_of_a_contract_is_the_same_in_every_version():
    """Bags and checkpoints name it: a change of this number invalidates all of them."""
    assert parse_contract(yaml.safe_load(ARM)).hash == (
        'b96bcc706105eed4bf141db54de103d157c4bddfd7607fd4563d9eb4f0ec7bd8')


# The schema.

def test_the_shipped_schema_is_current():
    path = CONFIG / 'schema' / 'contract.schema.json'
    assert path.read_text(encoding='utf-8') == schema_text(), (
        'write it again: inril contract schema > config/schema/contract.schema.json')


def test_each_key_of_the_schema_has_a_description():
    schema = contract_schema()
    assert set(schema['properties']) == {item.name for item in fields(Contract)}
    for entry in [schema, *schema['$defs'].values()]:
        for key, value in entry['properties'].items():
            assert len(value['description']) > 3, key
    assert 'by name, never by order' in (
        schema['$defs']['Observation']['properties']['joints']['description'])
    assert json.loads(schema_text()) == schema


def test_texts_are_read_from_docstrings():
    assert attribute_texts("""Something.

    Attributes:
        one: First
            of two.
        two: Second: the ``last``.
    """) == {'one': 'First of two.', 'two': 'Second: the `last`.'}
    assert attribute_texts(None) == {}


@pytest.mark.parametrize('path', sorted((CONFIG / 'robots').glob('*.yaml')), ids=lambda p: p.stem)
def test_shipped_contracts_name_the_schema_for_editors(path):
    assert '# yaml-language-server: $schema=../schema/contract.schema.json' in path.read_text()


def test_the_arm_whose_success_is_seen_is_the_one_with_cameras():
    seen, seeing = (yaml.safe_load(
        (CONFIG / 'robots' / f'metaworld_sawyer_{name}.yaml').read_text())
        for name in ('judged', 'cameras'))
    for own in ('name', 'policy_images', 'episode'):
        assert seen.pop(own) != seeing.pop(own)
    assert seen == seeing
