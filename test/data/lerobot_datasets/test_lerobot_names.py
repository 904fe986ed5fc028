# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Joints of a LeRobotDataset are found by name, named by the user, or refused: never by place."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from lerobot_files import arm, Files, JOINTS
import numpy as np
import pytest

from inril_ros.data.bags.bags import find_bags
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.lerobot.camera_names import find_cameras
from inril_ros.data.lerobot.format import LeRobotError
from inril_ros.data.lerobot.importing import import_lerobot
from inril_ros.data.lerobot.name_map import parse_map
from inril_ros.data.lerobot.names import columns_of, find_columns
from inril_ros.data.lerobot.options import LeRobotOptions
from inril_ros.robot.contract.contract import load_contract


def places(names, contract=None, pairs=(), part='observations'):
    """The places of a contract's numbers among a dataset's names."""
    contract = contract or arm()
    flat = isinstance(names, list) and isinstance(names[0], str)
    size = len(names) if flat else 3
    return find_columns(columns_of(getattr(contract, part)), {'shape': [size], 'names': names},
                        parse_map(pairs, contract), 'observation.state')


def refusal(*arguments, **more):
    with pytest.raises(LeRobotError) as caught:
        places(*arguments, **more)
    return str(caught.value)


@pytest.mark.parametrize('names', [
    ['gripper', 'shoulder', 'elbow'], ['gripper.pos', 'shoulder.pos', 'elbow.pos'],
    {'motors': ['gripper', 'shoulder', 'elbow']}, {'axes': ['gripper', 'shoulder', 'elbow']},
    {'motors': {'names': ['gripper', 'shoulder', 'elbow']}}, [['gripper', 'shoulder', 'elbow']],
    {'shoulder': 1, 'elbow': 2, 'gripper': 0},
    ['main_gripper', 'main_shoulder', 'main_elbow'],
    ['left_gripper', 'left_shoulder.pos', 'left_elbow'],
    ['observation.gripper', 'observation.state.shoulder', 'observation.elbow'],
    ['angles.gripper', 'angles.shoulder', 'angles.elbow'],
    ['gripper_joint', 'Shoulder', 'elbow_position']])
def test_joints_are_found_in_any_order_with_the_usual_prefixes_and_suffixes(names):
    assert places(names) == [1, 2, 0]


@settings(max_examples=30, deadline=None)
@given(order=st.permutations(range(5)), prefix=st.sampled_from(['', 'main_', 'right_']),
       suffix=st.sampled_from(['', '.pos', '_position']))
def test_any_order_among_more_joints_than_the_contract_has(order, prefix, suffix):
    names = [f'{prefix}{name}{suffix}' for name in (*JOINTS, 'wrist', 'neck')]
    shuffled = [names[place] for place in order]
    assert [shuffled[place] for place in places(shuffled)] == names[:3]


@pytest.mark.parametrize('part', ['observations', 'actions'])
@pytest.mark.parametrize(('names', 'words'), [
    (None, 'gives its numbers no names'),
    (['a', 'b'], 'shoulder is not found'),
    (['motor_1', 'motor_2', 'motor_3'], '--map shoulder=... --map elbow=... --map gripper=...'),
    ({'motors': ['a', 'b']}, "has 2 names for 3 numbers, ['a', 'b']"),
    (['shoulder', 'elbow', 'gripperx'], '--map gripper=gripperx'),
    (['shoulder', 'elbow', 'grip_left'], 'gripper is not found'),
    (['shoulder', 'elbow', 'elbow', 'gripper'],
     'elbow could be elbow (place 1) or elbow (place 2)'),
    (['left_elbow', 'right_elbow', 'shoulder', 'gripper'],
     'elbow could be left_elbow or right_elbow'),
    (['shoulder.vel', 'elbow.pos', 'gripper.pos'], 'shoulder is not found')])
def test_a_joint_that_is_not_found_by_name_is_refused(part, names, words):
    text = refusal(names, part=part)
    assert words in text
    for name in JOINTS:
        assert name in text, 'both lists are there'
    assert '--map' in text


def test_both_lists_stand_side_by_side():
    lines = refusal(['gripper', 'bending', 'shoulder']).splitlines()
    assert lines[1:6] == ['  contract         dataset', '  angles.shoulder  shoulder',
                          '  angles.elbow     ?', '  angles.gripper   gripper',
                          '                   bending (not used)']


@pytest.mark.parametrize(('names', 'pairs'), [
    (['x', 'y', 'z'], ['shoulder=y', 'elbow=z', 'gripper=x']),
    (None, ['shoulder=1', 'elbow=2', 'gripper=0']),
    (['gripper', 'bend', 'bend'], ['shoulder=1', 'angles.elbow=2']),
    (['gripper', 'elbow', 'shoulder'], ['angles.shoulder=elbow', 'elbow=shoulder'])])
def test_the_user_says_which_joint_is_which(names, pairs):
    assert places(names, pairs=pairs) == [1, 2, 0]


def two_arms(first='left', second='right', joints=('waist', 'hand')):
    """A contract with two arms whose joints have the same names."""
    def part(which, kind, **more):
        return {'topic': f'{which}/{kind}', 'joints': list(joints), **more}

    return arm(
        observations={which: part(which, 'joint_states', type='sensor_msgs/msg/JointState')
                      for which in (first, second)},
        actions={f'{which}_arm': part(
            which, 'command', type='trajectory_msgs/msg/JointTrajectory', minimum=[-2, -2],
            maximum=[2, 2], hold='last', measured_by=[which]) for which in (first, second)},
        policy_observations=[first, second])


def test_sides_tell_two_arms_with_the_same_joint_names_apart():
    names = ['right_hand', 'left_hand.pos', 'left_waist', 'right_waist']
    assert places(names, two_arms()) == [2, 1, 3, 0]
    assert places(names, two_arms(), part='actions') == [2, 1, 3, 0]
    assert places(names, two_arms('follower_left', 'follower_right')) == [2, 1, 3, 0]
    nested = {'left_arm': ['waist', 'hand'], 'right_arm': ['waist', 'hand']}
    assert find_columns(columns_of(two_arms().observations), {'shape': [4], 'names': nested}, {},
                        '') == [0, 1, 2, 3]


@pytest.mark.parametrize('names', [
    ['waist', 'hand', 'waist', 'hand'], ['waist', 'hand'],
    ['left_waist', 'left_hand', 'waist', 'hand'], ['leader_waist', 'leader_hand']])
def test_two_arms_that_cannot_be_told_apart_are_refused(names):
    text = refusal(names, two_arms())
    assert '--map left.waist=' in text or '--map right.waist=' in text


def test_a_joint_whose_name_ends_like_a_quantity_is_found():
    contract = arm(joints=['wrist_angle', 'slider_pos', 'wrist'])
    assert places(['slider_pos', 'left_wrist', 'wrist_angle'], contract) == [2, 0, 1]
    assert places(['slider_pos.pos', 'wrist.pos', 'wrist_angle.pos'], contract) == [2, 0, 1]


def test_the_names_of_aloha_fit_the_shipped_contract_but_for_its_grippers():
    contract = load_contract(Path(__file__).parents[3] / 'config/robots/aloha.yaml')
    names = [f'{side}_{joint}' for side in ('left', 'right') for joint in (
        'waist', 'shoulder', 'elbow', 'forearm_roll', 'wrist_angle', 'wrist_rotate', 'gripper')]
    with pytest.raises(LeRobotError) as caught:
        find_columns(columns_of(contract.observations), {'shape': [14], 'names': names}, {}, '')
    assert str(caught.value).count('is not found') == 2
    assert str(caught.value).endswith('--map left_finger.left_finger=left_gripper '
                                      '--map right_finger.left_finger=right_gripper')
    pairs = ['left_finger.left_finger=left_gripper', 'right_finger.left_finger=right_gripper']
    assert find_columns(columns_of(contract.observations), {'shape': [14], 'names': names},
                        parse_map(pairs, contract), '') == list(range(14))
    features = {f'observation.images.cam_{name}': {'dtype': 'video'}
                for name in ('high', 'low', 'left_wrist', 'right_wrist')}
    assert list(find_cameras(contract, features, {}, '').values()) == [
        f'observation.images.cam_{name}' for name in ('high', 'left_wrist', 'right_wrist')]


def test_velocities_are_not_taken_for_positions():
    contract = arm(joints=['a', 'b'], observations={
        name: {'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState',
               'joints': ['a', 'b'], 'quantity': quantity}
        for name, quantity in (('angles', 'position'), ('speeds', 'velocity'))})
    assert places(['a.vel', 'a.pos', 'b.vel', 'b.pos'], contract) == [1, 3, 0, 2]
    assert 'speeds.a is not found' in refusal(['a', 'b'], contract)


@pytest.mark.parametrize(('pairs', 'words'), [
    (['elbow'], 'must be <the contract'), (['knee=a'], 'the contract has no knee; it has'),
    (['elbow=a', 'elbow=b'], 'elbow was a before')])
def test_a_map_that_cannot_be_is_refused(pairs, words):
    with pytest.raises(LeRobotError, match=words):
        parse_map(pairs, arm())


def test_states_and_actions_are_imported_by_their_own_names(tmp_path):
    files = Files(names=['gripper.pos', 'elbow.pos', 'shoulder.pos'])
    files.info['features']['action']['names'] = {'motors': ['e', 'gripper', 'shoulder']}
    dataset = files.write(tmp_path / 'set')
    with pytest.raises(LeRobotError, match='set: action: .*arm.elbow is not found'):
        import_lerobot(dataset, arm(), tmp_path / 'demos')
    with pytest.raises(LeRobotError, match='--map elbow=ellbow: the dataset has no ellbow'):
        import_lerobot(dataset, arm(), tmp_path / 'demos', LeRobotOptions(['elbow=ellbow']))
    assert not list(tmp_path.glob('demos/*'))
    notes = []
    import_lerobot(dataset, arm(), tmp_path / 'demos', LeRobotOptions(['elbow=e']), notes.append)
    assert any('angles.elbow is elbow.pos' in note for note in notes)
    assert any('arm.elbow is e:' in note for note in notes)
    episode = read_episode(find_bags(tmp_path / 'demos')[0], arm())
    np.testing.assert_allclose(episode.observations[:6], files.vectors('observation.state')[
        :6, [2, 1, 0]], atol=1e-6)
    np.testing.assert_allclose(episode.actions, files.vectors('action')[:6, [2, 0, 1]], atol=1e-6)
