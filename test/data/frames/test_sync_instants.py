# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Frames at an instant: delays, latencies, clocks, interpolation, and the sync audit."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp
from small_arm import header, point, SECOND, START, TYPES

from inril_ros.data.frames.sync import FrameAligner, FrameError
from inril_ros.robot.contract.contract import ContractError, parse_contract
from inril_ros.robot.messages.codecs import CodecError

MS = 1_000_000
POINT = {'type': 'geometry_msgs/msg/PointStamped', 'field': 'point', 'max_age': 1.0}
POSE = {'type': 'geometry_msgs/msg/PoseStamped', 'field': 'pose', 'max_age': 1.0}
SWITCH = {'type': 'std_msgs/msg/Bool', 'field': 'data', 'clock': 'receive', 'max_age': 1.0}


def contract(observations, delay=0.0):
    return parse_contract({
        'name': 'arm', 'control_rate': 10, 'observation_delay': delay,
        'observations': {name: {'topic': name, **entry} for name, entry in observations.items()},
        'policy_observations': list(observations), 'episode': {'time_limit': 5},
        'actions': {'velocity': {
            'topic': 'command', 'type': 'geometry_msgs/msg/TwistStamped',
            'field': 'twist.linear', 'minimum': [-1, -1, -1], 'maximum': [1, 1, 1]}}})


def aligner(observations, delay=0.0, **options):
    return FrameAligner(contract(observations, delay), **options)


def pose(stamp, numbers):
    numbers = [float(number) for number in numbers]
    return TYPES[POSE['type']](header(stamp), TYPES['geometry_msgs/msg/Pose'](
        TYPES['geometry_msgs/msg/Point'](*numbers[:3]),
        TYPES['geometry_msgs/msg/Quaternion'](*numbers[3:])))


times = st.lists(st.integers(0, 900), min_size=1, max_size=15, unique=True).map(sorted)


@settings(max_examples=200)
@given(times, st.integers(0, 1000), st.sampled_from([0, 20, 50, 130]),
       st.sampled_from([0, 30, 100]), st.booleans())
def test_a_value_lies_between_the_samples_around_the_instant(times, tick, delay, latency, smooth):
    """Against numpy's interpolation over all samples that are stamped by the tick."""
    if smooth and not delay:
        return
    frames = aligner({'hand': {
        **POINT, 'align': 'interpolate' if smooth else 'hold', 'latency': latency / 1000}},
        delay / 1000)
    for at in times:
        frames.add('hand', point(START + at * MS, float(at * at)))
    known = [at for at in times if at <= tick]
    true_times = [at - latency for at in known]
    instant = tick - delay
    before = [at for at in true_times if at <= instant]
    if not before:
        with pytest.raises(FrameError, match='no sample at or before'):
            frames.frame(START + tick * MS)
        return
    if instant - before[-1] > 1000:
        return
    frame = frames.frame(START + tick * MS)
    if smooth:
        expected = np.interp(instant, true_times, [float(at * at) for at in known])
    else:
        expected = (before[-1] + latency) ** 2
    assert frame.values['hand'][0] == pytest.approx(expected, rel=1e-12, abs=1e-9)
    assert frame.age == (instant - before[-1]) * MS / 1e9


@settings(max_examples=50)
@given(st.lists(st.integers(0, 100), min_size=2, max_size=6, unique=True).map(sorted),
       st.integers(0, 100), st.integers(0, 2 ** 32))
def test_poses_are_interpolated_along_the_shorter_turn(times, instant, seed):
    random = np.random.default_rng(seed)
    turns = Rotation.random(len(times), random)
    quaternions = turns.as_quat() * random.choice([-1.0, 1.0], (len(times), 1))
    frames = aligner({'hand': {**POSE, 'align': 'slerp'}}, 0.2)
    for at, turn in zip(times, quaternions, strict=True):
        frames.add('hand', pose(START + at * MS, [at, 0, 0, *turn]))
    tick = START + (instant + 200) * MS
    if instant < times[0]:
        with pytest.raises(FrameError):
            frames.frame(tick)
        return
    value = frames.frame(tick).values['hand']
    at = min(instant, times[-1])
    assert value[0] == pytest.approx(at)
    expected = Slerp(times, turns)(at).as_quat()
    assert abs(value[3:] @ expected) == pytest.approx(1.0, abs=1e-7)


@pytest.mark.parametrize('align', ['hold', 'slerp'])
def test_a_pose_that_was_not_set_is_refused_and_leaves_the_one_before(align):
    frames = aligner({'hand': {**POSE, 'align': align}}, 0.2)
    for at in (0, 200, 400):
        message = pose(START + at * MS, [at, 0, 0, 0, 0, 0, at != 200])
        if at == 200:
            with pytest.raises(CodecError, match='hand: pose: .*is no rotation'):
                frames.add('hand', message)
        else:
            frames.add('hand', message)
    assert frames.rejections.counts == {'hand': 1}
    assert frames.frame(START + 500 * MS).values['hand'][0] == {'hold': 0.0, 'slerp': 300.0}[align]


def test_a_pose_in_another_frame_than_those_before_is_refused():
    frames = aligner({'hand': POSE})
    for at, frame in ((0, ''), (100, 'base'), (200, 'camera'), (300, '/base'), (400, 'camera')):
        message = pose(START + at * MS, [at, 0, 0, 0, 0, 0, 1])
        message.header.frame_id = frame
        if frame == 'camera':
            with pytest.raises(CodecError, match="hand: is in the frame 'camera', the first "
                                                 "message was in 'base'"):
                frames.add('hand', message)
        else:
            frames.add('hand', message)
    assert frames.frame(START + 500 * MS).values['hand'][0] == 300.0


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 200)), min_size=1, max_size=15),
       st.lists(st.integers(0, 900), min_size=1, max_size=6))
def test_a_frame_is_the_same_whenever_it_is_made(samples, ticks):
    """At the tick, with only the samples stamped by then, or at the end: bit for bit."""
    samples.sort()
    observations = {'hand': {**POINT, 'align': 'interpolate'},
                    'cup': {**POINT, 'latency': 0.05}}

    def frame_or_reason(frames, tick):
        try:
            frame = frames.frame(START + tick * MS)
        except FrameError as error:
            return str(error)
        return ({name: value.tolist() for name, value in frame.values.items()},
                frame.age, frame.skew, frame.gap)

    late = aligner(observations, 0.06)
    for at, value in samples:
        for name in observations:
            late.add(name, point(START + at * MS, value / 7.0))
    for tick in ticks:
        early = aligner(observations, 0.06)
        for at, value in samples:
            if at <= tick:
                for name in observations:
                    early.add(name, point(START + at * MS, value / 7.0))
        assert frame_or_reason(early, tick) == frame_or_reason(late, tick)


def test_a_message_without_a_header_has_the_time_at_which_it_came():
    frames = aligner({'closed': SWITCH})
    switch = TYPES[SWITCH['type']]
    assert frames.add('closed', switch(True), received=START) == START
    frames.add('closed', switch(False), received=START + 5)
    assert frames.frame(START + 4).values['closed'].tolist() == [1.0]
    assert frames.frame(START + 5).values['closed'].tolist() == [0.0]
    assert frames.newest_complete() == START + 5
    with pytest.raises(CodecError, match='closed: its time is when it is received'):
        frames.add('closed', switch(True))


def test_one_topic_may_be_read_by_either_clock():
    frames = aligner({'stamped': {**POINT, 'topic': 'hand'},
                      'heard': {**POINT, 'topic': 'hand', 'clock': 'receive'}})
    frames.add('hand', point(START, 1.0), received=START + 50 * MS)
    frames.add('hand', point(START + 40 * MS, 2.0), received=START + 90 * MS)
    values = frames.frame(START + 60 * MS).values
    assert (values['stamped'][0], values['heard'][0]) == (2.0, 1.0)


def test_a_stamp_of_zero_is_no_hindrance_where_the_time_of_receiving_counts():
    frames = aligner({'hand': {**POINT, 'clock': 'receive'}})
    frames.add('hand', point(0, 1.0), received=START)
    assert frames.frame(START).values['hand'][0] == 1.0


def test_an_observation_without_a_header_says_what_to_write():
    frames = aligner({'hand': {'type': 'my_msgs/msg/Hand', 'field': 'width', 'size': 1}})
    with pytest.raises(CodecError, match='hand: has no header.*clock: receive'):
        frames.add('hand', TYPES['std_msgs/msg/Float32'](1.0))


def test_a_latched_value_is_never_too_old():
    frames = aligner({'goal': {**POINT, 'latched': True}, 'hand': POINT})
    frames.add('goal', point(START - 3600 * SECOND, 5.0))
    frames.add('hand', point(START, 1.0))
    assert frames.newest_complete() == START
    assert frames.frame(START).values['goal'][0] == 5.0
    assert (frames.frame(START).age, frames.frame(START).skew) == (0.0, 0.0)


def test_the_audit_tells_age_skew_and_gap():
    frames = aligner({'hand': {**POINT, 'align': 'interpolate'}, 'cup': POINT}, 0.1)
    for at in (0, 40, 100, 220):
        frames.add('hand', point(START + at * MS, float(at)))
    for at in (10, 60):
        frames.add('cup', point(START + at * MS, float(at)))
    frame = frames.frame(START + 230 * MS)
    assert frame.values['hand'][0] == pytest.approx(130.0)
    assert frame.age == 0.07, 'the cup of 60 ms at the instant 130 ms'
    assert frame.skew == 0.04, 'the hand of 100 ms and the cup of 60 ms'
    assert frame.gap == 0.12, 'the hand from 100 to 220 ms'


def test_whoever_guards_the_arm_sees_the_newest():
    observations = {'hand': {**POINT, 'align': 'interpolate'}}
    policy, guard = aligner(observations, 0.1), aligner(observations, 0.1, delayed=False)
    for frames in (policy, guard):
        for at in (0, 100):
            frames.add('hand', point(START + at * MS, float(at)))
    tick = START + 150 * MS
    assert policy.frame(tick).values['hand'][0] == pytest.approx(50.0)
    assert guard.frame(tick).values['hand'][0] == 100.0


@pytest.mark.parametrize('align', ['interpolate'])
def test_interpolation_without_a_delay_is_refused_with_the_remedy(align):
    with pytest.raises(ContractError, match='observations.hand.align.*observation_delay: 0.02'):
        contract({'hand': {**POINT, 'align': align}})


def test_a_latched_value_has_its_own_time():
    with pytest.raises(ContractError, match='observations.on: a latched value'):
        contract({'on': {**SWITCH, 'latched': True}})


# Clocks that jump.

def test_a_looping_bag_begins_anew():
    frames = aligner({'hand': POINT, 'cup': POINT})
    for loop in range(3):
        for at in range(0, 3000, 100):
            for name in ('hand', 'cup'):
                frames.add(name, point(START + at * MS, float(loop)))
        assert frames.frame(START + 50 * MS).values['hand'][0] == loop
    assert frames.restarts == 2
    assert frames.rejections.total == 0


def test_a_clock_that_jumps_ahead_and_back_costs_samples_and_nothing_else():
    """After one message from the future there is no frame until time has come back to normal."""
    frames = aligner({'hand': POINT, 'cup': POINT})
    for name in ('hand', 'cup'):
        frames.add(name, point(START, 1.0))
    frames.add('hand', point(START + 100 * SECOND, 7.0))
    assert frames.frame(START + 1).values['hand'][0] == 1.0
    frames.add('hand', point(START + 10 * MS, 2.0))
    assert frames.restarts == 1
    with pytest.raises(FrameError, match='cup: no sample'):
        frames.frame(START + 10 * MS)
    frames.add('cup', point(START + 10 * MS, 3.0))
    assert frames.frame(START + 10 * MS).values['hand'][0] == 2.0
