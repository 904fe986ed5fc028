# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The results of one run as a curve, and the numbers that are read from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

THRESHOLDS = (0.5, 0.8, 0.9)
#: A run whose success falls by more than this from its best has collapsed.
COLLAPSE = 0.2


@dataclass(frozen=True)
class Curve:
    """The rows of one run, by evaluation point.

    Attributes:
        task: Label of the task.
        host: Name of the RL host.
        arm: Name of the arm.
        seed: Seed of the run.
        rows: Rows that the run wrote, one per point.
    """

    task: str
    host: str
    arm: str
    seed: int
    rows: tuple[Mapping[str, Any], ...]

    def values(self, name: str) -> np.ndarray:
        """Return one column over the points, NaN where it is missing.

        A name such as ``log.dose`` is looked up in the row's ``log``.
        """
        return np.array([_number(row, name) for row in self.rows])

    @property
    def success(self) -> np.ndarray:
        """Success rate at each point."""
        return self.values('success')

    @property
    def first(self) -> float:
        """Success of the clone, before fine-tuning."""
        return float(self.success[0])

    @property
    def clone(self) -> str:
        """What the clone did in each evaluation episode, or else its success."""
        return str(self.rows[0].get('outcomes') or self.rows[0]['success'])

    @property
    def final(self) -> float:
        """Success at the last point."""
        return float(self.success[-1])

    @property
    def area(self) -> float:
        """Mean success over the environment steps: area under the curve / length."""
        steps = self.values('env_steps')
        if len(steps) < 2 or steps[-1] == steps[0]:
            return self.final
        from scipy.integrate import trapezoid

        return float(trapezoid(self.success, steps) / (steps[-1] - steps[0]))

    @property
    def collapse(self) -> float:
        """Largest drop from the best success so far."""
        return float((np.maximum.accumulate(self.success) - self.success).max())

    @property
    def collapsed(self) -> bool:
        """Whether success fell by more than 20 points, or ends below the clone's."""
        return self.collapse > COLLAPSE + 1e-9 or self.final < self.first - 1e-9

    def until(self, point: int) -> 'Curve':
        """Return the curve up to an evaluation point."""
        return replace(self, rows=tuple(row for row in self.rows if row['point'] <= point))

    def at(self, point: int) -> Mapping[str, Any] | None:
        """Return the row of an evaluation point; None if it wasn't evaluated there."""
        return next((row for row in self.rows if row['point'] == point), None)

    def success_at(self, point: int) -> float | None:
        """Return the success at an evaluation point; None if it wasn't evaluated there."""
        row = self.at(point)
        return None if row is None else float(row['success'])

    def steps_to(self, threshold: float) -> float | None:
        """Return the environment steps of the first point with this success; None if never."""
        reached = np.flatnonzero(self.success >= threshold - 1e-9)
        return float(self.values('env_steps')[reached[0]]) if len(reached) else None

    def last(self, name: str) -> float | None:
        """Return the last known value of a column; None if there is none."""
        known = self.values(name)
        known = known[np.isfinite(known)]
        return float(known[-1]) if len(known) else None


def curves_of(rows: Iterable[Mapping[str, Any]]) -> list[Curve]:
    """Return the curves of results, in the order in which the runs first appear."""
    by_run: dict[tuple, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_run.setdefault((row['task'], row['host'], row['arm'], row['seed']), []).append(row)
    return [Curve(*key, tuple(sorted(group, key=lambda row: row['point'])))
            for key, group in by_run.items()]


def median_steps(curves: Sequence[Curve], threshold: float) -> tuple[float | None, int]:
    """Return (median environment steps to a success, number of runs that reached it).

    Runs that never reached it count as infinitely slow; an infinite median is None.
    """
    steps = [curve.steps_to(threshold) for curve in curves]
    median = float(np.median([np.inf if each is None else each for each in steps]))
    return (median if np.isfinite(median) else None), sum(each is not None for each in steps)


def _number(row: Mapping[str, Any], name: str) -> float:
    inside = row
    *path, last = name.split('.', 1)
    for key in path:
        inside = inside.get(key) or {}
    value = inside.get(last)
    return float('nan') if value is None else float(value)
