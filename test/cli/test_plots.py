# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Plots show what they are given, inside their box, with round ticks."""

import re

from hypothesis import assume, example, given
from hypothesis import strategies as st
import pytest

from inril_ros.cli.report.plots import (
    Axis,
    band,
    bars,
    dots,
    fitting_axis,
    line,
    linear_axis,
    log_axis,
    MOST_POINTS,
    rule,
)

finite = st.floats(-1e9, 1e9)
SQUARE = Axis('', 0.0, 10.0, ())


def numbers(path):
    return [float(number) for number in re.findall(r'-?\d+\.?\d*(?:e-?\d+)?', path)]


@given(st.lists(finite, min_size=1, max_size=30), st.integers(3, 8))
@example([5e-324], 3)
def test_a_linear_axis_holds_its_values_and_has_ticks_at_equal_steps(values, ticks):
    spread = max(values) - min(values)
    assume(spread == 0 or spread > 1e-6 * max(map(abs, values)))
    axis = linear_axis('', values, ticks=ticks)
    margin = 1e-9 * max(1.0, *map(abs, values))
    assert axis.low <= min(values) + margin and max(values) <= axis.high + margin
    at = [value for value, _ in axis.ticks]
    assert 2 <= len(at) <= 2 * ticks + 3
    steps = [after - before for before, after in zip(at, at[1:], strict=False)]
    assert max(steps) - min(steps) <= 1e-6 * max(abs(axis.low), abs(axis.high), 1e-9)
    texts = [text for _, text in axis.ticks]
    assert len(set(texts)) == len(texts)


@given(st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=30))
def test_a_logarithmic_axis_holds_its_values_in_decades(values):
    axis = log_axis('', values)
    assert axis.low <= min(values) * (1 + 1e-9) and max(values) <= axis.high * (1 + 1e-9)
    assert axis.place(axis.low) == 0 and axis.place(axis.high) == 100
    assert 2 <= len(axis.ticks) <= 7


def test_ticks_read_as_people_write_numbers():
    assert [text for _, text in linear_axis('', [0, 40000], ticks=4).ticks] == [
        '0', '10\u202f000', '20\u202f000', '30\u202f000', '40\u202f000']
    assert [text for _, text in linear_axis('', [-0.1, 0.1], ticks=4).ticks] == [
        '−0.10', '−0.05', '0.00', '0.05', '0.10']
    percent = linear_axis('', [], low=0.0, high=1.0, suffix=' %', scale=100.0)
    assert [text for _, text in percent.ticks] == [
        '0 %', '20 %', '40 %', '60 %', '80 %', '100 %']
    decades = log_axis('', [0.02, 30])
    assert [text for _, text in decades.ticks] == ['0.01', '0.1', '1', '10', '100']


def test_a_loss_that_falls_by_decades_gets_a_logarithmic_axis():
    assert fitting_axis('loss', [1.0, 0.001, None]).log
    assert not fitting_axis('loss', [1.0, 0.5]).log
    assert not fitting_axis('loss', [1.0, -0.001]).log
    assert fitting_axis('loss', []).ticks


def test_places_are_percents_and_what_is_outside_is_put_on_the_end():
    assert [SQUARE.place(value) for value in (-5, 0, 2.5, 10, 99)] == [0, 0, 25, 100, 100]


def test_a_line_goes_through_its_points_and_breaks_where_one_is_missing():
    drawn = line(SQUARE, SQUARE, [0, 5, 6, 10], [0, 10, None, 5], 'after')
    assert drawn.path == 'M0.0 100.0L50.0 0.0M100.0 50.0'


def test_a_band_goes_there_above_and_back_below():
    assert band(SQUARE, SQUARE, [0, 10], [0, 2], [8, 10], 'after').path == (
        'M0.0 20.0L100.0 0.0L100.0 80.0L0.0 100.0Z')
    assert band(SQUARE, SQUARE, [], [], [], 'after').path == ''


def test_bars_stand_on_the_axis_and_empty_ones_are_left_out():
    assert bars(SQUARE, SQUARE, [(0, 5, 10), (5, 10, 0)], 'after').path == (
        'M0.0 100V0.0H50.0V100Z')


def test_dots_and_rules_are_where_they_should_be():
    assert dots(SQUARE, SQUARE, [(5, 5), (0, 10)], 'after').path == 'M50.0 50.0h0.01M0.0 0.0h0.01'
    assert rule(SQUARE, SQUARE, (5, 0), (5, 10), 'limit').path == 'M50.0 100.0L50.0 0.0'


@pytest.mark.parametrize('missing', [False, True])
def test_a_long_line_is_thinned_and_keeps_its_course(missing):
    count = 50 * MOST_POINTS
    xs = [10 * number / count for number in range(count)]
    ys = [None if missing and number % 2 else value for number, value in enumerate(xs)]
    drawn = numbers(line(SQUARE, SQUARE, xs, ys, 'after').path)
    assert len(drawn) == 2 * MOST_POINTS
    assert all(abs(x - (100 - y)) < 0.1 for x, y in zip(drawn[::2], drawn[1::2], strict=True))


@given(st.lists(st.tuples(finite, st.none() | finite), min_size=1, max_size=50))
def test_everything_drawn_is_inside_the_box(points):
    xs, ys = [x for x, _ in points], [y for _, y in points]
    x, y = linear_axis('', xs), linear_axis('', ys)
    assert all(0 <= number <= 100 for number in numbers(line(x, y, xs, ys, 'after').path))
