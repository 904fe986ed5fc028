# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Gradient surgery: orthogonality of the gradients, and the step that is taken."""
from __future__ import annotations

import copy
import json
import math
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
import torch
from torch import Tensor

from inril_ros.learning.interleave.separation import (
    adam_preconditioner,
    apply_step,
    proposed_step,
    separate,
    separate_steps,
)

SHAPES = ((3, 4), (5,), (1,))
VECTORS = json.loads((Path(__file__).parents[1] / 'vectors' / 'projection.json').read_text())


def gradient(seed: int, scale: float = 1.0) -> list[Tensor]:
    random = torch.Generator().manual_seed(seed)
    return [scale * torch.randn(shape, generator=random) for shape in SHAPES]


def inner(left: list[Tensor], right: list[Tensor]) -> float:
    return sum(float((a.double() * b.double()).sum()) for a, b in zip(left, right))


def norm(tensors: list[Tensor]) -> float:
    return math.sqrt(inner(tensors, tensors))


def in_conflict(left: list[Tensor], right: list[Tensor]) -> list[Tensor]:
    """Return `right`, or its negative if that conflicts with `left`."""
    return [-t for t in right] if inner(left, right) > 0 else right


seeds = st.integers(0, 2**31)
scales = st.sampled_from([1e-25, 1e-12, 1e-3, 1.0, 1e6, 1e15])


@pytest.mark.parametrize('case', VECTORS['cases'])
def test_projected_gradients_are_those_of_pcgrad_and_of_the_dual_cone(case: dict) -> None:
    il, rl = ([torch.tensor(case[name], dtype=torch.float64)] for name in ('il', 'rl'))
    apart = separate(il, rl, 'two_sided')
    for found, expected in ((apart.il[0], case['il_apart']), (apart.rl[0], case['rl_apart']),
                            (apart.il[0] + apart.rl[0], case['sum'])):
        torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64),
                                   rtol=1e-7, atol=1e-7)


@given(seeds, scales, scales, st.booleans(), st.booleans())
@settings(max_examples=200, deadline=None)
def test_each_gradient_is_orthogonal_to_the_other_original(
        seed: int, il_scale: float, rl_scale: float, always: bool, per_tensor: bool) -> None:
    il, rl = gradient(seed, il_scale), gradient(seed + 1, rl_scale)
    if not always:
        rl = in_conflict(il, rl)
    apart = separate(il, rl, 'two_sided', always=always, per_tensor=per_tensor)
    for before, after, other in ((il, apart.il, rl), (rl, apart.rl, il)):
        blocks = [(before, after, other)]
        if per_tensor:
            blocks = [([a], [b], [c]) for a, b, c in zip(before, after, other)]
        for own, left, right in blocks:
            if inner(own, right) < 0 or always:
                # A tensor with one entry is projected to zero, up to the rounding of float64.
                size = max(norm(left), 1e-9 * norm(own))
                assert abs(inner(left, right)) <= 1e-5 * size * norm(right)
            else:
                assert all(map(torch.equal, left, own))
    assert norm(apart.il) <= norm(il) * (1 + 1e-6)
    assert all(t.dtype == torch.float32 for t in apart.il + apart.rl)
    if not always and not per_tensor:  # the projections never conflict with each other
        assert inner(apart.il, apart.rl) >= 0.0


@given(seeds, st.sampled_from(['two_sided', 'protect_rl', 'protect_il', 'none']))
def test_without_conflict_nothing_changes(seed: int, mode: str) -> None:
    il, rl = gradient(seed), gradient(seed + 1)
    rl = [-t for t in in_conflict(il, rl)]
    apart = separate(il, rl, mode)
    assert all(torch.equal(a, b) for a, b in zip(apart.il + apart.rl, il + rl))


def test_two_sided_is_pcgrad_computed_by_hand() -> None:
    # <il, rl> = -8 + 4 = -4, |il|^2 = 20, |rl|^2 = 17: il' = il + 4/17 rl, rl' = rl + 4/20 il.
    apart = separate([torch.tensor([2.0, -4.0])], [torch.tensor([-4.0, -1.0])], 'two_sided')
    torch.testing.assert_close(apart.il[0], torch.tensor([2 - 16 / 17, -4 - 4 / 17]))
    torch.testing.assert_close(apart.rl[0], torch.tensor([-4 + 0.4, -1 - 0.8]))


@pytest.mark.parametrize(('mode', 'il_changes', 'rl_changes'), [
    ('none', False, False), ('protect_rl', True, False), ('protect_il', False, True),
    ('two_sided', True, True)])
@pytest.mark.parametrize('metric', [False, True])
def test_a_mode_changes_only_the_gradients_it_names(mode: str, il_changes: bool, rl_changes: bool,
                                                    metric: bool) -> None:
    il = gradient(0)
    rl = in_conflict(il, gradient(1))
    ones = [torch.ones(shape) for shape in SHAPES] if metric else None
    apart = separate_steps(il, rl, il, rl, mode, il_metric=ones, rl_metric=ones)
    assert (not all(map(torch.equal, apart.il, il))) == il_changes
    assert (not all(map(torch.equal, apart.rl, rl))) == rl_changes


def test_conflict_is_judged_per_tensor_or_over_all() -> None:
    il = [torch.tensor([1.0, 0.0]), torch.tensor([3.0])]
    rl = [torch.tensor([-1.0, 1.0]), torch.tensor([1.0])]  # -1 and +3: aligned as a whole
    whole = separate(il, rl, 'protect_rl')
    assert all(map(torch.equal, whole.il, il))
    single = separate(il, rl, 'protect_rl', per_tensor=True)
    torch.testing.assert_close(single.il[0], torch.tensor([0.5, 0.5]))
    assert torch.equal(single.il[1], il[1])


@pytest.mark.parametrize('always', [False, True])
@pytest.mark.parametrize('per_tensor', [False, True])
def test_a_gradient_of_zero_protects_nothing_and_stays_zero(always: bool,
                                                            per_tensor: bool) -> None:
    zeros, other = gradient(0, 0.0), gradient(1)
    for il, rl in ((zeros, other), (other, zeros), (zeros, zeros)):
        apart = separate(il, rl, 'two_sided', always=always, per_tensor=per_tensor)
        assert all(map(torch.equal, apart.il + apart.rl, il + rl))


def test_gradients_that_are_not_finite_pass_through() -> None:
    il, rl = gradient(0), gradient(1)
    il[0][0, 0] = math.nan
    apart = separate(il, rl, 'two_sided', always=True)
    assert all(map(torch.equal, apart.rl, rl))
    assert torch.isnan(apart.il[0]).sum() == 1


@given(seeds, st.booleans(), st.booleans())
@settings(max_examples=50, deadline=None)
def test_with_a_metric_the_preconditioned_step_is_orthogonal(seed: int, always: bool,
                                                             per_tensor: bool) -> None:
    il, rl = gradient(seed), gradient(seed + 1)
    metric = [t.abs() + 1e-3 for t in gradient(seed + 2, 100.0)]
    other = [t.abs() + 1e-3 for t in gradient(seed + 3)]
    u, w = ([p * g for p, g in zip(m, gs)] for m, gs in ((metric, il), (other, rl)))
    apart = separate_steps(u, w, il, rl, 'two_sided', always=always, per_tensor=per_tensor,
                           il_metric=metric, rl_metric=other)
    for step, result, protected, p in ((u, apart.il, rl, metric), (w, apart.rl, il, other)):
        if per_tensor:
            blocks = [([a], [b], [c], [d]) for a, b, c, d in zip(step, result, protected, p)]
        else:
            blocks = [(step, result, protected, p)]
        for before, after, gradient_, scale in blocks:
            if always or inner(before, gradient_) < 0:
                assert abs(inner(after, gradient_)) <= 1e-5 * norm(after) * norm(gradient_) + 1e-9
                # What was removed is along P g, with one factor for the block.
                ratios = torch.cat([((a - b) / (s * g)).flatten() for a, b, s, g
                                    in zip(before, after, scale, gradient_)])
                share = inner(before, gradient_) / inner(
                    [s * g for s, g in zip(scale, gradient_)], gradient_)
                big = torch.cat([(s * g).abs().flatten() for s, g in zip(scale, gradient_)])
                big = big * abs(share) > 1e-2 * max(norm(before), 1e-9)
                torch.testing.assert_close(ratios[big], torch.full_like(ratios[big], share),
                                           rtol=1e-3, atol=1e-6)
            else:
                assert all(map(torch.equal, after, before))


def trained(kind: type[torch.optim.Optimizer], steps: int = 5,
            **options: float) -> tuple[torch.optim.Optimizer, list[torch.nn.Parameter]]:
    parameters = [torch.nn.Parameter(t) for t in gradient(10)]
    optimiser = kind(parameters, lr=1e-2, **options)
    for index in range(steps):
        for parameter, g in zip(parameters, gradient(20 + index)):
            parameter.grad = g
        optimiser.step()
    return optimiser, parameters


def test_the_preconditioner_is_that_of_adam() -> None:
    optimiser, parameters = trained(torch.optim.Adam, betas=(0.0, 0.99))
    last = gradient(24)
    metric = adam_preconditioner(optimiser, parameters)
    # Without momentum the last step was lr * P g.
    twin, moved = trained(torch.optim.Adam, steps=4, betas=(0.0, 0.99))
    step = proposed_step(twin, moved, last)
    for scale, g, change in zip(metric, last, step):
        torch.testing.assert_close(1e-2 * scale * g, change, rtol=1e-3, atol=1e-6)


def test_before_the_first_step_the_preconditioner_is_one() -> None:
    optimiser, parameters = trained(torch.optim.AdamW, steps=0)
    assert all((p == 1).all() for p in adam_preconditioner(optimiser, parameters))


def test_the_largest_second_moment_counts_with_amsgrad() -> None:
    optimiser, parameters = trained(torch.optim.Adam, amsgrad=True)
    correction = math.sqrt(1 - 0.999 ** 5)
    largest = optimiser.state[parameters[0]]['max_exp_avg_sq']
    torch.testing.assert_close(adam_preconditioner(optimiser, parameters)[0],
                               1 / (largest.sqrt() / correction + 1e-8))


def test_a_preconditioner_is_refused_for_optimisers_without_one() -> None:
    optimiser, parameters = trained(torch.optim.SGD, momentum=0.9)
    with pytest.raises(ValueError, match='exp_avg_sq'):
        adam_preconditioner(optimiser, parameters)
    with pytest.raises(ValueError, match='parameter 0 is not'):
        adam_preconditioner(optimiser, [torch.zeros(1)])


@pytest.mark.parametrize('kind', [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD])
def test_an_applied_proposal_is_the_optimisers_own_step(kind: type) -> None:
    optimiser, parameters = trained(kind)
    twin, moved = trained(kind)
    for parameter, g in zip(moved, gradient(30)):
        parameter.grad = g
    twin.step()
    before = [p.detach().clone() for p in parameters]
    step = proposed_step(optimiser, parameters, gradient(30))
    assert all(map(torch.equal, parameters, before))
    apply_step(parameters, step)
    for own, other in zip(parameters, moved):
        torch.testing.assert_close(own, other, rtol=1e-6, atol=1e-8)
        for name, value in optimiser.state[own].items():
            if value is not None:
                torch.testing.assert_close(value, twin.state[other][name], rtol=0, atol=0)


def test_a_proposal_never_changes_other_parameters() -> None:
    optimiser, parameters = trained(torch.optim.Adam)
    with pytest.raises(ValueError, match='would move others'):
        proposed_step(optimiser, parameters[:2], gradient(0)[:2])


@pytest.mark.parametrize('always', [False, True])
def test_adams_step_keeps_the_rl_loss_to_first_order(always: bool) -> None:
    optimiser, parameters = trained(torch.optim.AdamW, weight_decay=0.1)
    il = gradient(40)
    step = proposed_step(optimiser, parameters, il)
    rl = in_conflict(step, gradient(41))
    plain = separate(il, rl, 'protect_rl', always=True)
    metric = adam_preconditioner(optimiser, parameters)
    apart = separate_steps(step, rl, il, rl, 'protect_rl', always=always, il_metric=metric)
    assert abs(inner(apart.il, rl)) <= 1e-5 * norm(apart.il) * norm(rl)
    # The Euclidean projection, through the same optimiser, does not.
    twin, moved = trained(torch.optim.AdamW, weight_decay=0.1)
    assert abs(inner(proposed_step(twin, moved, plain.il), rl)) > 1e-3 * norm(step) * norm(rl)
    before = copy.deepcopy([p.detach() for p in parameters])
    apply_step(parameters, apart.il)
    moved_by = [a - p.detach() for a, p in zip(before, parameters)]
    assert abs(inner(moved_by, rl)) <= 1e-4 * norm(moved_by) * norm(rl)


def test_mismatched_arguments_are_refused() -> None:
    il, rl = gradient(0), gradient(1)
    with pytest.raises(ValueError, match='two_sided'):
        separate(il, rl, 'both')  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='do not match'):
        separate(il, rl[:2], 'none')
    with pytest.raises(ValueError, match='do not match'):
        separate_steps(il, rl, il, rl, 'two_sided', rl_metric=[torch.ones(1)] * 3)
