# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""robomimic's files are read as they were written, and what is wrong with one is said."""

from data_set_files import changed, numbers, replace_array, ROBOSUITE, write_robomimic
from hypothesis import given, HealthCheck, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.learning.datasets.checked import DatasetError
from inril_ros.learning.datasets.robomimic import read_robomimic

KEYS = ('object', 'robot0_eef_pos')


@settings(max_examples=20, deadline=None, suppress_health_check=[
    HealthCheck.function_scoped_fixture])
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=12))
def test_episodes_come_back_by_their_numbers(tmp_path, lengths):
    path = write_robomimic(tmp_path / 'lift.hdf5', lengths)
    read = read_robomimic(path, KEYS)
    # Not in the order of the names, in which demo_10 follows demo_1.
    assert [each.source for each in read] == [
        f'{path}: demo_{number}' for number in range(len(lengths))]
    for number, (each, steps) in enumerate(zip(read, lengths, strict=True)):
        rows = np.concatenate([numbers(steps + 1, 4, seed=number),
                               numbers(steps + 1, 3, seed=number)], axis=1).astype(np.float32)
        np.testing.assert_array_equal(each.observations, rows[:-1])
        np.testing.assert_array_equal(each.final_observation, rows[-1])
        np.testing.assert_array_equal(
            each.actions, numbers(steps, 2, seed=number).astype(np.float32))
        assert each.rewards.sum() == (number % 2 == 0)
        assert each.terminated
        assert each.success is (number % 2 == 0)


def test_a_filter_key_chooses_demonstrations(tmp_path):
    path = write_robomimic(tmp_path / 'a.hdf5', [2] * 12, masks={
        'train': ['demo_11', 'demo_2'], 'gone': ['demo_99'], 'empty': []})
    assert [each.source.split()[-1] for each in read_robomimic(path, KEYS, 'train')] == [
        'demo_2', 'demo_11']
    with pytest.raises(DatasetError, match='no filter key valid; it has empty, gone, train'):
        read_robomimic(path, KEYS, 'valid')
    with pytest.raises(DatasetError, match='demo_99'):
        read_robomimic(path, KEYS, 'gone')
    with pytest.raises(DatasetError, match='names no demonstration'):
        read_robomimic(path, KEYS, 'empty')
    without = write_robomimic(tmp_path / 'b.hdf5', [2])
    with pytest.raises(DatasetError, match='no filter key train; it has none'):
        read_robomimic(without, KEYS, 'train')


@pytest.mark.parametrize('environment', [
    None, {**ROBOSUITE, 'env_kwargs': {'reward_shaping': True}},
    {**ROBOSUITE, 'env_kwargs': {}}, {**ROBOSUITE, 'type': 2},
    {**ROBOSUITE, 'env_kwargs': {'reward_shaping': False, 'reward_scale': None}}])
def test_success_is_known_only_from_sparse_rewards_of_robosuite(tmp_path, environment):
    path = write_robomimic(tmp_path / 'a.hdf5', [3], environment)
    assert read_robomimic(path, KEYS)[0].success is None


def test_a_part_of_the_reward_is_no_success(tmp_path):
    scaled = {**ROBOSUITE, 'env_kwargs': {'reward_shaping': False, 'reward_scale': 4.0}}
    path = write_robomimic(tmp_path / 'a.hdf5', [3], scaled)
    assert read_robomimic(path, KEYS)[0].success is False


def test_without_next_obs_the_last_observation_is_not_known(tmp_path):
    path = write_robomimic(tmp_path / 'a.hdf5', [3])
    with changed(path) as file:
        del file['data/demo_0/next_obs']
    each, = read_robomimic(path, KEYS)
    assert each.final_observation is None


@pytest.mark.parametrize(('change', 'complaint', 'keys'), [
    (lambda demo: demo.pop('obs'), 'demo_1: has no obs.*dataset_states_to_obs', KEYS),
    (lambda demo: demo.pop('actions'), 'demo_1: has no array actions; it has', KEYS),
    (lambda demo: demo.pop('rewards'), 'demo_1: has no array rewards', KEYS),
    (lambda demo: demo.pop('dones'), 'demo_1: has no array dones', KEYS),
    (lambda demo: demo['obs'].pop('object'),
     r'demo_1/obs: has no array object; it has.*robot0_eef_pos \(4, 3\)', KEYS),
    (lambda demo: None, r'demo_0/obs: name the keys.*object \(4, 4\)', ()),
    (lambda demo: None, 'demo_0/obs: agentview_image has the shape.*no images',
     ('agentview_image',)),
    (lambda demo: replace_array(demo, 'actions', numbers(3, 2)),
     'demo_1: must have one length, and has actions 3, rewards 4', KEYS),
    (lambda demo: replace_array(demo, 'dones', np.zeros(5)), 'actions 4, rewards 4, dones 5',
     KEYS),
    (lambda demo: replace_array(demo, 'obs/object', numbers(5, 4)),
     'demo_1/obs: must have one length, and has object 5, robot0_eef_pos 4', KEYS),
    (lambda demo: replace_array(demo, 'next_obs/object', numbers(3, 4)), 'demo_1/next_obs', KEYS),
    (lambda demo: demo.attrs.update(num_samples=9), 'actions 4.*num_samples 9', KEYS),
    (lambda demo: replace_array(demo, 'actions', np.zeros((4, 2), np.int64)),
     'demo_1: actions are int64.*continuous', KEYS),
    (lambda demo: replace_array(demo, 'actions', np.zeros(4)),
     r'demo_1: actions has the shape \(4,\), expected \(4, \*\)', KEYS),
    (lambda demo: replace_array(demo, 'rewards', [0.0, 1.0, np.nan, 0.0]),
     'demo_1: rewards is not finite in row 2: mend', KEYS),
    (lambda demo: replace_array(demo, 'obs/object', np.full((4, 4), 1e300)),
     'demo_1: observations is not finite in row 0', KEYS),
    (lambda demo: replace_array(demo, 'dones', [0, 0, 2, 1]), 'dones must be.*0 and 1', KEYS),
    (lambda demo: replace_array(demo, 'actions', 3.0), 'demo_1: has no array actions', KEYS),
])
def test_what_is_wrong_is_said_with_file_and_episode(tmp_path, change, complaint, keys):
    path = write_robomimic(tmp_path / 'lift.hdf5', [4, 4])
    with changed(path) as file:
        change(file['data/demo_1'])
    with pytest.raises(DatasetError, match=complaint) as raised:
        read_robomimic(path, keys)
    assert str(raised.value).startswith(str(path))


def test_an_episode_without_steps_is_refused(tmp_path):
    path = write_robomimic(tmp_path / 'lift.hdf5', [4, 0])
    with pytest.raises(DatasetError, match='demo_1: has no steps: leave this episode out'):
        read_robomimic(path, KEYS)


def test_data_without_demonstrations_is_refused(tmp_path):
    path = write_robomimic(tmp_path / 'a.hdf5', [])
    with pytest.raises(DatasetError, match='data must hold demo_0.*nothing'):
        read_robomimic(path, KEYS)
    with changed(path) as file:
        file.create_group('data/episode_3')
    with pytest.raises(DatasetError, match='data must hold demo_0.*episode_3'):
        read_robomimic(path, KEYS)
    with changed(path) as file:
        del file['data']
    with pytest.raises(DatasetError, match='has no group data'):
        read_robomimic(path, KEYS)


def test_env_args_that_are_no_json_are_refused(tmp_path):
    path = write_robomimic(tmp_path / 'a.hdf5', [3])
    with changed(path) as file:
        file['data'].attrs['env_args'] = '{'
    with pytest.raises(DatasetError, match='env_args is not'):
        read_robomimic(path, KEYS)


def test_progress_is_told_after_each_demonstration(tmp_path):
    told = []
    read_robomimic(write_robomimic(tmp_path / 'a.hdf5', [3, 4]), KEYS,
                   progress=lambda *at: told.append(at))
    assert told == [(1, 2), (2, 2)]
