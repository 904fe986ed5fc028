# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""At a tick without a valid observation the arm was held: nothing is learned about its state.

What was done and rewarded there is known, so returns run across it, and nothing is bootstrapped
from it.
"""
from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.learning.experience import Episode, Transition
from inril_ros.learning.hosts.decisions import decisions_of
from inril_ros.learning.interleave.sources import ImitationMemory
from inril_ros.learning.joining import join_transitions
from inril_ros.learning.policies.trial import trial_frames
from inril_ros.learning.pretrain import imitation_pairs
from inril_ros.learning.replay import Origin
from inril_ros.learning.replays.step_replay import StepReplay
from inril_ros.learning.replays.window_replay import WindowReplay
from inril_ros.learning.saved_state import pack_episode, unpack_episode
from inril_ros.learning.stored.experience_files import ExperienceFiles

GAMMA, CHUNK, HORIZON = 0.9, 2, 3


def transitions(seen: list[bool], terminated: bool) -> list[Transition]:
    """Return one step each; an observation is its tick, or NaN where there is none."""
    rows = np.where(seen, np.arange(len(seen)), np.nan)[:, None].astype(np.float32)
    last = len(seen) - 2
    return [Transition('e', tick, rows[tick:tick + 2], np.full((1, 1), tick / 100.0),
                       np.array([tick + 1.0]), np.zeros(1), tick == last and terminated,
                       tick == last and not terminated, tick == last and terminated,
                       extras=np.array([tick], np.float32))
            for tick in range(len(seen) - 1)]


lives = st.tuples(st.lists(st.booleans(), min_size=1, max_size=14), st.booleans()).map(
    lambda life: ([True, *life[0]], life[1]))


@settings(max_examples=120, deadline=None)
@given(lives)
def test_rows_begin_and_end_at_observed_ticks_and_sum_all_rewards_between(life) -> None:
    seen, terminated = life
    episode = join_transitions(transitions(seen, terminated))
    steps = episode.steps
    memory = StepReplay(1, 1, (1,), CHUNK, HORIZON, GAMMA, 100)
    memory.add(episode, np.zeros((steps + 1, 1), np.float32))
    expected = []
    for start in range(steps if terminated else max(steps - CHUNK + 1, 0)):
        after = min(start + HORIZON, steps)
        ends = terminated and after == steps
        if seen[start] and (seen[after] or ends):
            expected.append((start, sum(GAMMA ** k * (start + k + 1)
                                        for k in range(after - start)),
                             0.0 if ends else GAMMA ** (after - start),
                             None if ends else after))
    batch = memory.batch(memory.rows)
    assert len(batch.returns) == len(expected)
    for row, (start, returned, discount, after) in enumerate(expected):
        assert batch.observations[row, 0] == start
        assert batch.returns[row] == pytest.approx(returned, rel=1e-5)
        assert batch.discounts[row] == pytest.approx(discount)
        assert after is None or batch.next_observations[row, 0] == after
    assert set(memory.positive_rows) == (set(memory.rows) if terminated else set())
    restored = StepReplay(1, 1, (1,), CHUNK, HORIZON, GAMMA, 100)
    restored.load_state_dict(memory.state_dict())
    np.testing.assert_array_equal(restored.rows, memory.rows)


@settings(max_examples=80, deadline=None)
@given(lives)
def test_windows_that_are_imitated_have_a_valid_observation_at_each_step(life) -> None:
    seen, terminated = life
    episode = join_transitions(transitions(seen, terminated))
    whole = [start for start in range(episode.steps)
             if all(seen[start:min(start + CHUNK, episode.steps)])]
    memory = ImitationMemory(1, 1, CHUNK)
    memory.add(episode, Origin.DEMONSTRATION)
    known = [start for start in whole if terminated or start + CHUNK <= episode.steps]
    assert memory.pairs(memory.demonstration_rows)[0][:, 0].tolist() == known
    if whole:
        assert imitation_pairs([episode], CHUNK)[0].state[:, 0].tolist() == whole
    else:
        with pytest.raises(ValueError, match='none of the 1 episodes has 2 steps in a row'):
            imitation_pairs([episode], CHUNK)
    frames = trial_frames([episode], 100).state[:, 0].tolist()
    assert frames == np.flatnonzero(seen).tolist()


@settings(max_examples=80, deadline=None)
@given(lives)
def test_decisions_begin_at_observed_ticks_and_a_segment_ends_at_one(life) -> None:
    seen, terminated = life
    episode = join_transitions(transitions(seen, terminated))
    found = decisions_of(episode, 1)
    if found is None:
        return
    kept = found.observations.state[:, 0].int().tolist()
    assert all(seen[tick] for tick in kept)
    ends = [tick for tick, last in zip(kept, found.ends.tolist()) if last]
    for end, final, terminal in zip(
            ends, found.final_observations.state[:, 0].tolist(), found.terminal.tolist()):
        assert terminal == (terminated and end + 1 == episode.steps)
        assert terminal or (seen[end + 1] and final == end + 1)
    for tick in set(range(episode.steps)) - set(kept):  # nothing is left out without need
        assert not seen[tick] or not seen[tick + 1]


def test_an_episode_with_unobserved_ticks_is_the_same_after_it_was_stored(tmp_path) -> None:
    seen = [True, True, False, True, True, False]
    episode = join_transitions(transitions(seen, terminated=True))
    assert episode.observations[:, 0].tolist() == [0.0, 1.0, 1.0, 3.0, 4.0, 4.0]
    files = ExperienceFiles(tmp_path)
    number = files.add(episode, Origin.ONLINE).number
    hashes = files.write([number])
    stored = [ExperienceFiles(tmp_path).read(number, hashes[0].tobytes())[0],
              unpack_episode(*pack_episode(episode))]
    memory = WindowReplay(1, 1, CHUNK, 1, GAMMA)
    memory.add(episode, np.zeros((6, 1, CHUNK, 1), np.float32), Origin.ONLINE)
    restored = WindowReplay(1, 1, CHUNK, 1, GAMMA)
    restored.load_state_dict(memory.state_dict())
    np.testing.assert_array_equal(restored.rows, memory.rows)
    for each in stored:
        assert each.observed.tolist() == seen
        np.testing.assert_array_equal(each.observations, episode.observations)


def test_without_such_ticks_nothing_is_stored_about_them(tmp_path) -> None:
    episode = join_transitions(transitions([True] * 5, terminated=True))
    marked = Episode(episode.observations, episode.actions, episode.rewards, True, True,
                     observed=np.ones(5, np.bool_))
    assert episode.observed is None and marked.observed is None
    memory = StepReplay(1, 1, (1,), CHUNK, HORIZON, GAMMA, 100)
    memory.add(episode, np.zeros((5, 1), np.float32))
    assert 'observed' not in memory.state_dict()
    assert 'observed' not in pack_episode(episode)[0]


def test_an_episode_without_any_observation_is_refused() -> None:
    with pytest.raises(ValueError, match='no valid observation at any of its 3 ticks'):
        Episode(np.zeros((3, 1)), np.zeros((2, 1)), np.zeros(2), True, True,
                observed=np.zeros(3, np.bool_))
