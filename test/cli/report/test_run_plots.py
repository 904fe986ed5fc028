# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Plots show what the records hold, with ticks that people can read."""

from dataclasses import replace
import re

import pytest

from inril_ros.cli.report.run_plots import loss_plots, MOST_POINTS, timing_plot, weights_plot
from inril_ros.data.run.run_record import CloningCurve, read_run


def words(plot):
    return re.findall(r'>([^<>]+)</text>', plot.svg)


def line(plot):
    """Return the pieces of the curve of a plot, each a list of points."""
    [path] = re.findall(r'<path d="([^"]+)"[^>]*style="[^"]*stroke: var\(--after\)', plot.svg)
    return [[tuple(map(float, point.split())) for point in re.split('[ML]', piece)[1:]]
            for piece in re.findall('M[^M]+', path)]


def rl_loss(sample_run, values):
    metrics = [{'env_steps': 10 * index, 'rl_loss': value} for index, value in enumerate(values)]
    record = replace(read_run(sample_run.path), metrics=metrics, cloning=CloningCurve())
    [plot] = loss_plots(record)
    return plot


def test_ticks_read_as_people_write_numbers(sample_run):
    shown = words(rl_loss(sample_run, [-0.1] * 2000 + [0.1] * 2001))
    assert {'0', '10\u202f000', '40\u202f000', '−0.1', '−0.05', '0.05', '0.1'} <= set(shown)


def test_a_loss_that_falls_by_decades_has_a_logarithmic_axis(sample_run):
    assert {'1', '0.1', '0.01', '0.001'} <= set(words(rl_loss(sample_run, [1.0, 0.001, None])))
    for values in ([1.0, 0.5], [1.0, -0.001]):
        assert '0.01' not in words(rl_loss(sample_run, values))


def test_a_line_goes_through_its_points_and_breaks_where_one_is_missing(sample_run):
    first, second = line(rl_loss(sample_run, [0.0, 1.0, None, 0.5, 0.5]))
    (left, low), (_, high) = first
    assert low > high and second[0][1] == pytest.approx((low + high) / 2)
    assert second[0][0] - left == pytest.approx(3 * (second[1][0] - second[0][0]))


@pytest.mark.parametrize('missing', [False, True])
def test_a_long_line_is_thinned_and_keeps_its_course(sample_run, missing):
    count = 50 * MOST_POINTS
    [points] = line(rl_loss(sample_run, [
        None if missing and number % 2 else 10 + 10 * number / count
        for number in range(count)]))
    assert len(points) <= MOST_POINTS
    (left, low), (right, high) = points[0], points[-1]
    for x, y in points:
        assert y == pytest.approx(low + (high - low) * (x - left) / (right - left), abs=0.5)


def test_bars_stand_for_the_bins_that_hold_ticks():
    plot = timing_plot('x', {'gap_edges': [0.01, 0.02], 'gap_counts': [100, 0, 10],
                             'period': 0.01, 'misses': 1, 'worst_gap': 0.03})
    bars = {name: [list(map(float, re.findall(r'[\d.]+', path))) for path in re.findall(
        rf'<path d="([^"]+)"[^>]*style="fill: var\(--{name}\)', plot.svg)]
        for name in ('after', 'bad')}
    [on_time], [late, in_legend] = bars['after'], bars['bad']
    assert late[0] - on_time[0] == pytest.approx(2 * (on_time[2] - on_time[0]))
    assert min(on_time[1::2]) < min(late[1::2]) < max(late[1::2]) == max(on_time[1::2])
    assert in_legend != late


def test_every_version_of_the_weights_has_its_dot_within_the_axes(sample_run):
    published = [3.0, 60.0, 125.0]
    weights = [{'published': at, 'applied': at + 0.02} for at in published]
    plot = weights_plot(replace(read_run(sample_run.path), weights=weights))
    assert {'0', '100', '20'} <= set(words(plot))
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', plot.svg)[1])
    dots = [float(x) for x in re.findall(r'<use [^>]*x="([\d.]+)"', plot.svg)]
    assert len(dots) >= len(published) and all(0 < x < width for x in dots)


def test_long_times_are_in_seconds_and_minutes(sample_run):
    weights = [{'published': 60.0 * index, 'applied': 60.0 * index + 5.79} for index in range(40)]
    shown = words(weights_plot(replace(read_run(sample_run.path), weights=weights)))
    assert {'delay [s]', 'time [min]', '6', '30'} <= set(shown)
    plot = timing_plot('Fine-tuning', {
        'gap_edges': [0.01, 0.1, 1.0, 10.0], 'gap_counts': [5, 4, 3, 2, 1], 'period': 0.0125,
        'misses': 3, 'worst_gap': 12.3})
    assert plot.note == 'Longest: 12 s.' and '1000' in words(plot)
    assert 'period, 12.5 ms' in words(plot) and not [text for text in words(plot) if 'e+' in text]
