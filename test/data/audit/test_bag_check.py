# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A contract that doesn't fit a bag is found out by it; what the bag doesn't tell is said."""

from copy import deepcopy

from foreign_bags import BEGIN, ros2_bag, SECOND
import numpy as np
import pytest
from twin_arms import description as twins

from inril_ros.data.audit.bag_check import check_bag
from inril_ros.data.audit.finding import verdict_of
from inril_ros.data.raw.messages import blank_message, message_class
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.messages.codecs import put_stamp
from inril_ros.robot.messages.images import encode_image

STATE, ARRAY = 'sensor_msgs/msg/JointState', 'std_msgs/msg/Float64MultiArray'
TRAJECTORY = 'trajectory_msgs/msg/JointTrajectory'
JOINTS = ['pan', 'lift', 'finger']
ARM = {
    'name': 'arm', 'control_rate': 10,
    'observations': {'angles': {'topic': 'joint_states', 'type': STATE, 'joints': JOINTS}},
    'policy_observations': ['angles'],
    'actions': {'arm': {'topic': 'command', 'type': ARRAY, 'joints': JOINTS, 'hold': 'last',
                        'minimum': [-1.5, -2.0, 0.0], 'maximum': [1.5, 2.0, 0.08]}},
    'episode': {'time_limit': 60}}
MIDDLE, SWING = np.array([0.2, -0.8, 0.04]), np.array([0.5, 0.7, 0.03])


def pose(seconds):
    return MIDDLE + SWING * np.sin(seconds * np.array([2.0, 1.3, 3.1]) + [0.0, 1.0, 2.0])


def contract(**changes):
    data = deepcopy(ARM)
    for path, value in changes.items():
        place, keys = data, path.split('__')
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = value
    return parse_contract(data)


def state(seconds, factor=1.0, names=JOINTS, values=None):
    message = blank_message(STATE)
    put_stamp(message, BEGIN + round(seconds * SECOND), '')
    message.name.extend(reversed(names))
    values = pose(seconds - 0.1) if values is None else values
    message.position.extend((np.array(values) * factor)[::-1].tolist())
    return message


def array_of(values):
    message = blank_message(ARRAY)
    message.data.extend(map(float, values))
    return message


def rows(order=(0, 1, 2), factor=1.0, states=state, commands=None, space=''):
    """A recording of 4 s: joint states at 50 Hz, commands at 20 Hz."""
    commands = commands or (lambda at: array_of((pose(at) * factor)[list(order)]))
    made = [(f'/{space}joint_states', at, states(at)) for at in np.arange(0.0, 4.0, 0.02)]
    made += [(f'/{space}command', at, commands(at)) for at in np.arange(0.0, 3.8, 0.05)]
    return [(topic, BEGIN + round(at * SECOND), message)
            for topic, at, message in sorted(made, key=lambda row: row[1])]


def found(tmp_path, of, recording):
    return check_bag(of, ros2_bag(tmp_path / 'bag', recording))


def wrong(findings, kind):
    """Return the one wrong finding, which is of a kind, as text."""
    [one] = [finding for finding in findings if finding.verdict == 'wrong']
    assert one.kind == kind, one
    return str(one)


def test_a_contract_that_fits_is_fine(tmp_path):
    findings = found(tmp_path, contract(), rows())
    assert {finding.verdict for finding in findings} == {'fine'}
    assert 'the order of the joints fits' in str(findings[-1])


def test_another_order_than_the_controllers_is_wrong(tmp_path):
    text = wrong(found(tmp_path, contract(), rows(order=(1, 0, 2))), 'order')
    assert 'value 0 moves lift, the contract says pan' in text
    assert '[lift, pan, finger]' in text


def test_the_order_of_velocities_is_told_by_the_motion(tmp_path):
    """As of a UR: states come in the order of the alphabet, commands in the controller's."""
    def velocity(order):
        return lambda at: array_of((SWING * [2.0, 1.3, 3.1] * np.cos(
            at * np.array([2.0, 1.3, 3.1]) + [0.0, 1.0, 2.0]))[list(order)])

    of = contract(actions__arm__quantity='velocity', actions__arm__hold='zero',
                  actions__arm__minimum=[-2.0] * 3)
    assert verdict_of(found(tmp_path, of, rows(commands=velocity([0, 1, 2])))) == 'fine'
    findings = check_bag(of, ros2_bag(tmp_path / 'other', rows(commands=velocity([1, 0, 2]))))
    assert 'value 0 moves lift, the contract says pan' in wrong(findings, 'order')


def test_a_controller_that_takes_named_joints_by_their_place_is_found(tmp_path):
    def named(at):
        return trajectory(['lift', 'pan', 'finger'], (0.0, pose(at)))

    of = contract(actions__arm__type=TRAJECTORY)
    text = wrong(found(tmp_path, of, rows(commands=named)), 'order')
    assert 'the commands move other joints than they name: that of pan moves lift' in text


def test_velocities_that_no_driver_measures_are_said_to_be_unreadable(tmp_path):
    def unmeasured(at):
        message = state(at)
        message.velocity.extend([np.nan] * 3)
        return message

    of = contract(observations__speed={
        'topic': 'joint_states', 'type': STATE, 'joints': JOINTS, 'quantity': 'velocity'})
    text = wrong(found(tmp_path, of, rows(states=unmeasured)), 'decode')
    assert 'observations.speed: none of 200 messages can be read' in text
    assert 'not finite' in text


def test_an_order_that_the_bag_does_not_tell_is_named(tmp_path):
    still = np.array([0.3, 0.3, 0.04])
    findings = found(tmp_path, contract(), rows(
        states=lambda at: state(at, values=still), commands=lambda at: array_of(still)))
    assert verdict_of(findings) == 'fine'
    assert 'not checked: actions.arm: the order of pan, lift' in str(findings[-1])


@pytest.mark.parametrize(('factor', 'joints', 'unit'), [
    ([180.0 / np.pi, 180.0 / np.pi, 1.0], {'pan', 'lift'}, 'degrees'),
    ([1.0, 1.0, 1000.0], {'finger'}, 'mm'),
    ([1.0, 1.0, 100 / 0.08], {'finger'}, 'percent of the range, 0..100')])
def test_another_unit_is_wrong_for_commands_and_measurements(tmp_path, factor, joints, unit):
    factor = np.array(factor)
    findings = found(tmp_path, contract(), rows(
        factor=factor, states=lambda at: state(at, factor)))
    texts = [str(finding) for finding in findings if finding.verdict == 'wrong']
    assert len(texts) == 2 * len(joints)
    for joint in joints:
        for beginning in ('actions.arm', 'joint_states'):
            [text] = [text for text in texts if text.startswith(f'wrong: {beginning}, {joint}: ')]
            assert unit in text


def test_commands_beyond_the_limits_are_wrong(tmp_path):
    text = wrong(found(tmp_path, contract(actions__arm__maximum=[0.5, 2.0, 0.08]), rows()),
                 'limits')
    assert 'actions.arm, pan: commands -0.3' in text and '% of them are beyond the limits' in text


def test_commands_of_another_length_are_wrong(tmp_path):
    text = wrong(found(tmp_path, contract(), rows(
        commands=lambda at: array_of(pose(at)[:2]))), 'decode')
    assert 'no command can be read, the first: command: 2 values, 3 needed' in text


def trajectory(joints, *points):
    """A goal with (time [s], values) of each point."""
    message = blank_message(TRAJECTORY)
    message.joint_names.extend(joints)
    for seconds, values in points:
        point = blank_message(f'{TRAJECTORY}Point')
        point.positions.extend(map(float, values))
        point.time_from_start.sec, point.time_from_start.nanosec = divmod(
            round(seconds * SECOND), SECOND)
        message.points.append(point)
    return message


def test_goals_of_some_of_the_joints_are_commands(tmp_path):
    def part(at):
        first = round(at * 20) % 2 == 0
        joints = JOINTS[:2] if first else JOINTS[2:]
        return trajectory(joints, (0.0, pose(at)[:2] if first else pose(at)[2:]))

    of = contract(actions__arm__type=TRAJECTORY)
    assert verdict_of(found(tmp_path, of, rows(commands=part))) == 'fine'


def test_a_joint_that_no_goal_names_is_wrong(tmp_path):
    of = contract(actions__arm__type=TRAJECTORY)
    text = wrong(found(tmp_path, of, rows(
        commands=lambda at: trajectory(JOINTS[:2], (0.0, pose(at)[:2])))), 'joints')
    assert "actions.arm: no message commands finger; they name ['lift', 'pan']" in text


def test_all_points_of_a_trajectory_are_held_against_the_limits(tmp_path):
    of = contract(actions__arm__type=TRAJECTORY)
    text = wrong(found(tmp_path, of, rows(commands=lambda at: trajectory(
        JOINTS, (0.5, pose(at)), (1.0, [1.6, 0.0, 0.0])))), 'limits')
    assert 'actions.arm, pan: commands -0.3' in text and '..1.6, limits -1.5..1.5: 50 %' in text


def test_positions_that_are_not_finite_are_named_and_do_not_hinder_the_other_checks(tmp_path):
    def states(at):
        return state(at, values=pose(at - 0.1) * (np.nan if 2.0 < at < 2.1 else 1.0))

    findings = found(tmp_path, contract(), rows(order=(1, 0, 2), states=states))
    [unread] = [one for one in findings if one.kind == 'decode']
    assert 'a value is not finite' in unread.what
    assert 'value 0 moves lift' in wrong(findings, 'order')


def test_some_messages_that_cannot_be_read_are_named(tmp_path):
    findings = found(tmp_path, contract(), rows(commands=lambda at: array_of(
        [np.nan] * 3 if 1.0 < at < 1.2 else pose(at))))
    assert verdict_of(findings) == 'look at this'
    assert any('3 messages cannot be read, the first: command: a value is not finite' in str(one)
               for one in findings)


def test_joints_that_no_message_has_are_wrong(tmp_path):
    text = wrong(found(tmp_path, contract(), rows(
        states=lambda at: state(at, names=['pan', 'lift', 'jaw']))), 'joints')
    assert "no message has the joints ['finger']; the bag has ['jaw', 'lift', 'pan']" in text


def test_joints_may_come_from_several_publishers(tmp_path):
    def part(at):
        first = round(at * 50) % 2 == 0
        return state(at, names=JOINTS[:2] if first else JOINTS[2:],
                     values=pose(at - 0.1)[:2] if first else pose(at - 0.1)[2:])

    assert {one.verdict for one in found(tmp_path, contract(), rows(states=part))} == {'fine'}


def test_a_missing_topic_and_another_type_are_wrong(tmp_path):
    data = {'topic': 'hand', 'type': 'geometry_msgs/msg/PointStamped', 'field': 'point'}
    assert 'hand: not in the bag. The bag has /command, /joint_states' in wrong(
        found(tmp_path, contract(observations__hand=data), rows()), 'topic')
    texts = [str(one) for one in check_bag(contract(actions__arm__type=TRAJECTORY),
                                           tmp_path / 'bag')]
    assert (f'wrong: command: {ARRAY} in the bag, {TRAJECTORY} in the contract. '
            'Write the type of the bag, or name another topic') in texts


def test_topics_in_a_namespace_are_found_by_its_name(tmp_path):
    bag = ros2_bag(tmp_path / 'bag', rows(space='left/'))
    texts = ' '.join(map(str, check_bag(contract(), bag)))
    assert 'Is it /left/joint_states? Give --namespace /left' in texts
    assert verdict_of(check_bag(contract(), bag, '/left')) == 'fine'


def test_a_topic_that_is_outside_of_the_robots_namespace_is_renamed(tmp_path):
    recording = [(topic.replace('/joint', '/left/joint'), *rest) for topic, *rest in rows()]
    findings = check_bag(contract(), ros2_bag(tmp_path / 'bag', recording), '/left')
    [one] = [one for one in findings if one.verdict == 'look at this']
    assert 'Is it /command? Import it by --remap command:=/command.' in str(one)


def test_without_commands_it_is_said_that_none_was_checked(tmp_path):
    findings = found(tmp_path, contract(), [row for row in rows() if row[0] != '/command'])
    assert verdict_of(findings) == 'look at this'
    assert any('command: not in the bag, so no command was checked' in str(one)
               for one in findings)


def test_a_max_age_below_the_period_of_the_topic_is_wrong(tmp_path):
    text = wrong(found(tmp_path, contract(observations__angles__max_age=0.01), rows()), 'rate')
    assert 'a message comes every 0.020 s, max_age is 0.01 s' in text and 'max_age: 0.05' in text


def test_an_image_of_another_size_is_wrong(tmp_path):
    camera = {'topic': 'eye', 'width': 64, 'height': 48, 'type': 'sensor_msgs/msg/Image'}
    of = contract(cameras__eye=camera)
    small = encode_image(of.cameras['eye'], np.zeros((24, 32, 3), np.uint8), BEGIN, message_class)
    right = encode_image(of.cameras['eye'], np.zeros((48, 64, 3), np.uint8), BEGIN, message_class)
    text = wrong(found(tmp_path, of, [*rows(), ('/eye', BEGIN + 1, small)]), 'image')
    assert '32 x 24, the contract says 64 x 48' in text
    good = check_bag(of, ros2_bag(tmp_path / 'good', [*rows(), ('/eye', BEGIN + 1, right)]))
    assert verdict_of(good) == 'fine'


def test_frames_that_tf_does_not_connect_are_wrong(tmp_path):
    tf = blank_message('tf2_msgs/msg/TFMessage')
    one = blank_message('geometry_msgs/msg/TransformStamped')
    put_stamp(one, BEGIN, 'base')
    one.child_frame_id, one.transform.rotation.w = 'tool0', 1.0
    tf.transforms.append(one)
    pose_of = {'topic': '/tf', 'type': 'tf2_msgs/msg/TFMessage', 'field': 'transform',
               'parent': 'base', 'child': 'tool0'}
    recording = [*rows(), ('/tf', BEGIN + 1, tf)]
    assert verdict_of(found(tmp_path, contract(observations__tool=pose_of), recording)) == 'fine'
    lost = check_bag(contract(observations__tool={**pose_of, 'child': 'tool'}), tmp_path / 'bag')
    assert "TF has no frames ['tool']; it has ['base', 'tool0']" in wrong(lost, 'frames')


def test_two_arms_with_one_name_on_one_topic_are_wrong(tmp_path):
    def either(at):
        return state(at, values=pose(at - 0.1) + (0.4 if round(at * 50) % 2 else 0.0))

    findings = found(tmp_path, contract(), rows(states=either))
    [one] = [one for one in findings if one.kind == 'two in one']
    assert "['pan', 'lift', 'finger'] on joint_states jump to and fro" in one.what


@pytest.mark.parametrize(('factor', 'kind', 'words'), [
    ([1.0, -1.0, 1.0], 'sign', 'actions.arm, lift: the joint moves against its commands'),
    ([1.0, 1.0, 0.001], 'scale', 'actions.arm, finger: the joint moves 1/1e+03 of what is')])
def test_a_joint_that_follows_with_another_sign_or_unit_is_wrong(tmp_path, factor, kind, words):
    text = wrong(found(tmp_path, contract(), rows(
        states=lambda at: state(at, np.array(factor)))), kind)
    assert words in text


@pytest.mark.parametrize(('factor', 'kind', 'words'), [
    ([1.0, -1.0, 1.0], 'sign', 'actions.arm, lift: the joint moves against its commands'),
    ([0.3, 1.0, 1.0], 'scale', 'actions.arm, pan: the joint moves 3.3')])
def test_a_joint_whose_speed_has_another_sign_or_unit_is_wrong(tmp_path, factor, kind, words):
    def commands(at, factor=1.0):
        return array_of((pose(at + 0.01) - pose(at - 0.01)) / 0.02 * np.array(factor))

    limits = {'minimum': [-1.5] * 3, 'maximum': [1.5] * 3}
    of = contract(actions__arm={**ARM['actions']['arm'], **limits, 'quantity': 'velocity',
                                'hold': 'zero'})
    assert verdict_of(check_bag(of, ros2_bag(tmp_path / 'sound', rows(commands=commands)))) \
        == 'fine'
    text = wrong(found(tmp_path, of, rows(commands=lambda at: commands(at, factor))), kind)
    assert words in text


def test_an_arm_that_another_arms_joints_measure_is_wrong(tmp_path):
    def command(values):
        return trajectory(['shoulder', 'elbow'], (0.0, values))

    recording = []
    for at in np.arange(0.0, 4.0, 0.05):
        swing = 0.6 * np.array([np.sin(2.0 * at), np.cos(1.7 * at)])
        for side, sign in (('left', 1.0), ('right', -1.0)):
            time = BEGIN + round(at * SECOND)
            recording.append((f'/{side}/joint_states', time, state(
                at, names=['shoulder', 'elbow'], values=sign * swing)))
            recording.append((f'/{side}/command', time + 1, command(sign * swing)))
    assert verdict_of(found(tmp_path, parse_contract(twins()), recording)) == 'fine'
    data = twins()
    data['actions']['left']['measured_by'] = ['right']
    data['actions']['right']['measured_by'] = ['left']
    texts = [str(one) for one in check_bag(parse_contract(data), tmp_path / 'bag')
             if one.verdict == 'wrong']
    assert len(texts) == 2
    assert 'actions.left is measured on right/joint_states, but its commands are followed on ' \
        'left/joint_states' in texts[0]
