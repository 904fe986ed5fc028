# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The clock of the stamps: of any rate, set or not, and wrong on one topic or on all."""

from dataclasses import replace
from functools import partial

from foreign_bags import ARM, BEGIN, CONTRACT, expected, KINDS, recording, ros2_bag, SECOND
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from run_length import LONG

from inril_ros.data.bags.bags import BagError
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.demonstrations.aligned_cache import aligned_episode
from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.episode_cuts import CutRule
from inril_ros.data.importing.import_mapping import ImportMapping, MappingError
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.data.raw.messages import blank_message
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.messages.codecs import put_stamp, stamp_ns

CLOCK, TRANSFORMS = 'rosgraph_msgs/msg/Clock', 'tf2_msgs/msg/TFMessage'


def imported(tmp_path, rows, contract=CONTRACT, options=None):
    source = ros2_bag(tmp_path / 'foreign', sorted(rows, key=lambda row: row[1]))
    done = import_bag([source], contract, tmp_path / 'demos', options or ImportOptions())
    paths = [tmp_path / 'demos' / report.name for report in done if report.kept]
    episodes = [read_episode(path, contract) for path in paths]
    for path, episode in zip(paths, episodes):
        assert_same(aligned_episode(path, contract), episode)
    return done, episodes


def stamped(message, stamp):
    """A copy of a message with another stamp [ns]."""
    seconds, rest = divmod(stamp, SECOND)
    stamp = replace(message.header.stamp, sec=seconds, nanosec=rest)
    return replace(message, header=replace(message.header, stamp=stamp))


def restamped(rows, topic, change):
    """The rows with the stamps of a topic changed by a function of index and stamp [ns]."""
    changed, index = [], 0
    for name, time, message in rows:
        if name == topic:
            message, index = stamped(message, change(index, stamp_ns(message))), index + 1
        changed.append((name, time, message))
    return changed


def simulated(rows, wall, first=5 * SECOND):
    """A recording by the wall clock of a simulation whose time [s] is a function of the stamps."""
    changed = []
    for topic, time, message in rows:
        if stamp_ns(message):
            message = stamped(message, stamp_ns(message) - BEGIN + first)
        changed.append((topic, BEGIN + round(SECOND * wall((time - BEGIN) / SECOND)), message))
    return changed


def assert_same(one, other):
    for name in ('observations', 'actions', 'age', 'skew', 'gap'):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name


def with_receive(*names):
    observations = {name: {**entry, **({'clock': 'receive'} if name in names else {})}
                    for name, entry in ARM['observations'].items()}
    return parse_contract({**ARM, 'observations': observations})


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


@pytest.mark.parametrize('ahead', [-7200.0, -0.15, -0.003, 0.002, 0.3, 1.0, 3600.0])
def test_all_stamps_may_be_ahead_or_behind(tmp_path, ahead):
    rows = recording(3.0, clock=round(ahead * SECOND))
    [report], [episode] = imported(tmp_path, rows)
    assert report.kept, report.reason
    assert report.ticks >= 26
    if not -0.2 < ahead < 0.0:  # then messages just take that time
        seconds = episode.observations[:, 0]
        assert episode.actions[1:, 0] - seconds[1:-1] == pytest.approx(0.15, abs=0.06)


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


def test_messages_before_the_first_clock_have_no_time_in_the_bag(tmp_path):
    """A recorder that uses simulated time writes 0 for them."""
    rows = [(topic, 0 if time < BEGIN + SECOND // 2 else time, message)
            for topic, time, message in recording(3.0)]
    number = sum(topic in ('/joint_states', '/hand') and not time for topic, time, _ in rows)
    [report], [episode] = imported(tmp_path, rows)
    assert report.kept, report.reason
    assert report.notes[0].startswith(f'{number} messages have the time 0 in the bag')
    assert episode.observations[0, 0] == pytest.approx(0.5, abs=0.05)


STRAYS = {'0': 0, 'since its boot': 3 * SECOND, 'a day ahead': BEGIN + 86_400 * SECOND}


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
