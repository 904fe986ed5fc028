# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The exploration noise: reproducible, correlated in time, of the stated size."""
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.learning.exploration import ExplorationConfig, ExplorationNoise


@given(st.integers(0, 2**32), st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_chunks_of_any_length_cut_the_same_noise(seed: int, lengths: list[int]) -> None:
    whole = ExplorationNoise(ExplorationConfig(), 3, seed).chunk(sum(lengths))
    noise = ExplorationNoise(ExplorationConfig(), 3, seed)
    np.testing.assert_array_equal(np.concatenate([noise.chunk(n) for n in lengths]), whole)


def test_episodes_differ_in_noise_and_in_its_size() -> None:
    config = ExplorationConfig(scale=0.2, largest_factor=1.5)
    noises = [ExplorationNoise(config, 2, seed) for seed in range(400)]
    sizes = np.array([noise.standard_deviation for noise in noises])
    assert sizes.min() >= 0.0
    assert sizes.max() <= 0.3
    assert sizes.mean() == pytest.approx(0.15, abs=0.02)
    assert not np.array_equal(noises[0].chunk(4), noises[1].chunk(4))


def test_the_noise_has_the_stated_size_from_the_first_tick_and_the_stated_memory() -> None:
    config = ExplorationConfig(scale=1.0, reversion=0.15)
    first, second = [], []
    for seed in range(4000):
        noise = ExplorationNoise(config, 1, seed)
        pair = noise.chunk(40)[[0, 39], 0] / noise.standard_deviation
        first.append(pair[0])
        second.append(pair[1])
    assert np.std(first) == pytest.approx(1.0, abs=0.05)
    assert np.std(second) == pytest.approx(1.0, abs=0.05)
    long = ExplorationNoise(config, 1, 7).chunk(60_000)[:, 0]
    assert np.corrcoef(long[:-1], long[1:])[0, 1] == pytest.approx(0.85, abs=0.02)


def test_no_scale_is_no_noise() -> None:
    noise = ExplorationNoise(ExplorationConfig(scale=0.0), 4, 0)
    assert not noise.chunk(10).any()
