# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Plots for the report: SVG paths in percent of the plot's box, with axes and their ticks.

The page stretches the box to the room there is and writes the tick labels as text beside it, so
that lines keep their width and letters their size on a phone as on a desk. matplotlib's SVG
scales as a picture does, and has its colours fixed; the page has a dark form too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
import math

import numpy as np

#: More points than this in one line are averaged in groups: the eye can't tell, the file can.
MOST_POINTS = 400

_LEAST_SPAN = 1e-12  # values closer together are drawn as equal


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        label: What it shows, with the unit.
        low: Value at its start.
        high: Value at its end.
        ticks: (value, text) of each tick.
        log: Logarithmic.
    """

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    log: bool = False

    def place(self, value: float) -> float:
        """Return where a value lies, in percent of the axis; outside it is put on the end."""
        low, high = self.low, self.high
        if self.log:
            value, low, high = math.log(max(value, low)), math.log(low), math.log(high)
        return round(min(max(100.0 * (value - low) / (high - low), 0.0), 100.0), 2)

    @property
    def marks(self) -> list[tuple[float, str]]:
        """Where each tick lies [percent], and its text."""
        return [(self.place(value), text) for value, text in self.ticks]


@dataclass(frozen=True)
class Layer:
    """Something drawn: an SVG path.

    Attributes:
        kind: ``line``, ``band``, ``dots``, ``bars`` or ``rule``; says how it is drawn.
        role: What it means; says its colour.
        path: SVG path data.
        label: In the legend; empty: not there.
    """

    kind: str
    role: str
    path: str
    label: str = ''


@dataclass(frozen=True)
class Plot:
    """A plot with its words."""

    title: str
    note: str
    x: Axis
    y: Axis
    layers: tuple[Layer, ...]


def linear_axis(label: str, values: Iterable[float], *, low: float | None = None,
                high: float | None = None, ticks: int = 5, suffix: str = '',
                scale: float = 1.0) -> Axis:
    """Return an axis with round ticks that holds all values.

    Args:
        label: Of the axis.
        values: What it must hold.
        low: Its start; None: the round number below the values.
        high: Its end, likewise.
        ticks: About how many.
        suffix: Behind each number.
        scale: Shown number per value, 100 for percent.
    """
    values = [value for value in values if value is not None]
    least, most = min(values, default=0.0), max(values, default=1.0)
    start, end = least if low is None else low, most if high is None else high
    if end - start < _LEAST_SPAN:
        around = max(abs(start), 2 * _LEAST_SPAN) / 2
        start, end = start - around, start + around
    step = _round_step((end - start) / ticks)
    start = math.floor(start / step + 1e-9) * step if low is None else start
    end = math.ceil(end / step - 1e-9) * step if high is None else end
    at = [number * step for number in range(math.ceil(start / step - 1e-9),
                                            math.floor(end / step + 1e-9) + 1)]
    return Axis(label, start, end,
                tuple((value, f'{_number(value * scale, step * scale)}{suffix}') for value in at))


def log_axis(label: str, values: Iterable[float]) -> Axis:
    """Return a logarithmic axis over whole decades that hold all positive values."""
    positive = [value for value in values if value is not None and value > 0] or [1.0]
    first = math.floor(math.log10(min(positive)) + 1e-9)
    last = max(math.ceil(math.log10(max(positive)) - 1e-9), first + 1)
    step = math.ceil((last - first) / 5)
    decades = range(first, last + 1, step)
    return Axis(label, 10.0 ** first, 10.0 ** last,
                tuple((10.0 ** decade, _number(10.0 ** decade, 10.0 ** decade))
                      for decade in decades), log=True)


def fitting_axis(label: str, values: Sequence[float | None]) -> Axis:
    """Return a logarithmic axis where the values span more than 50 to 1, else a linear one."""
    given = [value for value in values if value is not None]
    if given and min(given) > 0 and max(given) / min(given) > 50:
        return log_axis(label, given)
    return linear_axis(label, given, ticks=4)


def line(x: Axis, y: Axis, xs: Sequence[float], ys: Sequence[float | None], role: str,
         label: str = '') -> Layer:
    """Draw a line through the points; where a value is missing (None) it is broken."""
    parts, pen_down = [], False
    for at, value in _thinned(xs, ys):
        if value is None:
            pen_down = False
            continue
        parts.append(f'{"L" if pen_down else "M"}{_point(x, y, at, value)}')
        pen_down = True
    return Layer('line', role, ''.join(parts), label)


def band(x: Axis, y: Axis, xs: Sequence[float], lows: Sequence[float], highs: Sequence[float],
         role: str, label: str = '') -> Layer:
    """Fill the space between two lines."""
    lower, upper = _thinned(xs, lows), _thinned(xs, highs)
    points = [*upper, *reversed(lower)]
    path = 'L'.join(_point(x, y, at, value) for at, value in points)
    return Layer('band', role, f'M{path}Z' if points else '', label)


def dots(x: Axis, y: Axis, points: Iterable[tuple[float, float]], role: str,
         label: str = '') -> Layer:
    """Draw a dot at each point: a line of no length with round ends, round in any box."""
    return Layer('dots', role, ''.join(f'M{_point(x, y, *point)}h0.01' for point in points), label)


def rule(x: Axis, y: Axis, start: tuple[float, float], end: tuple[float, float], role: str,
         label: str = '') -> Layer:
    """Draw one straight line: a whisker, a mean, a limit."""
    return Layer('rule', role, f'M{_point(x, y, *start)}L{_point(x, y, *end)}', label)


def bars(x: Axis, y: Axis, heights: Iterable[tuple[float, float, float]], role: str,
         label: str = '') -> Layer:
    """Draw bars, each from (left, right, height); one of no height is left out."""
    path = ''.join(
        f'M{x.place(left)} 100V{round(100 - y.place(height), 2)}H{x.place(right)}V100Z'
        for left, right, height in heights if height > 0)
    return Layer('bars', role, path, label)


def _point(x: Axis, y: Axis, at: float, value: float) -> str:
    return f'{x.place(at)} {round(100 - y.place(value), 2)}'


def _thinned(xs: Sequence[float], ys: Sequence[float | None]) -> list[tuple[float, float | None]]:
    if len(xs) <= MOST_POINTS:
        return list(zip(xs, ys, strict=True))
    values = np.array([math.nan if value is None else value for value in ys])
    groups = np.array_split(np.arange(len(xs)), MOST_POINTS)
    thin = []
    for group in groups:
        known = group[np.isfinite(values[group])]
        mean = float(values[known].mean()) if len(known) else None
        thin.append((float(np.asarray(xs)[group].mean()), mean))
    return thin


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return power * next(digit for digit in (1, 2, 5, 10) if rough <= digit * power * (1 + 1e-9))


def _number(value: float, step: float) -> str:
    """Write a tick: as many digits as the step needs, thousands apart, a true minus."""
    if value and not 1e-4 <= abs(step) < 1e9:
        return f'{value:g}'.replace('-', '−')
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return f'{value:,.{decimals}f}'.replace(',', '\u202f').replace('-', '−')
