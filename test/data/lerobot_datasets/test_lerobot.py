# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A LeRobotDataset with images holds what the bags hold, and gives it back."""

import json
from pathlib import Path

from lerobot_arm import demonstrations, small_arm
import numpy as np
import pyarrow.parquet as parquet
import pytest
from synthetic_robot import bag_of, recording

from inril_ros.data.bags.bags import BagError, find_bags
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.lerobot import export as lerobot_export
from inril_ros.data.lerobot.export import export_lerobot
from inril_ros.data.lerobot.format import LeRobotError
from inril_ros.data.lerobot.importing import import_lerobot
from inril_ros.robot.contract.contract import load_contract

FOLDER = Path(__file__).parents[3] / 'config' / 'robots'


@pytest.fixture
def demos(tmp_path):
    return demonstrations(tmp_path / 'demos')


@pytest.fixture
def dataset(demos):
    assert export_lerobot(demos, small_arm(), demos.parent / 'dataset') == 2
    return demos.parent / 'dataset'


def test_the_files_say_what_they_hold(dataset, demos):
    info = json.loads((dataset / 'meta/info.json').read_text())
    assert (info['codebase_version'], info['fps'], info['total_frames']) == ('v3.0', 10, 19)
    state = info['features']['observation.state']
    assert state['names'][:3] == ['angles.a', 'angles.b', 'hand[0]']
    table = parquet.read_table(dataset / 'data/chunk-000/file-000.parquet')
    assert table.num_rows == 19
    assert set(table.column_names) == set(info['features'])
    assert parquet.ParquetFile(dataset / 'data/chunk-000/file-000.parquet').num_row_groups == 2
    episodes = parquet.read_table(dataset / 'meta/episodes/chunk-000/file-000.parquet')
    assert episodes.column('dataset_to_index').to_pylist() == [9, 19]
    contract = small_arm()
    raw = read_episode(find_bags(demos)[1], contract, tuple(contract.observations))
    part = table.slice(9)
    np.testing.assert_array_equal(
        np.array(part.column('observation.state').to_pylist(), np.float32), raw.observations[:-1])
    np.testing.assert_array_equal(
        np.array(part.column('action').to_pylist(), np.float32), raw.actions)
    assert part.column('next.done').to_pylist() == [False] * 9 + [True]


def test_statistics_are_those_of_all_frames(dataset, demos):
    contract = small_arm()
    rows = np.concatenate([read_episode(path, contract, tuple(contract.observations))
                           .observations[:-1] for path in find_bags(demos)]).astype(float)
    statistics = json.loads((dataset / 'meta/stats.json').read_text())['observation.state']
    for key, expected in (('min', rows.min(0)), ('max', rows.max(0)), ('mean', rows.mean(0)),
                          ('std', rows.std(0))):
        np.testing.assert_allclose(statistics[key], expected, atol=1e-7)
    assert statistics['count'] == [19]


def test_episodes_come_back(dataset, demos, tmp_path):
    contract = small_arm()
    done = import_lerobot(dataset, contract, tmp_path / 'back')
    assert [episode.ticks for episode in done] == [9, 10]
    for before, after in zip(find_bags(demos), find_bags(tmp_path / 'back'), strict=True):
        first, second = read_episode(before, contract), read_episode(after, contract)
        np.testing.assert_allclose(second.observations[:-1], first.observations[:-1], atol=1e-6)
        np.testing.assert_array_equal(second.actions, first.actions)
        np.testing.assert_array_equal(second.rewards, first.rewards)
        np.testing.assert_array_equal(second.images[:-1], first.images[:-1])
        assert first.outcome == second.outcome
        np.testing.assert_allclose(second.observations[-1, :2], second.observations[-2, :2])
    with pytest.raises(BagError, match='was imported before'):
        import_lerobot(dataset, contract, tmp_path / 'back')
    assert len(find_bags(tmp_path / 'back')) == 2
    assert not list((tmp_path / 'back').glob('.import*'))


def test_a_frame_that_shows_the_past_comes_back_at_its_tick(tmp_path):
    contract = load_contract(FOLDER / 'two_arms.yaml')
    bag_of(tmp_path / 'demos', recording(contract, 4))
    export_lerobot(tmp_path / 'demos', contract, tmp_path / 'dataset')
    import_lerobot(tmp_path / 'dataset', contract, tmp_path / 'back')
    [before], [after] = find_bags(tmp_path / 'demos'), find_bags(tmp_path / 'back')
    first, second = read_episode(before, contract), read_episode(after, contract)
    np.testing.assert_allclose(second.observations[:-1], first.observations[:-1], atol=1e-6)


def test_a_full_file_is_followed_by_another(demos, monkeypatch):
    monkeypatch.setattr(lerobot_export, '_FILE_BYTES', 1)
    out = demos.parent / 'dataset'
    export_lerobot(demos, small_arm(), out)
    assert len(list(out.glob('data/*/*.parquet'))) == 2
    assert [episode.ticks for episode in import_lerobot(
        out, small_arm(), demos.parent / 'back')] == [9, 10]


def changed_info(dataset, **changes):
    path = dataset / 'meta/info.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(('changes', 'words'), [
    ({'codebase_version': 'v4.0'}, 'has version v4.0; v2.0, v2.1, v3.0 are read'),
    ({'fps': 30}, '(?s)has 30 frames per second, the contract 10 Hz.*--resample'),
    ({'features': {}}, 'lacks observation.state'),
    ({'features': 5}, 'dataset'), ({'fps': None}, 'is no LeRobotDataset')])
def test_a_dataset_of_another_kind_is_refused(dataset, tmp_path, changes, words):
    changed_info(dataset, **changes)
    with pytest.raises(LeRobotError, match=words):
        import_lerobot(dataset, small_arm(), tmp_path / 'back')
    assert not (tmp_path / 'back').exists()


@pytest.mark.parametrize('file', ['data/chunk-000/file-000.parquet',
                                  'meta/episodes/chunk-000/file-000.parquet'])
@pytest.mark.parametrize('keep', [0, 100, 0.5])
def test_a_damaged_file_adds_nothing(dataset, tmp_path, file, keep):
    content = (dataset / file).read_bytes()
    (dataset / file).write_bytes(content[:int(keep * len(content)) if keep == 0.5 else keep])
    with pytest.raises(LeRobotError, match='dataset'):
        import_lerobot(dataset, small_arm(), tmp_path / 'back')
    assert not list((tmp_path / 'back').glob('*'))


def test_two_arms_with_the_same_joint_names_come_back(tmp_path):
    def part(which, topic, **more):
        return {'topic': f'{which}/{topic}', 'joints': ['waist', 'grip'], **more}

    contract = small_arm(
        derived={}, policy_observations=['left', 'right'], policy_images=None, cameras={},
        observations={which: part(which, 'joint_states', type='sensor_msgs/msg/JointState',
                                  max_age=0.2) for which in ('left', 'right')},
        actions={which: part(which, 'command', type='trajectory_msgs/msg/JointTrajectory',
                             minimum=[-1, -1], maximum=[1, 1], hold='last', measured_by=[which])
                 for which in ('right', 'left')})
    demonstrations(tmp_path / 'demos', contract)
    export_lerobot(tmp_path / 'demos', contract, tmp_path / 'set')
    features = json.loads((tmp_path / 'set/meta/info.json').read_text())['features']
    assert features['action']['names'] == ['right.waist', 'right.grip', 'left.waist', 'left.grip']
    assert len(set(features['observation.state']['names'])) == 4
    import_lerobot(tmp_path / 'set', contract, tmp_path / 'back')
    for before, after in zip(find_bags(tmp_path / 'demos'), find_bags(tmp_path / 'back'),
                             strict=True):
        first, second = read_episode(before, contract), read_episode(after, contract)
        np.testing.assert_allclose(second.observations[:-1], first.observations[:-1], atol=1e-6)
        np.testing.assert_array_equal(second.actions, first.actions)
