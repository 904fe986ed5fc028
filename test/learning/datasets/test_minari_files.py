# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Minari's data sets are read without minari, with their observation after the last action."""

from data_set_files import changed, numbers, replace_array, write_minari
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.learning.datasets.checked import DatasetError
from inril_ros.learning.datasets.minari import read_minari

FILE = 'data/main_data.hdf5'


@settings(max_examples=20, deadline=None)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=12))
def test_episodes_come_back_by_their_numbers(tmp_path_factory, lengths):
    folder = write_minari(tmp_path_factory.mktemp('minari') / 'small-v0', lengths)
    read = read_minari(folder)
    assert [each.source for each in read] == [
        f'{folder / FILE}: episode_{number}' for number in range(len(lengths))]
    for number, (each, steps) in enumerate(zip(read, lengths, strict=True)):
        rows = numbers(steps + 1, 3, seed=number).astype(np.float32)
        np.testing.assert_array_equal(each.observations, rows[:-1])
        np.testing.assert_array_equal(each.final_observation, rows[-1])
        np.testing.assert_array_equal(
            each.actions, numbers(steps, 2, seed=number).astype(np.float32))
        np.testing.assert_array_equal(
            each.rewards, numbers(steps, seed=number).astype(np.float32))
        # Succeeded in the middle, which counts.
        assert (each.terminated, each.success) == (number % 2 == 0, number % 2 == 0)


def test_keys_choose_from_a_dictionary_and_those_within_it(tmp_path):
    folder = write_minari(tmp_path / 'a', [4], nested=True)
    each, = read_minari(folder, ['achieved_goal/kettle', 'observation'])
    rows = np.concatenate([numbers(5, 2), numbers(5, 3)], axis=1).astype(np.float32)
    np.testing.assert_array_equal(each.observations, rows[:-1])
    with pytest.raises(DatasetError, match='name the keys.*achieved_goal/kettle'):
        read_minari(folder)
    with pytest.raises(DatasetError, match=r'picture has the shape \(5, 40, 40, 3\).*no images'):
        read_minari(folder, ['picture'])
    flat = write_minari(tmp_path / 'b', [4])
    with pytest.raises(DatasetError, match='one array without keys'):
        read_minari(flat, ['observation'])


def test_without_infos_success_is_not_known(tmp_path):
    assert read_minari(write_minari(tmp_path / 'a', [3], success=False))[0].success is None


def test_a_data_set_without_metadata_is_read(tmp_path):
    folder = write_minari(tmp_path / 'a', [3, 4])
    (folder / 'data/metadata.json').unlink()
    assert len(read_minari(folder)) == 2
    with changed(folder / FILE) as file:
        file.attrs['total_episodes'] = 3
    with pytest.raises(DatasetError, match='has 2 episodes, and should have 3: get the data set'):
        read_minari(folder)


@pytest.mark.parametrize(('metadata', 'complaint'), [
    ({'data_format': 'arrow'}, "format arrow.*data_format='hdf5'"),
    ({'total_episodes': 5}, 'has 2 episodes, and should have 5')])
def test_another_format_and_an_incomplete_data_set_are_refused(tmp_path, metadata, complaint):
    with pytest.raises(DatasetError, match=complaint):
        read_minari(write_minari(tmp_path / 'a', [3, 3], **metadata))


@pytest.mark.parametrize('text', ['{', '[]'])
def test_damaged_metadata_are_refused(tmp_path, text):
    folder = write_minari(tmp_path / 'a', [3])
    (folder / 'data/metadata.json').write_text(text, encoding='utf-8')
    with pytest.raises(DatasetError, match='metadata.json.*get the data set again'):
        read_minari(folder)


@pytest.mark.parametrize(('change', 'complaint'), [
    (lambda episode: episode.pop('observations'), 'episode_1: has no array observations'),
    (lambda episode: episode.pop('truncations'), 'episode_1: has no array truncations'),
    (lambda episode: replace_array(episode, 'observations', numbers(4, 3)),
     'episode_1: must have one length.*observations less the last 3'),
    (lambda episode: replace_array(episode, 'terminations', np.zeros(2)), 'terminations 2'),
    (lambda episode: replace_array(episode, 'actions', np.zeros(4, np.int64)),
     'actions are int64.*discrete'),
    (lambda episode: replace_array(episode, 'observations', ['reach', 'grasp']),
     'observations holds object and not numbers'),
    (lambda episode: replace_array(episode, 'rewards', np.full(4, np.nan)),
     'episode_1: rewards is not finite in row 0'),
])
def test_what_is_wrong_is_said(tmp_path, change, complaint):
    folder = write_minari(tmp_path / 'a', [4, 4])
    with changed(folder / FILE) as file:
        change(file['episode_1'])
    with pytest.raises(DatasetError, match=complaint) as raised:
        read_minari(folder)
    assert str(raised.value).startswith(str(folder / FILE))


def test_an_episode_without_steps_is_refused(tmp_path):
    with pytest.raises(DatasetError, match='episode_1: has no steps'):
        read_minari(write_minari(tmp_path / 'a', [3, 0]))


def test_progress_is_told_after_each_episode(tmp_path):
    told = []
    read_minari(write_minari(tmp_path / 'a', [3, 4]), progress=lambda *at: told.append(at))
    assert told == [(1, 2), (2, 2)]
