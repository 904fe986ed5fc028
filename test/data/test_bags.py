# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A bag is whole or absent, any tool can read it, and errors in one are reported."""

from dataclasses import replace
import random

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from small_arm import (
    CONTRACT,
    DESCRIPTION,
    event_message,
    joint_state,
    observed,
    outcome_message,
    point,
    recorded,
    serialised,
    START,
    TICK,
    TOPICS,
    write,
)
import yaml

from inril_ros.data.bags.bags import BagError, EpisodeBag, find_bags
from inril_ros.data.bags.digest import content_digest
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.frames.sync import FrameAligner
from inril_ros.learning.pretrain import imitation_pairs
from inril_ros.nodes.learner.demonstrations import learning_episode
from inril_ros.robot.contract.contract import parse_contract

TICKS = 6


def bag_of(folder, messages, name='0000_e1', keep=True):
    bag = EpisodeBag(folder, name)
    write(bag, messages)
    return bag.close({'outcome': 'success'}, keep)


def without(messages, topic):
    return [message for message in messages if message[0] != topic]


def test_an_episode_comes_back_as_it_was(tmp_path):
    episode = read_episode(bag_of(tmp_path, recorded(TICKS)), CONTRACT)
    assert (episode.episode_id, episode.outcome) == ('e1', 1)
    assert episode.observations.shape == (TICKS + 1, CONTRACT.observation_size)
    # goal 0 + tick, hand 1000 + tick, angle 2000 + tick; see small_arm.
    assert episode.observations[:, 0].tolist() == [1000.0 + tick for tick in range(TICKS + 1)]
    assert episode.observations[:, 3].tolist() == [2000.0 + tick for tick in range(TICKS + 1)]
    assert set(episode.observations[:, 4]) == {-1000.0}
    assert episode.observations[:, 7].tolist() == [0.0] + [1.0] * TICKS
    assert episode.actions.tolist() == [[tick, 0.5, -0.5] for tick in range(TICKS)]
    assert episode.rewards.tolist() == [0.0] * (TICKS - 1) + [1.0]
    assert episode.source.tolist() == [1] * TICKS
    assert episode.age.tolist() == [0.0] * (TICKS + 1)


def test_a_bag_gives_the_observations_that_were_made_live(tmp_path):
    """Streams with times of their own, as a real robot has them."""
    generator = random.Random(5)
    rows = without(without(recorded(TICKS), 'hand'), 'joint_states')
    for topic in ('hand', 'joint_states'):
        stamp = START - 1
        while stamp <= START + TICKS * TICK:
            rows.append((topic, observed(topic, stamp, generator.random())))
            stamp += generator.randrange(20_000_000, 90_000_000)
    rows.sort(key=lambda row: row[1].header.stamp.sec * 10**9 + row[1].header.stamp.nanosec)
    episode = read_episode(bag_of(tmp_path, rows), CONTRACT)
    aligner = FrameAligner(CONTRACT)
    for topic, message in rows:
        if topic in TOPICS:
            aligner.add(topic, message)
    live = [aligner.frame(START + tick * TICK).values for tick in range(TICKS + 1)]
    assert episode.observations[:, 0].tolist() == [np.float32(row['hand'][0]) for row in live]
    assert episode.observations[:, 3].tolist() == [np.float32(row['angle'][0]) for row in live]
    assert 0.0 < episode.age.max() < 0.1


def test_a_bag_is_read_by_a_reader_that_does_not_know_us(tmp_path):
    path = bag_of(tmp_path, recorded(TICKS))
    with AnyReader([path]) as reader:
        assert {link.topic for link in reader.connections} == {
            f'/{topic}' for topic in (*TOPICS, 'executed_action', 'episode/event', 'outcome')}
        ticks = [reader.deserialize(raw, link.msgtype).tick for link, _, raw in reader.messages()
                 if link.topic == '/executed_action']
    assert ticks == list(range(TICKS))
    metadata = yaml.safe_load((path / 'metadata.yaml').read_text())['rosbag2_bagfile_information']
    assert metadata['message_count'] == len(recorded(TICKS))
    assert metadata['custom_data'] == {'outcome': 'success'}
    assert all((path / file).is_file() for file in metadata['relative_file_paths'])


@pytest.mark.parametrize(('storage', 'suffix'), [('mcap', '.mcap'), ('sqlite3', '.db3')])
@pytest.mark.parametrize('keep', [True, False])
def test_the_file_of_a_bag_has_the_name_of_the_bag(tmp_path, storage, suffix, keep):
    bag = EpisodeBag(tmp_path, '0000_e1', storage)
    bag.write('goal', 'std_msgs/msg/String', 1, b'\0\1\0\0\1\0\0\0\0')
    path = bag.close({'outcome': 'success'}, keep)
    assert sorted(file.name for file in path.iterdir()) == [f'0000_e1{suffix}', 'metadata.yaml']
    about = yaml.safe_load((path / 'metadata.yaml').read_text())['rosbag2_bagfile_information']
    assert about['relative_file_paths'] == [f'0000_e1{suffix}'] == [
        each['path'] for each in about['files']]
    with AnyReader([path]) as reader:  # by rosbags itself
        assert reader.message_count == 1


def test_a_bag_has_its_name_only_when_it_is_whole(tmp_path):
    bag = EpisodeBag(tmp_path, '0000_e1')
    write(bag, recorded(TICKS))
    assert bag.messages == len(recorded(TICKS))
    assert [path.name for path in tmp_path.iterdir()] == ['0000_e1.tmp']
    with pytest.raises(BagError, match='holds no bag'):
        find_bags(tmp_path)
    assert bag.close({}, keep=True) == bag.path == tmp_path / '0000_e1'
    assert find_bags(tmp_path) == [bag.path]


def test_a_bag_that_is_not_kept_is_put_aside_and_not_deleted(tmp_path):
    path = bag_of(tmp_path, recorded(TICKS), keep=False)
    assert path == tmp_path / 'rejected' / '0000_e1'
    assert len(read_episode(path, CONTRACT).actions) == TICKS
    with pytest.raises(BagError, match='holds no bag'):
        find_bags(tmp_path)


@pytest.mark.parametrize('taken', ['0000_e1', '0000_e1.tmp', 'rejected/0000_e1'])
def test_a_recorded_episode_is_never_replaced(tmp_path, taken):
    (tmp_path / taken).mkdir(parents=True)
    with pytest.raises(BagError, match=f'{taken}: is there already'):
        EpisodeBag(tmp_path, '0000_e1')


def test_bags_are_found_in_the_order_of_their_names(tmp_path):
    names = ['0002_a', '0000_c', '0001_b']
    for name in names:
        bag_of(tmp_path, recorded(1), name)
    (tmp_path / 'notes').mkdir()
    assert [path.name for path in find_bags(tmp_path)] == sorted(names)


def test_a_folder_that_is_absent_or_empty_is_named(tmp_path):
    with pytest.raises(BagError, match='demos: no such folder; record demonstrations first'):
        find_bags(tmp_path / 'demos')
    with pytest.raises(BagError, match='holds no bag; record demonstrations first'):
        find_bags(tmp_path)


def test_ticks_without_a_valid_observation_are_marked_and_the_first_ones_left_out(tmp_path):
    late = [row for row in recorded(TICKS) if row[0] != 'joint_states'
            or row[1].position[0] not in (2000.0, 2003.0, 2004.0)]
    episode, whole = (read_episode(bag_of(tmp_path, messages, name), CONTRACT)
                      for messages, name in ((late, 'late'), (recorded(TICKS), 'whole')))
    assert whole.observed is None and whole.account is None
    assert episode.observed.tolist() == [True, True, True, False, True, True]
    assert len(episode.actions) == TICKS - 1 and len(episode.age) == TICKS
    assert episode.account == (
        '1 tick without a valid observation (joint_states: angle is 0.200 s old, 0.1 s allowed); '
        f'1 tick left out (joint_states: no sample at or before {START} ns)')
    assert episode.observations[:, 3].tolist() == [2001.0, 2002.0, 2002.0, 2002.0, 2005.0, 2006.0]
    learned = learning_episode(replace(episode, actions=episode.actions / 10), CONTRACT)
    assert learned.observed.tolist() == episode.observed.tolist()
    assert imitation_pairs([learned], 2)[0].state.shape[0] == 3  # of 5 windows, 2 have that tick


@pytest.mark.parametrize('topic', ['hand', 'executed_action', 'episode/event'])
def test_a_missing_topic_is_named_with_those_there_are(tmp_path, topic):
    path = bag_of(tmp_path, without(recorded(TICKS), topic))
    with pytest.raises(BagError, match=f"lacks the topics .'{topic}'.; it has .*'/goal'"):
        read_episode(path, CONTRACT)


@pytest.mark.parametrize(('messages', 'words'), [
    (recorded(TICKS, contract_hash='0' * 64),
     'recorded under contract 000000000000, this is small_arm'),
    (recorded(TICKS)[:-1], 'does not tell both start and end'),
    (recorded(TICKS)[1:], 'does not tell both start and end'),
    (without(recorded(TICKS)[:12], 'episode/event')
     + [('episode/event', event_message(2, START)),
        ('episode/event', event_message(3, START + TICKS * TICK, tick=TICKS))],
     'incomplete: executed action 2 of 6'),
    ([row for row in recorded(TICKS) if not (
        row[0] == 'executed_action' and row[1].tick == 3)], 'incomplete: executed action 3 of 6'),
    ([*recorded(TICKS), ('joint_states', joint_state(START + 1, 0.0, names=['j', 'k']))],
     'joint_states: 1 values of position for 2 joints'),
    ([row for row in recorded(TICKS) if row[0] != 'joint_states']
     + [('joint_states', joint_state(START + 1, 0.0, names=['k']))],
     r"joint_states: no message has position of the joints \['j'\]; .* name \['k'\]"),
    ([*recorded(TICKS), ('hand', point(0, 1.0))], 'hand: header.stamp is 0'),
    (recorded(1)[:-1] + [('episode/event', event_message(3, START))],
     'incomplete: no action was executed'),
    (recorded(TICKS)[:-1] + [('episode/event', event_message(
        3, START + TICKS * TICK, tick=TICKS, outcome=77))], '77 is not a valid EpisodeOutcome'),
    (recorded(TICKS)[:-1] + [('outcome', outcome_message(START + TICK, reward=float('nan'))),
                             recorded(TICKS)[-1]],
     'a verdict on outcome cannot be: its reward is nan, the contract allows'),
], ids=lambda value: value[:20] if isinstance(value, str) else '')
def test_an_episode_that_cannot_be_used_says_why(tmp_path, messages, words):
    path = bag_of(tmp_path, messages)
    with pytest.raises(BagError, match=words) as caught:
        read_episode(path, CONTRACT)
    assert str(path) in str(caught.value)


def test_a_folder_that_is_no_bag_is_named(tmp_path):
    (tmp_path / 'metadata.yaml').write_text('- nothing')
    for path in (tmp_path, tmp_path / 'absent'):
        with pytest.raises(BagError, match=f'{path}: (is no bag|No such)'):
            read_episode(path, CONTRACT)


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    path = bag_of(tmp_path_factory.mktemp('whole'), recorded(TICKS))
    [file] = path.glob('*.mcap')
    return path, file, file.read_bytes()


@settings(max_examples=60)
@given(share=st.floats(0.0, 1.0, exclude_max=True))
def test_a_truncated_file_is_a_bag_error_wherever_it_is_cut(whole, share):
    path, file, content = whole
    file.write_bytes(content[:int(share * len(content))])
    with pytest.raises(BagError) as caught:
        read_episode(path, CONTRACT)
    assert str(path) in str(caught.value)


@settings(max_examples=50)
@given(share=st.floats(0.0, 1.0, exclude_max=True), value=st.integers(1, 255))
def test_a_damaged_file_is_a_bag_error_or_readable(whole, share, value):
    path, file, content = whole
    place = int(share * len(content))
    file.write_bytes(content[:place] + bytes([content[place] ^ value]) + content[place + 1:])
    try:
        episode = read_episode(path, CONTRACT)
    except BagError as error:
        assert str(path) in str(error)
    else:
        assert len(episode.observations) == len(episode.actions) + 1


def moved(messages, space):
    return [(space + topic, message) for topic, message in messages]


def test_a_bag_from_a_robot_in_a_namespace_is_read(tmp_path):
    here = read_episode(bag_of(tmp_path, recorded(TICKS)), CONTRACT)
    there = read_episode(bag_of(tmp_path, moved(recorded(TICKS), 'lab/left/'), '0001'), CONTRACT)
    np.testing.assert_array_equal(here.observations, there.observations)


def test_topics_of_other_robots_are_not_mixed_in(tmp_path):
    other = [('other/hand', point(START + tick * TICK + 1, -1.0)) for tick in range(TICKS)]
    mixed = bag_of(tmp_path, [*recorded(TICKS), *other])
    assert set(read_episode(mixed, CONTRACT).observations[:, 7]) == {0.0, 1.0}
    both = bag_of(tmp_path, [*moved(recorded(2), 'left/'), *moved(recorded(2), 'right/')], '0001')
    with pytest.raises(BagError, match="more than one robot: .'/left/', '/right/'."):
        read_episode(both, CONTRACT)


def test_a_topic_whose_name_ends_with_that_of_another_is_told_apart(tmp_path):
    data = {**DESCRIPTION, 'observations': {
        **DESCRIPTION['observations'],
        'goal': {**DESCRIPTION['observations']['goal'], 'topic': 'wrist/hand'}}}
    contract = parse_contract(data)
    renamed = [('wrist/hand' if topic == 'goal' else topic, message)
               for topic, message in recorded(TICKS, contract_hash=contract.hash)]
    episode = read_episode(bag_of(tmp_path, renamed), contract)
    assert episode.observations[:, 0].tolist() == [1000.0 + tick for tick in range(TICKS + 1)]
    assert set(episode.observations[:, 4]) == {-1000.0}


def test_an_absolute_topic_is_recorded_under_its_own_name(tmp_path):
    data = {**DESCRIPTION, 'observations': {
        **DESCRIPTION['observations'],
        'goal': {**DESCRIPTION['observations']['goal'], 'topic': '/scene/goal'}}}
    contract = parse_contract(data)
    renamed = [('/scene/goal' if topic == 'goal' else topic, message)
               for topic, message in recorded(TICKS, contract_hash=contract.hash)]
    path = bag_of(tmp_path, renamed)
    with AnyReader([path]) as reader:
        assert '/scene/goal' in {link.topic for link in reader.connections}
    assert len(read_episode(path, contract).actions) == TICKS


def test_the_digest_is_of_the_messages_and_not_of_their_order(tmp_path):
    messages = recorded(TICKS)
    expected = content_digest([bag_of(tmp_path, messages)])
    by_topic = sorted(messages, key=lambda row: row[0])
    assert content_digest([bag_of(tmp_path, by_topic, 'by_topic')]) == expected


def test_the_digest_ignores_the_names_of_run_and_episode(tmp_path):
    first = bag_of(tmp_path, recorded(TICKS))
    second = bag_of(tmp_path, recorded(TICKS, run_id='r2', episode_id='e2'), '0001')
    assert content_digest([first]) == content_digest([second])


def test_the_digest_ignores_the_padding_between_aligned_values(tmp_path):
    message = point(START, 1.0)
    raw = serialised(message)
    content = raw[4:]
    # stamp, length and text of frame_id; the coordinates are aligned to 8 bytes.
    after_frame = 8 + 4 + len(message.header.frame_id) + 1
    padding = range(after_frame, -(-after_frame // 8) * 8)
    assert len(padding)
    same = [raw[:4] + content[:at] + bytes([0xA5]) + content[at + 1:] for at in padding]
    digests = set()
    for number, content in enumerate([raw, *same]):
        bag = EpisodeBag(tmp_path, f'{number:04d}')
        bag.write('hand', message.__msgtype__, START, content)
        digests.add(content_digest([bag.close({'outcome': 'success'}, True)]))
    assert len(digests) == 1


@pytest.mark.parametrize('change', ['value', 'time', 'topic', 'missing', 'outcome'])
def test_the_digest_shows_any_other_difference(tmp_path, change):
    messages = recorded(TICKS)
    place = next(index for index, row in enumerate(messages) if row[0] == 'hand')
    topic, message = messages[place]
    messages[place] = {
        'value': (topic, replace(message, point=replace(message.point, x=1000.0000001))),
        'time': (topic, point(START + 1, 1000.0)), 'topic': ('hand2', message),
        'missing': messages[place + 1], 'outcome': (topic, message)}[change]
    if change == 'outcome':
        messages[-1] = ('episode/event', event_message(3, START + TICKS * TICK, TICKS, outcome=2))
    assert content_digest([bag_of(tmp_path, recorded(TICKS))]) != content_digest(
        [bag_of(tmp_path, messages, '0001')])


@pytest.mark.parametrize('name', ['', '.', '..', '../x', '0000_../../x', '/x', 'a/b', 'a\0b'])
def test_a_bag_stays_in_its_folder(tmp_path, name):
    with pytest.raises(BagError, match='is no name of a bag'):
        EpisodeBag(tmp_path / 'bags', name)
    assert list(tmp_path.iterdir()) == []
