# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An episode begins at the first time at which every stream has a sample that is new enough."""

from foreign_bags import ARM, BEGIN, hand, joint_state, ros2_bag, SECOND
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.data.bags.reading import read_episode
from inril_ros.data.frames.sync import FrameAligner
from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.episode_begin import EpisodeBegin
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.robot.contract.contract import parse_contract

STEP = SECOND // 100
MAKE = {'joint_states': joint_state, 'hand': hand}
parts = st.tuples(st.sampled_from(['angles', 'hand']), st.integers(0, 100), st.integers(1, 60),
                  st.integers(1, 7))


def contract(delay, latency=0.0, align='hold'):
    observations = ARM['observations']
    return parse_contract({**ARM, 'observation_delay': delay, 'observations': {
        'angles': {**observations['angles'], 'align': align},
        'hand': {**observations['hand'], 'latency': latency}}})


def can_be_shown(tick, entry, stamps, delay):
    """Whether a stream has a sample for a tick [0.01 s], said as in the documentation."""
    latency, oldest = round(entry.latency * 100), round(entry.max_age * 100)
    shown = tick - delay
    usable = [stamp for stamp in stamps if stamp - latency <= shown and stamp <= tick]
    return bool(usable) and shown - (max(usable) - latency) <= oldest


@settings(max_examples=150, deadline=None)
@given(st.lists(parts, min_size=1, max_size=6), st.sampled_from([2, 3, 30]),
       st.sampled_from([0, 4, 40]), st.sampled_from(['hold', 'interpolate']), st.integers(0, 60))
def test_the_begin_is_the_first_time_at_which_all_streams_can_be_shown(
        pieces, delay, latency, align, start):
    """Streams come in pieces: (name, first stamp, length, period), in steps of 0.01 s."""
    arm = contract(delay / 100, latency / 100, align)
    stamps = {name: sorted({stamp for piece, first, length, period in pieces if piece == name
                            for stamp in range(first, first + length, period)})
              for name in arm.observations}
    aligner = FrameAligner(arm)
    begin = EpisodeBegin(arm, aligner, BEGIN + start * STEP)
    for stamp, name in sorted((stamp, each) for each in stamps for stamp in stamps[each]):
        topic = arm.observations[name].topic
        begin.add(topic, aligner.add(topic, MAKE[topic](BEGIN + stamp * STEP, 0.0)))
    frame = begin.find(BEGIN + 1000 * STEP)
    wanted = next((tick for tick in range(start, 400) if all(
        can_be_shown(tick, entry, stamps[name], delay)
        for name, entry in arm.observations.items())), None)
    assert (frame and (frame.stamp - BEGIN) // STEP) == wanted


def arm_rows(late=0.0, ahead=0.0, seconds=3.0, hand_from=0.0):
    """Joints at 50 Hz and a hand at 20 Hz, received ``late`` [s] after stamps that are ahead."""
    rows = []
    for topic, rate, first in (('joint_states', 50, 0.0), ('hand', 20, hand_from)):
        for index in range(round(first * rate), round(seconds * rate)):
            stamp = BEGIN + round(index / rate * SECOND)
            message = MAKE[topic](stamp, index / rate)
            rows.append((f'/{topic}', stamp + round((late - ahead) * SECOND), message))
    return sorted(rows, key=lambda row: row[1])


def imported(tmp_path, rows, arm):
    mapping = ImportOptions().mapping
    options = ImportOptions(mapping=type(mapping)(actions={'arm': {'next': 'angles'}}))
    [report] = import_bag([ros2_bag(tmp_path / 'foreign', rows)], arm, tmp_path / 'demos', options)
    assert report.kept, report.reason
    return report, read_episode(tmp_path / 'demos' / report.name, arm)


@pytest.mark.parametrize('align', ['hold', 'interpolate'])
@pytest.mark.parametrize('delay', [0.02, 0.05, 0.5])
@pytest.mark.parametrize(('late', 'ahead'), [
    (0.0, 0.0), (0.15, 0.0), (0.0, 0.002), (0.0, 0.5), (0.0, 1.0)])
def test_nothing_of_an_episode_is_lost_with_any_delay(tmp_path, align, delay, late, ahead):
    report, episode = imported(tmp_path, arm_rows(late, ahead), contract(delay, align=align))
    assert report.ticks >= 29 - round((delay + late) * 10) - 1
    assert episode.observations[0, 0] == pytest.approx(late if not delay else max(
        0.0, late - delay), abs=0.021)
    # The last frame may hold what came last.
    assert np.diff(episode.observations[:-1, 0]) == pytest.approx(0.1, abs=0.021)


def test_what_is_left_out_at_the_beginning_is_said(tmp_path):
    report, episode = imported(tmp_path, arm_rows(hand_from=1.5), contract(0.05))
    assert report.notes == ('the first 1.550 s are left out: hand was the last to begin',)
    assert episode.observations[0, 0] == 1.5


def test_a_topic_that_never_comes_is_named(tmp_path):
    source = ros2_bag(tmp_path / 'foreign', arm_rows()[:1] + [
        ('/hand', row[1], row[2]) for row in arm_rows() if row[0] == '/hand'])
    mapping = type(ImportOptions().mapping)(actions={'arm': {'next': 'angles'}})
    [report] = import_bag([source], contract(0.05), tmp_path / 'demos',
                          ImportOptions(mapping=mapping))
    assert not report.kept
    assert 'joint_states' in report.reason
