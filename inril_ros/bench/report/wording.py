# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The numbers of a study as text: the cells of its tables, and the tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from inril_ros.bench.report.curves import Curve
from inril_ros.bench.task import Task
from inril_ros.data.run.estimates import Estimate, RECOMMENDED_VALUES


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table without its empty columns."""
    kept = [index for index in range(len(head)) if any(row[index] for row in rows)]
    lines = [[head[index] for index in kept], ['---'] * len(kept),
             *([row[index] for index in kept] for row in rows)]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def percent(share: float | None) -> str:
    """Return a share in percent; empty if it is None."""
    return '' if share is None else f'{100 * share:.0f} %'


def interval(estimate: Estimate) -> str:
    """Return a share with its interval within 0 and 1, in percent."""
    if estimate.low is None:
        return percent(estimate.value)
    low, high = max(0.0, estimate.low), min(1.0, estimate.high)
    return f'{percent(estimate.value)} [{100 * low:.0f}, {100 * high:.0f}]'


def points(estimate: Estimate) -> str:
    """Return a difference with its interval, in percentage points."""
    value = f'{100 * estimate.value:+.0f}'
    if estimate.low is None:
        return value
    return f'{value} [{100 * estimate.low:+.0f}, {100 * estimate.high:+.0f}]'


def probability(p: float | None) -> str:
    """Return a p-value; empty if it is None."""
    return '' if p is None else '< 0.001' if p < 0.001 else f'{p:.3f}'


def verdict(difference: Estimate, corrected: float | None, distinguishable: bool) -> str:
    """Return whether a paired difference can be told from chance."""
    if corrected is None:
        return 'too few pairs'
    word = ('not distinguishable' if not distinguishable else
            'distinguishable: better' if difference.value > 0 else 'distinguishable: **worse**')
    return word if difference.n >= RECOMMENDED_VALUES else f'{word} (few pairs)'


def better_same_worse(differences: Sequence[float]) -> str:
    """Return how many differences are above 0, 0 and below 0."""
    return ' / '.join(str(sum(test)) for test in zip(*(
        (each > 0, each == 0, each < 0) for each in differences), strict=True))


def steps(median: float | None, reached: int, runs: int) -> str:
    """Return the steps to a success, and how many runs reached it."""
    text = 'not reached' if median is None else f'{median:,.0f}'
    return f'{text} ({reached}/{runs})'


def when(row: Mapping[str, Any]) -> str:
    """Return when an arm imitates: its m, unit and schedule."""
    if row['m'] is None:
        return 'RL only'
    words = [f'{row["m"]:g}', unless(row.get('unit'), 'minibatch'),
             unless(row.get('schedule'), 'fixed')]
    return ' '.join(filter(None, words))


def unless(value: str | None, usual: str) -> str:
    """Return a value, or nothing if it is the usual one."""
    return '' if value in (None, usual) else value


def mean_of(values: Sequence[float], form: str = '{:.3g}') -> str:
    """Return the mean of the values that aren't NaN."""
    known = [value for value in values if value == value]
    return form.format(sum(known) / len(known)) if known else ''


def mean_last(curves: Sequence[Curve], name: str) -> str:
    """Return the mean of the last values of a column, over the runs that have it."""
    return mean_of([value for value in (curve.last(name) for curve in curves)
                    if value is not None])


def listed(items: Any) -> str:
    """Return items separated by commas."""
    return ', '.join(map(str, items))


def knobs(task: Task) -> str:
    """Return the quality of a task's demonstrations, and its other changes."""
    demonstrations, shift = task.demonstrations, task.shift
    words = [f'{demonstrations.number} demonstrations ({demonstrations.source})']
    if demonstrations.source == 'expert':
        words.append(f'action noise {demonstrations.action_noise:g}, '
                     f'{demonstrations.labels} actions recorded')
    if demonstrations.region_share < 1.0:
        words.append(f'from {100 * demonstrations.region_share:.0f} % of the initial states')
    if demonstrations.keep_failures:
        words.append('failures kept')
    if shift.action_gain != 1.0:
        words.append(f'action gain {shift.action_gain:g}')
    if shift.latency:
        words.append(f'latency {shift.latency} ticks')
    if task.images is not None:
        words.append(f'images of {listed(task.images.cameras)}, {task.images.size} pixels')
    if shift.observation_bias:
        words.append(f'observation bias {dict(shift.observation_bias)}')
    return ', '.join(words)
