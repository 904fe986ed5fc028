# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The numbers of a report, compared with hand calculations."""

import numpy as np
import pytest

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


@pytest.mark.parametrize(('success', 'collapsed'), [
    ([0.2, 0.8, 0.6], False), ([0.2, 0.8, 0.58], True), ([0.2, 0.9, 0.6, 0.8], True),
    ([0.3, 0.3, 0.28], True), ([0.3, 0.2, 0.3], False)])
def test_a_run_collapses_by_a_fall_of_over_20_points_or_by_an_end_below_its_clone(
        success, collapsed):
    assert curve(success).collapsed is collapsed


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
