# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Stamps of another clock, of none, and strays: refused with what to set, or left out and said."""

from clock_recordings import imported, restamped, STRAYS, with_receive
from foreign_bags import ARM, BEGIN, CONTRACT, expected, KINDS, recording, ros2_bag, SECOND
import numpy as np
import pytest

from inril_ros.data.bags.bags import BagError
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.import_mapping import ImportMapping, MappingError
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.data.raw.messages import blank_message
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.messages.codecs import put_stamp

TRANSFORMS = 'tf2_msgs/msg/TFMessage'


@pytest.mark.parametrize(('ahead', 'words'), [
    (0.3, r'hand: its stamps \(clock: header\) are 0.29\d s ahead of the clock of joint_states'),
    (-0.3, r'hand: .* are 0.30\d s behind the clock of joint_states, measured on \d+ messages'),
    (-1_699_987_655.0, r'hand: .* are 1699987655.00\d s behind')])
def test_a_topic_with_another_clock_is_refused_with_what_to_set(tmp_path, ahead, words):
    rows = restamped(recording(3.0), '/hand', lambda _, stamp: stamp + round(ahead * SECOND))
    [report], _ = imported(tmp_path, rows)
    assert report.reason.startswith('hand: ')
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(report.reason)
    value = report.reason.partition('stamps: {hand: ')[2].partition('}')[0]
    patience = ', or if its messages did take so long, import with --settle 0.5'
    assert report.reason.endswith(
        f'Set clock: receive for hand in the contract, or correct its stamps in a mapping '
        f'(stamps: {{hand: {value}}}){patience if ahead == -0.3 else ""}, or for new recordings '
        'synchronise the computers (chrony, PTP)')
    [report] = import_bag([tmp_path / 'foreign'], with_receive('hand'), tmp_path / 'receive',
                          ImportOptions())
    assert report.kept, report.reason
    mapping = ImportMapping(stamps={'hand': float(value)})
    [report] = import_bag([tmp_path / 'foreign'], CONTRACT, tmp_path / 'corrected',
                          ImportOptions(mapping=mapping))
    assert report.kept, report.reason
    episode = read_episode(tmp_path / 'corrected' / report.name, CONTRACT)
    assert (abs(episode.observations[:, 0] - episode.observations[:, 2]) < 0.0711).all()


def test_messages_that_take_long_are_waited_for(tmp_path):
    rows = [(topic, time + (2 * SECOND // 5 if topic == '/hand' else 0), message)
            for topic, time, message in recording(3.0)]
    [report], _ = imported(tmp_path, rows)
    assert 'import with --settle 0.6' in report.reason
    [report] = import_bag([tmp_path / 'foreign'], CONTRACT, tmp_path / 'settled',
                          ImportOptions(settle=0.6))
    assert report.kept, report.reason
    assert report.notes[-1] == (
        'hand: its stamps are 0.404 s behind the time at which its messages came: right if they '
        'took so long, wrong if two clocks differ')
    episode = read_episode(tmp_path / 'settled' / report.name, CONTRACT)
    assert (abs(episode.observations[:, 0] - episode.observations[:, 2]) < 0.0711).all()


def test_a_burst_after_a_stall_of_the_network_is_no_other_clock(tmp_path):
    rows = [(topic, max(time, BEGIN + 3 * SECOND)
             if topic == '/hand' and time > BEGIN + SECOND else time, message)
            for topic, time, message in recording(6.0)]
    [report], [episode] = imported(tmp_path, rows, options=ImportOptions(settle=3.0))
    assert report.unreadable == 0, report.notes
    assert (abs(episode.observations[:, 0] - episode.observations[:, 2]) < 0.0711).all()


def test_topics_of_which_one_is_ahead_and_one_behind_are_refused(tmp_path):
    rows = restamped(recording(3.0), '/hand', lambda _, stamp: stamp + SECOND * 3 // 20)
    rows = restamped(rows, '/joint_states', lambda _, stamp: stamp - SECOND * 3 // 20)
    [report], _ = imported(tmp_path, rows)
    assert report.reason.startswith(
        'hand: its stamps (clock: header) are 0.297 s ahead of the clock of joint_states, '
        'measured on ')


def test_a_stated_latency_is_no_fault(tmp_path):
    rows = restamped(recording(3.0), '/hand', lambda _, stamp: stamp + SECOND // 2)
    late = parse_contract({**ARM, 'observations': {
        **ARM['observations'], 'hand': {**ARM['observations']['hand'], 'latency': 0.5}},
        'observation_delay': 0.5})
    [report], [episode] = imported(tmp_path, rows, late)
    assert report.kept, report.reason
    assert (abs(episode.observations[:, 0] - episode.observations[:, 2]) < 0.0711).all()


def test_stamps_that_are_never_set_are_refused_with_what_to_set(tmp_path):
    [report], _ = imported(tmp_path, restamped(recording(), '/joint_states', lambda *_: 0))
    assert report.reason.startswith(
        'joint_states: all 100 stamps are 0: its sender sets no time. Set clock: receive for '
        'angles in the contract, or correct its stamps in a mapping (stamps: {joint_states: '
        'receive})')
    [report] = import_bag([tmp_path / 'foreign'], with_receive('angles'), tmp_path / 'receive',
                          ImportOptions())
    assert report.kept, report.reason
    mapping = ImportMapping(stamps={'joint_states': 'receive'})
    [report] = import_bag([tmp_path / 'foreign'], CONTRACT, tmp_path / 'corrected',
                          ImportOptions(mapping=mapping))
    first, second = (read_episode(next((tmp_path / name).glob('0*')), contract)
                     for name, contract in (('receive', with_receive('angles')),
                                            ('corrected', CONTRACT)))
    np.testing.assert_array_equal(first.observations, second.observations)


@pytest.mark.parametrize(('change', 'words'), [
    (lambda _, stamp: BEGIN, r'joint_states: its first \d+ stamps are all the same: its sender '
     'sets the time once, or seldom. Set clock: receive for angles'),
    (lambda _, stamp: stamp // SECOND * SECOND, r'joint_states: its first \d+ stamps are all the '
     'same: its sender sets the time once, or seldom. Set clock: receive for angles'),
    (lambda index, stamp: stamp if index % 2 else stamp - BEGIN + SECOND, r'joint_states: \d+ '
     r'stamps between \d+ others are of another clock: two senders with two clocks. Set clock')])
def test_stamps_that_say_nothing_are_refused_with_what_to_set(tmp_path, change, words):
    """As of `rostopic pub -r`, of whole seconds, or of two publishers on one topic."""
    [report], _ = imported(tmp_path, restamped(recording(3.0), '/joint_states', change))
    with pytest.raises(AssertionError, match=f'^{words}'):
        raise AssertionError(report.reason)
    [report] = import_bag([tmp_path / 'foreign'], with_receive('angles'), tmp_path / 'receive',
                          ImportOptions())
    assert report.kept, report.reason


def test_a_sender_whose_clock_drifts_is_said_or_refused(tmp_path):
    """A camera is compared with the clock of its computer once, when it starts."""
    rows = restamped(recording(4.0), '/hand',
                     lambda index, stamp: stamp - round(0.1 * (stamp - BEGIN) / 4))
    [report], _ = imported(tmp_path, rows)
    assert report.kept, report.reason
    [note] = report.notes
    assert note.startswith('hand: its stamps drift by -0.07')
    rows = restamped(recording(4.0), '/hand',
                     lambda index, stamp: stamp - round(0.5 * (stamp - BEGIN) / 4))
    [report] = import_bag([ros2_bag(tmp_path / 'fast', rows)], CONTRACT, tmp_path / 'refused',
                          ImportOptions())
    assert 'hand: its stamps (clock: header) are 0.' in report.reason


@pytest.mark.parametrize(('stamps', 'words'), [
    ({'hand': 0.5}, None), ({'feet': 0.5}, "stamps names 'feet', which is no topic with a header"),
    ({'hand': -2e9}, 'stamps.hand of the mapping: a stamp would become -3')])
def test_a_correction_that_cannot_be_made_is_named(tmp_path, stamps, words):
    options = ImportOptions(mapping=ImportMapping(stamps=stamps))
    rows = restamped(recording(1.0), '/hand', lambda _, stamp: stamp - SECOND // 2)
    if words is None:
        assert imported(tmp_path, rows, options=options)[0][0].kept
    else:
        with pytest.raises((MappingError, BagError), match=words):
            imported(tmp_path, rows, options=options)


def test_stamps_of_ros_1_are_corrected_too(tmp_path):
    rows = restamped(recording(1.0), '/hand', lambda _, stamp: stamp - 3600 * SECOND)
    source = KINDS['ros1'](tmp_path / 'foreign', rows)
    [refused] = import_bag([source], CONTRACT, tmp_path / 'refused', ImportOptions())
    assert 'hand: its stamps (clock: header) are 3600.00' in refused.reason
    [report] = import_bag([source], CONTRACT, tmp_path / 'demos', ImportOptions(
        mapping=ImportMapping(stamps={'hand': 3600})))
    episode = read_episode(tmp_path / 'demos' / report.name, CONTRACT)
    wanted, _ = expected(recording(1.0), BEGIN + 1_000_000, report.ticks)
    np.testing.assert_array_equal(episode.observations, wanted)


def tool_in_tf(ahead, child='tool'):
    """A tool by TF at 50 Hz, and a localiser that stamps its transform 1 s ahead."""
    rows = []
    for index in range(150):
        stamp = BEGIN + index * SECOND // 50
        for parent, frame, at in (('base', child, stamp + round(ahead * SECOND)),
                                  ('map', 'base', stamp + SECOND)):
            message, each = blank_message(TRANSFORMS), blank_message(
                'geometry_msgs/msg/TransformStamped')
            put_stamp(each, at, parent)
            each.child_frame_id = frame
            each.transform.translation.x, each.transform.rotation.w = index / 50, 1.0
            message.transforms.append(each)
            rows.append(('/tf', stamp + 1_000_000, message))
    return rows


def with_tool(parent='base', max_age=0.2):
    return parse_contract({**ARM, 'derived': {}, 'policy_observations': ['angles', 'tool'],
                           'observations': {'angles': ARM['observations']['angles'], 'tool': {
                               'topic': '/tf', 'type': TRANSFORMS, 'field': 'transform',
                               'parent': parent, 'child': 'tool', 'max_age': max_age}}})


def test_a_localisers_transform_may_be_stamped_ahead(tmp_path):
    rows = [*recording(3.0), *tool_in_tf(0.0)]
    [report], [episode] = imported(tmp_path, rows, with_tool())
    assert report.kept and not report.notes, 'the transform above both frames does not count'
    assert (abs(episode.observations[:, 0] - episode.observations[:, 2]) < 0.0211).all()
    [report] = import_bag([tmp_path / 'foreign'], with_tool('map', 2.0), tmp_path / 'map',
                          ImportOptions())
    assert report.kept, report.reason
    assert report.notes == (
        'the first 0.999 s are left out: /tf was the last to begin',
        '/tf, the transform to base: its stamps are 0.999 s ahead of the time at which its '
        'messages came, so each is used that much later')


@pytest.mark.parametrize('ahead', [-0.4, 3.0])
def test_a_transform_with_another_clock_is_refused(tmp_path, ahead):
    rows = [*recording(3.0), *tool_in_tf(ahead)]
    [report], _ = imported(tmp_path, rows, with_tool(max_age=5.0))
    assert report.reason.startswith(
        f'/tf, the transform to tool: its stamps (clock: header) are {abs(ahead - 0.001):.3f} s')
    assert 'or new recordings synchronise' in report.reason


@pytest.mark.parametrize('stray', STRAYS)
@pytest.mark.parametrize('indices', [range(1), range(30), (50, 51, 52), (149,)])
def test_stray_stamps_are_left_out_and_said(tmp_path, stray, indices):
    rows = restamped(recording(3.0), '/joint_states',
                     lambda index, stamp: STRAYS[stray] if index in indices else stamp)
    [report], [episode] = imported(tmp_path, rows)
    assert report.kept, report.reason
    assert report.unreadable == len(indices)
    assert f'joint_states: {len(indices)} messages could not be used; the first: ' in '\n'.join(
        report.notes)
    late = 0.6 if len(indices) == 30 else 0.0
    assert episode.observations[0, 0] == pytest.approx(late, abs=0.021)
    assert any(note == 'the first 0.599 s are left out: joint_states was the last to begin'
               for note in report.notes) == bool(late)


@pytest.mark.parametrize('change', [-50 * SECOND, 50 * SECOND])
def test_a_clock_that_is_set_within_an_episode_rejects_it(tmp_path, change):
    rows = recording(5.0)
    for topic in ('/joint_states', '/hand'):
        rows = restamped(rows, topic, lambda _, stamp: (
            stamp + change if stamp > BEGIN + 3 * SECOND else stamp))
    [report], episodes = imported(tmp_path, rows)
    assert not episodes
    assert 'joint_states: a second clock within the episode: from 3.0' in report.reason
    assert 'Cut the recording there' in report.reason
