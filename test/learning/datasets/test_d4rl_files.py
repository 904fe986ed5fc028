# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""D4RL's flat arrays are cut exactly at terminals and time-outs."""

from data_set_files import changed, numbers, replace_array, write_d4rl
from hypothesis import given, HealthCheck, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.learning.datasets.checked import DatasetError
from inril_ros.learning.datasets.d4rl import read_d4rl

FILE_FIXTURE = settings(max_examples=30, deadline=None, suppress_health_check=[
    HealthCheck.function_scoped_fixture])
EPISODES = st.lists(st.tuples(st.integers(1, 9), st.sampled_from(['terminals', 'timeouts',
                                                                  'both'])), min_size=1)


@FILE_FIXTURE
@given(episodes=EPISODES, rest=st.integers(0, 5), following=st.booleans())
def test_episodes_end_at_terminals_and_time_outs_and_nowhere_else(
        tmp_path, episodes, rest, following):
    lengths = [length for length, _ in episodes] + [rest] * bool(rest)
    ends = [end for _, end in episodes] + ['nothing'] * bool(rest)
    path = write_d4rl(tmp_path / 'a.hdf5', lengths, ends, following)
    kept, dropped = (read_d4rl(path, word) for word in ('keep', 'drop'))
    assert [len(each.actions) for each in kept] == lengths
    assert [len(each.actions) for each in dropped] == lengths[:len(episodes)]
    assert [each.terminated for each in kept] == [end in ('terminals', 'both') for end in ends]
    assert {each.success for each in kept} == {None}
    for name, array in (('observations', numbers(sum(lengths), 3)),
                        ('actions', numbers(sum(lengths), 2)),
                        ('rewards', numbers(sum(lengths)))):
        np.testing.assert_array_equal(
            np.concatenate([getattr(each, name) for each in kept]), array.astype(np.float32))
    after = numbers(sum(lengths), 3, seed=1).astype(np.float32)
    for each, end in zip(kept, np.cumsum(lengths)):
        if following:
            np.testing.assert_array_equal(each.final_observation, after[end - 1])
        else:
            assert each.final_observation is None


def test_steps_after_the_last_end_are_told_and_kept_or_dropped_with_a_word(tmp_path):
    path = write_d4rl(tmp_path / 'a.hdf5', [3, 2], ['timeouts', 'nothing'])
    with pytest.raises(DatasetError, match="last 2 of 5 steps have no end.*unfinished='keep'"):
        read_d4rl(path)
    assert [len(each.actions) for each in read_d4rl(path, 'keep')] == [3, 2]
    assert [len(each.actions) for each in read_d4rl(path, unfinished='drop')] == [3]
    with pytest.raises(ValueError, match='unfinished'):
        read_d4rl(path, unfinished='Keep')
    endless = write_d4rl(tmp_path / 'b.hdf5', [4], ['nothing'])
    with pytest.raises(DatasetError, match='no step of 4 ends an episode'):
        read_d4rl(endless, 'drop')
    whole = write_d4rl(tmp_path / 'c.hdf5', [4], ['terminals'])
    assert len(read_d4rl(whole)) == 1


def test_columns_of_one_number_are_read_as_lists(tmp_path):
    path = write_d4rl(tmp_path / 'a.hdf5', [3, 2], ['timeouts', 'terminals'])
    with changed(path) as file:
        for name in ('rewards', 'terminals'):
            replace_array(file, name, file[name][()].astype(np.float32)[:, None])
    first, second = read_d4rl(path)
    assert first.rewards.shape == (3,)
    assert (first.terminated, second.terminated) == (False, True)


@pytest.mark.parametrize(('change', 'complaint'), [
    (lambda file: file.pop('timeouts'), 'has no timeouts.*newer version'),
    (lambda file: file.pop('actions'), r'has no array actions; it has.*observations \(5, 3\)'),
    (lambda file: file.pop('terminals'), 'has no array terminals'),
    (lambda file: replace_array(file, 'rewards', np.zeros(4)),
     'one length, and has observations 5, actions 5, rewards 4'),
    (lambda file: replace_array(file, 'terminals', np.full(5, 0.5)), 'terminals must be'),
    (lambda file: replace_array(file, 'actions', np.zeros((5, 2), np.int32)), 'continuous'),
    (lambda file: file['observations'].write_direct(np.array([[0.0] * 3] * 4 + [[np.inf] * 3])),
     r'episode 1 \(steps 3 to 4\): observations is not finite in row 1'),
    (lambda file: replace_array(file, 'observations', np.zeros((5, 4, 4, 3))),
     r'episode 0 \(steps 0 to 2\): observations has the shape \(3, 4, 4, 3\)'),
])
def test_what_is_wrong_is_said(tmp_path, change, complaint):
    path = write_d4rl(tmp_path / 'hopper.hdf5', [3, 2], ['timeouts', 'terminals'])
    with changed(path) as file:
        change(file)
    with pytest.raises(DatasetError, match=complaint) as raised:
        read_d4rl(path)
    assert str(raised.value).startswith(str(path))
