# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images in the memories of experience: each row has its own, and each is stored once."""
from __future__ import annotations

import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
import torch

from inril_ros.learning.experience import Episode
from inril_ros.learning.frames import Frames
from inril_ros.learning.interleave.sources import ImitationMemory
from inril_ros.learning.replay import Origin
from inril_ros.learning.replays.window_replay import WindowReplay

SHAPE = (2, 3, 4, 3)
LENGTH = 3


def seen_episode(number: int, steps: int, terminated: bool, success: bool,
                 shape: tuple = SHAPE) -> Episode:
    """Return an episode whose images and observations both encode the episode and step."""
    step = np.arange(steps + 1)
    images = np.zeros((steps + 1, *shape), np.uint8)
    images[..., 0] = number
    images[..., 1] = step.reshape(-1, 1, 1, 1) % 256
    images[:, 1:, ..., 2] = 255  # the second camera
    return Episode(np.stack([np.full(steps + 1, number), step], axis=1), np.zeros((steps, 1)),
                   np.zeros(steps), terminated, success, images=images,
                   intervened=np.arange(steps) >= steps // 2)


def assert_images_are_those_of(images: np.ndarray, observations: np.ndarray) -> None:
    assert images.shape == (len(observations), *SHAPE)
    assert (images[..., :2] == observations[:, None, None, None]).all()
    assert (images[:, 0, ..., 2] == 0).all()
    assert (images[:, 1, ..., 2] == 255).all()


def empty_replay(shape: tuple | None = SHAPE) -> WindowReplay:
    return WindowReplay(2, 1, LENGTH, 1, 0.9, shape)


episodes_strategy = st.lists(
    st.tuples(st.integers(1, 9), st.booleans(), st.booleans(), st.sampled_from(Origin)),
    min_size=1, max_size=5)


@settings(deadline=None)
@given(episodes_strategy)
def test_rows_and_their_next_observations_have_their_own_images(specification: list) -> None:
    replay, memory = empty_replay(), ImitationMemory(2, 1, LENGTH, SHAPE)
    for number, (steps, terminated, success, origin) in enumerate(specification):
        episode = seen_episode(number, steps, terminated, success)
        replay.add(episode, np.zeros((steps + 1, 1, LENGTH, 1), np.float32), origin)
        memory.add(episode, origin)
    replay_copy, memory_copy = empty_replay(), ImitationMemory(2, 1, LENGTH, SHAPE)
    replay_copy.load_state_dict(replay.state_dict())
    memory_copy.load_state_dict(memory.state_dict())
    rows = np.concatenate([replay.demonstration_rows, replay.online_rows])
    for each in (replay, replay_copy):
        batch = each.batch(rows)
        assert_images_are_those_of(batch.images, batch.observations)
        assert_images_are_those_of(batch.next_images, batch.next_observations)
    for each in (memory, memory_copy):
        for rows in (each.demonstration_rows, each.success_rows, each.intervention_rows):
            states, images, _ = each.pairs(rows)
            assert_images_are_those_of(images, states)


def test_a_replay_without_a_shape_ignores_images() -> None:
    replay = empty_replay(None)
    replay.add(seen_episode(0, 5, True, True), np.zeros((6, 1, LENGTH, 1), np.float32),
               Origin.ONLINE)
    batch = replay.batch(replay.online_rows)
    assert batch.images is batch.next_images is None
    assert 'images' not in replay.state_dict()


def test_an_episode_whose_images_do_not_fit_is_refused_and_changes_nothing() -> None:
    blind = Episode(np.zeros((6, 2)), np.zeros((5, 1)), np.zeros(5), True, True)
    for episode, found in ((blind, 'missing'),
                           (seen_episode(0, 5, True, True, (1, 3, 4, 3)), r'\(1, 3, 4, 3\)')):
        replay, memory = empty_replay(), ImitationMemory(2, 1, LENGTH, SHAPE)
        with pytest.raises(ValueError, match=f'images of the episode are {found}'):
            replay.add(episode, np.zeros((6, 1, LENGTH, 1), np.float32), Origin.ONLINE)
        with pytest.raises(ValueError, match=f'images of the episode are {found}'):
            memory.add(episode, Origin.DEMONSTRATION)
        assert len(replay) == len(memory.demonstration_rows) == 0
        assert len(replay.state_dict()['images']) == len(replay.state_dict()['observations']) == 0


def test_two_cameras_of_128_pixels_cost_less_than_100_kb_per_step_in_all_memories() -> None:
    shape, steps, number = (2, 128, 128, 3), 60, 4
    replay, memory = empty_replay(shape), ImitationMemory(2, 1, LENGTH, shape)
    tracemalloc.start()
    for index in range(number):
        episode = seen_episode(index, steps, True, True, shape)
        replay.add(episode, np.zeros((steps + 1, 1, LENGTH, 1), np.float32), Origin.ONLINE)
        memory.add(episode, Origin.ONLINE)
    del episode
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The image after the last step counts too: 98.3 kB for each of 61 images.
    assert held / (number * steps) < 100_000 * (steps + 1) / steps


def test_a_batch_is_a_copy() -> None:
    frames = Frames(SHAPE)
    frames.extend(seen_episode(7, 3, True, True).images)
    frames.gather(np.array([0, 2]))[:] = 0
    assert (frames.gather(np.array([0, 2]))[..., 0] == 7).all()
    assert frames.gather(np.array([], np.int64)).shape == (0, *SHAPE)
    assert len(frames) == len(frames.joined()) == 4


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from(['array', 'view', 'tensor', '']),
                          st.integers(0, 5)), max_size=40))
def test_a_referenced_batch_never_changes(draws: list) -> None:
    frames = Frames(SHAPE)
    frames.extend(seen_episode(0, 20, True, True).images)
    held: list = []
    for draw, (rows, kind, forgotten) in enumerate(draws):
        wanted = (np.arange(rows) + draw) % 21
        batch = frames.gather(wanted)
        if kind:
            held.append(({'array': batch, 'view': batch[:, :1],
                          'tensor': torch.from_numpy(batch)}[kind], wanted))
        del batch
        for images, numbers in held:
            assert (np.asarray(images)[:, 0, 0, 0, 1] == numbers).all()
        del held[:forgotten]


def test_the_memory_of_an_unreferenced_batch_is_reused() -> None:
    frames = Frames(SHAPE)
    frames.extend(seen_episode(0, 20, True, True).images)
    places = set()
    for _ in range(20):
        first, second = frames.gather(np.arange(5)), frames.gather(np.arange(5))
        places |= {first.ctypes.data, second.ctypes.data}
        del first, second
    assert len(places) == 2
