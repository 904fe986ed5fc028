# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Windows of the replay, compared with a slow and simple definition of a row."""
from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.learning.experience import Episode
from inril_ros.learning.replay import draw, Origin
from inril_ros.learning.replays.window_replay import WindowReplay

CANDIDATES, GAMMA = 2, 0.9


def numbered_episode(number: int, steps: int, terminated: bool, success: bool) -> Episode:
    """Return an episode in which each observation encodes its episode and step."""
    step = np.arange(steps + 1)
    observations = np.stack([np.full(steps + 1, number), step], axis=1)
    actions = np.stack([np.full(steps, number / 100), step[:-1] / 1000], axis=1)
    rewards = np.random.default_rng(number).uniform(-1, 1, steps)
    return Episode(observations, actions, rewards, terminated, success)


def numbered_candidates(episode: Episode, chunk_length: int) -> np.ndarray:
    """Return candidates that repeat their observation."""
    shape = (episode.steps + 1, CANDIDATES, chunk_length, 2)
    return np.broadcast_to(episode.observations[:, None, None, :], shape).astype(np.float32)


episodes_strategy = st.lists(
    st.tuples(st.integers(1, 12), st.booleans(), st.booleans(), st.sampled_from(Origin)),
    min_size=1, max_size=6)


def filled(specification: list, chunk_length: int) -> tuple[WindowReplay, list[Episode]]:
    replay = WindowReplay(2, 2, chunk_length, CANDIDATES, GAMMA)
    episodes = [numbered_episode(number, steps, terminated, success)
                for number, (steps, terminated, success, _) in enumerate(specification)]
    for episode, (*_, origin) in zip(episodes, specification):
        replay.add(episode, numbered_candidates(episode, chunk_length), origin)
    return replay, episodes


@settings(deadline=None)
@given(episodes_strategy, st.integers(1, 5))
def test_each_row_is_a_window_of_its_episode(specification: list,
                                             length: int) -> None:
    replay, episodes = filled(specification, length)
    rows = np.concatenate([replay.demonstration_rows, replay.online_rows])
    batch = replay.batch(rows)
    seen = set()
    for index in range(len(rows)):
        number, step = batch.observations[index].astype(int)
        seen.add((number, step))
        episode = episodes[number]
        end = min(step + length, episode.steps)
        inside = range(step, end)
        padded = [min(k, episode.steps - 1) for k in range(step, step + length)]
        np.testing.assert_array_equal(batch.chunks[index], episode.actions[padded])
        assert batch.returns[index] == pytest.approx(
            sum(GAMMA ** (k - step) * episode.rewards[k] for k in inside), abs=1e-5)
        np.testing.assert_array_equal(batch.next_observations[index], [number, end])
        np.testing.assert_array_equal(
            batch.next_context[index],
            np.broadcast_to(np.float32([number, end]), (CANDIDATES, length, 2)))
        terminal = episode.terminated and end == episode.steps
        assert batch.discounts[index] == pytest.approx(
            0.0 if terminal else GAMMA ** (end - step))
    # Every step is a row, except those with a future cut off by a timeout.
    assert seen == {(number, step) for number, episode in enumerate(episodes)
                    for step in range(episode.steps)
                    if episode.terminated or step + length <= episode.steps}
    assert len(seen) == len(rows) == len(replay)


@given(episodes_strategy)
def test_row_sets_follow_origin_and_success(specification: list) -> None:
    replay, _ = filled(specification, 2)

    def episodes_of(rows: np.ndarray) -> set[int]:
        return set(replay.batch(rows).observations[:, 0].astype(int))

    def expected(choose: object) -> set[int]:
        return {number for number, (steps, terminated, success, origin)
                in enumerate(specification)
                if (terminated or steps >= 2) and choose(success, origin)}

    online, demonstration = Origin.ONLINE, Origin.DEMONSTRATION
    assert episodes_of(replay.online_rows) == expected(lambda s, o: o is online)
    assert episodes_of(replay.demonstration_rows) == expected(lambda s, o: o is demonstration)
    assert episodes_of(replay.positive_rows) == expected(lambda s, o: s or o is demonstration)


@given(episodes_strategy)
def test_a_replay_is_rebuilt_from_its_state(specification: list) -> None:
    replay, _ = filled(specification, 3)
    copy = WindowReplay(2, 2, 3, CANDIDATES, GAMMA)
    copy.load_state_dict(replay.state_dict())
    for name in ('demonstration_rows', 'online_rows', 'positive_rows'):
        np.testing.assert_array_equal(getattr(copy, name), getattr(replay, name))
    rows = np.concatenate([replay.demonstration_rows, replay.online_rows])
    for name, array in vars(replay.batch(rows)).items():
        np.testing.assert_array_equal(vars(copy.batch(rows))[name], array)
    if specification:
        with pytest.raises(ValueError, match='empty'):
            copy.load_state_dict(replay.state_dict())


def test_arrays_grow_past_their_first_capacity() -> None:
    replay, episodes = filled([(700, True, False, Origin.ONLINE)] * 5, 4)
    assert len(replay) == 3500
    batch = replay.batch(replay.online_rows[-1:])
    np.testing.assert_array_equal(batch.next_observations[0], episodes[-1].observations[-1])


def test_drawing_is_uniform_and_reproducible() -> None:
    rows = np.array([3, 5, 9])
    first = draw(rows, 6000, np.random.default_rng(1))
    np.testing.assert_array_equal(first, draw(rows, 6000, np.random.default_rng(1)))
    values, counts = np.unique(first, return_counts=True)
    np.testing.assert_array_equal(values, rows)
    assert counts.min() > 1800
    with pytest.raises(ValueError, match='no rows'):
        draw(rows[:0], 1, np.random.default_rng(1))


def test_an_episode_of_another_size_is_refused() -> None:
    replay = WindowReplay(2, 2, 4, CANDIDATES, GAMMA)
    episode = numbered_episode(0, 5, True, True)
    with pytest.raises(ValueError, match='candidates has shape'):
        replay.add(episode, np.zeros((5, CANDIDATES, 4, 2), np.float32), Origin.ONLINE)
    wide = Episode(np.zeros((6, 3)), np.zeros((5, 2)), np.zeros(5), True, True)
    with pytest.raises(ValueError, match='observations'):
        replay.add(wide, np.zeros((6, CANDIDATES, 4, 2), np.float32), Origin.ONLINE)
    assert len(replay) == 0
