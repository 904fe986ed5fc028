# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The result of a run as one picture, for a page that can't hold the report."""

from pathlib import Path
from typing import TYPE_CHECKING

from inril_ros.cli.report.intervals import whole_percent
from inril_ros.cli.report.run_record import (
    evaluation_rate,
    read_run,
    running_success,
    RunRecord,
    WINDOW,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BEFORE, _AFTER, _INK, _SOFT, _HAIR = '#8a929a', '#1f6f8b', '#1d2126', '#5d666f', '#e3e5e7'


def learning_curve_png(run_dir: str | Path, path: str | Path) -> None:
    """Draw success before and after, and while training; 1500 x 600 pixels.

    Raises:
        RunDirectoryError: The folder holds no run.
        ValueError: The run has neither evaluations nor training episodes.
    """
    record = read_run(run_dir)
    if not record.evaluations and not record.episodes:
        raise ValueError(f'{run_dir} has neither evaluations nor training episodes to draw')
    # Imported here: only this picture needs it, and it is slow to import.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout='constrained', facecolor='white')
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(1, 2.6), sharey=True)
    for axes in (left, right):
        axes.set_ylim(0, 1.005)  # a line at 100 % is drawn in its full width
        axes.yaxis.set_major_formatter(lambda value, _: f'{100 * value:.0f} %')
        axes.grid(axis='y', color=_HAIR, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[['top', 'right', 'left']].set_visible(False)
        axes.spines['bottom'].set_color(_SOFT)
        axes.tick_params(length=0, colors=_SOFT, labelsize=10)
    _draw_evaluations(left, record)
    _draw_training(right, record)
    figure.savefig(path, dpi=150)


def _draw_evaluations(axes: 'Axes', record: RunRecord) -> None:
    axes.set_title(record.run['task'], loc='left', color=_INK, fontsize=12, fontweight='bold')
    for place, (name, words, colour) in enumerate((
            ('pretrained', 'cloned', _BEFORE), ('finetuned', 'fine-tuned', _AFTER))):
        if name not in record.evaluations:
            continue
        rate = evaluation_rate(record.evaluations[name])
        axes.bar(place, rate.rate, width=0.62, color=colour)
        axes.vlines(place, rate.low, rate.high, color=_INK, linewidth=1.6)
        # At the foot of the bar if the whisker leaves room there, else above the whisker.
        inside = rate.low > 0.14
        axes.annotate(f'{whole_percent(rate.rate)} %', (place, 0.0 if inside else rate.high),
                      (0, 7), textcoords='offset points', ha='center', fontsize=14,
                      fontweight='bold', color='white' if inside else _INK)
        axes.annotate(f'{words}\n{rate.n} episodes', (place, 0), (0, -7), ha='center', va='top',
                      textcoords='offset points', fontsize=10, color=_SOFT, annotation_clip=False)
    axes.set_xlim(-0.6, 1.6)
    axes.set_xticks([0, 1], ['\n', '\n'])


def _draw_training(axes: 'Axes', record: RunRecord) -> None:
    axes.set_title('while it learns', loc='left', color=_INK, fontsize=12)
    axes.set_xlabel('environment steps', color=_SOFT, fontsize=10)
    axes.xaxis.set_major_formatter(lambda value, _: f'{value:,.0f}'.replace(',', '\u202f'))
    running = running_success(record.episodes)
    axes.fill_between(running.env_steps, running.low, running.high, color=_AFTER, alpha=0.16,
                      linewidth=0, label='95 % interval')
    axes.plot(running.env_steps, running.rate, color=_AFTER, linewidth=1.8,
              label=f'last {WINDOW} training episodes, exploring')
    if 'pretrained' in record.evaluations:
        rate = evaluation_rate(record.evaluations['pretrained']).rate
        axes.axhline(rate, color=_BEFORE, linewidth=1.4, linestyle=(0, (4, 3)), label='cloned')
    axes.set_xlim(0, record.episodes[-1]['env_steps'] if record.episodes else 1)
    axes.legend(frameon=False, fontsize=10, labelcolor=_SOFT, loc='lower right')
