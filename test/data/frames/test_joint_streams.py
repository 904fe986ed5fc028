# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Joints that come in parts, by several publishers: each has its newest value, whoever sent it."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from small_arm import header, START, TYPES

from inril_ros.data.frames.sync import FrameAligner, FrameError
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.messages.codecs import CodecError

MS = 1_000_000
JOINTS = 'sensor_msgs/msg/JointState'
TRAJECTORY = 'trajectory_msgs/msg/JointTrajectory'
ENTRY = {'topic': 'joint_states', 'type': JOINTS, 'max_age': 0.5}


def contract(observations, delay=0.0):
    return parse_contract({
        'name': 'arm', 'control_rate': 10, 'observation_delay': delay,
        'observations': {name: {**ENTRY, **entry} for name, entry in observations.items()},
        'policy_observations': list(observations), 'episode': {'time_limit': 5},
        'actions': {'velocity': {
            'topic': 'command', 'type': 'geometry_msgs/msg/TwistStamped',
            'field': 'twist.linear', 'minimum': [-1, -1, -1], 'maximum': [1, 1, 1]}}})


ARM = contract({'angles': {'joints': ['a', 'b']}, 'grip': {'joints': ['grip']}})
WHOLE = contract({'all': {'joints': ['grip', 'a', 'b']}})


def state(at, velocity=(), **positions):
    """A JointState at a time [ms]."""
    return TYPES[JOINTS](header(START + at * MS), list(positions),
                         np.array(list(positions.values()), float),
                         np.array(velocity, float), np.zeros(0))


def filled(contract, *messages):
    aligner = FrameAligner(contract)
    for message in messages:
        aligner.add('joint_states', message)
    return aligner


def value(aligner, name, at):
    return aligner.frame(START + at * MS).values[name].tolist()


@pytest.mark.parametrize('contract', [ARM, WHOLE])
def test_arm_and_gripper_may_publish_in_turn(contract):
    aligner = filled(contract, state(0, a=1, b=2), state(4, grip=0.5), state(10, b=4, a=3))
    frame = aligner.frame(START + 12 * MS)
    assert np.concatenate([frame.values[name] for name in sorted(frame.values)]).tolist() == (
        [3, 4, 0.5] if contract is ARM else [0.5, 3, 4])
    assert frame.age == 0.008, 'that of the gripper'
    assert aligner.newest_complete() == START + 4 * MS
    assert (aligner.rejections.total, aligner.missing()) == (0, {})


def test_the_part_that_has_stopped_is_named():
    aligner = filled(WHOLE, state(0, grip=1), *(state(at, a=1, b=2) for at in range(0, 800, 100)))
    with pytest.raises(FrameError, match=(
            r"joint_states: all \(of \['grip'\]\) is 0.700 s old, 0.5 s allowed")):
        aligner.frame(START + 700 * MS)


def test_clocks_of_two_publishers_may_differ_a_little():
    """The gripper's stamps are 3 ms behind: older than the arm's newest, and not late."""
    aligner = filled(WHOLE, *(message for at in range(0, 100, 10) for message in (
        state(at, a=at, b=at), state(at - 3, grip=at))))
    assert aligner.rejections.total == 0
    assert value(aligner, 'all', 95) == [90, 90, 90]


def test_a_late_message_is_refused_with_a_reason():
    aligner = filled(WHOLE, state(20, a=1, b=1), state(10, grip=5), state(10, b=9, a=9))
    assert aligner.rejections.counts == {'joint_states': 1}
    assert 'is 0.010000 s before' in aligner.rejections.reasons['joint_states']
    assert value(aligner, 'all', 20) == [5, 1, 1]


def test_a_message_gives_what_is_new_in_it():
    """The second one is late for a and has the first value of b."""
    aligner = filled(WHOLE, state(20, a=1, grip=1), state(10, a=9, b=9))
    assert value(aligner, 'all', 20) == [1, 1, 9]
    assert aligner.rejections.total == 0


def test_joints_that_never_come_are_named_with_those_that_do():
    aligner = filled(ARM, state(0, a=1, b=2, wrist=3), state(1, finger=2))
    assert aligner.rejections.total == 0, 'the wrist and the finger belong to nobody'
    assert aligner.missing() == {'joint_states': (
        "joint_states: no message has position of the joints ['grip']; the messages name "
        "['a', 'b', 'wrist', 'finger']")}
    assert (list(aligner.missing()), aligner.newest_complete()) == (['joint_states'], 0)
    with pytest.raises(FrameError, match=r"no message has position of the joints \['grip'\]"):
        aligner.frame(START + 2 * MS)


def test_what_is_told_of_joints_is_short_however_many_and_long_the_names_are():
    aligner = filled(ARM, state(0, a=1, **{f'{number}{"x" * 10_000}': 0 for number in range(100)}))
    assert len(aligner.missing()['joint_states']) < 1500


def test_a_quantity_that_one_publisher_does_not_give_comes_from_the_other():
    speeds = contract({'angles': {'joints': ['a', 'grip']},
                       'speeds': {'joints': ['a'], 'quantity': 'velocity'}})
    aligner = filled(speeds, state(0, velocity=[7], a=1), state(1, grip=2))
    assert value(aligner, 'angles', 2) == [1, 2]
    assert value(aligner, 'speeds', 2) == [7]
    lacking = filled(speeds, state(0, a=1), state(1, grip=2))
    assert "no message has velocity of the joints ['a']" in lacking.missing()['joint_states']


@pytest.mark.parametrize(('message', 'words'), [
    (TYPES[JOINTS](header(START), ['a', 'a'], np.zeros(2), np.zeros(0), np.zeros(0)),
     r"a joint is named twice: \['a', 'a'\]"),
    (TYPES[JOINTS](header(START), ['a', 'b'], np.zeros(3), np.zeros(0), np.zeros(0)),
     '3 values of position for 2 joints'),
    (state(0, a=np.nan), 'a value is not finite')])
def test_a_message_that_contradicts_itself_is_refused(message, words):
    aligner = FrameAligner(ARM)
    with pytest.raises(CodecError, match=f'joint_states: {words}'):
        aligner.add('joint_states', message)
    assert aligner.rejections.total == 1


def test_each_part_is_interpolated_by_itself():
    smooth = contract({'all': {'joints': ['grip', 'a'], 'align': 'interpolate'}}, 0.05)
    aligner = filled(smooth, state(0, a=0), state(5, grip=1), state(40, a=2), state(25, grip=3))
    assert value(aligner, 'all', 70) == pytest.approx([2.5, 1])


def test_the_clock_of_one_part_that_goes_back_makes_everything_forgotten():
    aligner = filled(ARM, state(5000, a=1, b=1), state(5000, grip=1), state(0, grip=2))
    assert aligner.restarts == 1
    assert "no message has position of the joints ['a', 'b']" in aligner.missing()['joint_states']
    aligner.add('joint_states', state(1, a=3, b=4))
    assert value(aligner, 'angles', 2) == [3, 4]


def turned(at, positions):
    """A state with the joints in another order, as another node sends them."""
    return state(at, **dict(reversed(positions.items())))


def test_two_senders_that_contradict_each_other_give_no_frame():
    """A joint_state_publisher that was left running sends zeros between the measured values."""
    messages = [each for at in range(0, 80, 20) for each in (
        state(at, a=1.0, b=0.5), turned(at, {'a': 0.0, 'b': 0.0}))]
    aligner = filled(contract({'angles': {'joints': ['a', 'b']}}), *messages)
    with pytest.raises(FrameError, match=(
            r"joint_states: two senders give joint 'a' other positions at the same time, 1 and 0; "
            r"their messages name \['a', 'b'\] and \['b', 'a'\].*joint_state_publisher")):
        aligner.frame(START + 80 * MS)
    # Stopping one of them is enough: nobody has to start the node again.
    for at in range(80, 1200, 40):
        aligner.add('joint_states', state(at, a=1.0, b=0.5))
    assert value(aligner, 'angles', 1200) == [1.0, 0.5]


def test_one_sender_that_changes_its_order_contradicts_nobody():
    """As a driver that was started again, whose arm was moved by hand at once."""
    messages = [state(0, a=0.0, b=0.0)]
    messages += [turned(at, {'a': 0.0, 'b': 0.0}) for at in range(20, 80, 20)]
    messages += [state(at, a=1.0, b=0.5) for at in range(80, 180, 10)]
    aligner = filled(contract({'angles': {'joints': ['a', 'b']}}), *messages)
    assert value(aligner, 'angles', 170) == [1.0, 0.5]


@pytest.mark.parametrize(('first', 'second', 'apart'), [
    (1.0, 1.04, 0), (1.0, 1.2, 20),  # noise, and as far as an arm may move
    (np.pi, -np.pi, 0)])
def test_two_senders_that_agree_give_frames(first, second, apart):
    messages = [each for at in range(0, 400, 100) for each in (
        state(at, a=first, b=0.5), turned(at + apart, {'a': second, 'b': 0.5}))]
    aligner = filled(contract({'angles': {'joints': ['a', 'b']}}), *messages)
    assert value(aligner, 'angles', 400)[0] == (second if apart else first)


def test_what_is_not_observed_may_be_nothing():
    """A broadcaster sends NaN for efforts that nobody measures, or leaves positions out."""
    aligner = filled(ARM, state(0, a=1, b=2, grip=3), TYPES[JOINTS](
        header(START + MS), ['a', 'b'], np.array([2.0, 3.0]), np.zeros(0), np.full(2, np.nan)),
        TYPES[JOINTS](header(START + 2 * MS), ['a', 'b'], np.zeros(0), np.ones(2), np.zeros(0)))
    assert value(aligner, 'angles', 3) == [2.0, 3.0]
    assert aligner.rejections.total == 0


def test_trajectories_may_come_in_parts_too():
    leader = contract({'leader': {'joints': ['a', 'grip'], 'type': TRAJECTORY}})
    aligner = FrameAligner(leader)
    for joint, number in (('a', 1.0), ('grip', 2.0)):
        point = TYPES['trajectory_msgs/msg/JointTrajectoryPoint'](
            np.array([number]), np.zeros(0), np.zeros(0), np.zeros(0),
            TYPES['builtin_interfaces/msg/Duration'](0, 0))
        aligner.add('joint_states', TYPES[TRAJECTORY](header(START), [joint], [point]))
    assert value(aligner, 'leader', 0) == [1.0, 2.0]


class ByHand:
    """Each joint by itself: the samples of all messages in the order in which they came."""

    def __init__(self, joints):
        self.samples = {joint: [] for joint in joints}

    def add(self, at, positions):
        for joint, number in positions.items():
            if joint in self.samples and (
                    not self.samples[joint] or self.samples[joint][-1][0] < at):
                self.samples[joint].append((at, number))

    def value(self, joints, tick, delay, smooth):
        """The values and the oldest time; None if one is not there or older than 500 ms."""
        found = []
        for joint in joints:
            known = [sample for sample in self.samples[joint] if sample[0] <= tick]
            before = [sample for sample in known if sample[0] <= tick - delay]
            if not before or tick - delay - before[-1][0] > 500:
                return None
            number = before[-1][1]
            if smooth:
                number = np.interp(tick - delay, *zip(*known))
            found.append((before[-1][0], number))
        return [number for _, number in found], min(at for at, _ in found)


messages = st.lists(st.tuples(
    st.integers(0, 900), st.lists(st.sampled_from('abcx'), min_size=1, max_size=4, unique=True)),
    max_size=25)


@settings(max_examples=150)
@given(messages, st.lists(st.integers(0, 1000), min_size=1, max_size=5), st.booleans(),
       st.sampled_from([0, 100]), st.booleans())
def test_any_parts_give_what_each_joint_by_itself_gives(messages, ticks, smooth, delay, live):
    """Live, with a frame at each tick as the messages come, and from a bag, with all of them."""
    smooth = smooth and delay > 0
    align = 'interpolate' if smooth else 'hold'
    wanted = {'one': ('a', 'b'), 'other': ('c', 'a')}
    aligner = FrameAligner(contract(
        {name: {'joints': list(joints), 'align': align} for name, joints in wanted.items()},
        delay / 1000))
    by_hand, ticks = ByHand('abc'), sorted(ticks)

    def compare(tick):
        expected = {name: by_hand.value(joints, tick, delay, smooth)
                    for name, joints in wanted.items()}
        if None in expected.values():
            with pytest.raises(FrameError):
                aligner.frame(START + tick * MS)
            return
        frame = aligner.frame(START + tick * MS)
        for name, (numbers, _) in expected.items():
            assert frame.values[name].tolist() == pytest.approx(numbers, abs=1e-9)
        oldest = min(oldest for _, oldest in expected.values())
        assert frame.age == (tick - delay - oldest) * MS / 1e9

    for number, (at, joints) in enumerate(messages):
        # Nearly the same, so that no two messages contradict each other.
        positions = {joint: 0.001 * number for joint in joints}
        aligner.add('joint_states', state(at, **positions))
        by_hand.add(at, positions)
        if live:
            compare(ticks[number % len(ticks)])
    for tick in ticks:
        compare(tick)
