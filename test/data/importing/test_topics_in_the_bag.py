# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Topics of a recording are taken however they are named, typed and defined, or refused."""

from foreign_bags import (
    BEGIN,
    CONTRACT,
    expected,
    JOINTS,
    KINDS,
    recording,
    ros2_bag,
    serialised,
)
from mcap.writer import Writer as McapWriter
import numpy as np
import pytest
from test_foreign_files import mcap_beside

from inril_ros.data.bags.bags import BagError
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.importing.bag_import import import_bag
from inril_ros.data.importing.import_mapping import ImportMapping
from inril_ros.data.importing.import_options import ImportOptions
from inril_ros.data.raw.messages import blank_message
from inril_ros.data.raw.typestore import ros_typestore

ROWS = recording(2.0)


def imported(bag, folder, **options):
    [report] = import_bag([bag], CONTRACT, folder, ImportOptions(**options))
    assert report.kept, report.reason
    return report, read_episode(folder / report.name, CONTRACT)


def check_exact(episode, rows=ROWS):
    observations, actions = expected(rows, BEGIN, len(episode.actions))
    np.testing.assert_array_equal(episode.observations, observations)
    np.testing.assert_array_equal(episode.actions, actions)


def renamed(names):
    return [(names.get(topic, topic), time, message) for topic, time, message in ROWS]


@pytest.mark.parametrize('names', [
    {topic: topic[1:] for topic in ('/joint_states', '/hand', '/command')},
    {'/joint_states': '/joint_states/', '/hand': '//hand'}])
def test_slashes_of_a_name_do_not_matter(tmp_path, names):
    _, episode = imported(ros2_bag(tmp_path / 'bag', renamed(names)), tmp_path / 'demos')
    check_exact(episode)


@pytest.mark.parametrize('name', ['robot/joints', '/robot/joints', 'rt/a-b.c~{0}', '/ j '])
def test_a_mapping_names_a_topic_as_it_is_in_the_bag(tmp_path, name):
    bag = ros2_bag(tmp_path / 'bag', renamed({'/joint_states': name}))
    _, episode = imported(bag, tmp_path / 'demos',
                          mapping=ImportMapping(topics={'joint_states': name}))
    check_exact(episode)


def test_of_two_types_on_a_topic_the_needed_one_is_read_and_the_other_said(tmp_path):
    other = [('/joint_states', time + 1, blank_message('std_msgs/msg/String'))
             for topic, time, _ in ROWS if topic == '/hand']
    # The writer of the tests has one connection per topic, so each type gets a file of its own.
    parts = tmp_path / 'parts'
    parts.mkdir()
    for number, rows in enumerate((ROWS, other)):
        [file] = ros2_bag(tmp_path / f'part{number}', rows).glob('*.mcap')
        file.rename(parts / f'part_{number}.mcap')
    report, episode = imported(parts, tmp_path / 'demos')
    check_exact(episode)
    assert report.notes[0] == (
        f'joint_states: {len(other)} messages on /joint_states were left out: they are '
        f'std_msgs/msg/String, not {JOINTS}')


@pytest.mark.parametrize('kind', ['service event', 'protobuf', 'broken', 'unknown'])
def test_topics_that_the_contract_does_not_read_can_be_anything(tmp_path, kind):
    bag = mcap_beside(tmp_path / 'bag.mcap', kind)
    [report] = import_bag([bag], CONTRACT, tmp_path / 'demos', ImportOptions())
    assert report.kept and not report.unreadable


def test_a_needed_topic_that_cannot_be_decoded_is_named_with_the_reason(tmp_path):
    path = tmp_path / 'bag.mcap'
    for schema, encoding, reason in (
            (b'this is == no definition [\n', 'cdr', 'its definition in the bag is broken'),
            (b'string other\n', 'json', 'its messages are encoded as json')):
        with path.open('wb') as file:
            writer = McapWriter(file)
            writer.start('ros2', 'test')
            channels = {}
            for topic, time, message in ROWS:
                if topic not in channels:
                    text, _ = ros_typestore().generate_msgdef(message.__msgtype__, ros_version=2)
                    is_hand = topic == '/hand'
                    channels[topic] = writer.register_channel(
                        topic, encoding if is_hand else 'cdr', writer.register_schema(
                            message.__msgtype__, 'ros2msg', schema if is_hand else text.encode()))
                writer.add_message(channels[topic], time, serialised(message), time)
            writer.finish()
        with pytest.raises(BagError, match=f'/hand: {reason}'):
            import_bag([path], CONTRACT, tmp_path / 'demos', ImportOptions())
        assert not (tmp_path / 'demos').exists()


def test_a_message_that_cannot_be_decoded_is_a_refused_message(tmp_path):
    rows = list(ROWS)
    place = next(index for index in range(60, 80) if rows[index][0] == '/joint_states')

    def torn(message):
        raw = serialised(message)
        return raw[:50] if message is rows[place][2] else raw

    bag = ros2_bag(tmp_path / 'bag', rows, serialise=torn)
    report, episode = imported(bag, tmp_path / 'demos')
    assert report.unreadable == 1
    assert any('joint_states: 1 messages could not be used; the first: ' in note
               and 'a message is no sensor_msgs/msg/JointState' in note for note in report.notes)


def test_files_of_ros_1_with_the_same_numbers_are_not_confused(tmp_path):
    paths = [KINDS['ros1'](tmp_path / name, [row for row in ROWS if row[0] == f'/{name}'])
             for name in ('joint_states', 'hand')]
    mapping = ImportMapping(actions={'arm': {'next': 'angles'}})
    [report] = import_bag(paths, CONTRACT, tmp_path / 'demos', ImportOptions(mapping=mapping))
    assert report.kept and not report.unreadable
    episode = read_episode(tmp_path / 'demos' / report.name, CONTRACT)
    np.testing.assert_array_equal(episode.actions, episode.observations[1:, :2])


def test_files_that_are_not_whole_are_refused_with_the_repair(tmp_path):
    [file] = ros2_bag(tmp_path / 'bag', ROWS).glob('*.mcap')
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(BagError, match='bag.mcap: has no end: .* inril demos repair .*/bag'):
        import_bag([tmp_path / 'bag'], CONTRACT, tmp_path / 'demos', ImportOptions())


def test_a_message_without_a_stamp_is_a_refused_message(tmp_path):
    """So short that it has none, on the topic whose stamps give the clock."""
    bag = ros2_bag(tmp_path / 'bag', ROWS, serialise=lambda message: serialised(message)[
        :6 if message is ROWS[0][2] else None])
    report, _ = imported(bag, tmp_path / 'demos')
    assert report.unreadable == 1
