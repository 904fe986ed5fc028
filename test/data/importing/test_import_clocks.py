# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An import finds the clock of the stamps: of any rate, ahead, behind, simulated."""

from functools import partial

from clock_recordings import imported, restamped, simulated, STRAYS, with_receive
from foreign_bags import BEGIN, CONTRACT, recording, SECOND
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from run_length import LONG

from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.episode_cuts import CutRule
from inril_ros.data.importing.import_mapping import ImportMapping
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.data.raw.messages import blank_message

CLOCK = 'rosgraph_msgs/msg/Clock'


RATES = {
    'at 0.4 of real time': lambda second: second / 0.4,
    'at 3 times real time': lambda second: second / 3.0,
    'slower and slower': lambda second: second + second ** 2,
    'with a pause': lambda second: second + 7.0 * (second > 1.0),
    'at real time': lambda second: second + 11.0}


@pytest.mark.parametrize('first', [0, 5 * SECOND])
@pytest.mark.parametrize('rate', RATES)
def test_simulated_time_of_any_rate_gives_the_actions_of_real_time(tmp_path, rate, first):
    [report], [episode] = imported(tmp_path, simulated(recording(3.0), RATES[rate], first))
    assert report.kept, report.reason
    assert report.notes[0].startswith('time was simulated, mostly at ' if rate != 'at real time'
                                      else 'the stamps are ')
    assert report.ticks >= 27
    seconds = episode.observations[:, 0]
    assert np.diff(seconds) == pytest.approx(0.1, abs=0.021)
    # The command of a tick is the newest before the next, 0.03 s after its time: as in real time.
    assert episode.actions[1:, 0] - seconds[1:-1] == pytest.approx(0.15, abs=0.06)


@pytest.mark.parametrize('rate', ['at 0.4 of real time', 'with a pause'])
def test_a_topic_whose_time_is_when_it_was_received_follows_simulated_time(tmp_path, rate):
    contract = with_receive('hand')
    [report], [episode] = imported(tmp_path, simulated(recording(3.0), RATES[rate]), contract)
    assert report.kept, report.reason
    behind = episode.observations[:, 0] - episode.observations[:, 2]
    assert (abs(behind) <= 0.0711).all(), 'joints each 0.02 s, the hand each 0.05 s'


def test_the_simulated_clock_counts_where_no_observation_has_a_stamp(tmp_path):
    rows = recording(3.0)
    for index in range(300):
        message = blank_message(CLOCK)
        message.clock.sec, message.clock.nanosec = divmod(
            5 * SECOND + index * SECOND // 100, SECOND)
        rows.append(('/clock', BEGIN + index * SECOND // 100, message))
    slow = [(topic, BEGIN + round((time - BEGIN) / 0.4), message) for topic, time, message in rows]
    [report], [episode] = imported(tmp_path, slow, with_receive('angles', 'hand'))
    assert report.ticks == pytest.approx(29, abs=1), report.reason
    assert np.diff(episode.observations[:, 0]) == pytest.approx(0.1, abs=0.021)


def test_a_simulation_that_is_timed_by_arrivals_alone_is_refused(tmp_path):
    rows = simulated(recording(3.0), RATES['at 0.4 of real time'])
    [report], _ = imported(tmp_path, rows, with_receive('angles', 'hand'))
    assert report.reason.startswith(
        '/joint_states: its stamps run at 0.40 of real time, so time was simulated')
    mapping = ImportMapping(stamps={'joint_states': 'receive', 'hand': 'receive'})
    [report] = import_bag([tmp_path / 'foreign'], with_receive('angles', 'hand'),
                          tmp_path / 'meant', ImportOptions(mapping=mapping))
    assert report.kept, report.reason


@pytest.mark.parametrize('ahead', [-7200.0, -0.15, -0.003, 0.002, 0.3, 1.0, 3600.0])
def test_all_stamps_may_be_ahead_or_behind(tmp_path, ahead):
    rows = recording(3.0, clock=round(ahead * SECOND))
    [report], [episode] = imported(tmp_path, rows)
    assert report.kept, report.reason
    assert report.ticks >= 26
    shifted = abs(ahead) >= 0.3
    assert any('topics with clock: receive were shifted by that' in note
               for note in report.notes) == shifted
    if not -0.2 < ahead < 0.0:  # then messages just take that time
        seconds = episode.observations[:, 0]
        assert episode.actions[1:, 0] - seconds[1:-1] == pytest.approx(0.15, abs=0.06)


def test_messages_before_the_first_clock_have_no_time_in_the_bag(tmp_path):
    """A recorder that uses simulated time writes 0 for them."""
    rows = [(topic, 0 if time < BEGIN + SECOND // 2 else time, message)
            for topic, time, message in recording(3.0)]
    number = sum(topic in ('/joint_states', '/hand') and not time for topic, time, _ in rows)
    [report], [episode] = imported(tmp_path, rows)
    assert report.kept, report.reason
    assert report.notes[0].startswith(f'{number} messages have the time 0 in the bag')
    assert episode.observations[0, 0] == pytest.approx(0.5, abs=0.05)


def test_a_simulation_may_be_reset_between_episodes(tmp_path):
    rows = [*simulated(recording(2.0), lambda second: second / 0.5),
            *((topic, time + 10 * SECOND, message) for topic, time, message
              in simulated(recording(2.0), lambda second: second / 0.8))]
    done, episodes = imported(tmp_path, rows, options=ImportOptions(cut=CutRule('gaps', '2.0')))
    assert [report.kept for report in done] == [True, True], done
    for episode in episodes:
        ahead = episode.actions[1:, 0] - episode.observations[1:-1, 0]
        assert ahead == pytest.approx(0.15, abs=0.06)


@settings(max_examples=200 if LONG else 15, deadline=None)
@given(st.sampled_from([0.3, 1.0, 3.0]),
       st.sampled_from([0.0, -0.05, 0.4, 3600.0, 5 - BEGIN / SECOND]),
       st.sampled_from([0.0, 0.0, 0.0, 0.05, -0.05, 0.3, -0.3, 37.0]), st.sampled_from([0.0, 0.8]),
       st.lists(st.tuples(st.integers(0, 149), st.sampled_from(list(STRAYS.values()))),
                max_size=6), st.booleans())
def test_any_clocks_give_aligned_episodes_or_a_reason(
        tmp_path_factory, rate, offset, between, late, strays, by_receive):
    """Stamps at a rate, all off by an offset, one topic off by another, starting late."""
    rows = [row for row in recording(3.0)
            if row[0] != '/hand' or row[1] > BEGIN + late * SECOND]
    wrong = dict(strays)
    for topic, ahead in (('/joint_states', offset), ('/hand', offset + between)):
        rows = restamped(rows, topic, partial(
            lambda ahead, index, stamp: wrong.get(index, stamp + round(ahead * SECOND)), ahead))
    rows = [(topic, BEGIN + round((time - BEGIN) / rate), message)
            for topic, time, message in rows]
    contract = with_receive('hand') if by_receive else CONTRACT
    [report], episodes = imported(tmp_path_factory.mktemp('clocks'), rows, contract)
    # In a fast simulation 0.3 s pass while a message is on its way.
    wrong_clock = not by_receive and not -0.2 * max(1.0, rate) <= between <= 0.2
    assert report.kept != wrong_clock, report.reason
    if wrong_clock:
        assert 'hand' in report.reason
        assert 'Set clock: receive for' in report.reason
        return
    [episode] = episodes
    assert report.ticks >= 26 - round(10 * late)
    seconds = episode.observations[:, 0]
    apart = 0.0 if by_receive else between
    # Joints come each 0.02 s and the hand each 0.05 s, later by strays of three in a row.
    assert abs(seconds - episode.observations[:, 2] - apart).max() <= 0.3
    assert np.median(abs(seconds - episode.observations[:, 2] - apart)) <= 0.0711
    ahead = episode.actions[1:, 0] - seconds[1:-1]
    assert np.median(ahead) == pytest.approx(0.15, abs=0.12), 'commands come each 0.1 s'
