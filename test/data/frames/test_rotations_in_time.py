# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A rotation has two quaternions and a place of a joint many angles: observations don't jump."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from small_arm import header, START, TYPES

from inril_ros.data.demonstrations.npz_export import quantity_columns
from inril_ros.data.frames.observation_builder import ObservationBuilder
from inril_ros.data.frames.sync import FrameAligner, FrameError
from inril_ros.robot.contract.contract import ContractError, parse_contract
from inril_ros.robot.rotations import HEMISPHERE, relative_pose

MS = 1_000_000
POSE, TF = 'geometry_msgs/msg/PoseStamped', 'tf2_msgs/msg/TFMessage'
JOINTS = 'sensor_msgs/msg/JointState'
OBSERVED = {
    'hand': {'topic': 'hand', 'type': POSE, 'field': 'pose', 'max_age': 1.0},
    'turn': {'topic': 'hand', 'type': POSE, 'field': 'pose.orientation', 'max_age': 1.0},
    'cup': {'topic': 'cup', 'type': POSE, 'field': 'pose', 'max_age': 1.0},
    'tool': {'topic': '/tf', 'type': TF, 'field': 'transform', 'parent': 'base', 'child': 'tool',
             'max_age': 1.0},
    'odometry': {'topic': 'odometry', 'type': 'nav_msgs/msg/Odometry', 'field': 'pose.pose',
                 'size': 7, 'max_age': 1.0},
    'angles': {'topic': 'joint_states', 'type': JOINTS, 'joints': ['a', 'b'], 'max_age': 1.0},
    'leader': {'topic': 'leader', 'type': JOINTS, 'joints': ['a', 'b'], 'max_age': 1.0}}
DERIVED = {'cup_in_hand': {'relative': ['cup', 'hand']}, 'before': {'previous': 'hand'},
           'apart': {'difference': ['cup', 'hand']}, 'moved': {'change': 'turn'}}


def contract(derived, wanted, delay=0.0, **angles):
    observations = {**OBSERVED, 'angles': {**OBSERVED['angles'], **angles}}
    return parse_contract({
        'name': 'arm', 'control_rate': 10, 'observations': observations,
        'derived': derived,
        'observation_delay': delay, 'policy_observations': list(wanted),
        'episode': {'time_limit': 5}, 'actions': {'velocity': {
            'topic': 'command', 'type': 'geometry_msgs/msg/TwistStamped',
            'field': 'twist.linear', 'minimum': [-1, -1, -1], 'maximum': [1, 1, 1]}}})


def built(derived, rows, wanted=None, **angles):
    """The observations of an episode; rows have values by name, others are nothing special."""
    builder = ObservationBuilder(contract(derived, wanted or list(derived), **angles))
    still = {name: np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
             for name in ('hand', 'cup', 'tool', 'odometry')}
    still |= {'turn': still['hand'][3:], 'angles': np.zeros(2), 'leader': np.zeros(2)}
    return np.array([builder.build({**still, **row}) for row in rows]).astype(float)


def posed(quaternion, *place):
    return np.array([*(place or (0.1, 0.2, 0.3)), *quaternion])


DOWN = np.array([1.0, 0.0, 0.0, 0.0])


@pytest.mark.parametrize('name', ['hand', 'cup', 'tool', 'odometry'])
def test_a_tool_that_points_down_keeps_its_sign_whatever_the_sender_gives(name):
    """Its w is around 0: with w >= 0 the values would jump at each change of its sign."""
    near = [np.append(DOWN[:3], w) for w in (0.002, -0.002, 0.001, -0.001)]
    sent = [sign * quaternion for quaternion in near for sign in (1.0, -1.0)]
    values = built({}, [{name: posed(quaternion)} for quaternion in sent], [name])
    assert (values[:, 3] > 0.99).all()
    assert np.abs(np.diff(values, axis=0)).max() < 0.005


def test_a_hand_whose_w_passes_zero_keeps_its_sign():
    """A hand at rest that a driver reports, and a turn that w >= 0 would break in two."""
    for sent in ([[0.0004, 0.99999, -0.0002, 0.0002], [0.0004, 0.99999, -0.0002, -0.0001]],
                 [[-0.06988, 0.97998, 0.18643, 0.00014], [-0.06986, 0.97998, 0.18643, 0.00005],
                  [0.06984, -0.97998, -0.18644, 0.00004], [0.06982, -0.97998, -0.18645, 0.00013]]):
        values = built({}, [{'hand': posed(np.array(quaternion))} for quaternion in sent],
                       ['hand'])
        assert np.abs(np.diff(values, axis=0)).max() < 0.001


def test_the_sign_at_the_beginning_depends_on_the_rotation_alone():
    """Also for those half a turn from the middle of the side, which have the same distance."""
    border = np.array([HEMISPHERE[3], 0.0, 0.0, -HEMISPHERE[0]])
    border /= np.linalg.norm(border)
    for quaternion in (DOWN, border, -HEMISPHERE, *np.eye(4)):
        one, other = (built({}, [{'hand': posed(sign * quaternion)}], ['hand'])
                      for sign in (1.0, -1.0))
        np.testing.assert_array_equal(one, other)


def test_usual_poses_are_far_from_the_border():
    """At least 5 degrees: tools and parts turned by multiples of 45 degrees about two axes."""
    for first in range(8):
        for turn in Rotation.create_group('O'):
            for last in range(8):
                whole = (Rotation.from_euler('z', 45 * first, degrees=True) * turn
                         * Rotation.from_euler('z', 45 * last, degrees=True))
                distance = np.pi - (Rotation.from_quat(HEMISPHERE).inv() * whole).magnitude()
                assert np.degrees(distance) > 5.0


def test_a_new_episode_begins_on_the_same_side_again():
    builder = ObservationBuilder(contract({}, ['turn']))
    for angle in np.linspace(0.0, 2.0 * np.pi, 20):  # one turn leads to the other quaternion
        value = builder.build({'turn': Rotation.from_euler('z', angle).as_quat()})
    assert value[3] == pytest.approx(-1.0)
    builder.begin()
    assert builder.build({'turn': np.array([0.0, 0.0, 0.0, -1.0])})[3] == 1.0


@settings(max_examples=60)
@given(st.integers(0, 2 ** 32), st.integers(2, 40))
def test_any_smooth_motion_gives_smooth_observations(seed, length):
    """Turns of up to 0.3 rad a tick, of both bodies, in either quaternion."""
    random = np.random.default_rng(seed)

    def motion():
        turn, rows = Rotation.random(rng=random), []
        for _ in range(length):
            turn = turn * Rotation.from_rotvec(random.uniform(-0.17, 0.17, 3))
            rows.append(posed(random.choice([-1.0, 1.0]) * turn.as_quat()))
        return rows

    hands, cups = motion(), motion()
    values = built(DERIVED, [{'hand': hand, 'cup': cup, 'turn': -hand[3:]} for hand, cup in zip(
        hands, cups, strict=True)], ['hand', 'turn', *DERIVED])
    parts = {'hand': 7, 'turn': 4, 'cup_in_hand': 7, 'before': 7, 'apart': 7, 'moved': 4}
    ends = np.cumsum(list(parts.values()))
    for name, end in zip(parts, ends, strict=True):
        turns = values[:, end - 4:end]
        assert np.abs(np.diff(turns, axis=0)).max() < 0.35, name
    for row, hand, cup in zip(values, hands, cups, strict=True):
        assert abs(row[3:7] @ hand[3:]) == pytest.approx(1.0, abs=1e-6)
        assert abs(row[14:18] @ relative_pose(cup, hand)[3:]) == pytest.approx(1.0, abs=1e-6)
    assert values[0, 3:7] @ HEMISPHERE > -1e-6
    assert values[0, 14:18] @ HEMISPHERE > -1e-6


def test_a_simulator_s_pose_without_a_rotation_gives_no_observation():
    with pytest.raises(FrameError, match='hand: the quaternion .* is no rotation'):
        built({}, [{'hand': np.zeros(7)}], ['hand'])


@settings(max_examples=30)
@given(st.integers(0, 2 ** 32))
def test_two_columns_have_one_value_for_both_quaternions_and_give_the_rotation_back(seed):
    turn = Rotation.random(rng=seed)
    derived = {'hand_6d': {'rotation_6d': 'hand'}, 'turn_6d': {'rotation_6d': 'turn'},
               'seen': {'relative': ['cup', 'hand']}, 'seen_6d': {'rotation_6d': 'seen'}}
    rows = [{'hand': posed(sign * turn.as_quat()), 'turn': sign * turn.as_quat()}
            for sign in (1.0, -1.0)]
    values = built(derived, rows, ['hand_6d', 'turn_6d', 'seen_6d'])
    np.testing.assert_allclose(values[0], values[1], atol=1e-6)
    place, first, second = values[0, :3], values[0, 3:6], values[0, 6:9]
    assert place.tolist() == pytest.approx([0.1, 0.2, 0.3])
    np.testing.assert_allclose(np.column_stack([first, second, np.cross(first, second)]),
                               turn.as_matrix(), atol=1e-6)
    np.testing.assert_allclose(values[0, 9:15], values[0, 3:9], atol=1e-6)


def test_lengths_and_names_of_the_forms_without_two_values():
    derived = {'hand_6d': {'rotation_6d': 'hand'}, 'round': {'cos_sin': 'angles'},
               'was': {'previous': 'round'}}
    one = contract(derived, list(derived))
    assert [one.length(name) for name in one.policy_observations] == [9, 4, 4]
    assert quantity_columns(one, ('hand_6d', 'round'))[-4:] == [
        'round.a.cos', 'round.a.sin', 'round.b.cos', 'round.b.sin']
    values = built({'round': {'cos_sin': 'angles'}}, [{'angles': np.array([np.pi, -np.pi / 2])}])
    assert values[0].tolist() == pytest.approx([-1.0, 0.0, 0.0, -1.0], abs=1e-6)


def test_a_part_has_the_chosen_values_their_names_and_their_short_way():
    derived = {'height': {'part': 'hand', 'indices': [2], 'scale': 2.0},
               'turned': {'part': 'angles', 'indices': [1, 0]}, 'moved': {'change': 'turned'}}
    one = contract(derived, list(derived))
    assert quantity_columns(one, one.policy_observations) == [
        'height[0]', 'turned.b', 'turned.a', 'moved[0]', 'moved[1]']
    rows = [{'hand': posed(HEMISPHERE), 'angles': np.array([angle, 0.5])}
            for angle in (np.pi - 0.1, -np.pi + 0.1)]
    values = built(derived, rows, list(derived))
    np.testing.assert_allclose(
        values, [[0.6, 0.5, np.pi - 0.1, 0.0, 0.0], [0.6, 0.5, -np.pi + 0.1, 0.0, 0.2]], atol=1e-6)


@pytest.mark.parametrize(('derived', 'words'), [
    ({'x': {'part': 'angles', 'indices': [2]}}, "'angles' has 2 values, indices 0 to 1"),
    ({'x': {'part': 'hand', 'indices': [2, 3]}}, 'a quaternion is taken as a whole'),
    ({'x': {'part': 'angles', 'indices': [1, 1]}}, 'indices has a value twice'),
    ({'x': {'part': 'angles'}}, 'part and indices belong together'),
    ({'x': {'change': 'angles', 'indices': [1]}}, 'part and indices belong together'),
    ({'x': {'rotation_6d': 'angles'}}, "'angles' is no orientation or pose"),
    ({'x': {'cos_sin': 'hand'}}, "'hand' has a quaternion, no angles: use rotation_6d"),
    ({'y': {'change': 'hand'}, 'x': {'rotation_6d': 'y'}}, "'y' is no orientation or pose")])
def test_a_form_of_something_else_is_refused(derived, words):
    with pytest.raises(ContractError, match=words):
        contract(derived, ['x'])


# Angles of joints.

def state(at, positions):
    return TYPES[JOINTS](header(START + at * MS), ['a', 'b'], np.array(positions, float),
                         np.zeros(0), np.zeros(0))


def between(first, second, share, **angles):
    """The angle a between two samples of a topic."""
    aligner = FrameAligner(contract({}, ['angles'], 0.2, align='interpolate', **angles))
    for at, angle in ((0, first), (100, second)):
        aligner.add('joint_states', state(at, [angle, 0.0]))
    for topic in ('hand', 'cup', '/tf', 'odometry', 'leader'):
        aligner.add(topic, other(topic))
    return aligner.frame(START + round(100 * share) * MS + 200 * MS).values['angles'][0]


def other(topic):
    """A message of another topic, from the time of the first sample."""
    quaternion = TYPES['geometry_msgs/msg/Quaternion'](0.0, 0.0, 0.0, 1.0)
    pose = TYPES['geometry_msgs/msg/Pose'](
        TYPES['geometry_msgs/msg/Point'](0.0, 0.0, 0.0), quaternion)
    zero = TYPES['geometry_msgs/msg/Vector3'](0.0, 0.0, 0.0)
    if topic == '/tf':
        return TYPES[TF]([TYPES['geometry_msgs/msg/TransformStamped'](
            header(START), 'tool', TYPES['geometry_msgs/msg/Transform'](zero, quaternion))])
    if topic == 'odometry':
        return TYPES['nav_msgs/msg/Odometry'](
            header(START), 'base', TYPES['geometry_msgs/msg/PoseWithCovariance'](
                pose, np.zeros(36)),
            TYPES['geometry_msgs/msg/TwistWithCovariance'](
                TYPES['geometry_msgs/msg/Twist'](zero, zero), np.zeros(36)))
    return state(0, [0.0, 0.0]) if topic == 'leader' else TYPES[POSE](header(START), pose)


@pytest.mark.parametrize(('first', 'second', 'share', 'expected'), [
    (3.0, -3.1, 0.5, 3.091593), (3.0, -3.1, 0.9, -3.118319), (-3.1, 3.0, 0.9, 3.018319),
    (6.2, 0.1, 0.5, 0.008407), (6.2, 0.1, 0.1, 6.218319),  # a sender of 0 to two pi
    (4.0, -2.0, 0.5, 4.141593),  # one whose turn begins elsewhere
    (-1.5, 1.5, 0.5, 0.0), (0.0, 3.0, 0.5, 1.5),  # less than half a turn
    (0.0, 20.0, 0.5, 10.0),  # more than a turn: no angle
])
def test_an_angle_is_interpolated_the_short_way(first, second, share, expected):
    assert between(first, second, share) == pytest.approx(expected, abs=1e-6)


def test_joints_that_were_taken_to_pass_the_end_of_a_turn_are_named():
    aligner = FrameAligner(contract({}, ['angles'], 0.2, align='interpolate'))
    for topic in ('hand', 'cup', '/tf', 'odometry', 'leader'):
        aligner.add(topic, other(topic))
    for at, angle in ((0, 1.0), (100, 3.0), (200, -3.0)):
        message = state(at, [angle, 0.0])
        aligner.add('joint_states', message)
        # A part with the other joint alone, which passes nothing.
        aligner.add('joint_states', TYPES[JOINTS](
            header(START + (at + 1) * MS), ['b'], np.zeros(1), np.zeros(0), np.zeros(0)))
    aligner.frame(START + 250 * MS)
    assert aligner.notes() == []
    aligner.frame(START + 350 * MS)
    assert aligner.notes() == [
        "joint_states: ['a'] passed the end of a turn and were interpolated the short way; where "
        'such a joint is no angle, write continuous: [] in the contract']


def test_a_contract_says_which_joints_turn_without_end():
    assert between(0.0, 20.0, 0.5, continuous=('a',)) == pytest.approx(0.575222, abs=1e-6)
    assert between(3.0, -3.1, 0.5, continuous=('b',)) == pytest.approx(-0.05)
    assert between(3.0, -3.1, 0.5, continuous=()) == pytest.approx(-0.05)


@pytest.mark.parametrize(('change', 'words'), [
    ({'continuous': ('c',)}, r"continuous names \['c'\], which are none of the joints \['a', 'b'"),
    ({'continuous': ('a',), 'quantity': 'velocity'}, 'continuous is for positions')])
def test_what_cannot_be_continuous_is_refused(change, words):
    with pytest.raises(ContractError, match=words):
        contract({}, ['angles'], **change)


def test_a_joint_that_is_commanded_beyond_two_turns_is_no_angle():
    percent = {'topic': 'c', 'type': 'trajectory_msgs/msg/JointTrajectory', 'joints': ['a'],
               'minimum': [0], 'maximum': [100], 'hold': 'last'}
    one = parse_contract({
        'name': 'arm', 'control_rate': 10, 'episode': {'time_limit': 5},
        'observations': {'angles': OBSERVED['angles']}, 'policy_observations': ['angles'],
        'actions': {'grip': percent}})
    assert one.joint_angles('angles').jumping.tolist() == [False, True]


@settings(max_examples=60)
@given(st.integers(0, 2 ** 32), st.integers(1, 30), st.integers(1, 4))
def test_changes_and_differences_of_any_turning_joint_are_those_of_its_unwound_angle(
        seed, length, ticks):
    random = np.random.default_rng(seed)
    true = np.cumsum(random.uniform(-3.0, 3.0, (length, 2, 2)), axis=0)
    true[:, 1] += true[0, 0] - true[0, 1] + random.uniform(-3.0, 3.0, 2)
    wrapped = (true + np.pi) % (2.0 * np.pi) - np.pi
    rows = [{'angles': row[0], 'leader': row[1]} for row in wrapped]
    values = built(
        {'moved': {'change': 'angles', 'ticks': ticks}, 'was': {'previous': 'angles'},
         'step': {'difference': ['angles', 'was']}, 'ahead': {'difference': ['leader', 'angles']}},
        rows, ['moved', 'step', 'ahead', 'was'], continuous=('a', 'b'))
    for tick in range(length):
        before = max(0, tick - ticks)
        np.testing.assert_allclose(values[tick, :2], true[tick, 0] - true[before, 0], atol=1e-4)
        step = true[tick, 0] - true[max(0, tick - 1), 0]
        np.testing.assert_allclose(values[tick, 2:4], step, atol=1e-4)
        np.testing.assert_allclose(values[tick, 4:6], true[tick, 1] - true[tick, 0], atol=1e-4)
        np.testing.assert_allclose(values[tick, 6:], wrapped[max(0, tick - 1), 0], atol=1e-5)


def test_the_difference_of_joints_with_ends_is_taken_as_it_is():
    """From 2.8 back to -2.8 a joint that ends at 2.9 has to turn the long way."""
    rows = [{'leader': np.array([2.8, 0.0]), 'angles': np.array([-2.8, 0.0])}]
    assert built({'ahead': {'difference': ['leader', 'angles']}}, rows)[0, 0] == pytest.approx(5.6)


@settings(max_examples=30)
@given(st.integers(0, 2 ** 32))
def test_frames_made_live_and_later_give_the_same_observations_to_the_bit(seed):
    """Wrapped angles and flipping quaternions, interpolated, from messages of two rates."""
    random = np.random.default_rng(seed)
    observations = {
        'hand': {**OBSERVED['hand'], 'align': 'slerp'},
        'angles': {**OBSERVED['angles'], 'align': 'interpolate'}}
    one = parse_contract({
        'name': 'arm', 'control_rate': 10, 'observations': observations,
        'derived': {'moved': {'change': 'angles'}, 'seen': {'relative': ['hand', 'hand']},
                    'turned': {'change': 'hand'}},
        'observation_delay': 0.1, 'policy_observations': ['hand', 'angles', 'moved', 'turned'],
        'episode': {'time_limit': 5}, 'actions': {'velocity': {
            'topic': 'command', 'type': 'geometry_msgs/msg/TwistStamped',
            'field': 'twist.linear', 'minimum': [-1, -1, -1], 'maximum': [1, 1, 1]}}})
    messages, turn = [], Rotation.random(rng=random)
    angles = random.uniform(-3.0, 3.0, 2)
    for at in range(0, 2000, 20):
        angles = angles + random.uniform(-0.5, 0.5, 2)
        messages.append((at, 'joint_states', state(at, (angles + np.pi) % (2 * np.pi) - np.pi)))
        if at % 60 == 0:
            turn = turn * Rotation.from_rotvec(random.uniform(-0.2, 0.2, 3))
            numbers = random.choice([-1.0, 1.0]) * turn.as_quat()
            messages.append((at, 'hand', TYPES[POSE](header(START + at * MS), TYPES[
                'geometry_msgs/msg/Pose'](TYPES['geometry_msgs/msg/Point'](0.0, 0.0, 0.0), TYPES[
                    'geometry_msgs/msg/Quaternion'](*numbers)))))
    live, builder, seen = FrameAligner(one), ObservationBuilder(one), []
    waiting = list(messages)
    ticks = range(200, 2000, 100)
    for tick in ticks:
        while waiting and waiting[0][0] <= tick:
            live.add(waiting[0][1], waiting.pop(0)[2])
        seen.append(builder.build(live.frame(START + tick * MS).values))
    later, again = FrameAligner(one), ObservationBuilder(one)
    for _, topic, message in messages:
        later.add(topic, message)
    np.testing.assert_array_equal(
        seen, [again.build(later.frame(START + tick * MS).values) for tick in ticks])
