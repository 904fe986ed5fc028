# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Intervals, compared with published numbers and with their definition."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.bench.estimates import rate_difference, success_rate, whole_percent


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
