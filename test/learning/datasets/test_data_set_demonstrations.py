# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Demonstrations of a data set can be cloned; nothing but numbers is read from a file."""

from pathlib import Path
import re
import sys

from data_set_files import changed, replace_array, write_d4rl, write_minari, write_robomimic
import h5py
import numpy as np
import pytest

from inril_ros.learning.datasets.checked import DatasetError
from inril_ros.learning.datasets.d4rl import read_d4rl
from inril_ros.learning.library.demonstrations import ActionBounds, learning_episodes

PAGE = Path(__file__).resolve().parents[3] / 'docs/how_to/data_sets.md'


@pytest.fixture
def path(tmp_path):
    return write_d4rl(tmp_path / 'hopper.hdf5', [6, 4], ['timeouts', 'terminals'])


def test_the_lines_of_the_guide_clone_a_policy(path, tmp_path, monkeypatch):
    write_robomimic(tmp_path / 'lift.hdf5', [3, 4], masks={'train': ['demo_1']})
    write_minari(tmp_path / 'door/human-v2', [5])
    monkeypatch.chdir(tmp_path)
    lines = re.search(r'```python\n(.*?)```', PAGE.read_text(encoding='utf-8'), re.DOTALL)[1]
    found = {}
    exec(lines.replace('steps=3000', 'steps=3'), found)
    assert [len(found[name]) for name in ('lift', 'door', 'hopper')] == [1, 1, 2]
    assert np.isfinite(found['cloned'].training_loss)


def episodes(path, low=-1.0, high=1.0):
    return learning_episodes(read_d4rl(path), ActionBounds(np.full(2, low), np.full(2, high)),
                             'environment')


def test_an_episode_has_the_last_observation_where_it_is_known(path):
    first, second = episodes(path)
    assert first.observed is None
    np.testing.assert_array_equal(first.observations[-1], read_d4rl(path)[0].final_observation)
    assert (first.terminated, second.terminated) == (False, True)
    with changed(path) as file:
        del file['next_observations']
    assert episodes(path)[0].is_observed.tolist() == [True] * 6 + [False]


def test_an_action_out_of_bounds_is_named_with_its_file_and_episode(path):
    with changed(path) as file:
        file['actions'][7] = [3.0, 0.0]
    with pytest.raises(ValueError, match=r'hopper.hdf5: episode 1 .*beyond the bounds'):
        episodes(path)
    assert episodes(path, -3.0, 3.0)[1].actions[1].tolist() == [1.0, 0.0]


def test_arrays_of_a_demonstration_do_not_change(path):
    rewards = read_d4rl(path)[0].rewards
    assert rewards.dtype == np.float32
    with pytest.raises(ValueError, match='read-only'):
        rewards[0] = 1.0


@pytest.mark.parametrize('array', [
    np.void(b'cos\nsystem\n(S"false"\ntR.'),  # a pickle, as HDF5 can hold any bytes
    np.array([np.void(b'cos\nsystem\n(S"false"\ntR.')] * 10),
    np.array(['text'] * 10, dtype=h5py.string_dtype()),
    np.zeros(10, [('a', 'f4'), ('b', 'f4')])], ids=['pickle', 'pickles', 'texts', 'records'])
def test_whatever_is_no_number_is_refused_and_not_interpreted(path, array):
    with changed(path) as file:
        replace_array(file, 'rewards', array)
    with pytest.raises(DatasetError, match='rewards'):
        read_d4rl(path)


def test_a_file_that_is_none_or_damaged_or_missing_is_refused(path, tmp_path):
    whole = path.read_bytes()
    path.write_bytes(whole[:len(whole) // 2])
    with pytest.raises(DatasetError, match='get it again'):
        read_d4rl(path)
    path.write_text('hello', encoding='utf-8')
    with pytest.raises(DatasetError, match='is no HDF5 file or is damaged'):
        read_d4rl(path)
    with pytest.raises(DatasetError, match='there is no such file'):
        read_d4rl(tmp_path / 'other.hdf5')
    with pytest.raises(DatasetError, match='there is no such file'):
        read_d4rl(tmp_path)


def test_a_missing_link_is_no_array(path):
    with changed(path) as file:
        del file['rewards']
        file['rewards'] = h5py.ExternalLink('gone.hdf5', '/rewards')
    with pytest.raises(DatasetError, match='has no array rewards'):
        read_d4rl(path)


def test_without_h5py_the_message_says_what_to_install(path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'h5py', None)
    with pytest.raises(DatasetError, match=r"pip install 'inril_ros\[hdf5\]'"):
        read_d4rl(path)
