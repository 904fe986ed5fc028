# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recorded commands become the actions that moved the arm, or the episode is refused with why."""

from types import SimpleNamespace

from command_recordings import array, at, FIRST, FORWARD, goal, imported, states, stream
from foreign_bags import ARM, BEGIN, CONTRACT, SECOND
import numpy as np
import pytest

from inril_ros.data.importing.commands.command_reading import read_command
from inril_ros.data.raw.messages import blank_message
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.messages.codecs import CodecError, put_stamp

# Messages that can't be read.

@pytest.mark.parametrize(('contract', 'make', 'reason'), [
    (CONTRACT, lambda t: goal(['j1', 'j2'], (0, [t, t])),
     r"names \['j1', 'j2'\], which are none of \['a', 'b'\]"),
    (CONTRACT, lambda t: goal(['a', 'b'], (0, [t])), '1 values of positions for the 2 joints'),
    (CONTRACT, lambda t: goal(['a', 'b'], (0, []), velocities=[[1, 1]]), '0 values of positions'),
    (CONTRACT, lambda t: goal(['a', 'a'], (0, [t, t])), 'names a joint twice'),
    (CONTRACT, lambda t: goal(['a', 'b'], (0, [t, float('nan')])), 'a value is not finite'),
    (CONTRACT, lambda t: goal(['a', 'b'], (0.2, [t, t]), (0.2, [t, t])), 'does not increase'),
    (CONTRACT, lambda t: goal(['a', 'b'], (0, [t, t]), stamp=BEGIN + 60 * SECOND),
     'another clock; command_clock: receive'),
    (CONTRACT, lambda t: goal(['a', 'b'], (1, [t, t]), (2, [t, t]), stamp=BEGIN - 60 * SECOND),
     'before its arrival, by its header.stamp; command_clock: receive'),
    (parse_contract(FORWARD), lambda t: array(t, t, t), '3 values, 2 needed')])
def test_commands_that_cannot_be_read_reject_the_episode(tmp_path, contract, make, reason):
    [report], episodes = imported(tmp_path, states() + stream(make), contract)
    assert not episodes
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(report.reason)
    assert report.reason.startswith('command: 19 of 19 messages could not be read as commands')


def test_one_command_that_cannot_be_read_rejects_the_episode_unless_it_is_to_be_skipped(tmp_path):
    rows = states() + stream(lambda t: goal(['a', 'b'], (0, [t, t] if t != 1.0 else [t])))
    [report], episodes = imported(tmp_path, rows)
    assert not episodes
    assert '1 of 19 messages could not be read' in report.reason
    assert 'unreadable_commands: skip' in report.reason
    (tmp_path / 'skip').mkdir()
    [report], [episode] = imported(tmp_path / 'skip', rows, unreadable_commands='skip')
    assert any('command: 1 messages could not be used' in note for note in report.notes)
    assert episode.actions[:, 0] == pytest.approx(
        [index / 10 if index != 10 else 0.9 for index in range(report.ticks)])


def test_commands_that_never_come_reject_the_episode(tmp_path):
    [report], episodes = imported(
        tmp_path, [*states(), at(1.95, goal(['a', 'b'], (0, [1, 1])))])
    assert not episodes
    assert report.reason.startswith('no command for arm came on command; say in a mapping')


def test_a_trajectory_that_ended_before_it_came_can_be_timed_by_its_arrival(tmp_path):
    rows = states() + [at(0.05, goal(['a', 'b'], (0, [0, 0]), (2, [2, 4]),
                                     stamp=BEGIN - 60 * SECOND))]
    [report], [episode] = imported(tmp_path, rows, command_clock='receive')
    assert episode.actions[:, 0] == pytest.approx(
        0.1 * np.arange(1, report.ticks + 1) + FIRST - 0.05)


# Where an episode begins and ends.

def test_an_episode_begins_where_its_commands_begin(tmp_path):
    rows = states() + stream(lambda t: goal(['a', 'b'], (0, [t, 2 * t])))[8:]
    [report], [episode] = imported(tmp_path, rows)
    assert episode.observations[0, 0] == pytest.approx(0.8, abs=0.02)
    assert episode.actions[0] == pytest.approx([0.8, 1.6])
    assert ('the first 0.800 s are left out: no command for arm had come on command '
            '(hold_until_commanded: [arm] in the mapping, if it stood still)') in report.notes


def test_a_command_from_before_the_episode_counts_where_the_arm_is_near_it(tmp_path):
    rows = [*states(3.0, still=True), at(0.5, goal(['a', 'b'], (0, [0.2, 0.1]))),
            at(2.5, goal(['a', 'b'], (0, [0.3, 0.3])))]
    table = tmp_path / 'cut.csv'
    table.write_text('start,end\n1.0,2.9\n')
    [report], [episode] = imported(tmp_path, rows, cut=f'csv:{table}')
    assert report.ticks == 19 and not report.notes
    assert episode.actions[0] == pytest.approx([0.2, 0.1])


def test_a_command_from_before_the_episode_does_not_count_where_the_arm_is_elsewhere(tmp_path):
    rows = [*states(3.0, still=True), at(0.5, goal(['a', 'b'], (0, [0.8, 0.1]))),
            at(1.55, goal(['a', 'b'], (0, [0.9, 0.3])))]
    table = tmp_path / 'cut.csv'
    table.write_text('start,end\n1.0,2.9\n')
    [report], [episode] = imported(tmp_path, rows, cut=f'csv:{table}')
    assert episode.actions[0] == pytest.approx([0.9, 0.3])
    assert ('the first 0.500 s are left out: no command for arm had come on command '
            '(hold_until_commanded: [arm] in the mapping, if it stood still)') in report.notes


def test_an_arm_that_moves_long_after_its_last_command_ends_the_episode(tmp_path):
    rows = states(6.0) + stream(lambda t: goal(['a', 'b'], (0, [t, 2 * t])), 1.0)
    [report], [episode] = imported(tmp_path, rows, position_age=2.0)
    assert 29 <= report.ticks <= 31
    assert episode.actions[-1] == pytest.approx([0.9, 1.8])
    [end, why] = [note for note in report.notes if 'left out' in note or 'position_age' in note]
    assert end.startswith('the last 3.') and end.endswith('s are left out')
    assert 'command: the last command for' in why and 'position_age in the mapping' in why


@pytest.mark.parametrize('again', [slice(21, 22), slice(30, 40)])
def test_an_arm_that_moves_without_commands_in_the_middle_rejects_the_episode(tmp_path, again):
    """Whether the next command comes soon after the tick at which that is seen, or later."""
    commands = stream(lambda t: goal(['a', 'b'], (0, [t, 2 * t])), 4.0)
    [report], episodes = imported(tmp_path, states(4.0) + commands[:10] + commands[again],
                                  position_age=1.0)
    assert not episodes
    assert 'at 2.0' in report.reason and 'position_age' in report.reason
    assert 'Later a message came' in report.reason


def test_an_arm_that_stands_where_an_old_command_holds_it_is_commanded(tmp_path):
    rows = [*states(8.0, still=True), at(0.05, goal(['a', 'b'], (0, [0.05, 0]))),
            at(7.55, goal(['a', 'b'], (0, [0.1, 0])))]
    [report], [episode] = imported(tmp_path, rows, position_age=1.0)
    assert report.ticks > 75
    assert set(np.round(episode.actions[:, 0], 3)) == {np.float32(0.05), np.float32(0.1)}


def test_a_slow_drift_from_an_old_command_ends_the_episode_however_wide_the_limits_are(tmp_path):
    rows = [*states(6.0, still=True), at(0.05, goal(['a', 'b'], (0, [0, 0])))]
    for topic, time, message in rows:
        if topic == '/joint_states':
            message.position[0] = 0.03 * max(0.0, (time - BEGIN) / SECOND - 2.0)
    wide = {**ARM, 'actions': {'arm': {**ARM['actions']['arm'], 'minimum': [-50, -50],
                                       'maximum': [50, 50]}}}
    [report], _ = imported(tmp_path, rows, parse_contract(wide), position_age=1.0)
    assert report.kept and 36 <= report.ticks <= 39
    assert any('the joint has moved away from it by 0.05' in note for note in report.notes)


def test_a_held_command_without_a_measurement_has_an_age_limit(tmp_path):
    contract = parse_contract({**ARM, 'actions': {'tool': {
        'topic': 'command', 'type': 'std_msgs/msg/Float64MultiArray', 'field': 'data',
        'minimum': [0], 'maximum': [1], 'hold': 'last'}}})
    [report], _ = imported(tmp_path, [*states(4.0), at(0.05, array(0.5))], contract,
                           position_age=2.0)
    assert 19 <= report.ticks <= 21
    assert any('the last command for tool is 2.' in note for note in report.notes)


# Goals for some of the joints.

def test_joints_that_a_goal_does_not_name_keep_their_last_command(tmp_path):
    rows = states()
    for index in range(20):
        rows.append(at(index / 10 + 0.03, goal(['b'] if index % 2 else ['x', 'a'],
                                               (0, [index] if index % 2 else [7, index / 10]))))
    [report], [episode] = imported(tmp_path, rows, parse_contract({
        **ARM, 'actions': {'arm': {**ARM['actions']['arm'], 'maximum': [99, 99]}}}))
    last = np.arange(report.ticks)
    assert episode.actions[:, 0] == pytest.approx((last - last % 2) / 10)
    assert episode.actions[1:, 1] == pytest.approx((last - 1 + last % 2)[1:])


def test_a_joint_that_no_goal_names_counts_as_held_if_it_stands_still(tmp_path):
    rows = states(still=True) + stream(lambda t: goal(['a'], (0, [t])))
    [report], [episode] = imported(tmp_path, rows)
    assert (episode.actions[:, 1] == 0.0).all()
    assert report.notes == (
        "arm: no message on command commands ['b']: they count as commanded to where they stood",)


def test_a_joint_that_moves_although_no_goal_names_it_rejects_the_episode(tmp_path):
    [report], episodes = imported(tmp_path, states() + stream(lambda t: goal(['a'], (0, [t]))))
    assert not episodes
    assert 'command: no message so far commands b, but it has moved by 0.2' in report.reason
    assert 'actions.arm' in report.reason


def test_two_actions_on_one_topic_each_have_messages_of_their_own(tmp_path):
    part = {**ARM['actions']['arm'], 'minimum': [-9], 'maximum': [9]}
    contract = parse_contract({**ARM, 'actions': {
        'arm': {**part, 'joints': ['a']}, 'gripper': {**part, 'joints': ['b']}}})
    rows = states()
    for index in range(20):
        rows += [at(index / 10 + 0.03, goal(['a'], (0, [index / 10]))),
                 at(index / 10 + 0.04, goal(['b'], (0, [index / 5])))]
    [report], [episode] = imported(tmp_path, rows, contract)
    assert not report.notes
    assert episode.actions == pytest.approx(
        np.outer(np.arange(report.ticks), [0.1, 0.2]), abs=1e-6)


def test_joints_that_a_velocity_command_does_not_name_stand_still(tmp_path):
    contract = parse_contract({**ARM, 'actions': {'arm': {
        'topic': 'command', 'type': 'trajectory_msgs/msg/JointTrajectory', 'joints': ['a', 'b'],
        'quantity': 'velocity', 'minimum': [-1, -1], 'maximum': [1, 1]}}})

    def velocities(t):
        names, values = (['b'], [0.5]) if t < 1.0 else (['a', 'b'], [0.25, 0.5])
        return goal(names, (0, []), velocities=[values])

    [report], [episode] = imported(tmp_path, states() + stream(velocities), contract)
    assert episode.actions[:10].tolist() == [[0.0, 0.5]] * 10
    assert episode.actions[10:].tolist() == [[0.25, 0.5]] * (report.ticks - 10)
    assert '10 messages on command name some of the joints' in report.notes[0]


def test_twists_in_another_frame_than_the_contracts_are_refused(tmp_path):
    contract = parse_contract({**ARM, 'actions': {'hand': {
        'topic': 'command', 'type': 'geometry_msgs/msg/TwistStamped', 'field': 'twist.linear',
        'frame_id': 'base', 'minimum': [-1] * 3, 'maximum': [1] * 3}}})

    def twist(frame):
        message = blank_message('geometry_msgs/msg/TwistStamped')
        put_stamp(message, BEGIN, frame)
        message.twist.linear.x = 0.5
        return message

    [report], _ = imported(tmp_path / 'tool', states() + stream(lambda t: twist('tool')), contract)
    assert "is in the frame 'tool', not in 'base'" in report.reason
    for frame in ('base', ''):  # the receiver's own frame, as for the contract
        [report], [episode] = imported(
            tmp_path / f'in_{frame}', states() + stream(lambda t, name=frame: twist(name)),
            contract)
        assert report.kept and episode.actions[5].tolist() == [0.5, 0.0, 0.0]


def test_a_jog_command_without_some_joints_has_zeros_for_them():
    entry = parse_contract({**ARM, 'actions': {'arm': {
        'topic': 'jog', 'type': 'control_msgs/msg/JointJog', 'joints': ['a', 'b'],
        'quantity': 'velocity', 'minimum': [-1, -1], 'maximum': [1, 1]}}}).actions['arm']
    message = SimpleNamespace(joint_names=['x', 'b'], velocities=[0.1, 0.5])
    command = read_command(message, entry, BEGIN, 0.1, by_stamp=True)
    assert command.points.tolist() == [[[0.0, 0.5]]] and command.zeros == (0,)
    displaced = SimpleNamespace(joint_names=['a', 'b'], velocities=[], displacements=[0.1, 0.2])
    with pytest.raises(CodecError, match='has 0 values of velocity for the 2 joints'):
        read_command(displaced, entry, BEGIN, 0.1, by_stamp=True)


def test_a_leader_whose_joints_come_from_two_publishers_is_read(tmp_path):
    rows = states()
    for index in range(100):
        for names, values in ((['la'], [index / 50]), (['lb', 'x'], [index / 25, 5.0]),
                              (['other'], [3.0])):
            message = blank_message('sensor_msgs/msg/JointState')
            message.name.extend(names)
            message.position.extend(values)
            rows.append(at(index / 50 + 0.001, message, '/leader'))
    leader = {'topic': '/leader', 'type': 'sensor_msgs/msg/JointState', 'joints': ['la', 'lb']}
    [report], [episode] = imported(tmp_path, rows, actions={'arm': {'recorded': leader}})
    assert not report.notes
    newest = 0.1 * np.arange(1, report.ticks + 1) - 0.02
    assert episode.actions == pytest.approx(np.outer(newest, [1.0, 2.0]), abs=1e-6)
    with pytest.raises(AssertionError, match="names .*'other'.*none of .*'no', 'nothing'"):
        (tmp_path / 'none').mkdir()
        [report], _ = imported(tmp_path / 'none', rows, actions={'arm': {'recorded': {
            **leader, 'joints': ['no', 'nothing']}}})
        raise AssertionError(report.reason)


# Limits.

def test_commands_beyond_the_limits_are_named_by_joint_with_how_far(tmp_path):
    tight = parse_contract({**ARM, 'actions': {'arm': {
        **ARM['actions']['arm'], 'maximum': [9, 3]}}})
    [report], _ = imported(
        tmp_path, states() + stream(lambda t: goal(['a', 'b'], (0, [t, 2 * t]))), tight)
    assert report.notes == (
        'command: arm b: 3 of 19 commands are beyond -9..3, the farthest is 3.6: reduced to the '
        'limit',)


@pytest.mark.parametrize('factor', [57.3, 2.5])
def test_commands_in_another_unit_are_refused_and_not_reduced(tmp_path, factor):
    """Far beyond a limit, or most of them beyond it."""
    tight = parse_contract({**ARM, 'actions': {'arm': {
        **ARM['actions']['arm'], 'minimum': [-2, -2], 'maximum': [2, 2]}}})
    [report], episodes = imported(
        tmp_path, states() + stream(lambda t: goal(['a', 'b'], (0, [0, factor * t]))), tight)
    assert not episodes
    assert report.reason.startswith('command: arm b: 1')
    assert 'of 19 commands are beyond -2..2, the farthest is' in report.reason
    assert 'another unit?' in report.reason or 'in degrees?' in report.reason


def test_measurements_in_another_unit_than_the_commands_are_refused(tmp_path):
    rows = states() + stream(lambda t: goal(['a', 'b'], (0, [t / 57.3, 2 * t / 57.3])))
    tight = parse_contract({**ARM, 'actions': {'arm': {
        **ARM['actions']['arm'], 'minimum': [-0.1, -0.1], 'maximum': [0.1, 0.1]}}})
    [report], episodes = imported(tmp_path, rows, tight)
    assert not episodes
    assert 'arm a is measured from 0 to 1.8 and commanded within -0.1..0.1' in report.reason


def test_values_in_the_order_of_other_joints_are_refused(tmp_path):
    """The message has no names, so the contract's order may not be that of the controller."""
    rows = states() + stream(lambda t: array(2 * t + 0.1, t + 0.1))
    [report], episodes = imported(tmp_path, rows, parse_contract(FORWARD))
    assert not episodes
    assert "the values for arm are followed by the joints ['b', 'a'], in this order" in (
        report.reason)
    assert report.reason.startswith('command: ')


def test_a_gripper_that_is_commanded_late_stands_still_until_then_if_the_mapping_says_so(tmp_path):
    part = {**ARM['actions']['arm'], 'minimum': [-9], 'maximum': [9]}
    contract = parse_contract({**ARM, 'actions': {
        'arm': {**part, 'joints': ['a']},
        'gripper': {**part, 'joints': ['b'], 'topic': 'gripper'}}})
    rows = [*states(still=True), *stream(lambda t: goal(['a'], (0, [t]))),
            at(1.05, goal(['b'], (0, [0.5])), '/gripper')]
    [report], [episode] = imported(tmp_path, rows, contract)
    assert report.ticks == 9
    assert 'no command for gripper had come on gripper' in report.notes[0]
    (tmp_path / 'held').mkdir()
    [report], [episode] = imported(tmp_path / 'held', rows, contract,
                                   hold_until_commanded=('gripper',))
    assert episode.actions[:, 1] == pytest.approx([0.0] * 10 + [0.5] * 9)
    assert report.notes[0].startswith('gripper: b is commanded on gripper for the first time at')
    (tmp_path / 'moves').mkdir()
    [report], episodes = imported(
        tmp_path / 'moves', [*states(), *rows[-21:]], contract, hold_until_commanded=('gripper',))
    assert not episodes and 'no message so far commands b' in report.reason
