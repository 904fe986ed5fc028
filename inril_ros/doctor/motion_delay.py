# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How much later one signal makes the motion of another, and how far it is from it.

The delay is where the normalised cross-correlation of both changes is highest. Changes are taken
over a short time, so that neither an offset nor the steps of a slow sender count.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Spans = Sequence[tuple[float, float]]
"""Begin and end [s] of the stretches that count."""

LONGEST = 1.0  # [s] longest delay that is looked for
_EARLIEST = -0.05  # [s] a listener may get the effect before the cause
_STEP = 0.005  # [s] of the grid
_CHANGE = 0.05  # [s] over which changes are taken
_ALIKE = 0.6  # correlation below which two motions have nothing to do with each other
_AS_GOOD = 0.01  # of the correlation: of a motion to and fro, the first of several delays counts


@dataclass(frozen=True)
class Signal:
    """Values over time.

    Attributes:
        times: [s] (N,), not decreasing.
        values: (N, n).
    """

    times: np.ndarray
    values: np.ndarray

    def at(self, times: np.ndarray) -> np.ndarray:
        """Return the values (K, n) at times (K,), interpolated; outside, the nearest value."""
        return np.stack([np.interp(times, self.times, column) for column in self.values.T], axis=1)

    def integrated(self) -> 'Signal':
        """Return the sum of velocities over time."""
        steps = np.diff(self.times, prepend=self.times[0])[:, None]
        return Signal(self.times, np.cumsum(self.values * steps, axis=0))


def delay(first: Signal, second: Signal, spans: Spans) -> float | None:
    """Return how much later [s] the second signal makes the motion of the first one.

    Returns:
        None if the first one doesn't move, or the second one doesn't make its motion.
    """
    grid, inside = _grid(spans)
    if len(first.times) < 2 or len(second.times) < 2 or not inside.any():
        return None
    asked, made = (_changes(signal, grid) * inside[:, None] for signal in (first, second))
    scale = np.sqrt((asked ** 2).sum(axis=0))
    moving = scale > 1e-6 * max(1.0, scale.max())
    if not moving.any() or not scale.max():
        return None
    asked, made = asked[:, moving] / scale[moving], made[:, moving] / scale[moving]
    lags = np.arange(round(_EARLIEST / _STEP), round(LONGEST / _STEP) + 1)
    alike = np.array([_correlation(asked, made, inside, int(lag)) for lag in lags])
    best = int(np.argmax(alike >= alike.max() - _AS_GOOD))
    while best + 1 < len(lags) and alike[best + 1] > alike[best]:
        best += 1
    if alike[best] < _ALIKE:
        return None
    return float(_STEP * (lags[best] + _vertex(alike, best)))


def distances(first: Signal, second: Signal, spans: Spans, later: float = 0.0) -> np.ndarray:
    """Return how far the worst value of the second signal is from the first one's, (K,).

    Args:
        first: What was asked for.
        second: What came of it.
        spans: The stretches that count.
        later: [s] The second one is compared this much later.
    """
    grid, inside = _grid(spans)
    grid = grid[inside]
    return np.abs(second.at(grid + later) - first.at(grid)).max(axis=1)


def _grid(spans: Spans) -> tuple[np.ndarray, np.ndarray]:
    """Return instants (K,) and whether each is within a stretch."""
    if not spans:
        return np.zeros(0), np.zeros(0, bool)
    grid = np.arange(min(begin for begin, _ in spans), max(end for _, end in spans), _STEP)
    inside = np.zeros(len(grid), bool)
    for begin, end in spans:
        inside |= (grid >= begin + _CHANGE) & (grid <= end)
    return grid, inside


def _changes(signal: Signal, grid: np.ndarray) -> np.ndarray:
    return signal.at(grid) - signal.at(grid - _CHANGE)


def _correlation(asked: np.ndarray, made: np.ndarray, inside: np.ndarray, lag: int) -> float:
    """Return the correlation of what was asked with what was made a lag [steps] later."""
    size = len(asked) - abs(lag)
    if size < 2:
        return 0.0
    early, late = slice(max(0, -lag), max(0, -lag) + size), slice(max(0, lag), max(0, lag) + size)
    both = (inside[early] & inside[late])[:, None]
    first, second = asked[early] * both, made[late] * both
    power = float((first ** 2).sum() * (second ** 2).sum())
    return float((first * second).sum()) / np.sqrt(power) if power > 0.0 else 0.0


def _vertex(values: np.ndarray, index: int) -> float:
    """Return where the parabola through a value and its neighbours is highest, from it."""
    if not 0 < index < len(values) - 1:
        return 0.0
    before, here, after = values[index - 1:index + 2]
    curve = before - 2.0 * here + after
    return float(0.5 * (before - after) / curve) if curve < 0.0 else 0.0
