# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Versions of LeRobotDatasets: three are read, the others are named with what to do."""

import json

from lerobot_files import arm, Files
import numpy as np
import pytest

from inril_ros.data.bags.bags import find_bags
from inril_ros.data.bags.reading import read_episode
from inril_ros.data.demonstrations.demonstration_set import list_demonstrations
from inril_ros.data.lerobot.format import LeRobotError
from inril_ros.data.lerobot.importing import import_lerobot
from inril_ros.data.lerobot.options import LeRobotOptions


@pytest.mark.parametrize('version', ['v2.0', 'v2.1', 'v3.0'])
def test_the_same_episodes_come_from_each_version(tmp_path, version):
    files = Files(version=version)
    if version != 'v3.0':
        files.info['data_path'] = ('data/chunk-{episode_chunk:03d}/'
                                   'episode_{episode_index:06d}.parquet')
    done = import_lerobot(files.write(tmp_path / 'set'), arm(), tmp_path / 'demos')
    assert [(episode.ticks, episode.notes) for episode in done] == [(6, ()), (5, ())]
    np.testing.assert_allclose(
        read_episode(find_bags(tmp_path / 'demos')[1], arm()).observations[:5],
        files.vectors('observation.state')[6:], atol=1e-6)
    assert {one.task for one in list_demonstrations(tmp_path / 'demos')} == {'pick the cube'}


@pytest.mark.parametrize('version', ['v2.0', 'v2.1'])
def test_an_old_version_that_is_not_whole_is_refused(tmp_path, version):
    dataset = Files(version=version).write(tmp_path / 'set')
    (dataset / 'data/chunk-000/episode_000001.parquet').unlink()
    with pytest.raises(LeRobotError, match='episode 1 has no frames in data'):
        import_lerobot(dataset, arm(), tmp_path / 'demos')
    done = import_lerobot(dataset, arm(), tmp_path / 'demos', LeRobotOptions(skip_broken=True))
    assert [episode.kept for episode in done] == [True, False]
    (dataset / 'meta/episodes.jsonl').write_text('{"episode_index": 0, "len')
    with pytest.raises(LeRobotError, match='episodes.jsonl: cannot be read'):
        import_lerobot(dataset, arm(), tmp_path / 'demos')


@pytest.mark.parametrize(('version', 'words'), [
    ('v1.6', 'convert_dataset_v1_to_v2 --repo-id'),
    ('v2.2', 'take a newer version'), ('v3.1', 'take a newer version of this package'),
    ('v4.0', 'take a newer version'), ('3.0', 'take a newer version')])
def test_other_versions_are_named_with_what_to_do(tmp_path, version, words):
    files = Files()
    files.info['codebase_version'] = version
    with pytest.raises(LeRobotError, match=f'set: has version {version}; v2.0, v2.1, v3.0 are '
                                           f'read. .*{words}'):
        import_lerobot(files.write(tmp_path / 'set'), arm(), tmp_path / 'demos')


@pytest.mark.parametrize('folder', ['meta_data', 'train'])
def test_the_files_of_version_1_are_recognised(tmp_path, folder):
    (tmp_path / 'set' / folder).mkdir(parents=True)
    with pytest.raises(LeRobotError, match='of version 1 .*convert_dataset_v1_to_v2 --repo-id'):
        import_lerobot(tmp_path / 'set', arm(), tmp_path / 'demos')


@pytest.mark.parametrize(('content', 'words'), [
    (None, 'info.json: cannot be read: No such file'), ('{', 'info.json: is not JSON'),
    (json.dumps({'fps': 30}), 'codebase_version'),
    (json.dumps({'codebase_version': 'v3.0', 'fps': 0, 'features': {}}), 'fps is 0')])
def test_what_is_no_dataset_is_refused(tmp_path, content, words):
    (tmp_path / 'set/meta').mkdir(parents=True)
    if content is not None:
        (tmp_path / 'set/meta/info.json').write_text(content)
    with pytest.raises(LeRobotError, match=words):
        import_lerobot(tmp_path / 'set', arm(), tmp_path / 'demos')
