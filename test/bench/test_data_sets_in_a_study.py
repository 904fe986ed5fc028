# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A study clones from the episodes of a robomimic, D4RL or Minari data set."""

import gymnasium
from gymnasium.spaces import Box
import h5py
import numpy as np
import pytest

from inril_ros.bench.clones import clone_of
from inril_ros.bench.demonstrations import demonstrate
from inril_ros.bench.robots import bench_of
from inril_ros.bench.study import parse_study
from inril_ros.bench.task import Demonstrations, StudyError, Task

STEPS = 5
ID = 'test/Drift-v0'


class Drift(gymnasium.Env):
    """Two numbers that don't change."""

    observation_space = Box(-9.0, 9.0, (2,))
    action_space = Box(-2.0, 4.0, (1,))

    def reset(self, *, seed=None, options=None):
        return np.zeros(2, np.float32), {}

    def step(self, action):
        return np.zeros(2, np.float32), 0.0, False, False, {'success': False}


@pytest.fixture(autouse=True)
def registered():
    gymnasium.register(ID, Drift, max_episode_steps=12)
    yield
    del gymnasium.registry[ID]


@pytest.fixture
def arrays():
    """Two episodes; the first has a reward of 1 in its steps 2 and 3."""
    rewards = np.zeros((2, STEPS))
    rewards[0, 2:4] = 1.0
    return {'observations': np.arange(4.0 * (STEPS + 1)).reshape(2, STEPS + 1, 2),
            'actions': np.linspace(-2.0, 4.0, 2 * STEPS).reshape(2, STEPS, 1), 'rewards': rewards}


def write_minari(folder, arrays):
    (folder / 'data').mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / 'data/main_data.hdf5', 'w') as file:
        for number in range(2):
            for name, array in arrays.items():
                file[f'episode_{number}/{name}'] = array[number]
            for name in ('terminations', 'truncations'):
                file[f'episode_{number}/{name}'] = np.zeros(STEPS, np.bool_)
            file[f'episode_{number}/infos/success'] = arrays['rewards'][number] > 0.5
    return {'source': 'minari', 'path': str(folder)}


def write_robomimic(folder, arrays):
    path = folder / 'a.hdf5'
    with h5py.File(path, 'w') as file:
        file.create_group('data').attrs['env_args'] = (
            '{"type": 1, "env_kwargs": {"reward_shaping": false}}')
        for number in range(2):
            demo = file.create_group(f'data/demo_{number}')
            seen = arrays['observations'][number]
            demo['obs/second'], demo['obs/first'] = seen[:-1, 1], seen[:-1, :1]
            demo['next_obs/second'], demo['next_obs/first'] = seen[1:, 1], seen[1:, :1]
            demo['actions'], demo['rewards'] = arrays['actions'][number], arrays['rewards'][number]
            demo['dones'] = np.zeros(STEPS)
        file['mask/best'] = np.array(['demo_0'], dtype='S')
    return {'source': 'robomimic', 'path': str(path), 'keys': ('first', 'second')}


def write_d4rl(folder, arrays):
    path = folder / 'b.hdf5'
    with h5py.File(path, 'w') as file:
        file['observations'] = np.concatenate(arrays['observations'][:, :-1])
        file['actions'] = np.concatenate(arrays['actions'])
        file['rewards'] = np.concatenate(arrays['rewards'])
        file['terminals'] = np.zeros(2 * STEPS)
        file['timeouts'] = np.arange(2 * STEPS) % STEPS == STEPS - 1
    return {'source': 'd4rl', 'path': str(path)}


def made(written, number=1, **changes):
    task = Task(ID, simulation='gymnasium', demonstrations=Demonstrations(
        number=number, **written), **changes)
    return demonstrate(task, bench_of(task), 0)


@pytest.mark.parametrize('write', [write_minari, write_robomimic, write_d4rl])
def test_demonstrations_end_at_success_with_actions_of_the_policy(write, tmp_path, arrays):
    episode, = made(write(tmp_path, arrays))
    assert (episode.success, episode.terminated) == (True, True)
    assert episode.rewards.tolist() == [0.0, 0.0, 1.0]
    np.testing.assert_array_equal(episode.observations, arrays['observations'][0, :4])
    # The space's bounds, -2..4, are -1..1 for a policy.
    np.testing.assert_allclose(
        episode.actions, (arrays['actions'][0, :3] - 1.0) / 3.0, atol=1e-6)


def test_failures_are_kept_only_if_configured(tmp_path, arrays):
    written = write_minari(tmp_path, arrays)
    assert [each.success for each in made({**written, 'keep_failures': True}, 2)] == [True, False]
    with pytest.raises(StudyError, match='has 1 usable demonstrations, 2 are needed'):
        made(written, 2)


def test_a_filter_key_chooses(tmp_path, arrays):
    written = {**write_robomimic(tmp_path, arrays), 'keep_failures': True}
    assert len(made(written, 2)) == 2
    with pytest.raises(StudyError, match='has 1 usable'):
        made({**written, 'filter_key': 'best'}, 2)


def test_rewards_of_the_environment_are_kept_as_they_are(tmp_path, arrays):
    arrays['rewards'] += 0.25
    written = write_d4rl(tmp_path, arrays)
    with pytest.raises(StudyError, match='rewards are others than 0 and 1.*reward: environment'):
        made(written)
    with pytest.raises(StudyError, match='does not say whether it succeeded: set keep_failures'):
        made(written, reward='environment')
    episode, = made({**written, 'keep_failures': True}, reward='environment')
    assert episode.rewards.tolist() == [0.25, 0.25, 1.25, 1.25, 0.25]


def test_what_does_not_fit_the_task_is_refused(tmp_path, arrays):
    narrow = {**write_robomimic(tmp_path, arrays), 'keys': ('first',)}
    with pytest.raises(StudyError, match=r'\(O, A\) = \(1, 1\), the robot \(2, 1\) \(observation'):
        made(narrow)
    with pytest.raises(StudyError, match='has no array third'):
        made({**narrow, 'keys': ('first', 'third')})
    arrays['actions'][0, 0] = 7.0
    with pytest.raises(StudyError, match='task test-Drift-v0: .*demo_0: actions reach .* beyond'):
        made(write_robomimic(tmp_path, arrays))


@pytest.mark.parametrize(('settings', 'words'), [
    ({'source': 'minari'}, 'needs a path'),
    ({'source': 'd4rl', 'path': 'a.hdf5', 'keys': ['object']}, 'source d4rl has no keys'),
    ({'source': 'minari', 'path': 'a', 'filter_key': 'train'}, 'minari has no filter_key')])
def test_settings_of_another_source_are_refused(settings, words, document):
    document['tasks'][0]['demonstrations'] = settings
    with pytest.raises(StudyError, match=words):
        parse_study(document)


def test_a_study_without_data_sets_keeps_the_hashes_that_it_had(study):
    assert not {'keys', 'filter_key'} & study.tasks[0].document['demonstrations'].keys()


def test_a_cached_clone_knows_which_observations_were_not_made(document, tmp_path, arrays):
    document['tasks'] = [{'id': ID, 'simulation': 'gymnasium', 'reward': 'environment',
                          'demonstrations': {'number': 2, 'keep_failures': True,
                                             **write_d4rl(tmp_path, arrays)}}]
    run, = parse_study(document).runs()
    bench = bench_of(run.task)
    for clone in [clone_of(run, bench, tmp_path / 'clones') for _ in range(2)]:
        assert [each.is_observed.tolist() for each in clone.demonstrations] == [
            [True] * STEPS + [False]] * 2
