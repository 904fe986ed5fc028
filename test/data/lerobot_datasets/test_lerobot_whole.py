# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A LeRobotDataset from which something is missing is mended, or refused with what and where."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st
from lerobot_files import arm, DATA, EPISODES, Files, put_table
import numpy as np
import pytest

from inril_ros.data.bags.bags import BagError, find_bags
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.lerobot.format import LeRobotError
from inril_ros.data.lerobot.importing import import_lerobot
from inril_ros.data.lerobot.options import LeRobotOptions


def imported(files, folder, **options):
    """Import a dataset; return the results and all notes."""
    notes = []
    done = import_lerobot(files.write(folder / 'set'), arm(), folder / 'demos',
                          LeRobotOptions(**options), notes.append)
    return done, '\n'.join([*notes, *(note for episode in done for note in episode.notes)])


def lose(files, *frames):
    files.frames = [frame for place, frame in enumerate(files.frames) if place not in frames]


def again(files, place):
    files.frames.insert(place + 1, dict(files.frames[place]))


def put(files, place, **values):
    files.frames[place].update(values)


def vector(files, place, name, joint, value):
    files.frames[place][name][joint] = value


# What is done to a dataset of episodes of 6 and 5 frames (numbers 0 to 10), and what is said.
FAULTS = {
    'half': (lambda files: lose(files, 8, 9, 10),
             'episode 1 has 2 of 5 frames; without those of frame_index 2, 3, 4'),
    'first': (lambda files: lose(files, 6), 'has 4 of 5 frames; without those of frame_index 0'),
    'middle': (lambda files: lose(files, 7, 8), 'without those of frame_index 1, 2'),
    'middle, length too': (
        lambda files: (lose(files, 8), files.rows[1].update(length=4)),
        'has 4 of 5 frames; without those of frame_index 2'),
    'all frames': (lambda files: lose(files, 6, 7, 8, 9, 10),
                   'episode 1 has no frames in data; meta/episodes says 5'),
    'its row': (lambda files: files.rows.pop(),
                'episode 1 has 5 frames in data, but no row in meta/episodes'),
    'length': (lambda files: files.rows[1].update(length=4),
               'episode 1 has 5 frames, 0 to 4; meta/episodes says 4'),
    'no length': (lambda files: files.rows[1].pop('length'), 'episode 1 has the length None'),
    'twice': (lambda files: again(files, 8), 'has 6 frames, and frame_index 2 twice'),
    'row twice': (lambda files: files.rows.append(dict(files.rows[1])),
                  'episode 1 has 2 rows in meta/episodes'),
    'times': (lambda files: put(files, 9, timestamp=0.25),
              'has timestamp 0.2500 s at frame 3, where 10 frames per second give 0.3000 s'),
    'no time': (lambda files: put(files, 9, timestamp=math.nan), 'has timestamp nan s at frame 3'),
    'two orders': (lambda files: put(files, 9, index=77),
                   'index and frame_index contradict each other from frame 3 on'),
    'state': (lambda files: vector(files, 8, 'observation.state', 1, math.nan),
              'episode 1 has nan in observation.state at frame 2: angles.elbow'),
    'action': (lambda files: vector(files, 10, 'action', 2, math.inf),
               'episode 1 has inf in action at frame 4: arm.gripper'),
    'empty': (lambda files: vector(files, 8, 'action', 0, None),
              'episode 1 has nan in action at frame 2: arm.shoulder'),
    'reward': (lambda files: files.feature('next.reward', [0.0] * 8 + [math.nan, 0.0, 1.0]),
               'episode 1 has next.reward nan at frame 2'),
    'success': (lambda files: files.feature('next.success', [False] * 8 + [None, False, True]),
                'episode 1 has next.success nan at frame 2'),
    'two in one': (lambda files: files.feature(
        'next.done', [False] * 5 + [True] + [False, True, False, False, True]),
        'has next.done at frame 1 of 5 and goes on: it is more than one episode')}


@pytest.mark.parametrize('fault', FAULTS)
def test_an_episode_that_is_not_whole_is_refused_or_left_out(tmp_path, fault):
    change, words = FAULTS[fault]
    files = Files()
    change(files)
    with pytest.raises(LeRobotError) as caught:
        imported(files, tmp_path)
    assert 'set: is not whole, so nothing is imported:' in str(caught.value)
    assert words in str(caught.value)
    assert '--skip-broken imports the 1 of 2 that are whole' in str(caught.value)
    assert not list(tmp_path.glob('demos/*'))
    done, _ = imported(files, tmp_path, skip_broken=True)
    assert [(episode.kept, episode.ticks) for episode in done] == [(True, 6), (False, 0)]
    assert done[1].name == 'episode 1' and done[1].reason in str(caught.value)
    [bag] = find_bags(tmp_path / 'demos')
    np.testing.assert_allclose(read_episode(bag, arm()).actions, Files().vectors('action')[:6],
                               atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(11)), files=st.integers(1, 3))
def test_frames_in_any_order_and_any_files_are_sorted(tmp_path_factory, order, files):
    folder = tmp_path_factory.mktemp('shuffled')
    content = Files()
    frames = [content.frames[place] for place in order]
    content.frames = frames[:1]
    dataset = content.write(folder / 'set')
    for number in range(files):
        put_table(dataset / f'data/chunk-000/file-{number:03d}.parquet', frames[number::files])
    done = import_lerobot(dataset, arm(), folder / 'demos')
    for bag, part in zip(find_bags(folder / 'demos'), (slice(6), slice(6, 11)), strict=True):
        episode = read_episode(bag, arm())
        np.testing.assert_allclose(episode.actions, Files().vectors('action')[part], atol=1e-6)
        np.testing.assert_allclose(
            episode.observations[:-1], Files().vectors('observation.state')[part], atol=1e-6)
    in_order = [list(filter(lambda place: place // 6 == episode, order)) for episode in (0, 1)]
    if files == 1:
        for result, places in zip(done, in_order, strict=True):
            said = any('were sorted by frame_index' in note for note in result.notes)
            assert said == (places != sorted(places))


@pytest.mark.parametrize(('key', 'told', 'words'), [
    ('total_episodes', 3, 'episode 2 is lost: meta/info.json says total_episodes 3'),
    ('total_episodes', 1, 'meta/info.json says total_episodes 1, and 2 are there'),
    ('total_frames', 12, 'meta/info.json says total_frames 12, and 11 are there')])
def test_totals_that_are_wrong_are_refused_or_said(tmp_path, key, told, words):
    files = Files()
    files.info[key] = told
    with pytest.raises(LeRobotError, match=words):
        imported(files, tmp_path)
    done, notes = imported(files, tmp_path, skip_broken=True)
    assert sum(episode.kept for episode in done) == 2
    assert words in notes or words.endswith(done[-1].reason.partition(',')[0])


def test_an_episode_lost_in_the_middle_is_named_and_one_deleted_is_said(tmp_path):
    files = Files((6, 5, 4))
    lose(files, *range(6, 11))
    files.rows.pop(1)
    with pytest.raises(LeRobotError, match='episode 1 is lost'):
        imported(files, tmp_path)
    files.info.update(total_episodes=2, total_frames=10)
    done, notes = imported(files, tmp_path)
    assert [episode.ticks for episode in done] == [6, 4]
    assert 'the numbers of the episodes have gaps, as after deleting some: 1' in notes


def test_a_table_that_names_the_wrong_file_is_not_believed(tmp_path):
    """As lerobot's converter left it at the border of two files (lerobot issue 2401)."""
    files = Files()
    files.rows[1]['data/file_index'] = 7
    done, notes = imported(files, tmp_path)
    assert [episode.ticks for episode in done] == [6, 5]
    assert 'names another file for its frames than the one that has them, data/chunk-000' in notes


def test_frame_numbers_that_a_converter_mixed_up_are_said(tmp_path):
    """As lerobot's converter left them for images in the frames (lerobot issue 1919)."""
    files = Files()
    files.rows[1].update(dataset_from_index=3, dataset_to_index=5)
    done, notes = imported(files, tmp_path)
    assert [episode.ticks for episode in done] == [6, 5]
    assert 'gives it the frames 3 to 5 of the dataset, which are not 5' in notes


def test_a_missing_file_is_a_lost_episode(tmp_path):
    files = Files()
    dataset = files.write(tmp_path / 'set')
    (dataset / DATA).unlink()
    with pytest.raises(LeRobotError, match='has no parquet file in data'):
        import_lerobot(dataset, arm(), tmp_path / 'demos')
    put_table(dataset / DATA, files.frames[:6])
    with pytest.raises(LeRobotError, match='episode 1 has no frames in data.*a parquet file is '
                                           'missing'):
        import_lerobot(dataset, arm(), tmp_path / 'demos')


def test_a_recording_without_a_table_of_episodes_is_named(tmp_path):
    dataset = Files().write(tmp_path / 'set')
    (dataset / EPISODES).unlink()
    with pytest.raises(LeRobotError, match='meta/episodes has no episodes, as after a recording'):
        import_lerobot(dataset, arm(), tmp_path / 'demos')


@pytest.mark.parametrize('file', [DATA, EPISODES])
def test_a_file_that_was_not_closed_is_named_with_what_to_do(tmp_path, file):
    dataset = Files().write(tmp_path / 'set')
    (dataset / file).write_bytes((dataset / file).read_bytes()[:-20])
    with pytest.raises(LeRobotError, match=f'{file}: cannot be read.*interrupted.*--skip-broken'):
        import_lerobot(dataset, arm(), tmp_path / 'demos')


def test_times_of_another_rate_are_named(tmp_path):
    files = Files(rate=5)
    files.info['fps'] = 10
    with pytest.raises(LeRobotError, match=r'has timestamp 0.2000 s at frame 1, where 10 frames '
                                           r'per second give 0.1000 s \(its steps are those of 5'):
        imported(files, tmp_path)


def test_vectors_of_another_size_are_named(tmp_path):
    files = Files()
    files.frames[7]['action'] = [0.1, 0.2]
    with pytest.raises(LeRobotError, match='action has 2 numbers in episode 1, frame 1'):
        imported(files, tmp_path)


@pytest.mark.parametrize('column', ['frame_index', 'timestamp', 'episode_index', 'action'])
def test_a_missing_column_is_named(tmp_path, column):
    files = Files()
    for frame in files.frames:
        del frame[column]
    dataset = tmp_path / 'set'
    for part in Files().write(dataset).rglob('data/**/*.parquet'):
        put_table(part, files.frames)
    with pytest.raises(LeRobotError, match=rf"file-000.parquet: lacks the columns \['{column}'\]"):
        import_lerobot(dataset, arm(), tmp_path / 'demos')


def test_a_task_is_found_or_its_lack_is_said(tmp_path):
    files = Files()
    files.rows[0]['tasks'] = files.rows[1]['tasks'] = []
    assert 'task is neither' not in imported(files, tmp_path / 'a')[1]
    files.frames[8]['task_index'] = files.frames[9]['task_index'] = 0
    files.tasks = None
    assert 'its task is neither in meta/episodes nor in meta/tasks: it has none' in imported(
        files, tmp_path / 'b')[1]
    assert 'task is neither' not in imported(files, tmp_path / 'c', task='stack')[1]
    files.rows[0]['tasks'] = files.rows[1]['tasks'] = ['pick']
    files.tasks = {0: 'place'}
    assert 'gives it the task pick, and its frames place' in imported(files, tmp_path / 'd')[1]


def test_a_quaternion_that_is_no_rotation_is_named(tmp_path):
    contract = arm(observations={
        'angles': {'topic': 'joint_states', 'type': 'sensor_msgs/msg/JointState',
                   'joints': ['shoulder', 'elbow', 'gripper'], 'max_age': 0.2},
        'hand': {'topic': 'hand', 'type': 'geometry_msgs/msg/PoseStamped', 'field': 'pose'}})
    files = Files()
    feature = files.info['features']['observation.state']
    feature.update(shape=[10], names=[*feature['names'], *(f'hand[{n}]' for n in range(7))])
    poses = np.tile([0.1, 0.2, 0.3, 0.0, 0.0, 0.6, 0.8], (11, 1))
    states = np.column_stack([files.vectors('observation.state'), poses])
    files.put('observation.state', states)
    import_lerobot(files.write(tmp_path / 'good'), contract, tmp_path / 'demos')
    states[8, -4:] = 0.0
    files.put('observation.state', states)
    with pytest.raises(LeRobotError, match='episode 1 has in hand at frame 2: the quaternion .* '
                                           'is no rotation: its length is 0, not 1'):
        import_lerobot(files.write(tmp_path / 'bad'), contract, tmp_path / 'other')


def test_the_same_episode_twice_is_said_and_an_import_is_known_again(tmp_path):
    files = Files((6, 6))
    for name in ('observation.state', 'action'):
        files.put(name, np.tile(files.vectors(name)[:6], (2, 1)))
    _, notes = imported(files, tmp_path)
    assert 'episode 1 has the same states and actions as episode 0' in notes
    copy = files.write(tmp_path / 'another_name')
    with pytest.raises(BagError, match='was imported before'):
        import_lerobot(copy, arm(), tmp_path / 'demos')
    other = Files((4, 3)).write(tmp_path / 'other/set')  # the same name is not the same dataset
    assert len(import_lerobot(other, arm(), tmp_path / 'demos')) == 2


def test_many_faults_are_counted(tmp_path):
    files = Files((2,) * 15)
    for frame in files.frames:
        frame['action'][0] = math.nan
    with pytest.raises(LeRobotError) as caught:
        imported(files, tmp_path)
    assert str(caught.value).count('has nan in action') == 10
    assert 'and 5 more\nNo episode is whole' in str(caught.value)
