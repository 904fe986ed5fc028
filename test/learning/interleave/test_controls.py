# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Controls of experiments: steps and rewards of the same size without their information."""
from __future__ import annotations

from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
import torch

from inril_ros.learning.interleave.control_names import checked_control, Control, CONTROLS
from inril_ros.learning.interleave.controls import gaussian_step, regularised, shuffle_rewards


def test_every_control_has_a_name_and_a_description() -> None:
    assert set(CONTROLS) == set(get_args(Control))
    assert all(CONTROLS[checked_control(name)].endswith(('.', '?')) for name in CONTROLS)
    with pytest.raises(ValueError, match='parameter_noise'):
        checked_control('noise')


def step() -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    return [3e-4 * torch.randn(40, 5, generator=random), torch.zeros(3),
            torch.randn(50, generator=random)]


@given(st.integers(0, 2**31), st.sampled_from([1e-20, 1e-4, 1.0]))
@settings(max_examples=40, deadline=None)
def test_noise_has_the_length_of_the_step_it_replaces(seed: int, scale: float) -> None:
    real = [scale * tensor for tensor in step()]
    noise = gaussian_step(real, torch.Generator().manual_seed(seed))

    def length(tensors: list[torch.Tensor]) -> float:
        return float(torch.cat([t.double().flatten() for t in tensors]).norm())
    assert [t.shape for t in noise] == [t.shape for t in real]
    assert length(noise) == pytest.approx(length(real), rel=1e-5)


def test_noise_has_no_preferred_direction_and_follows_from_the_seed() -> None:
    real = [torch.ones(4)]
    drawn = torch.stack([gaussian_step(real, torch.Generator().manual_seed(seed))[0]
                         for seed in range(2000)])
    assert drawn.mean(dim=0).abs().max() < 0.1
    torch.testing.assert_close(drawn.T @ drawn / 2000, torch.eye(4), atol=0.12, rtol=0)
    assert torch.equal(drawn[7], gaussian_step(real, torch.Generator().manual_seed(7))[0])


@given(st.lists(st.integers(1, 12), min_size=2, max_size=8), st.integers(0, 2**31))
@settings(deadline=None)
def test_each_episode_gets_the_return_of_another(lengths: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    real = [random.integers(-3, 4, length).astype(np.float32) for length in lengths]
    kept = [values.copy() for values in real]
    sham, source = shuffle_rewards(real, random)
    assert sorted(source) == list(range(len(real)))
    for own, other in enumerate(source):
        assert own != other
        assert len(sham[own]) == lengths[own]
        assert sham[own].dtype == np.float32
        assert sham[own].sum() == real[other].sum()
        if lengths[own] > 1:
            assert sham[own][-1] == real[other][-1]
    assert all(map(np.array_equal, real, kept))


def test_every_other_episode_is_as_likely() -> None:
    rewards = [np.zeros(1, np.float32)] * 4
    sources = [shuffle_rewards(rewards, np.random.default_rng(seed))[1][0]
               for seed in range(900)]
    counts = np.bincount(sources, minlength=4)
    assert counts[0] == 0
    assert counts[1:].min() > 240


def test_rewards_are_laid_end_to_end() -> None:
    long, short = np.array([1, 2, 3, 9], np.float32), np.array([5, 7], np.float32)
    (first, second), source = shuffle_rewards([long, short], np.random.default_rng(0))
    assert source == [1, 0]
    assert first.tolist() == [0, 0, 5, 7]
    assert second.tolist() == [6, 9]
    for rewards in ([long], [long, long[:0]]):
        with pytest.raises(ValueError, match='at least two'):
            shuffle_rewards(rewards, np.random.default_rng(0))


def test_regularisation_is_the_gradient_of_the_weighted_sum() -> None:
    parameter = torch.tensor([1.0, -2.0], requires_grad=True)
    losses = [lambda: (parameter ** 3).sum(), lambda: (parameter ** 2).sum()]
    rl, il = (list(torch.autograd.grad(loss(), [parameter])) for loss in losses)
    both = list(torch.autograd.grad(losses[0]() + 0.1 * losses[1](), [parameter]))
    torch.testing.assert_close(regularised(rl, il, 0.1), both)
    assert torch.equal(regularised(rl, il, 0.0)[0], rl[0])
    for weight in (-0.1, float('nan'), float('inf')):
        with pytest.raises(ValueError, match='weight'):
            regularised(rl, il, weight)
    with pytest.raises(ValueError, match='shared network'):
        regularised(rl, [torch.zeros(3)], 1.0)
