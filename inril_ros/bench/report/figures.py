# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Two figures of a study: success of arms by budget, over all tasks and on each task.

They can be read in black and white: arms differ in marker and line style, budgets in lightness.
"""

from collections.abc import Sequence
from math import ceil
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
import numpy as np

from inril_ros.bench.plot_style import in_percent, INK, new_figure, plain, SOFT, svg_text
from inril_ros.bench.report.curves import Curve
from inril_ros.bench.report.subject import Subject
from inril_ros.data.run.estimates import mean

# For colour-blind readers (Okabe and Ito 2008), without the yellow.
_COLOURS = ('#000000', '#d55e00', '#0072b2', '#009e73', '#cc79a7', '#e69f00')
_MARKERS, _LINES = 'osD^vP', ('-', '--', '-.', (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))
_BUDGETS = 4  # at most, of those evaluated
_PANELS = 4  # side by side


def draw_arms(subject: Subject, path: Path) -> None:
    """Draw the mean success of each arm after some budgets.

    The last budget of each arm has its interval, and its runs as small dots.
    """
    figure = new_figure(8.5, 1.2 + 0.3 * len(subject.arms))
    axes = figure.subplots()
    _dots(axes, subject, subject.curves, with_runs=True)
    axes.set_title(f'success, mean over {len(subject.tasks)} '
                   f'{"tasks" if len(subject.tasks) > 1 else "task"} and all seeds',
                   loc='left', color=INK, fontsize=11)
    axes.text(1.0, 1.0, 'small dots: single runs, last budget', ha='right', va='bottom',
              color=SOFT, fontsize=8, transform=axes.transAxes)
    _legend(figure, axes)
    _save(figure, path)


def draw_tasks(subject: Subject, path: Path) -> None:
    """Draw a panel for each task: curves of few arms, or the budgets of many."""
    few = len(subject.arms) <= len(_COLOURS)
    panels = [(task, [curve for curve in subject.curves if curve.task == task])
              for task in subject.tasks]
    if few and len(panels) > 1:
        panels.append(('mean of all tasks', list(subject.curves)))
    columns = min(_PANELS, len(panels))
    lines = ceil(len(panels) / columns)
    figure = new_figure(3.1 * columns + (0.6 if few else 2.0), 0.7 + lines * (
        2.6 if few else 0.9 + 0.2 * len(subject.arms)))
    grid = figure.subplots(lines, columns, squeeze=False, sharex=few, sharey=True)
    for axes, (title, curves) in zip(grid.flat, panels):
        if few:
            _curves(axes, subject, curves)
        else:
            _dots(axes, subject, curves)
        axes.set_title(title, loc='left', color=INK, fontsize=10)
    for axes in list(grid.flat)[len(panels):]:
        axes.remove()
    if few:
        for axes in grid[:, 0]:
            axes.set_ylabel('success', color=SOFT, fontsize=9)
        for axes in list(grid.flat)[:len(panels)][-columns:]:
            axes.set_xlabel('environment steps', color=SOFT, fontsize=9)
            axes.tick_params(labelbottom=True)  # of a panel with nothing below it, too
    _legend(figure, grid[0][0])
    _save(figure, path)


def _dots(axes: Axes, subject: Subject, curves: Sequence[Curve], with_runs: bool = False) -> None:
    """Draw arms as lines from the clone to the last budget, with a dot for each budget."""
    points = subject.points
    kept = sorted({points[round(index)] for index in np.linspace(
        0, len(points) - 1, min(_BUDGETS, len(points)))}) if points else []
    for place, arm in enumerate(subject.arms):
        own = [curve for curve in curves if curve.arm == arm.name]
        if not own:
            continue
        first = mean([curve.first for curve in own]).value
        axes.plot(first, place, '|', color=INK, markersize=12, markeredgewidth=1.5,
                  label='clone')
        reached = [(shade, point, values) for shade, point in enumerate(kept, start=1) if (
            values := [curve.success_at(point) for curve in own if curve.at(point) is not None])]
        for shade, point, values in reached:
            estimate, last = mean(values), point == reached[-1][1]
            if last and estimate.low is not None:
                axes.hlines(place, max(0.0, estimate.low), min(1.0, estimate.high), color=INK,
                            linewidth=1.2)
            if last and with_runs:
                axes.plot(values, np.full(len(values), place + 0.28), '.', color=SOFT,
                          alpha=0.6, markersize=3)
            axes.plot(estimate.value, place, 'o', markersize=7 if last else 5,
                      markerfacecolor=str(0.95 - 0.95 * shade / len(kept)),
                      markeredgecolor=INK,
                      label=f'{point:,} steps')
    names = [arm.name if arm.against is not None else f'{arm.name} (reference)'
             for arm in subject.arms]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(-0.03, 1.03)
    axes.set_xticks(np.linspace(0.0, 1.0, 6 if with_runs else 3))
    in_percent(axes.xaxis)
    plain(axes)


def _curves(axes: Axes, subject: Subject, curves: Sequence[Curve]) -> None:
    """Draw the mean success of each arm over environment steps, with intervals or all runs."""
    for index, arm in enumerate(subject.arms):
        own = [curve for curve in curves if curve.arm == arm.name]
        columns = {point: [curve.success_at(point) for curve in own if curve.at(point)]
                   for point in (0, *subject.points)}
        columns = {point: values for point, values in columns.items() if values}
        if not columns:
            continue
        estimates = [mean(values) for values in columns.values()]
        # Beside each other, so that intervals don't hide one another.
        xs = [point + (index - len(subject.arms) / 2) * 0.012 * max(columns) for point in columns]
        colour = _COLOURS[index]
        axes.plot(xs, [each.value for each in estimates], color=colour, linewidth=1.6,
                  linestyle=_LINES[index], marker=_MARKERS[index], markersize=5, label=arm.name)
        known = [(x, each) for x, each in zip(xs, estimates) if each.low is not None]
        axes.vlines([x for x, _ in known], [max(0.0, each.low) for _, each in known],
                    [min(1.0, each.high) for _, each in known], color=colour, linewidth=1)
        if not known:
            for curve in own:
                axes.plot([row['point'] for row in curve.rows], curve.success, color=colour,
                          linestyle=_LINES[index], linewidth=0.6, alpha=0.5)
    axes.set_ylim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(lambda value, _: f'{value:,.0f}')
    axes.locator_params(axis='x', nbins=4)
    in_percent(axes.yaxis)
    plain(axes)


def _legend(figure: Figure, axes: Axes) -> None:
    named = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(named.values(), named.keys(), loc='outside lower center',
                  ncols=min(5, len(named)), frameon=False, fontsize=9, labelcolor=INK)


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg_text(figure, path.stem), encoding='utf-8')
