# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A frame holds what was known at its tick, and says so when that is not enough."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from small_arm import (
    CONTRACT,
    DESCRIPTION,
    joint_state,
    observations,
    observed,
    point,
    START,
    TICK,
    TOPICS,
)

from inril_ros.data.frames.observation_builder import ObservationBuilder
from inril_ros.data.frames.sync import FrameAligner, FrameError
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.messages.codecs import CodecError

SECOND = 1_000_000_000


def filled(*stamps):
    aligner = FrameAligner(CONTRACT)
    for stamp in stamps:
        for topic, message in observations(stamp):
            aligner.add(topic, message)
    return aligner


def test_a_frame_has_the_newest_sample_at_or_before_the_tick():
    aligner = filled(START, START + TICK)
    aligner.add('hand', point(START + TICK + 1, 5.0))
    assert aligner.frame(START + TICK).values['hand'].tolist() == [1001.0, 0.0, 0.0]
    assert aligner.frame(START + TICK + 1).values['hand'].tolist() == [5.0, 0.0, 0.0]
    assert aligner.frame(START + TICK - 1).values['hand'].tolist() == [1000.0, 0.0, 0.0]


def test_the_age_of_a_frame_is_that_of_its_oldest_sample():
    aligner = filled(START)
    assert aligner.frame(START).age == 0.0
    aligner.add('hand', point(START + 60_000_000, 0.0))
    assert aligner.frame(START + 70_000_000).age == 0.07


@pytest.mark.parametrize(('topic', 'limit'), [
    ('hand', 300_000_000), ('joint_states', 100_000_000)])
def test_a_sample_may_be_as_old_as_the_contract_says_and_no_older(topic, limit):
    aligner = filled(START)
    for other in set(TOPICS) - {topic}:
        aligner.add(other, observed(other, START + limit, 0.0))
    assert aligner.frame(START + limit).age == limit / 1e9
    with pytest.raises(FrameError, match=f'{topic}: .* s old, {limit / 1e9} s allowed'):
        aligner.frame(START + limit + 1_000_000)


def test_a_frame_before_the_first_sample_is_refused():
    with pytest.raises(FrameError, match='hand: no sample at or before'):
        FrameAligner(CONTRACT).frame(START)
    with pytest.raises(FrameError, match='hand: no sample at or before'):
        filled(START).frame(START - 1)


def test_a_sample_without_a_time_is_refused_and_counted():
    aligner = filled(START)
    with pytest.raises(CodecError, match='hand: header.stamp is 0'):
        aligner.add('hand', point(0, 1.0))
    assert aligner.rejections.total == 1
    assert aligner.frame(START).values['hand'][0] == 1000.0


def test_a_sample_that_cannot_be_read_is_refused_and_counted():
    aligner = filled(START)
    for wrong in (joint_state(START + 1, 1.0, names=['j', 'k']), joint_state(START + 1, np.nan),
                  point(START + 1, 1.0)):
        with pytest.raises(CodecError, match='joint_states'):
            aligner.add('joint_states', wrong)
    assert aligner.rejections.lines() == [
        'joint_states: 3 messages could not be used; the first: 1 values of position for 2 joints']
    assert aligner.frame(START + 1).values['angle'][0] == 2000.0


@pytest.mark.parametrize('back', [0, 1, SECOND - 1])
def test_a_sample_older_than_the_newest_is_ignored(back):
    aligner = filled(START)
    assert aligner.add('hand', point(START - back, 9.0)) == START - back
    assert aligner.rejections.counts == {'hand': 1}
    assert f'its time {START - back} ns ' in aligner.rejections.reasons['hand']
    assert aligner.frame(START).values['hand'][0] == 1000.0


def test_the_past_is_forgotten_when_time_goes_back():
    aligner = filled(START)
    early = START - SECOND - 1
    aligner.add('hand', point(early, 9.0))
    assert list(aligner.missing()) == ['goal', 'joint_states']
    assert aligner.newest_complete() == 0
    with pytest.raises(FrameError):
        aligner.frame(START)
    for topic in ('goal', 'joint_states'):
        aligner.add(topic, observed(topic, early, 3.0))
    assert aligner.frame(early).values['hand'][0] == 9.0


def test_newest_complete_waits_for_the_slowest_stream():
    aligner = FrameAligner(CONTRACT)
    assert aligner.newest_complete() == 0
    assert list(aligner.missing()) == ['hand', 'goal', 'joint_states']
    for topic, message in observations(START)[:-1]:
        aligner.add(topic, message)
    assert (aligner.newest_complete(), list(aligner.missing())) == (0, ['joint_states'])
    aligner.add('joint_states', joint_state(START - 5, 0.0))
    assert (aligner.newest_complete(), list(aligner.missing())) == (START - 5, [])
    aligner.clear()
    assert aligner.newest_complete() == 0


def test_history_is_bounded():
    aligner = FrameAligner(CONTRACT, history=3)
    for step in range(5):
        for topic, message in observations(START + step):
            aligner.add(topic, message)
    assert aligner.frame(START + 2).stamp == START + 2
    with pytest.raises(FrameError, match='no sample at or before'):
        aligner.frame(START + 1)


def by_hand(samples, stamp):
    """What a frame holds, found among all samples of a topic in the order in which they came."""
    values, oldest = {}, 0
    for name, entry in CONTRACT.observations.items():
        newest, kept = -1, None
        for at, value in samples[entry.topic]:
            if at > newest:  # others came too late
                newest = at
                kept = (at, value) if at <= stamp else kept
        if kept is None or stamp - kept[0] > round(entry.max_age * 1e9):
            return None
        values[name] = kept[1]
        oldest = max(oldest, stamp - kept[0])
    return values, oldest / 1e9


arrivals = st.lists(st.tuples(st.sampled_from(TOPICS), st.integers(0, 40)), max_size=60)


@settings(max_examples=200)
@given(arrivals, st.lists(st.integers(0, 45), min_size=1, max_size=10))
def test_frames_of_any_streams_are_those_found_by_hand(arrivals, ticks):
    aligner = FrameAligner(CONTRACT)
    samples = {topic: [] for topic in TOPICS}
    for number, (topic, step) in enumerate(arrivals):
        stamp = START + step * 20_000_000  # 0.8 s in all: time never goes back for good
        aligner.add(topic, observed(topic, stamp, float(number)))
        samples[topic].append((stamp, float(number)))
    for tick in ticks:
        stamp = START + tick * 20_000_000
        expected = by_hand(samples, stamp)
        if expected is None:
            with pytest.raises(FrameError):
                aligner.frame(stamp)
            continue
        frame = aligner.frame(stamp)
        assert {name: value[0] for name, value in frame.values.items()} == expected[0]
        assert frame.age == expected[1]
    newest = [max((at for at, _ in samples[topic]), default=0) for topic in TOPICS]
    assert aligner.newest_complete() == min(newest)


def values(hand, angle):
    return {'hand': np.array([hand, 0.0, 1.0]), 'goal': np.array([10.0, 0.0, 0.0]),
            'angle': np.array([angle])}


def test_derived_observations_at_the_first_and_at_later_ticks():
    builder = ObservationBuilder(CONTRACT)
    first = builder.build(values(hand=2.0, angle=0.5))
    assert first.dtype == np.float32
    assert first.shape == (CONTRACT.observation_size,)
    # hand, angle, to_goal, hand_change, angle_before
    assert first.tolist() == [2, 0, 1, 0.5, 8, 0, -1, 0, 0, 0, 0.5]
    assert builder.build(values(hand=3.0, angle=0.75)).tolist() == [
        3, 0, 1, 0.75, 7, 0, -1, 1, 0, 0, 0.5]
    assert builder.build(values(hand=3.5, angle=1.0)).tolist() == [
        3.5, 0, 1, 1.0, 6.5, 0, -1, 0.5, 0, 0, 0.75]


def test_derived_observations_are_scaled():
    derived = {name: {**part, 'scale': 4.0} for name, part in DESCRIPTION['derived'].items()}
    plain = ObservationBuilder(CONTRACT)
    scaled = ObservationBuilder(parse_contract({**DESCRIPTION, 'derived': derived}))
    for hand, angle in ((2.0, 0.5), (3.0, 0.75)):
        one, four = (builder.build(values(hand, angle)) for builder in (plain, scaled))
        assert four[:4].tolist() == one[:4].tolist()
        assert four[4:].tolist() == (4.0 * one[4:]).tolist()


def test_a_new_episode_has_no_previous_frame():
    builder = ObservationBuilder(CONTRACT)
    builder.build(values(hand=2.0, angle=0.5))
    builder.begin()
    assert builder.build(values(hand=7.0, angle=4.0)).tolist()[-4:] == [0, 0, 0, 4.0]
