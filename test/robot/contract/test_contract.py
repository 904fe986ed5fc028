# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A wrong contract is refused with file, key, value and remedy; a valid one is unambiguous.

The mistakes below are common ones in YAML, each one put into an otherwise valid shipped contract.
"""

from copy import deepcopy
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st
import pytest
import yaml

from inril_ros.robot.contract.checks import check_lockstep
from inril_ros.robot.contract.contract import (
    ContractError,
    describe_difference,
    load_contract,
    parse_contract,
)

FOLDER = Path(__file__).parents[3] / 'config' / 'robots'
SHIPPED = sorted(FOLDER.glob('*.yaml'))
SAWYER = yaml.safe_load((FOLDER / 'metaworld_sawyer.yaml').read_text())


def changed(*path, value):
    """Return the Sawyer's contract with one value replaced, or removed if it is ``...``."""
    data = deepcopy(SAWYER)
    place = data
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return data


def joint_command(**entry):
    return {'topic': 'command/arm', 'type': 'trajectory_msgs/msg/JointTrajectory',
            'joints': ['j1'], 'quantity': 'velocity', 'minimum': [-1.0], 'maximum': [1.0], **entry}


def twist_command(field, size=3, **entry):
    return {'topic': 'command/twist', 'type': 'geometry_msgs/msg/TwistStamped', 'field': field,
            'minimum': [-1.0] * size, 'maximum': [1.0] * size, 'frame_id': 'base', **entry}


@pytest.mark.parametrize('path', SHIPPED, ids=lambda path: path.stem)
def test_shipped_contracts_can_be_loaded(path):
    contract = load_contract(path)
    assert contract.name == path.stem
    assert contract.period_ns == round(contract.period * 1e9)
    assert contract.time_limit_ticks == contract.episode.time_limit * contract.control_rate
    assert contract.observation_size == sum(map(contract.length, contract.policy_observations))


def test_the_action_vector_is_in_the_order_of_the_file():
    contract = load_contract(FOLDER / 'metaworld_sawyer.yaml')
    assert contract.action_slice('hand_velocity') == slice(0, 3)
    assert contract.action_slice('gripper_effort') == slice(3, 4)
    assert contract.action_maximum.tolist() == [0.8, 0.8, 0.8, 1.0]
    with pytest.raises(KeyError, match='no action .wheel'):
        contract.action_slice('wheel')


@pytest.mark.parametrize(('data', 'words'), [
    (changed('control_rat', value=1), ['control_rat: unknown key']),
    (changed('control_rate', value=...), ['control_rate: missing']),
    (changed('control_rate', value=0), ['control_rate', 'greater than', '(value: 0)']),
    (changed('control_rate', value='fast'), ['control_rate', 'valid number', "'fast'"]),
    (changed('observations', 'hand_position', 'type', value='sensor_msgs/msg/Imu'),
     ['observations.hand_position: type', 'PoseStamped', 'sensor_msgs/msg/Imu', 'size']),
    (changed('observations', 'hand_position', 'field', value='pose.positon'),
     ['observations.hand_position', 'pose.positon', 'pose.orientation']),
    (changed('observations', 'object_pose', 'field', value='poses[i]'),
     ['observations.object_pose', "'poses[i]' is not allowed"]),
    (changed('observations', 'arm_position', 'joints', value=...),
     ['observations.arm_position', 'needs joints']),
    (changed('observations', 'arm_position', 'joints', value=['a', 'a']),
     ['observations.arm_position', "twice: ['a', 'a']"]),
    (changed('observations', 'hand_position', 'joints', value=['a']),
     ['observations.hand_position', 'has no joints; name a field']),
    (changed('observations', 'hand_position', 'max_age', value=float('nan')),
     ['observations.hand_position.max_age', '(value: nan)']),
    (changed('observations', 'hand_position', 'topic', value='~/pose'),
     ['observations.hand_position.topic', "'~/pose'"]),
    (changed('observations', 'hand_position', 'topic', value='hand pose'),
     ['observations.hand_position.topic', "'hand pose'"]),
    (changed('observations', 'gripper_opening', 'topic', value='hand_pose'),
     ["topic 'hand_pose' has two types", 'JointState', 'PoseStamped']),
    (changed('observations', value={}), ['must not be empty']),
    (changed('observations', 'Hand', value=SAWYER['observations']['hand_position']),
     ['observations.Hand', 'pattern']),
    (changed('derived', 'hand_position', value={'change': 'gripper_opening'}),
     ["['hand_position'] named both"]),
    (changed('derived', 'hand_change', value={'change': 'hand'}),
     ["derived.hand_change uses 'hand'", 'hand_position']),
    (changed('derived', 'hand_change', value={}), ['derived.hand_change', 'exactly one']),
    (changed('derived', 'hand_change', value={'change': 'hand_position', 'previous': 'goal'}),
     ['derived.hand_change', "['change', 'previous']", 'exactly one']),
    (changed('derived', 'hand_to_object', value={'difference': ['object_pose', 'hand_position']}),
     ['derived.hand_to_object', 'different length']),
    (changed('policy_observations', 0, value='hand'),
     ["policy_observations has 'hand'", 'hand_position']),
    (changed('actions', 'hand_velocity', 'minimum', value=[-1, -1]),
     ['actions.hand_velocity', 'minimum has 2', 'needs 3']),
    (changed('actions', 'hand_velocity', 'minimum', value=[-1, 2, -1]),
     ['actions.hand_velocity', 'minimum 2.0 is not below maximum 0.8']),
    (changed('actions', 'hand_velocity', 'maximum', value=[1, 1, float('inf')]),
     ['actions.hand_velocity.maximum.2', '(value: inf)']),
    (changed('actions', 'hand_velocity', 'minimum', value=[0.1, -0.8, -0.8]),
     ['actions.hand_velocity', 'hold is zero, which is not within 0.1..0.8']),
    (changed('actions', 'gripper_effort', value=joint_command(quantity='position')),
     ['actions.gripper_effort', 'held by last']),
    (changed('workspace', 'observation', value='hand'),
     ["workspace.observation is 'hand'", 'hand_position']),
    (changed('workspace', 'action', value='gripper_effort'),
     ["workspace.action: 'gripper_effort' has 1 values, 3 are needed"]),
    (changed('workspace', 'minimum', value=[1, 1, 1]), ['workspace.minimum', 'is not below']),
    (changed('actions', 'hand_velocity', 'hold', value='last'),
     ['workspace.action', 'hold must be zero']),
    (changed('teleoperation', 'twist_action', value='hand'),
     ["teleoperation.twist_action is 'hand'", 'hand_velocity']),
    (changed('teleoperation', 'gripper_action', value='hand_velocity'),
     ["teleoperation.gripper_action: 'hand_velocity' has 3 values, 1 are needed"]),
    (changed('episode', 'time_limit', value=-1), ['episode.time_limit', 'greater than 0']),
    (changed('cameras', 'front', 'width', value=0), ['cameras.front.width', '(value: 0)']),
    (changed('episode', 'reset_service', value=''), ['episode', 'nothing resets the robot']),
    (changed('episode', 'reward', value=[0.0, 0.5]), ['episode', 'must allow 0 and 1']),
    (changed('episode', 'reward', value=[0.0, 1e30]), ['episode.reward', '1000000']),
    (changed('episode', 'judge', value='~/judge'), ['episode.judge', '~/judge']),
    (changed('episode', 'veto', value=3.0), ['episode', 'name it by judge']),
    (changed('episode', 'veto', value=300.0), ['episode.veto', '30']),
    (changed('episode', 'reset_service', value='~/reset'), ['episode.reset_service', '~/reset']),
])
def test_a_mistake_is_named_with_its_place_and_remedy(tmp_path, data, words):
    path = tmp_path / 'arm.yaml'
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(ContractError) as caught:
        load_contract(path)
    for word in (str(path), *words):
        assert word in str(caught.value)


def test_all_mistakes_are_reported_at_once():
    data = changed('control_rate', value=-1)
    data['observations']['hand_position']['field'] = 'nowhere'
    del data['episode']
    with pytest.raises(ContractError) as caught:
        parse_contract(data)
    for word in ('control_rate', 'observations.hand_position', 'episode: missing'):
        assert word in str(caught.value)


@pytest.mark.parametrize(('first', 'second', 'words'), [
    (twist_command('twist.linear'), twist_command('twist.linear'), 'one overwrites the other'),
    (twist_command('twist', size=6), twist_command('twist.angular'), 'one overwrites the other'),
    (twist_command('twist.linear'), twist_command('twist.angular', frame_id='tool'), 'frame_id'),
    (joint_command(), joint_command(), 'no joint in common'),
    (joint_command(), joint_command(joints=['j2'], quantity='effort'), 'the same quantity'),
    ({'topic': 'command/arm', 'type': 'std_msgs/msg/Float64MultiArray', 'field': 'data',
      'minimum': [-1.0], 'maximum': [1.0]},) * 2 + ('carries one action',),
])
def test_actions_that_do_not_fit_into_one_message_are_refused(first, second, words):
    data = changed('actions', value={'first': first, 'second': second})
    del data['workspace'], data['teleoperation']
    with pytest.raises(ContractError, match=f'actions.first and actions.second share.*{words}'):
        parse_contract(data)


@pytest.mark.parametrize(('text', 'words'), [
    ('a: [1, 2', 'is not YAML'), ('a: !!python/name:os.system', 'is not YAML'),
    ('- 1', 'must be a mapping of keys, got list'), ('', 'must be a mapping of keys, got None'),
    ('since: 2024-13-45', 'is not YAML'), ('[' * 5000, 'is nested more than 30 deep'),
    ('a: &a [*a]', 'is nested without end')], ids=range(7))
def test_a_file_that_is_no_contract_is_named(tmp_path, text, words):
    path = tmp_path / 'arm.yaml'
    path.write_text(text)
    with pytest.raises(ContractError) as caught:
        load_contract(path)
    assert str(path) in str(caught.value)
    assert words in str(caught.value)


def test_an_absent_or_unreadable_file_is_named(tmp_path):
    with pytest.raises(ContractError, match='absent.yaml: cannot be read: No such file'):
        load_contract(tmp_path / 'absent.yaml')
    (tmp_path / 'binary.yaml').write_bytes(b'\xff\xfe\x00')
    with pytest.raises(ContractError, match='binary.yaml: is not YAML'):
        load_contract(tmp_path / 'binary.yaml')


def reordered(value, keep):
    if not isinstance(value, dict):
        return value
    keys = list(value) if keep else list(reversed(value))
    return {key: reordered(value[key], keep=key == 'actions') for key in keys}


@pytest.mark.parametrize('path', SHIPPED, ids=lambda path: path.stem)
def test_the_hash_ignores_comments_and_the_order_of_keys(tmp_path, path):
    data = yaml.safe_load(path.read_text())
    other = reordered(data, keep=False)
    assert list(other) != list(data)
    (tmp_path / 'other.yaml').write_text(
        '# another comment\n' + yaml.safe_dump(other, sort_keys=False))
    if 'kinematics' in data:
        urdf = tmp_path / data['kinematics']['urdf']
        urdf.parent.mkdir(parents=True, exist_ok=True)
        urdf.write_bytes((path.parent / data['kinematics']['urdf']).read_bytes())
    ours, theirs = load_contract(path), load_contract(tmp_path / 'other.yaml')
    assert ours.hash == theirs.hash
    assert describe_difference(ours, theirs) == ''


def test_the_order_of_actions_is_part_of_the_hash():
    ours = parse_contract(SAWYER)
    theirs = parse_contract(changed('actions', value=dict(reversed(SAWYER['actions'].items()))))
    assert ours.action_slice('gripper_effort') != theirs.action_slice('gripper_effort')
    assert ours.hash != theirs.hash
    assert 'order of actions' in describe_difference(ours, theirs)


def test_numbers_that_are_equal_hash_equally():
    assert parse_contract(changed('control_rate', value=80)).hash == parse_contract(
        changed('control_rate', value=80.0)).hash


@pytest.mark.parametrize(('path', 'value'), [
    (('control_rate',), 81.0), (('actions', 'hand_velocity', 'maximum'), [0.8, 0.8, 0.7]),
    (('observations', 'arm_position', 'max_age'), 0.2), (('workspace',), None),
    (('policy_observations',), list(reversed(SAWYER['policy_observations'])))])
def test_a_difference_changes_the_hash_and_is_described(path, value):
    ours, theirs = parse_contract(SAWYER), parse_contract(changed(*path, value=value))
    assert ours.hash != theirs.hash
    assert '.'.join(path) in describe_difference(ours, theirs)


def test_a_described_difference_shows_both_sides():
    theirs = parse_contract(changed('control_rate', value=40.0))
    assert describe_difference(parse_contract(SAWYER), theirs) == (
        '  control_rate: 80.0 here, 40.0 there')


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
yaml_like = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3), max_leaves=8)


def paths(value, path=()):
    """Return the path of each key and each element of a contract."""
    yield path
    items = value.items() if isinstance(value, dict) else (
        enumerate(value) if isinstance(value, list) else ())
    for key, item in items:
        yield from paths(item, (*path, key))


@settings(max_examples=200)
@given(path=st.sampled_from(list(paths(SAWYER))), value=yaml_like)
@example(path=('control_rate',), value=1e-300)
@example(path=('episode', 'time_limit'), value=1e308)
@example(path=('actions', 'hand_velocity', 'maximum'), value=[1e300, 1e300, 1e300])
def test_any_value_at_any_place_is_accepted_or_refused(path, value):
    data = changed(*path, value=value) if path else value
    try:
        contract = parse_contract(data, source='arm.yaml')
    except ContractError as error:
        assert str(error).startswith('arm.yaml:')
        return
    assert len(contract.hash) == 64
    assert contract.time_limit_ticks >= 1
    assert contract.period_ns > 0
    assert contract.observation_size > 0
    assert describe_difference(contract, contract) == ''


def test_lockstep_is_refused_where_the_policy_sees_the_past():
    delayed = parse_contract(changed('observation_delay', value=0.02))
    with pytest.raises(ValueError, match=r'arm.yaml: observation_delay is 0.02 s.*lockstep false'):
        check_lockstep(delayed, 'arm.yaml')
    check_lockstep(parse_contract(SAWYER), 'arm.yaml')
