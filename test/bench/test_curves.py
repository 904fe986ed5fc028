# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The numbers of a report, compared with hand calculations."""

import numpy as np
import pytest

from inril_ros.bench.estimates import interquartile_mean, mean
from inril_ros.bench.report.curves import curves_of, median_steps


def rows(success, steps=None, seed=0, **more):
    steps = steps or [100 * index for index in range(len(success))]
    return [{'task': 't', 'host': 'h', 'arm': 'a', 'seed': seed, 'point': at, 'env_steps': at,
             'success': value, **more} for at, value in zip(steps, success, strict=True)]


def curve(*arguments, **more):
    return curves_of(rows(*arguments, **more))[0]


def test_a_curve_is_in_the_order_of_its_points():
    shuffled = rows([0.1, 0.5, 0.9])[::-1]
    assert curves_of(shuffled)[0].success.tolist() == [0.1, 0.5, 0.9]


def test_area_is_the_mean_over_environment_steps():
    # Trapezoids: (0 + 0.5) / 2 * 100 + (0.5 + 1) / 2 * 300 = 25 + 225, over 400.
    assert curve([0.0, 0.5, 1.0], steps=[0, 100, 400]).area == pytest.approx(0.625)
    assert curve([0.3]).area == 0.3


def test_collapse_is_the_largest_drop_from_the_best_so_far():
    assert curve([0.2, 0.8, 0.5, 0.9, 0.7]).collapse == pytest.approx(0.3)
    assert curve([0.1, 0.2, 0.3]).collapse == 0.0


def test_steps_to_a_success_are_those_of_the_first_point_that_has_it():
    each = curve([0.1, 0.5, 0.4, 0.8], steps=[0, 1000, 2000, 3000])
    assert each.steps_to(0.5) == 1000
    assert each.steps_to(0.8) == 3000
    assert each.steps_to(0.9) is None


def test_a_run_that_never_succeeds_counts_as_slower_than_all():
    curves = curves_of(rows([0.0, 0.5], seed=0) + rows([0.0, 0.0, 0.5], seed=1)
                       + rows([0.0, 0.1], seed=2))
    assert median_steps(curves, 0.5) == (200.0, 2)
    assert median_steps(curves[1:], 0.5) == (None, 1)


def test_columns_inside_the_log_and_missing_ones():
    each = curve([0.0, 0.1], log={'dose': 0.25}, heldout_il_loss=None)
    assert each.values('log.dose').tolist() == [0.25, 0.25]
    assert np.isnan(each.values('heldout_il_loss')).all()
    assert each.last('heldout_il_loss') is None
    assert each.last('log.nothing') is None


def test_mean_and_interquartile_mean_over_all_values():
    # Sorted 0 1 2 3 | 4 .. 11: the middle half of 8 values is 2, 3, 10, 11.
    strata = [[0.0, 1.0, 2.0, 3.0], [10.0, 11.0, 12.0, 13.0]]
    assert mean(strata).value == pytest.approx(6.5)
    assert interquartile_mean(strata).value == pytest.approx(6.5)
    assert interquartile_mean([[0.0, 1.0, 2.0, 100.0]]).value == pytest.approx(1.5)
    assert mean(strata).n == 8


def test_the_interval_of_a_mean_agrees_with_theory():
    values = np.random.default_rng(0).normal(5.0, 2.0, 200)
    estimate = mean([values])
    half = 1.96 * values.std() / np.sqrt(200)
    assert estimate.low == pytest.approx(values.mean() - half, abs=0.05)
    assert estimate.high == pytest.approx(values.mean() + half, abs=0.05)


def test_each_task_is_resampled_separately():
    # Two tasks far apart, each without spread: no uncertainty.
    estimate = mean([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    assert (estimate.low, estimate.value, estimate.high) == (0.5, 0.5, 0.5)


def test_one_value_has_no_interval_and_none_is_refused():
    estimate = mean([[0.4]])
    assert (estimate.value, estimate.low, estimate.n) == (0.4, None, 1)
    assert not estimate.excludes_zero
    with pytest.raises(ValueError, match='no values'):
        mean([[], []])
