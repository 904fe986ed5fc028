# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The same messages of an episode are kept, in whichever order its topics arrive."""

from hypothesis import given
from hypothesis import strategies as st
import pytest

from inril_ros.data.frames.capture import Captured, EpisodeCapture

SEEN, SENT, IMAGE = 'hand_pose', 'command', 'front/image'
UNTIL_END = frozenset({SEEN, 'outcome'})
EVERY_TICK = frozenset({SEEN, 'outcome', SENT})
START, PERIOD = 1000, 10


def item(topic, stamp):
    return Captured(topic, 'some/msg/Type', stamp, b'%d' % stamp)


def streams(ticks):
    """The messages around an episode: before its start, during it, and after its end."""
    end = START + ticks * PERIOD
    stamps = range(START - 2 * PERIOD, end + 3 * PERIOD, PERIOD)
    heard = {topic: [item(topic, stamp) for stamp in stamps] for topic in (SEEN, 'outcome', SENT)}
    heard[IMAGE] = [item(IMAGE, stamp) for stamp in range(START - 13, end + 13, 7)]
    return heard


def belongs(one, end):
    return one.stamp >= START and (
        one.stamp < end or (one.stamp == end and one.topic in UNTIL_END))


@st.composite
def arrivals(draw):
    """An episode's messages and marks, merged at random; the end comes after what it needs."""
    ticks = draw(st.integers(1, 6))
    end = START + ticks * PERIOD
    waiting = [list(stream) for stream in streams(ticks).values()]
    waiting.append(['begin'])
    waiting.append([START + tick * PERIOD for tick in range(ticks)])
    order = []
    while any(waiting):
        stream = draw(st.sampled_from([stream for stream in waiting if stream]))
        order.append(stream.pop(0))
    return ticks, end, order


@given(arrivals())
def test_any_order_of_arrival_keeps_the_same_messages(episode):
    ticks, end, order = episode
    capture = EpisodeCapture(UNTIL_END, EVERY_TICK)
    kept = []
    for event in order:
        if event == 'begin':
            capture.begin(START)
        elif isinstance(event, Captured):
            capture.add(event)
        else:
            kept += capture.confirmed(event)
    kept += capture.rest(end)
    expected = [item for stream in streams(ticks).values() for item in stream
                if belongs(item, end)]
    order = lambda item: (item.stamp, item.topic)  # noqa: E731
    assert sorted(kept, key=order) == sorted(expected, key=order)
    assert list(capture.rest(end)) == []


def test_a_confirmed_tick_gives_the_messages_up_to_it_once():
    capture = EpisodeCapture(UNTIL_END, EVERY_TICK)
    capture.begin(START)
    for stamp in (START, START + PERIOD, START + 2 * PERIOD):
        capture.add(item(SEEN, stamp))
    assert [item.stamp for item in capture.confirmed(START + PERIOD)] == [START, START + PERIOD]
    assert list(capture.confirmed(START + PERIOD)) == []
    capture.add(item(SENT, START))  # late
    assert [item.stamp for item in capture.confirmed(START + 2 * PERIOD)] == [
        START + 2 * PERIOD, START]


def test_nothing_is_given_before_the_start_is_known():
    capture = EpisodeCapture(UNTIL_END, EVERY_TICK)
    capture.add(item(SEEN, START - 1))
    capture.add(item(SEEN, START))
    assert list(capture.confirmed(START)) == []
    capture.begin(START)
    assert [item.stamp for item in capture.confirmed(START)] == [START]


@pytest.mark.parametrize(('topic', 'stamp', 'kept'), [
    (SEEN, 1050, True), ('outcome', 1050, True), (SENT, 1050, False), (IMAGE, 1050, False),
    (IMAGE, 1049, True), (SEEN, 1051, False), (SEEN, 999, False), (SENT, 1000, True)])
def test_the_end_belongs_to_what_is_observed_and_not_to_what_is_sent(topic, stamp, kept):
    capture = EpisodeCapture(UNTIL_END, EVERY_TICK)
    capture.begin(START)
    capture.add(item(topic, stamp))
    assert [item.stamp for item in capture.rest(1050)] == [stamp] * kept


def test_the_topics_that_have_not_come_to_the_end_are_awaited():
    capture = EpisodeCapture(UNTIL_END, EVERY_TICK)
    capture.begin(START)
    last, end = START + PERIOD, START + 2 * PERIOD
    assert capture.awaited(last, end) == ['command', 'hand_pose', 'outcome']
    capture.add(item(SENT, last))
    capture.add(item(SEEN, end))
    capture.add(item('outcome', last))
    assert capture.awaited(last, end) == ['outcome']
    capture.add(item('outcome', end))
    assert capture.awaited(last, end) == []
    capture.add(item(SEEN, START))  # one that is late changes nothing
    assert capture.awaited(last, end) == []


def test_in_real_time_nothing_is_awaited():
    assert EpisodeCapture(UNTIL_END, frozenset()).awaited(START, START + PERIOD) == []


def test_samples_of_the_first_frame_belong_to_the_episode():
    """In real time a sample is a little older than the tick, and a latched one much older."""
    capture = EpisodeCapture(frozenset(), frozenset(), lookback={'hand': 20, 'goal': 10 ** 9})
    items = [Captured(topic, 'type', stamp, b'', received=stamp + 3) for topic, stamp in (
        ('goal', 5), ('hand', 79), ('hand', 80), ('other', 99), ('other', 100), ('hand', 101))]
    for item in items[:4]:
        capture.add(item)
    capture.begin(100)
    for item in items[4:]:
        capture.add(item)
    kept = [(item.topic, item.stamp) for item in capture.confirmed(100)]
    assert kept == [('goal', 5), ('hand', 80), ('other', 100)]
    assert items[0].bag_time == 8
    assert Captured('hand', 'type', 5, b'').bag_time == 5
