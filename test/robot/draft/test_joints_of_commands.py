# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The joints of a command are those that it moves, or they are said not to be known."""

import re
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from robot_recordings import (
    aloha,
    joint_state,
    motion,
    multi_array,
    ordered,
    seen,
    stamped,
    stream,
    trajectory,
    UR,
    ur_forward,
    XARM,
    xarm6,
)
import yaml

from inril_ros.data.raw.messages import blank_message
from inril_ros.robot.contract.contract import ContractError, parse_contract
from inril_ros.robot.draft.draft import draft_contract
from inril_ros.robot.draft.topic_seen import TopicSeen

FORWARD = '/forward_position_controller/commands'


def draft_of(rows, **options):
    draft = draft_contract(seen(rows), recorded=True, **options)
    words = ' '.join(draft.contract.replace('#', ' ').split())
    return parse_contract(yaml.safe_load(draft.contract)), words, draft


def arm_rows(names, order, seconds=2.5, lag=0.1, commands=None, move=motion, states=sorted):
    """Rows of joint states in one order and commands without names in another."""
    return ordered(
        stream('/joint_states', seconds, 100, lambda at: joint_state(
            states(names), [move(names.index(name), at - lag) for name in states(names)], at)),
        stream(FORWARD, seconds, 50, commands or (lambda at: multi_array(
            move(names.index(name), at) for name in order)), delay=0.0))


def activated(text):
    """A draft with its comments of entries made active, as a person would."""
    return re.sub(r'(?m)^# (  )', r'\1', text)


def test_a_forward_controller_has_its_own_order_and_not_that_of_the_joint_states():
    contract, words, _ = draft_of(ur_forward())
    assert contract.actions['forward_position_controller'].joints == tuple(UR)
    assert contract.actions['forward_position_controller'].quantity == 'position'
    assert 'order found from 149 commands: every joint is at least' in words


# https://github.com/kroshu/kuka_drivers/issues/254
KUKA = [f'joint_{number}' for number in (1, 2, 4, 5, 3, 6)]


@settings(max_examples=20)
@given(st.permutations(KUKA), st.permutations(KUKA), st.floats(0.0, 0.3))
def test_any_order_of_an_arm_that_moved_is_found(order, states, lag):
    contract, _, _ = draft_of(arm_rows(KUKA, order, lag=lag, states=lambda _: states))
    assert contract.actions['forward_position_controller'].joints == tuple(order)


@settings(max_examples=20)
@given(st.permutations(range(6)), st.data())
def test_no_order_is_told_of_joints_that_stood_at_the_same_angle(order, data):
    still = data.draw(st.sets(st.sampled_from(range(6)), min_size=2))

    def move(number, at):
        return 0.7 if number in still else motion(number, at)

    names = [UR[number] for number in order]
    contract, words, draft = draft_of(arm_rows(UR, names, move=move))
    assert not any(action.type.endswith('MultiArray') for action in contract.actions.values())
    assert 'ORDER NOT KNOWN' in words
    with pytest.raises(ContractError, match='ORDER_NOT_KNOWN'):
        parse_contract(yaml.safe_load(activated(draft.contract)))
    places = {place for place, name in enumerate(names) if UR.index(name) in still}
    named = set(map(int, re.findall(r'ORDER_NOT_KNOWN_(\d)', draft.contract)))
    assert named == places


def test_an_arm_at_rest_in_a_distinct_pose_tells_the_order():
    contract, _, _ = draft_of(arm_rows(UR, UR, move=lambda number, at: 0.4 * number - 1.0))
    assert contract.actions['forward_position_controller'].joints == tuple(UR)


# https://github.com/UniversalRobots/Universal_Robots_ROS_Driver/issues/173
def test_a_velocity_controller_is_told_from_a_position_controller_by_its_values():
    def speed(number, at):
        return (motion(number, at + 1e-4) - motion(number, at - 1e-4)) / 2e-4

    contract, _, _ = draft_of(arm_rows(UR, UR, commands=lambda at: multi_array(
        speed(number, at) for number in range(6))))
    action = contract.actions['forward_position_controller']
    assert (action.joints, action.quantity, action.hold) == (tuple(UR), 'velocity', 'zero')
    assert all(low == -high for low, high in zip(action.minimum, action.maximum))


@pytest.mark.parametrize('values', [
    lambda at: [np.degrees(motion(number, at)) for number in range(6)],
    lambda at: [0.0] * 6, lambda at: [motion(number + 9, 3 * at) for number in range(6)]],
    ids=['degrees', 'zeros', 'unrelated'])
def test_values_that_explain_nothing_command_nothing(values):
    contract, words, _ = draft_of(arm_rows(UR, UR, commands=lambda at: multi_array(values(at))))
    assert [action.topic for action in contract.actions.values()] == [
        'fill_in/arm/joint_trajectory']
    assert 'ORDER NOT KNOWN' in words


def test_degrees_are_recognised_and_not_taken_for_the_joints():
    _, words, _ = draft_of(arm_rows(UR, UR, commands=lambda at: multi_array(
        np.degrees(motion(number, at)) for number in range(6))))
    assert f'Taken for degrees, they are those of {", ".join(UR)}' in words


def test_one_value_at_rest_near_a_joint_is_no_evidence():
    """The gripper's command is 0 all the time, and so is a wrist that it doesn't move."""
    def states(at):
        return joint_state(['wrist', 'grip'], [0.0, 0.4], at)

    rows = ordered(stream('/joint_states', 2.0, 50, states),
                   stream('/grip/commands', 2.0, 20, lambda at: multi_array([0.0])))
    contract, words, _ = draft_of(rows)
    assert 'TO DO: /grip/commands: ORDER NOT KNOWN' in words
    assert [action.topic.split('/')[0] for action in contract.actions.values()] == ['fill_in']


@pytest.mark.parametrize('part', ['reference', 'desired'])
def test_a_controller_that_tells_its_commands_is_found_without_its_topic(part):
    """Goals of FollowJointTrajectory are in no bag, but what the controller makes of them is."""
    def state(at):
        point = SimpleNamespace(positions=[motion(number, at) for number in (1, 0)])
        return SimpleNamespace(
            joint_names=['b', 'a'], **{part: point},
            __msgtype__='control_msgs/msg/JointTrajectoryControllerState')

    rows = ordered(
        stream('/joint_states', 2.0, 50, lambda at: joint_state(
            ['a', 'b'], [motion(number, at - 0.1) for number in range(2)], at)),
        stream('/arm_controller/controller_state', 2.0, 50, state))
    contract, words, draft = draft_of(rows)
    [(name, action)] = contract.actions.items()
    assert (action.topic, action.joints) == ('arm_controller/joint_trajectory', ('b', 'a'))
    assert yaml.safe_load(draft.mapping)['actions'][name]['recorded'] == {
        'topic': 'arm_controller/controller_state', 'size': 2, 'field': f'{part}.positions',
        'type': 'control_msgs/msg/JointTrajectoryControllerState'}


def test_more_values_than_joints_and_few_messages_are_not_explained():
    contract, words, _ = draft_of(arm_rows(UR, UR, commands=lambda at: multi_array(range(9))))
    assert 'ORDER NOT KNOWN: 125 commands of 9 values, and no joint states of as many' in words
    rows = [row for row in arm_rows(UR, UR) if row[0] != FORWARD or row[1] % 10**9 == 0]
    assert 'ORDER NOT KNOWN' in draft_of(rows)[1]


def test_an_array_that_repeats_what_was_measured_is_not_a_command():
    rows = [(topic.replace(FORWARD, '/joint_positions'), time, message)
            for topic, time, message in arm_rows(
                UR, UR, lag=0.0, move=lambda number, at: 0.2 * number - 1 + 0.1 * at)]
    _, words, _ = draft_of(rows)
    assert 'it has the same values as /joint_states, so it measures and does not command' in words


def test_a_trajectory_commands_the_joints_that_its_messages_name():
    names = ['b', 'c', 'a']
    rows = ordered(
        stream('/joint_states', 2.0, 50, lambda at: joint_state(
            ['a', 'b', 'c', 'd'], [motion(number, at) for number in range(4)], at)),
        stream('/arm/joint_trajectory', 2.0, 20, lambda at: trajectory(
            names[:2] if at < 1 else names,
            [motion('abc'.index(name), at) for name in (names[:2] if at < 1 else names)])))
    contract, words, _ = draft_of(rows)
    assert contract.actions['arm'].joints == tuple(names)
    assert '/arm/joint_trajectory: its messages do not all name the same joints' in words
    assert 'd of /joint_states: no command to them was seen. They are observed' in words


def test_a_joint_without_a_value_of_the_commanded_quantity_is_not_commanded():
    def goal(at):
        names = ['a'] if at < 1.0 else ['b']
        message = trajectory(names, [motion(0, at)])
        if at >= 1.0:
            message.points[0].velocities.extend([0.1])
            message.points[0].positions = []
        return message

    rows = ordered(
        stream('/joint_states', 2.0, 50, lambda at: joint_state(
            ['a', 'b'], [motion(0, at), 0.2], at)),
        stream('/arm/joint_trajectory', 2.0, 20, goal))
    contract, _, _ = draft_of(rows)
    assert contract.actions['arm'].joints == ('a',)


def test_commands_in_degrees_are_pointed_out():
    rows = ordered(
        stream('/joint_states', 2.0, 50, lambda at: joint_state(['a'], [motion(0, at)], at)),
        stream('/arm/joint_trajectory', 2.0, 20, lambda at: trajectory(
            ['a'], [np.degrees(motion(0, at))])))
    assert 'was measured: compare the units' in draft_of(rows)[1]


def test_a_controller_that_says_its_joints_is_believed():
    states = TopicSeen('/joint_states', 'sensor_msgs/msg/JointState', (
        (0.0, joint_state(['a', 'b'], [0.1, 0.2], 0.0)),))
    commands = TopicSeen(FORWARD, 'std_msgs/msg/Float64MultiArray', awaited=True,
                         receiver_joints=('b', 'a'), receiver_interface='velocity')
    contract = parse_contract(yaml.safe_load(draft_contract([states, commands]).contract))
    action = contract.actions['forward_position_controller']
    assert (action.joints, action.quantity) == (('b', 'a'), 'velocity')


# Grippers, leaders, several arms.

def test_mimic_joints_are_named_and_neither_observed_nor_commanded():
    contract, words, _ = draft_of(xarm6(2.0))
    assert {joint for entry in contract.observations.values() for joint in entry.joints} == {
        *XARM, 'drive_joint'}
    assert 'right_inner_knuckle_joint left out: moved along by drive_joint' in words
    assert 'TO DO: drive_joint of /joint_states: no command to it was seen' in words


def test_a_linkage_that_moves_with_a_commanded_joint_is_no_joint_of_its_own():
    names = ['axis_1', 'axis_2']
    rows = ordered(
        stream('/joint_states', 2.5, 100, lambda at: joint_state(
            ['axis_1', 'axis_2', 'linkage'],
            [motion(0, at), motion(1, at), 0.2 - motion(1, at)], at)),
        stream(FORWARD, 2.5, 50, lambda at: multi_array([motion(1, at), motion(0, at)])))
    contract, words, _ = draft_of(rows)
    assert contract.actions['forward_position_controller'].joints == ('axis_2', 'axis_1')
    assert contract.observations['joint_states_position'].joints == tuple(names)
    assert 'linkage left out: moved along by axis_2' in words


def test_joints_that_move_in_proportion_from_point_to_point_are_no_mimics():
    names = ['shoulder', 'elbow', 'wrist']
    rows = arm_rows(names, names, move=lambda number, at: (number + 1) * 0.1 * at)
    contract, words, _ = draft_of(rows)
    assert contract.actions['forward_position_controller'].joints == tuple(names)
    assert 'left out' not in words


def test_the_arms_and_the_leaders_of_aloha_are_told_apart():
    contract, words, draft = draft_of(aloha(3.0))
    assert {entry.topic for entry in contract.observations.values()} == {
        'follower_left/joint_states', 'follower_right/joint_states'}
    assert set(contract.actions) == {f'follower_{side}_{part}' for side in ('left', 'right')
                                     for part in ('arm', 'gripper')}
    for name, action in contract.actions.items():
        side = name.split('_')[1]
        assert action.measured_by == (f'follower_{side}_joint_states_position',)
    assert 'so the policy does not observe it' in words
    assert 'not gripper: it commands' in words  # its leader has another range
    assert set(contract.policy_images.cameras) == {
        'cam_high', 'cam_left_wrist', 'cam_right_wrist'}


def test_a_leader_gives_the_labels_of_the_joints_whose_units_fit():
    rows = [row for row in aloha(3.0) if '/commands/' not in row[0]]
    contract, words, draft = draft_of(rows)
    mapping = yaml.safe_load(draft.mapping)['actions']
    assert mapping['follower_left_arm']['recorded'] == {
        'topic': 'leader_left/joint_states', 'type': 'sensor_msgs/msg/JointState',
        'joints': list(contract.actions['follower_left_arm'].joints)}
    assert 'gripper' not in contract.actions['follower_left_arm'].joints
    assert 'TO DO: gripper of /follower_left/joint_states: no command to it was seen' in words


def test_a_leader_without_the_name_of_one_is_known_by_moving_ahead():
    names = ['a', 'b', 'c']
    rows = ordered(*(
        stream(topic, 3.0, 50, lambda at, lag=lag: joint_state(
            names, [motion(number, at - lag) for number in range(3)], at))
        for topic, lag in (('/one/joint_states', 0.0), ('/two/joint_states', 0.14))))
    contract, words, draft = draft_of(rows)
    assert [entry.topic for entry in contract.observations.values()] == ['two/joint_states']
    assert '/one/joint_states: moves ahead of /two/joint_states' in words
    assert yaml.safe_load(draft.mapping)['actions']['two_arm']['recorded']['topic'] == (
        'one/joint_states')


def test_joint_states_that_a_node_sends_once_more_are_no_leader():
    """joint_state_publisher gathers joint states, at a rate of its own."""
    rows = ordered(
        stream('/arm/joint_states', 3.0, 200, lambda at: joint_state(
            ['a', 'b'], [motion(0, at), motion(1, at)], at)),
        stream('/joint_states', 3.0, 30, lambda at: joint_state(
            ['a', 'b', 'grip'], [motion(0, at - 0.03), motion(1, at - 0.03), motion(5, at)], at)))
    contract, words, draft = draft_of(rows)
    assert {entry.topic for entry in contract.observations.values()} == {'joint_states'}
    assert 'a, b have the same motion as in /joint_states, 0.04 s earlier' in words or (
        'a, b have the same motion as in /joint_states, 0.02 s earlier' in words)
    assert 'arm/joint_states' not in draft.mapping


def test_arms_that_are_commanded_to_the_same_motion_stay_two_arms():
    rows = ordered(*(rows for side in ('left', 'right') for rows in (
        stream(f'/{side}/joint_states', 2.0, 50, lambda at: joint_state(
            ['a', 'b'], [motion(0, at - 0.1), motion(1, at - 0.1)], at)),
        stream(f'/{side}/arm_controller/joint_trajectory', 2.0, 20, lambda at: trajectory(
            ['a', 'b'], [motion(0, at), motion(1, at)])))))
    contract, _, _ = draft_of(rows)
    assert {name: action.measured_by for name, action in contract.actions.items()} == {
        f'{side}_arm_controller': (f'{side}_joint_states_position',)
        for side in ('left', 'right')}


def test_a_leader_whose_joints_have_other_names_is_matched_by_its_motion():
    rows = ordered(
        stream('/leader/joint_states', 3.0, 50, lambda at: joint_state(
            ['l2', 'l0', 'l1'], [motion(number, at) for number in (2, 0, 1)], at)),
        stream('/joint_states', 3.0, 50, lambda at: joint_state(
            ['a', 'b', 'c'], [motion(number, at - 0.1) for number in range(3)], at)))
    contract, _, draft = draft_of(rows)
    assert contract.actions['arm'].joints == ('c', 'a', 'b')
    assert yaml.safe_load(draft.mapping)['actions']['arm']['recorded']['joints'] == [
        'l2', 'l0', 'l1']


def test_a_leader_in_another_unit_is_no_label():
    rows = ordered(
        stream('/leader/joint_states', 3.0, 50, lambda at: joint_state(
            ['a', 'b'], [np.degrees(motion(number, at)) for number in range(2)], at)),
        stream('/joint_states', 3.0, 50, lambda at: joint_state(
            ['a', 'b'], [motion(number, at - 0.1) for number in range(2)], at)))
    _, words, draft = draft_of(rows)
    assert 'leader' not in draft.mapping
    assert 'not in the mapping: its values are far from what /joint_states measured' in words


def test_the_trajectories_of_a_leader_are_labels_of_a_recording():
    """As those of OpenManipulator's leader, which its follower's controller hears."""
    rows = ordered(
        stream('/joint_states', 3.0, 50, lambda at: joint_state(
            ['a', 'b'], [motion(number, at - 0.1) for number in range(2)], at)),
        stream('/leader/joint_trajectory', 3.0, 50, lambda at: trajectory(
            ['b', 'a'], [motion(1, at), motion(0, at)])))
    contract, words, draft = draft_of(rows)
    assert contract.actions['arm'].topic == 'fill_in_to_drive/arm/joint_trajectory'
    assert yaml.safe_load(draft.mapping)['actions']['arm']['recorded'] == {
        'topic': 'leader/joint_trajectory', 'type': 'trajectory_msgs/msg/JointTrajectory',
        'joints': ['b', 'a']}


def test_two_arms_at_rest_in_one_pose_stay_two_arms():
    rows = ordered(*(stream(f'/{side}/joint_states', 1.0, 50, lambda at: joint_state(
        ['a', 'b'], [0.0, 0.0], at)) for side in ('left', 'right')))
    contract, _, _ = draft_of(rows)
    assert len(contract.observations) == 2
    assert {action.measured_by for action in contract.actions.values()} == {
        ('left_joint_states_position',), ('right_joint_states_position',)}


def test_a_topic_that_repeats_another_ones_joints_is_left_out():
    rows = ordered(*(stream(topic, 2.0, 50, lambda at, names=names: joint_state(
        names, [motion('abc'.index(name), at) for name in names], at))
        for topic, names in (('/joint_states', 'abc'), ('/arm/joint_states', 'ab'))))
    contract, words, _ = draft_of(rows)
    assert [entry.topic for entry in contract.observations.values()] == ['joint_states']
    assert '/arm/joint_states: a, b have the same values as in /joint_states' in words


@pytest.mark.parametrize(('topic', 'active'), [
    ('/servo_node/delta_twist_cmds', False), ('/base/cmd_vel', True)])
def test_the_twist_that_a_node_turns_into_joint_commands_is_no_second_action(topic, active):
    def twist(at):
        message = stamped(blank_message('geometry_msgs/msg/TwistStamped'), at)
        message.twist.linear.x = 0.3
        return message

    rows = ordered(arm_rows(UR, UR), stream(topic, 2.0, 50, twist))
    contract, words, _ = draft_of(rows)
    assert (len(contract.actions) == 2) == active
    assert ('keep the one that the policy shall use' in words) != active


@pytest.mark.parametrize('opening', [0.0, 0.01])
def test_a_gripper_whose_joints_are_gathered_with_the_arms_is_measured_once(opening):
    """As Franka's: its own joint states, and those of joint_state_publisher."""
    def fingers(at):
        return [0.02 + opening * np.sin(3 * at)] * 2

    names = ['fr3_finger_joint1', 'fr3_finger_joint2']
    rows = ordered(
        stream('/franka_gripper/joint_states', 3.0, 30, lambda at: joint_state(
            names, fingers(at), at)),
        stream('/joint_states', 3.0, 30, lambda at: joint_state(
            ['fr3_joint1', *names], [motion(0, at), *fingers(at)], at)))
    contract, words, _ = draft_of(rows)
    assert [entry.joints for entry in contract.observations.values()] == [
        ('fr3_joint1', 'fr3_finger_joint1')]
    assert 'fr3_finger_joint2 have the same values as in /joint_states' in words


def test_two_controllers_of_one_joint_are_not_both_actions():
    rows = ordered(
        stream('/joint_states', 2.0, 50, lambda at: joint_state(['a'], [motion(0, at)], at)),
        *(stream(f'/{name}/joint_trajectory', 2.0, 20, lambda at: trajectory(
            ['a'], [motion(0, at)])) for name in ('one', 'two')))
    contract, words, _ = draft_of(rows)
    assert list(contract.actions) == ['one']
    assert 'left out, because one commands a too' in words
