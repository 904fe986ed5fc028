# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Intervals, compared with published numbers and with their definition."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.stats import ttest_1samp

from inril_ros.data.run.estimates import (
    holm,
    LEAST_VALUES,
    mean,
    most_errors,
    p_of_no_difference,
    rate_difference,
    success_rate,
    trials_without_error,
    whole_percent,
)


def test_wilson_interval_of_a_published_example():
    # Newcombe (1998), Two-sided confidence intervals for the single proportion, table I: 81/263.
    rate = success_rate(81, 263)
    assert (round(rate.low, 4), round(rate.high, 4)) == (0.2553, 0.3662)


def test_difference_of_a_published_example():
    # Newcombe (1998), Interval estimation for the difference, table II: 56/70 - 48/80, method 10.
    change = rate_difference(success_rate(48, 80), success_rate(56, 70))
    assert round(change.value, 4) == 0.2
    assert (round(change.low, 4), round(change.high, 4)) == (0.0524, 0.3339)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_contains_the_rate_and_stays_within_0_and_1(counts):
    rate = success_rate(*counts)
    assert 0 <= rate.low <= rate.value <= rate.high <= 1
    assert rate.low < rate.high


def test_the_interval_has_its_stated_coverage():
    generator = np.random.default_rng(1)
    truth, n = 0.3, 50
    counts = generator.binomial(n, truth, 2000)
    rates = [success_rate(k, n) for k in range(n + 1)]
    covered = np.mean([rates[k].low <= truth <= rates[k].high for k in counts])
    assert 0.92 < covered < 0.98


@pytest.mark.parametrize('counts', [(1, 0), (0, 0), (3, 2), (-1, 5)])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(ValueError, match='successes in'):
        success_rate(*counts)


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_printed_percents_are_rounded_with_halves_up(counts):
    successes, n = counts
    shown = whole_percent(successes / n)
    assert 0 <= shown <= 100 and -n <= 2 * (100 * successes - shown * n) < n


def test_printed_rates_and_their_difference_agree():
    assert [whole_percent(rate) for rate in (0.475, 0.575, 0.575 - 0.475)] == [48, 58, 10]


@pytest.mark.parametrize('n', [2, 3, 5, 6, 10, 20])
@pytest.mark.parametrize('kind', ['normal', 'success of 50 episodes', 'paired difference'])
def test_an_interval_of_a_mean_that_is_shown_has_its_coverage(kind, n):
    random = np.random.default_rng(n)
    if kind == 'normal':
        samples, truth = random.normal(0.5, 0.1, (2000, n)), 0.5
    elif kind == 'success of 50 episodes':
        samples, truth = random.binomial(50, 0.7, (2000, n)) / 50, 0.7
    else:
        samples = (random.binomial(50, 0.6, (2000, n)) - random.binomial(50, 0.4, (2000, n))) / 50
        truth = 0.2
    shown = [each for each in map(mean, samples) if each.low is not None]
    assert len(shown) == (2000 if n >= LEAST_VALUES else 0)
    covered = [each.low <= truth <= each.high for each in shown]
    assert n < LEAST_VALUES or 0.935 < np.mean(covered) < 0.967


def test_few_values_are_shown_without_an_interval_and_none_are_refused():
    estimate = mean([0.2, 0.4, 0.6])
    assert (estimate.value, estimate.low, estimate.n) == (pytest.approx(0.4), None, 3)
    assert not estimate.excludes_zero and p_of_no_difference([0.2, 0.4, 0.6]) is None
    with pytest.raises(ValueError, match='no values'):
        mean([])


def test_interval_and_p_value_are_those_of_the_t_test():
    values = [0.16, 0.12, 0.2, 0.04, 0.32, 0.02]
    reference = ttest_1samp(values, 0.0)
    interval, estimate = reference.confidence_interval(0.95), mean(values)
    assert (estimate.low, estimate.high) == pytest.approx((interval.low, interval.high))
    assert p_of_no_difference(values) == pytest.approx(reference.pvalue)
    assert p_of_no_difference([0.0] * 5) == 1.0
    assert p_of_no_difference([0.1] * 5) == pytest.approx(0.0, abs=1e-12)


def test_holm_by_hand():
    # Sorted .005 .01 .03 .04, times 4 3 2 1, and never less than the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_keeps_the_chance_of_any_false_difference():
    random = np.random.default_rng(0)
    trials = random.uniform(size=(2000, 10))
    assert np.mean([min(holm(trial)) < 0.05 for trial in trials]) < 0.065
    assert np.mean(trials.min(axis=1) < 0.05) > 0.35  # without a correction


@pytest.mark.parametrize(('bound', 'trials'), [(0.02, 40), (0.05, 200), (0.2, 25), (0.5, 3)])
def test_the_most_errors_do_not_show_a_rate_beyond_a_bound_and_one_more_does(bound, trials):
    most = most_errors(bound, trials)
    assert success_rate(most, trials).low <= bound
    assert most == trials or success_rate(most + 1, trials).low > bound


@pytest.mark.parametrize('bound', [0.001, 0.02, 0.1, 0.5])
def test_so_many_trials_without_an_error_show_a_bound_and_one_fewer_do_not(bound):
    number = trials_without_error(bound)
    assert success_rate(0, number).high <= bound < success_rate(0, number - 1).high


def test_a_bound_that_is_no_share_is_refused():
    with pytest.raises(ValueError, match='between 0 and 1'):
        trials_without_error(1.0)
