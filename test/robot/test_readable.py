# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Durations and numbers are written as a person reads them, without exponents."""

from hypothesis import given
from hypothesis.strategies import floats
import pytest

from inril_ros.robot.readable import duration, number, time_unit


@pytest.mark.parametrize(('seconds', 'text'), [
    (None, 'not known yet'), (0.0, '0 s'), (34e-6, '34 µs'), (0.0125, '12.5 ms'),
    (0.98, '980 ms'), (0.99999, '1.0 s'), (5.79, '5.8 s'), (9.96, '10 s'), (59.4, '59 s'),
    (61.0, '1 min 01 s'), (3599.6, '1 h 00 min'), (7384.0, '2 h 03 min'), (-0.5, '-500 ms')])
def test_a_duration_has_the_unit_of_its_size(seconds, text):
    assert duration(seconds) == text


@given(floats(0.0, 1e9, allow_subnormal=False))
def test_a_duration_has_no_exponent_and_few_digits(seconds):
    text = duration(seconds)
    assert 'e+' not in text
    # A time that is below what a clock can tell may have one, and more hours have more digits.
    assert seconds < 1e-9 or seconds > 1e7 or len(text) <= 13


@pytest.mark.parametrize(('value', 'text'), [
    (0.0, '0'), (0.02, '0.02'), (12.345, '12.3'), (999.4, '999'), (999.5, '1000'),
    (5790.4, '5790'), (-12345.6, '-12346'), (1.5e-7, '1.5e-07')])
def test_a_number_has_three_digits_or_all_before_the_point(value, text):
    assert number(value) == text


@pytest.mark.parametrize(('longest', 'unit'), [
    (0.03, 'ms'), (1.9, 'ms'), (5.79, 's'), (299.0, 's'), (3000.0, 'min'), (40_000.0, 'h')])
def test_a_plot_has_the_unit_of_its_longest_time(longest, unit):
    name, factor = time_unit(longest)
    assert name == unit and 0.1 < factor * longest < 2000.0
