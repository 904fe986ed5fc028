# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Any recording becomes demonstrations that the recorder could have made, or none of it does."""

from dataclasses import replace

from foreign_bags import (
    ARM,
    BEGIN,
    check_import_of_damaged,
    CONTRACT,
    expected,
    KINDS,
    recording,
    ros2_bag,
    SECOND,
)
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
import yaml

from inril_ros.data.bags.bags import BagError, find_bags
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.episode_cuts import CutError, CutRule
from inril_ros.data.importing.import_mapping import ImportMapping, load_mapping, MappingError
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.data.raw.messages import blank_message, with_numpy
from inril_ros.data.raw.typestore import ros_typestore
from inril_ros.nodes.learner.demonstrations import learning_episode
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.episode import EpisodeOutcome


def imported(tmp_path, rows, options=None, contract=CONTRACT, kind='mcap'):
    options = ImportOptions() if options is None else options
    source = KINDS[kind](tmp_path / 'foreign', rows)
    folder = tmp_path / 'demos'
    done = import_bag([source], contract, folder, options)
    return done, [read_episode(path, contract) for path in sorted(folder.glob('[0-9]*'))]


@pytest.mark.parametrize('kind', KINDS)
def test_a_bag_of_any_kind_gives_the_frames_found_by_hand(tmp_path, kind):
    rows = recording()
    [report], [episode] = imported(tmp_path, rows, kind=kind)
    assert report.kept and report.name.startswith('0000_')
    start = BEGIN + 4_000_000  # when the hand's first message came
    observations, actions = expected(rows, start, report.ticks)
    assert report.ticks >= 18
    np.testing.assert_array_equal(episode.observations, observations)
    np.testing.assert_array_equal(episode.actions, actions)
    assert set(episode.source) == {2}, 'a person drove'
    assert episode.outcome == EpisodeOutcome.SUCCESS.value
    assert episode.rewards.tolist() == [0.0] * (report.ticks - 1) + [1.0]


def test_all_kinds_of_bag_give_the_same_bits(tmp_path):
    rows = recording()
    episodes = []
    for kind in KINDS:
        (tmp_path / kind).mkdir()
        episodes += imported(tmp_path / kind, rows, kind=kind)[1]
    assert len({episode.observations.tobytes() for episode in episodes}) == 1
    assert len({episode.actions.tobytes() for episode in episodes}) == 1


def test_the_metadata_says_where_an_episode_is_from(tmp_path):
    imported(tmp_path, recording(), ImportOptions(task='stack', operator='Ada',
                                                 outcome=EpisodeOutcome.FAILURE))
    [path] = find_bags(tmp_path / 'demos')
    data = yaml.safe_load((path / 'metadata.yaml').read_text())['rosbag2_bagfile_information']
    custom = data['custom_data']
    assert custom['imported_from'].endswith('foreign')
    assert (custom['task'], custom['operator'], custom['outcome']) == ('stack', 'Ada', 'failure')
    assert custom['contract_hash'] == CONTRACT.hash


def test_topics_with_other_names_are_mapped(tmp_path):
    rows = [(topic.replace('/joint_states', '/robot/joints'), *rest)
            for topic, *rest in recording()]
    with pytest.raises(BagError, match=r'joint_states \(sensor_msgs/msg/JointState\): no topic '
                                       r'/joint_states\s.*It has(.|\s)*/robot/joints'):
        imported(tmp_path, rows)
    assert not (tmp_path / 'demos').exists() or not list((tmp_path / 'demos').iterdir())
    options = ImportOptions(mapping=ImportMapping(topics={'joint_states': 'robot/joints'}))
    done = import_bag([tmp_path / 'foreign'], CONTRACT, tmp_path / 'demos', options)
    assert done[0].kept


def test_a_robot_in_a_namespace_is_found(tmp_path):
    done, [episode] = imported(
        tmp_path, recording(space='left/'), ImportOptions(namespace='/left'))
    plain = expected(recording(), BEGIN + 4_000_000, done[0].ticks)[0]
    np.testing.assert_array_equal(episode.observations, plain)


def test_a_clock_of_its_own_is_understood(tmp_path):
    """A simulation counts from 0, while the bag has the time of the wall clock."""
    clock = -BEGIN + 5 * SECOND
    rows = recording(clock=clock)
    [report], [episode] = imported(tmp_path, rows)
    assert report.kept, report.reason
    # The shift is the middle of what the streams say: both came late by their delay.
    seconds = episode.observations[:, 0]
    assert np.diff(seconds) == pytest.approx(0.1, abs=0.021)
    assert (episode.actions[:, 0] - seconds[:-1] <= 0.21).all()


def test_commands_are_those_of_a_leader_arm_if_the_mapping_says_so(tmp_path):
    rows = recording()
    leader = [('/leader/joint_states', time, message) for topic, time, message in rows
              if topic == '/joint_states']
    rows = sorted([row for row in rows if row[0] != '/command'] + leader, key=lambda row: row[1])
    mapping = tmp_path / 'mapping.yaml'
    mapping.write_text(
        'actions:\n  arm:\n    recorded: {topic: /leader/joint_states, '
        'type: sensor_msgs/msg/JointState, joints: [a, b]}\n')
    [report], [episode] = imported(tmp_path, rows, ImportOptions(mapping=load_mapping(mapping)))
    ahead = episode.actions[:, 0] - episode.observations[:-1, 0]
    assert report.ticks > 15
    assert ahead == pytest.approx(0.1, abs=0.021), 'the newest before the next tick'


def test_the_next_observation_may_be_the_command(tmp_path):
    rows = [row for row in recording() if row[0] != '/command']
    mapping = ImportMapping(actions={'arm': {'next': 'angles'}})
    _, [episode] = imported(tmp_path, rows, ImportOptions(mapping=mapping))
    np.testing.assert_array_equal(episode.actions, episode.observations[1:, :2])


def test_commands_beyond_the_limits_are_cut_and_counted(tmp_path):
    tight = parse_contract({**ARM, 'actions': {'arm': {
        **ARM['actions']['arm'], 'maximum': [1.0, 9.0]}}})
    [report], [episode] = imported(tmp_path, recording(), contract=tight)
    assert episode.actions[:, 0].max() == 1.0
    assert report.clipped == (expected(recording(), BEGIN + 4_000_000, report.ticks)[1][:, 0]
                              > 1.0).sum()


def test_an_old_velocity_is_no_command(tmp_path):
    twist = parse_contract({**ARM, 'actions': {'hand': {
        'topic': 'twist', 'type': 'geometry_msgs/msg/TwistStamped', 'field': 'twist.linear',
        'minimum': [-1] * 3, 'maximum': [1] * 3}}})
    message = blank_message('geometry_msgs/msg/TwistStamped')
    message.twist.linear.x = 0.5
    rows = sorted([*recording(), ('/twist', BEGIN + SECOND, message)], key=lambda row: row[1])
    _, [episode] = imported(tmp_path, rows, contract=twist)
    driven = np.flatnonzero(episode.actions[:, 0])
    assert driven.tolist() == list(range(9, 9 + len(driven)))
    assert 4 <= len(driven) <= 6, 'half a second'


# Cutting.

def pauses():
    return [*recording(1.0), *recording(1.0, first=4.0), *recording(0.05, first=8.0)]


def test_pauses_cut_and_what_is_too_short_is_rejected_with_its_reason(tmp_path):
    done, episodes = imported(tmp_path, pauses(), ImportOptions(cut=CutRule.parse('gaps:1.5')))
    assert [episode.kept for episode in done] == [True, True, False]
    assert 'too short' in done[2].reason or 'nothing came' in done[2].reason
    assert len(episodes) == 2
    assert episodes[1].observations[0, 0] == pytest.approx(4.0, abs=0.03)
    [rejected] = (tmp_path / 'demos' / 'rejected').iterdir()
    data = yaml.safe_load((rejected / 'metadata.yaml').read_text())
    assert data['rosbag2_bagfile_information']['custom_data']['reason'] == done[2].reason


def test_a_topic_says_where_the_episodes_are(tmp_path):
    rows = recording(4.0)
    for at, word in ((0.5, 'start'), (1.5, 'success'), (2.0, 'start'), (2.4, 'discard'),
                     (2.6, 'start'), (3.4, 'failure')):
        message = blank_message('std_msgs/msg/String')
        message.data = word
        rows.append(('/label', BEGIN + round(at * SECOND), message))
    done, episodes = imported(tmp_path, sorted(rows, key=lambda row: row[1]),
                              ImportOptions(cut=CutRule.parse('topic:label')))
    assert [episode.outcome for episode in episodes] == [1, 2]
    assert [episode.ticks for episode in done] == [10, 8]
    assert episodes[0].observations[0, 0] == 0.5
    assert episodes[0].rewards.sum() == 1.0
    assert episodes[1].rewards.sum() == 0.0


def test_a_table_says_where_the_episodes_are(tmp_path):
    table = tmp_path / 'times.csv'
    table.write_text(f'start,end,outcome,task\n0.5,1.0,success,pick\n'
                     f'{BEGIN // SECOND}.75,{BEGIN // SECOND + 1}.5,failure,\n')
    with pytest.raises(CutError, match='line 3: begins before the episode above it ends'):
        imported(tmp_path, recording(), ImportOptions(cut=CutRule('csv', str(table))))
    table.write_text(f'Start , End\n0.5,1.0\n{BEGIN // SECOND + 1}.25,{BEGIN // SECOND + 1}.75\n')
    done = import_bag([tmp_path / 'foreign'], CONTRACT, tmp_path / 'demos',
                      ImportOptions(cut=CutRule('csv', str(table))))
    assert [episode.ticks for episode in done] == [5, 5]


# What goes wrong.

def test_a_stream_that_is_missing_in_the_middle_rejects_the_episode(tmp_path):
    rows = [row for row in recording(3.0)
            if row[0] != '/hand' or not 1.0 < (row[1] - BEGIN) / SECOND < 2.0]
    [report], episodes = imported(tmp_path, rows)
    assert not episodes
    assert 'hand: hand is 0.3' in report.reason
    assert report.reason.startswith('at 1.')
    assert report.reason.endswith(' 0.3 s allowed. If the recording pauses there, cut it into '
                                  'episodes (--cut gaps:SECONDS)')


def test_samples_that_are_late_by_a_little_cost_their_ticks_and_are_told(tmp_path):
    """The hand comes at 20 Hz, may be 0.3 s old, and is silent for 0.4 s."""
    rows = recording(3.0)
    late = [row for row in rows if row[0] != '/hand'
            or not 1.02 < (row[1] - BEGIN) / SECOND < 1.38]
    [report], [episode] = imported(tmp_path, late)
    (tmp_path / 'whole').mkdir()
    [other], [whole] = imported(tmp_path / 'whole', rows)
    assert report.kept and report.ticks == other.ticks and whole.observed is None
    missed = np.flatnonzero(~episode.observed)
    assert len(missed) == 1
    assert report.notes == (
        f'of {report.ticks} ticks: 1 tick without a valid observation (hand: hand is 0.301 s old, '
        '0.3 s allowed)',)
    np.testing.assert_array_equal(episode.actions, whole.actions)
    learned = learning_episode(episode, CONTRACT)
    assert np.flatnonzero(~learned.observed).tolist() == missed.tolist()


def test_a_stream_that_ends_early_ends_the_episode(tmp_path):
    rows = [row for row in recording(2.0)
            if row[0] != '/hand' or row[1] < BEGIN + SECOND * 3 // 2]
    [report], [episode] = imported(tmp_path, rows)
    assert report.kept
    assert 14 <= report.ticks <= 18
    assert report.notes == ('the last 0.180 s are left out: hand: hand is 0.351 s old, 0.3 s '
                            'allowed',)


def test_the_same_recording_is_not_imported_twice(tmp_path):
    imported(tmp_path, recording())
    before = sorted(path.name for path in (tmp_path / 'demos').iterdir())
    with pytest.raises(BagError, match='0000_.*: this episode was imported before'):
        import_bag([tmp_path / 'foreign'], CONTRACT, tmp_path / 'demos', ImportOptions())
    assert sorted(path.name for path in (tmp_path / 'demos').iterdir()) == before


def test_a_type_that_differs_is_reported(tmp_path):
    rows = [(topic, time, blank_message('geometry_msgs/msg/PointStamped')
             if topic == '/hand' else message) for topic, time, message in recording()]
    with pytest.raises(BagError, match='hand: /hand is geometry_msgs/msg/PointStamped, '
                                       'geometry_msgs/msg/PoseStamped is needed'):
        imported(tmp_path, rows)


def test_a_message_that_cannot_be_used_is_left_out_and_the_episode_can_be_read(tmp_path):
    rows = recording()
    place = [topic for topic, _, _ in rows].index('/joint_states', 20)
    topic, time, message = rows[place]
    rows[place] = topic, time, replace(message, name=['b', 'a', 'x'])
    [report], [episode] = imported(tmp_path, rows)
    assert report.unreadable == 1 and report.kept
    assert len(episode.actions) == report.ticks


def test_joints_in_another_order_are_found_by_their_names(tmp_path):
    rows = recording()
    turned = [(topic, time, replace(message, name=message.name[::-1],
                                    position=message.position[::-1]))
              if topic == '/joint_states' and index % 3 else (topic, time, message)
              for index, (topic, time, message) in enumerate(rows)]
    [report], [episode] = imported(tmp_path, turned)
    observations, _ = expected(rows, BEGIN + 4_000_000, report.ticks)
    np.testing.assert_array_equal(episode.observations, observations)


def test_a_value_that_is_not_finite_is_left_out(tmp_path):
    rows = recording()
    place = [topic for topic, _, _ in rows].index('/hand', 20)
    message = blank_message('geometry_msgs/msg/PoseStamped')
    message.header, message.pose.position.x = rows[place][2].header, float('nan')
    [report], [episode] = imported(
        tmp_path, [*rows[:place], (*rows[place][:2], message), *rows[place + 1:]])
    assert report.unreadable == 1 and report.kept
    assert np.isfinite(episode.observations).all()


def test_messages_in_the_other_byte_order_are_read(tmp_path):
    rows = recording()
    source = ros2_bag(tmp_path / 'foreign', rows, serialise=lambda message: bytes(
        ros_typestore().serialize_cdr(with_numpy(message), message.__msgtype__,
                                      little_endian=False)))
    [report] = import_bag([source], CONTRACT, tmp_path / 'demos', ImportOptions())
    episode = read_episode(tmp_path / 'demos' / report.name, CONTRACT)
    observations, actions = expected(rows, BEGIN + 4_000_000, report.ticks)
    np.testing.assert_array_equal(episode.observations, observations)
    np.testing.assert_array_equal(episode.actions, actions)


@settings(max_examples=40)
@given(share=st.floats(0.0, 1.0, exclude_max=True), value=st.integers(1, 255), data=st.data())
def test_a_damaged_bag_adds_nothing_or_whole_episodes(tmp_path_factory, share, value, data):
    tmp_path = tmp_path_factory.mktemp('damaged')
    source = ros2_bag(tmp_path / 'foreign', recording(1.0))
    [file] = source.glob('*.mcap')
    content = file.read_bytes()
    place = int(share * len(content))
    if data.draw(st.booleans()):
        file.write_bytes(content[:place])
    else:
        file.write_bytes(content[:place] + bytes([content[place] ^ value]) + content[place + 1:])
    check_import_of_damaged(source, tmp_path / 'demos')


@pytest.mark.parametrize(('text', 'words'), [
    ('topics: {joints: x}', "topics names 'joints', which the contract has not"),
    ('actions: {leg: {next: angles}}', "actions names 'leg'"),
    ('actions: {arm: {next: hand}}', "'hand' has 7 values, 2 are needed"),
    ('actions: {arm: {next: foot}}', "actions.arm.next is 'foot'"),
    ('actions: {arm: {}}', 'exactly one of recorded, next'),
    ('actions: {arm: {recorded: {topic: x, type: sensor_msgs/msg/JointState, joints: [a]}}}',
     'recorded has 1 values, 2 are needed'),
    ('topic: {}', 'line 1: topic: unknown key'), ('a: [', 'is not YAML'),
    ('command_age: -1', 'line 1: command_age')])
def test_a_wrong_mapping_says_what_is_allowed(tmp_path, text, words):
    path = tmp_path / 'mapping.yaml'
    path.write_text(text)
    with pytest.raises(MappingError, match=words):
        imported(tmp_path, recording(0.5), ImportOptions(mapping=load_mapping(path)))


def test_a_gripper_that_is_driven_by_an_action_needs_a_mapping(tmp_path):
    contract = parse_contract({**ARM, 'actions': {'gripper': {
        'topic': 'gripper', 'type': 'control_msgs/action/GripperCommand', 'joints': ['a'],
        'minimum': [0], 'maximum': [9], 'hold': 'last'}}})
    with pytest.raises(MappingError, match='are in no bag. Say in a mapping'):
        imported(tmp_path, recording(), contract=contract)


def test_an_absent_bag_is_named(tmp_path):
    with pytest.raises(BagError, match='absent'):
        import_bag([tmp_path / 'absent'], CONTRACT, tmp_path / 'demos', ImportOptions())
