# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The curves of a study as figures: SVG for web pages, PNG for everything else."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
import numpy as np

from inril_ros.bench.estimates import interquartile_mean, mean
from inril_ros.bench.plot_style import in_percent, INK, new_figure, plain, SOFT, svg_text
from inril_ros.bench.report.curves import Curve

_REFERENCE = '#6f777f'
# For colour-blind readers (Okabe and Ito 2008), without the yellow.
_COLOURS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00')
_COLUMNS = (('env_steps', 'environment steps'), ('grad_steps', 'gradient steps'),
            ('cpu_seconds', 'CPU seconds'))


def colours(arms: Sequence[str], references: set[str]) -> dict[str, str]:
    """Return a colour for each arm; the arms that others are compared with are grey."""
    others = [arm for arm in arms if arm not in references]
    return {**dict.fromkeys(references, _REFERENCE),
            **{arm: _COLOURS[index % len(_COLOURS)] for index, arm in enumerate(others)}}


def draw_host(
    curves: Sequence[Curve], tasks: Sequence[str], palette: dict[str, str], title: str,
    folder: Path, name: str,
) -> list[Path]:
    """Draw the curves of one host, one row for each task; return the files.

    Columns: success against environment steps, gradient steps and CPU seconds, and the imitation
    loss on held-out demonstrations. Thick: mean over seeds; band: its 95 % interval; thin: seeds.
    """
    figure = new_figure(15, 0.6 + 3.0 * len(tasks))
    figure.suptitle(title, x=0.01, ha='left', color=INK, fontsize=13, fontweight='bold')
    grid = figure.subplots(len(tasks), len(_COLUMNS) + 1, squeeze=False)
    for row, task in zip(grid, tasks, strict=True):
        of_task = [curve for curve in curves if curve.task == task]
        for axes, (column, label) in zip(row, _COLUMNS):
            _draw(axes, of_task, column, 'success', palette)
            axes.set_ylim(-0.02, 1.02)
            in_percent(axes.yaxis)
            axes.set_xlabel(label, color=SOFT, fontsize=9)
        _draw(row[-1], of_task, 'env_steps', 'heldout_il_loss', palette)
        row[-1].set_xlabel('environment steps', color=SOFT, fontsize=9)
        row[-1].set_title('held-out imitation loss', loc='left', color=SOFT, fontsize=10)
        row[0].set_title(task, loc='left', color=INK, fontsize=11, fontweight='bold')
        row[0].set_ylabel('success', color=SOFT, fontsize=9)
        for axes in row:
            plain(axes)
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='outside upper right', ncols=len(labels), frameon=False,
                  fontsize=10, labelcolor=INK)
    return _save(figure, folder, name)


def draw_overview(
    groups: Sequence[tuple[str, str, Sequence[Sequence[float]]]], palette: dict[str, str],
    folder: Path, name: str,
) -> list[Path]:
    """Draw final success of (host, arm, values by task): mean, interval, and IQM as a tick."""
    figure = new_figure(8, 0.9 + 0.34 * len(groups))
    axes = figure.subplots()
    for place, (_, arm, strata) in enumerate(groups):
        estimate, middle = mean(strata), interquartile_mean(strata)
        colour = palette[arm]
        if estimate.low is not None:
            axes.hlines(place, estimate.low, estimate.high, color=colour, linewidth=5, alpha=0.3)
        axes.plot(estimate.value, place, 'o', color=colour, markersize=7)
        axes.plot(middle.value, place, '|', color=colour, markersize=14, markeredgewidth=2)
        values = np.concatenate([np.asarray(each, float) for each in strata])
        axes.plot(values, np.full(len(values), place), '.', color=INK, alpha=0.25, markersize=4)
    axes.set_yticks(range(len(groups)), [
        arm if arm.startswith(host) else f'{host}: {arm}' for host, arm, _ in groups])
    axes.invert_yaxis()
    axes.set_xlim(-0.02, 1.02)
    in_percent(axes.xaxis)
    axes.set_title('success after fine-tuning, over tasks and seeds', loc='left', color=INK,
                   fontsize=11)
    plain(axes)
    return _save(figure, folder, name)


def _draw(axes: Axes, curves: Sequence[Curve], x: str, y: str, palette: dict[str, str]) -> None:
    for arm in dict.fromkeys(curve.arm for curve in curves):
        of_arm = [curve for curve in curves if curve.arm == arm]
        for curve in of_arm:
            axes.plot(curve.values(x), curve.values(y), color=palette[arm], linewidth=0.7,
                      alpha=0.35)
        points = min(len(curve.rows) for curve in of_arm)
        xs = np.mean([curve.values(x)[:points] for curve in of_arm], axis=0)
        ys = np.array([curve.values(y)[:points] for curve in of_arm])
        if not np.isfinite(ys).all():
            continue  # no held-out demonstrations
        estimates = [mean([column]) for column in ys.T]
        axes.plot(xs, [each.value for each in estimates], color=palette[arm], linewidth=2,
                  label=arm)
        if len(of_arm) > 1:
            axes.fill_between(xs, [each.low for each in estimates],
                              [each.high for each in estimates], color=palette[arm], alpha=0.15,
                              linewidth=0)


def _save(figure: Figure, folder: Path, name: str) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f'{name}.svg', folder / f'{name}.png']
    paths[0].write_text(svg_text(figure, name), encoding='utf-8')
    figure.savefig(paths[1], dpi=110)
    return paths
