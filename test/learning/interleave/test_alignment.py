# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Measurements of the alignment: unbiased, pooled with correct intervals, put into words."""
from __future__ import annotations

import json
import math

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy import stats
import torch
from torch import Tensor

from inril_ros.learning.interleave.alignment import (
    action_space_cosine,
    Alignment,
    layer_names,
    measure_alignment,
    needed_inner,
    Products,
    smoothness,
)
from inril_ros.learning.interleave.alignment_pool import AlignmentPool, calibrate, pooled

TRUE = -0.3


def expected_gradients(dimensions: int, cosine: float,
                       random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return two unit vectors with this cosine."""
    first, second = torch.randn(2, dimensions, generator=random, dtype=torch.float64)
    first = first / first.norm()
    second = second - (second @ first) * first
    return first, cosine * first + math.sqrt(1 - cosine ** 2) * second / second.norm()


def noisy(mean: Tensor, snr: float, parts: int, random: torch.Generator) -> list[list[Tensor]]:
    """Return independent parts of a gradient, in two tensors, with this signal to noise."""
    deviation = float(mean.norm()) / snr / math.sqrt(len(mean))
    drawn = [(mean + deviation * torch.randn(len(mean), generator=random, dtype=torch.float64))
             .float() for _ in range(parts)]
    return [list(part.split([len(mean) // 2, len(mean) - len(mean) // 2])) for part in drawn]


@pytest.mark.parametrize(('snr', 'dimensions', 'raw', 'tolerance'), [
    (1.0, 50_000, -0.20, 0.01), (0.3, 50_000, -0.0457, 0.03), (0.1, 400_000, -0.0059, 0.15)])
def test_the_corrected_cosine_is_unbiased_where_the_raw_one_reads_noise(
        snr: float, dimensions: int, raw: float, tolerance: float) -> None:
    random = torch.Generator().manual_seed(0)
    il, rl = expected_gradients(dimensions, TRUE, random)
    found = [measure_alignment(noisy(il, snr, 2, random), noisy(rl, snr, 2, random)).whole
             for _ in range(12)]
    # Ratio of sums, as pooling does: a mean of ratios is biased by itself.
    sums = [sum(getattr(f, name) for f in found) for name in ('inner', 'il', 'rl')]
    assert sums[0] / math.sqrt(sums[1] * sums[2]) == pytest.approx(TRUE, abs=tolerance)
    assert np.mean([f.raw_cosine for f in found]) == pytest.approx(raw, abs=0.01)


@pytest.mark.parametrize('parts', [2, 5])
def test_products_are_means_over_pairs_of_different_parts(parts: int) -> None:
    random = torch.Generator().manual_seed(1)
    il = [[torch.randn(3, 2, generator=random), torch.randn(4, generator=random)]
          for _ in range(parts)]
    rl = [[torch.randn(3, 2, generator=random), torch.randn(4, generator=random)]
          for _ in range(3)]
    found = measure_alignment(il, rl, layers=['a', 'b'])

    def dot(left: list[Tensor], right: list[Tensor]) -> float:
        return sum(float((x.double() * y.double()).sum()) for x, y in zip(left, right))

    for block, products in ((slice(0, 1), found.layers['a']), (slice(1, 2), found.layers['b']),
                            (slice(0, 2), found.whole)):
        i, r = [part[block] for part in il], [part[block] for part in rl]
        assert products.inner == pytest.approx(np.mean([dot(x, y) for x in i for y in r]))
        for own, square, part_square in ((i, products.il, products.il_part_square),
                                         (r, products.rl, products.rl_part_square)):
            pairs = [dot(x, y) for m, x in enumerate(own) for n, y in enumerate(own) if m != n]
            assert square == pytest.approx(np.mean(pairs))
            assert part_square == pytest.approx(np.mean([dot(x, x) for x in own]))
    assert found.layer_conflict == np.mean([p.inner < 0 for p in found.layers.values()])


def test_signs_norms_and_layers_by_hand() -> None:
    il = [[torch.tensor([1.0, 2.0]), torch.tensor([0.0, -1.0])]] * 2
    rl = [[torch.tensor([3.0, -1.0]), torch.tensor([5.0, -1.0])]] * 2
    found = measure_alignment(il, rl)
    assert found.whole.inner == 2.0          # 3 - 2 + 0 + 1
    assert found.whole.sign_conflict == pytest.approx(1 / 3)
    assert found.layers['0'].sign_conflict == 0.5
    assert found.whole.il == found.whole.il_mean_square == 6.0
    assert found.whole.corrected_cosine == pytest.approx(2 / math.sqrt(6 * 36))
    assert found.whole.raw_cosine == pytest.approx(2 / math.sqrt(6 * 36))
    assert found.whole.il_snr == math.inf    # equal parts: no noise seen
    assert found.layer_conflict == 0.0
    together = measure_alignment(il, rl, layers=['x', 'x'])
    assert together.layers == {'x': found.whole}


def test_the_signal_to_noise_ratio_of_a_part_is_recovered() -> None:
    random = torch.Generator().manual_seed(2)
    il, rl = expected_gradients(20_000, 0.5, random)
    found = measure_alignment(noisy(il, 2.0, 8, random), noisy(rl, 0.5, 8, random)).whole
    assert found.il_snr == pytest.approx(2.0, rel=0.05)
    assert found.rl_snr == pytest.approx(0.5, rel=0.1)


def test_where_noise_dominates_there_is_no_cosine_and_no_signal() -> None:
    opposite = [[torch.tensor([1.0, 0.1])], [torch.tensor([-1.0, 0.1])]]
    found = measure_alignment(opposite, [[torch.tensor([1.0, 1.0])]] * 2)
    assert found.whole.il < 0
    assert found.whole.corrected_cosine is None
    assert found.whole.il_snr == 0.0
    assert 'corrected_cosine' not in found.scalars()


def test_first_order_transfer_predicts_the_change_of_a_linear_loss() -> None:
    random = torch.Generator().manual_seed(3)
    rl, il = (list(torch.randn(2, 5, generator=random)) for _ in range(2))
    parameters = list(torch.randn(2, 5, generator=random))
    step = list(0.1 * torch.randn(2, 5, generator=random))
    other = list(0.1 * torch.randn(2, 5, generator=random))
    loss = lambda g, p: sum(float((x * y).sum()) for x, y in zip(g, p))  # noqa: E731
    found = measure_alignment([il, il], [rl, rl], il_step=step, rl_step=other)
    moved = [p - s for p, s in zip(parameters, step)]
    assert found.il_to_rl == pytest.approx(loss(rl, parameters) - loss(rl, moved), abs=1e-5)
    moved = [p - s for p, s in zip(parameters, other)]
    assert found.rl_to_il == pytest.approx(loss(il, parameters) - loss(il, moved), abs=1e-5)
    bare = measure_alignment([il, il], [rl, rl])
    assert bare.il_to_rl is None
    assert 'il_to_rl' not in bare.scalars()


def test_smoothness_is_the_curvature_along_the_step() -> None:
    hessian = torch.diag(torch.tensor([1.0, 4.0, 9.0]))
    start, step = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([0.0, 0.3, 0.0])
    assert smoothness([hessian @ start], [hessian @ (start - step)],
                      [step]) == pytest.approx(4.0, rel=1e-5)
    assert smoothness([start], [start], [torch.zeros(3)]) == 0.0


def test_above_c_min_and_only_there_an_sgd_step_lowers_the_rl_loss() -> None:
    curvature, rate = 2.0, 0.1
    for cosine in np.linspace(-1.0, 1.0, 41):
        rl = torch.tensor([1.5, 0.0], dtype=torch.float64)
        il = 3.0 * torch.tensor([cosine, math.sqrt(1 - cosine ** 2)], dtype=torch.float64)
        found = measure_alignment([[il], [il]], [[rl], [rl]]).whole
        change = -rate * float(rl @ il) + curvature / 2 * float((rate * il) @ (rate * il))
        least = needed_inner(found, curvature, rate) / math.sqrt(found.il * found.rl)
        assert least == pytest.approx(curvature * rate * 3.0 / (2 * 1.5))
        if abs(cosine - least) > 1e-6:
            assert (change < 0) == (cosine > least)


def test_the_pooled_c_min_is_that_of_the_expected_gradients() -> None:
    random = torch.Generator().manual_seed(3)
    il, rl = expected_gradients(2_000, TRUE, random)
    pool = AlignmentPool(window=40, least_events=20)
    curvature, rate = 2.0, 0.05
    for count in range(40):
        assert (pool.c_min() is None) == (count < 20)
        found = measure_alignment(noisy(il, 3.0, 2, random), noisy(rl, 3.0, 2, random))
        pool.add(found, needed=needed_inner(found.whole, curvature, rate))
    # Of the noise of two parts, a half is in their mean: |g|^2 (1 + 1 / (2 snr^2)), |g| = 1.
    assert pool.c_min() == pytest.approx(curvature * rate / 2 * (1 + 1 / 18), rel=0.02)


def synthetic(events: int, cosine: float, snr: float, random: np.random.Generator,
              dimensions: int = 60) -> tuple[np.ndarray, ...]:
    """Return the products of each event (inner, il, rl) and the true ratio of sums."""
    first = random.standard_normal((events, dimensions))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = random.standard_normal((events, dimensions))
    second -= (second * first).sum(1, keepdims=True) * first
    second /= np.linalg.norm(second, axis=1, keepdims=True)
    rl = cosine * first + math.sqrt(1 - cosine ** 2) * second
    scale = np.exp(0.3 * random.standard_normal((events, 1)))  # norms differ between events
    il_parts, rl_parts = (
        [mean + size * random.standard_normal((events, dimensions)) / math.sqrt(dimensions) / snr
         for _ in range(2)] for mean, size in ((scale * first, scale), (rl, 1.0)))
    inner = (sum(il_parts) * sum(rl_parts)).sum(1) / 4
    truth = cosine * scale.sum() / math.sqrt((scale ** 2).sum() * events)
    return (inner, *((p[0] * p[1]).sum(1) for p in (il_parts, rl_parts)), truth)


def binomial_range(trials: int, probability: float) -> tuple[int, int]:
    """Return the counts that are exceeded on either side with a probability of 1e-4."""
    return (int(stats.binom.ppf(1e-4, trials, probability)),
            int(stats.binom.ppf(1 - 1e-4, trials, probability)))


@pytest.mark.parametrize('cosine', [-0.3, 0.0, 0.8])
@pytest.mark.parametrize(('snr', 'events'), [(1.0, 20), (1.0, 50), (0.5, 50)])
def test_the_pooled_interval_has_its_stated_coverage(cosine: float, snr: float,
                                                     events: int) -> None:
    random = np.random.default_rng(5)
    held = trials = 0
    for _ in range(500):
        *products, truth = synthetic(events, cosine, snr, random)
        found = pooled(*products, 0.95, 20)
        if found.interval is not None:
            trials += 1
            held += found.interval[0] <= truth <= found.interval[1]
    assert trials > 350
    low, high = binomial_range(trials, 0.95)
    assert low <= held <= high


def test_the_gate_raises_a_false_alarm_at_its_level() -> None:
    random = np.random.default_rng(6)
    alarms = sum(pooled(*synthetic(30, 0.0, 0.3, random)[:3], 0.95, 20).distinguishable
                 for _ in range(1000))
    low, high = binomial_range(1000, 0.05)
    assert low <= alarms <= high


def test_the_gate_sees_a_conflict_that_single_events_hide() -> None:
    random = np.random.default_rng(7)
    *products, _ = synthetic(50, -0.5, 0.5, random)
    found = pooled(*products, 0.95, 20)
    assert found.distinguishable
    assert found.t_value < -3
    assert found.in_words.startswith('in conflict: cosine -0.')


def test_gradients_lost_in_noise_get_no_cosine() -> None:
    random = np.random.default_rng(8)
    given_ = 0
    for _ in range(300):
        found = pooled(*synthetic(50, -0.3, 0.1, random)[:3], 0.95, 20)
        given_ += found.cosine is not None
        assert (found.cosine is None) == (found.interval is None)
    assert given_ <= 6  # a t above sqrt(10) by chance, twice


def test_the_description_says_what_is_indistinguishable_from_zero() -> None:
    random = np.random.default_rng(9)
    *products, _ = synthetic(30, 0.0, 1.0, random)
    found = pooled(*products, 0.95, 20)
    assert found.in_words.startswith('not distinguishable from zero (t = ')
    few = pooled(*(p[:7] for p in products), 0.95, 20)
    assert few.in_words == 'too few events to say (7 of 20)'
    assert (few.cosine, few.interval, few.distinguishable) == (None, None, False)
    ones = np.ones(30)
    lost = pooled(ones + 0.1 * random.standard_normal(30), random.standard_normal(30), ones,
                  0.95, 20)
    assert lost.distinguishable
    assert 'how strongly is unknown' in lost.in_words


def test_without_events_there_is_no_finding() -> None:
    empty = np.zeros(0)
    found = pooled(empty, empty, empty, 0.95, 20)
    assert (found.t_value, found.p_value) == (0.0, 1.0)
    same = pooled(np.full(20, 0.5), np.ones(20), np.ones(20), 0.95, 20)
    assert (same.t_value, same.cosine, same.interval) == (math.inf, 0.5, (0.5, 0.5))


def event(inner: float, il: float = 1.0, rl: float = 1.0, transfer: float | None = None,
          **layers: float) -> Alignment:
    def block(inner: float) -> Products:
        return Products(inner, il, rl, 1.0, 1.0, 1.0, 1.0, 0.5)
    return Alignment(block(inner), {name: block(value) for name, value in layers.items()}, 0.0,
                     transfer, None if transfer is None else -transfer)


def test_the_pool_keeps_whole_and_layers_of_the_last_events() -> None:
    pool = AlignmentPool(window=20)
    for index in range(30):
        pool.add(event(-0.2, head=0.5 + 0.01 * (index % 2)) if index >= 10 else event(99.0))
    assert len(pool) == 20
    assert pool.layers == ['head']
    assert pool.estimate().cosine == pytest.approx(-0.2)
    assert pool.estimate('head').cosine == pytest.approx(0.505)
    assert pool.estimate('tail').events == 0


def test_the_pool_is_a_ratio_of_sums() -> None:
    pool = AlignmentPool(window=20)
    for index in range(20):
        pool.add(event(1.0, il=-0.5, rl=4.0) if index % 4 == 0 else event(1.0, il=1.5, rl=4.0))
    found = pool.estimate()
    assert found.cosine == pytest.approx(20 / math.sqrt(20.0 * 80.0))


def test_the_pool_omits_and_counts_values_that_are_not_finite() -> None:
    pool = AlignmentPool()
    pool.add(event(math.nan))
    pool.add(event(0.1, il=math.inf))
    pool.add(event(0.1, head=math.nan))
    assert (len(pool), pool.ignored) == (0, 3)


@given(st.lists(st.tuples(st.floats(-1, 1), st.one_of(st.none(), st.floats(-1, 1))), max_size=40),
       st.integers(0, 40))
@settings(max_examples=50, deadline=None)
def test_the_pool_continues_where_it_was_saved(rows: list[tuple[float, float | None]],
                                               cut: int) -> None:
    def fill(pool: AlignmentPool, rows: list[tuple[float, float | None]]) -> AlignmentPool:
        for inner, decrease in rows:
            pool.add(event(inner, transfer=inner / 2, head=inner), decrease, decrease)
        return pool
    whole, first, second = (AlignmentPool(25) for _ in range(3))
    fill(whole, rows)
    fill(first, rows[:cut])
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    fill(second, rows[cut:])
    assert second.state_dict() == whole.state_dict()
    assert second.estimate() == whole.estimate()


def test_calibration_finds_slope_and_scatter() -> None:
    random = np.random.default_rng(10)
    pool = AlignmentPool(window=50)
    for _ in range(50):
        predicted = float(random.standard_normal())
        pool.add(event(0.0, transfer=predicted), 0.8 * predicted - 0.1,
                 float(random.standard_normal()))
    exact, unrelated = pool.il_to_rl(), pool.rl_to_il()
    assert exact is not None
    assert unrelated is not None
    assert (exact.slope, exact.intercept, exact.r_squared, exact.events) == pytest.approx(
        (0.8, -0.1, 1.0, 50))
    assert unrelated.r_squared < 0.15


def test_there_is_no_calibration_without_a_spread_of_predictions() -> None:
    assert calibrate([]) is None
    assert calibrate([(0.0, 1.0), (1.0, 2.0)]) is None
    assert calibrate([(0.5, 1.0)] * 10) is None


def test_action_space_cosine_is_a_mean_over_states() -> None:
    il = torch.tensor([[[1.0, 0.0], [0.0, 0.0]], [[3.0, 0.0], [0.0, 4.0]], [[0.0, 0.0]] * 2])
    rl = torch.tensor([[[-2.0, 0.0], [0.0, 0.0]], [[0.5, 0.0], [0.0, 0.0]], [[1.0, 1.0]] * 2])
    found = action_space_cosine(il, rl)
    assert (found.cosine, found.conflict) == pytest.approx((-0.2, 0.5))
    nothing = action_space_cosine(torch.zeros(2, 1, 1), torch.ones(2, 1, 1))
    assert math.isnan(nothing.cosine)
    with pytest.raises(ValueError, match='B, T, A'):
        action_space_cosine(il, rl[:2])


def test_layers_are_named_without_weight_and_bias() -> None:
    assert layer_names(['body.0.weight', 'body.0.bias', 'scale']) == ['body.0', 'body.0', 'scale']


def test_impossible_measurements_are_refused() -> None:
    part = [torch.ones(2)]
    with pytest.raises(ValueError, match='two independent parts'):
        measure_alignment([part], [part, part])
    with pytest.raises(ValueError, match='same shapes'):
        measure_alignment([part, part], [part, [torch.ones(3)]])
    with pytest.raises(ValueError, match='same shapes'):
        measure_alignment([part, part], [part, part], il_step=[])
    with pytest.raises(ValueError, match='layer names'):
        measure_alignment([part, part], [part, part], layers=['a', 'b'])
    with pytest.raises(ValueError, match='no shared parameters'):
        measure_alignment([[], []], [[], []])
    with pytest.raises(ValueError, match='least_events'):
        AlignmentPool(window=10)
