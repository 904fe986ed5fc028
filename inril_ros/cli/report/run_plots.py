# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The plots of the report, drawn from the records of a run; None where there are none.

Each plot is SVG for the page: it has the page's fonts and, light or dark, the page's colours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
import re
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
import numpy as np

from inril_ros.bench.plot_style import HAIR, in_percent, INK, new_figure, plain, SOFT, svg_text
from inril_ros.cli.report.people import running_interventions
from inril_ros.data.run.judgements import judged_versions
from inril_ros.data.run.run_record import evaluation_rate, running_success, RunRecord, WINDOW
from inril_ros.robot.readable import duration, number, time_unit

STEPS = 'environment steps'
#: A line with more points is averaged in groups: that can't be seen, and keeps the file small.
MOST_POINTS = 400
_MISS = 1.5  # periods; a later tick counts as missed (see ActuationStatus)
BEFORE, AFTER, STRONG, BAD = '#8a929a', '#1f6f8b', '#0b4a61', '#c2452d'
_VARIABLES = {INK: 'ink', SOFT: 'soft', HAIR: 'hair', BEFORE: 'before', AFTER: 'after',
              STRONG: 'strong', BAD: 'bad'}
WIDE, _HALF, _THIRD = (950, 320), (456, 220), (290, 210)  # [pixel] in a wide window


@dataclass(frozen=True)
class Plot:
    """A plot with its words."""

    title: str
    note: str
    svg: str


def learning_plot(record: RunRecord) -> Plot | None:
    """Draw the success of the training episodes, between the two evaluations."""
    if not record.episodes:
        return None
    running = running_success(record.episodes)
    last = record.episodes[-1]['env_steps']
    axes = new_axes(WIDE, STEPS, 'success')
    axes.set_xlim(-0.015 * last, 1.015 * last)  # room for the dots of the evaluations
    axes.set_ylim(0, 1)
    in_percent(axes.yaxis)
    if len(running.rate):
        axes.fill_between(running.env_steps, running.low, running.high, color=AFTER, alpha=0.16,
                          linewidth=0, label='95 % interval')
        axes.plot(running.env_steps, running.rate, color=AFTER, linewidth=2,
                  label=f'last {WINDOW} training episodes')
    for index, judged in enumerate(judged_versions(record.judgements)):
        label = None if index else 'blocks of evaluation, 95 % interval'
        axes.vlines(judged.env_steps, judged.rate.low, judged.rate.high, color=STRONG,
                    linewidth=1.5, alpha=0.6)
        axes.plot(judged.env_steps, judged.rate.value, 'D', color=STRONG, markersize=6,
                  label=label)
    for name, at, colour, words in (('pretrained', 0, BEFORE, 'evaluation before'),
                                    ('finetuned', last, STRONG, 'evaluation after')):
        if record.evaluations.get(name, {}).get('episodes'):
            rate = evaluation_rate(record.evaluations[name])
            axes.vlines(at, rate.low, rate.high, color=colour, linewidth=3, alpha=0.5)
            axes.plot(at, rate.value, 'o', color=colour, markersize=11, label=words)
    if all('robot_minutes' in row for row in record.episodes):
        _add_minutes(axes, record.episodes)
    return plot_of('Success while it learns',
                 'Training episodes explore, so they may succeed less often than the policy does '
                 'when it is evaluated. One in which a person helped counts as no success.'
                 + ('' if len(running.rate) else
                    f' Fewer than {WINDOW} episodes: there is no curve yet.'), axes)


def intervention_plot(record: RunRecord) -> Plot | None:
    """Draw how much a person commanded while the policy learned; None if nobody did."""
    shares = running_interventions(record.episodes, WINDOW)
    if not any(share for _, share in shares):
        return None
    axes = new_axes(WIDE, STEPS, 'share of the steps')
    axes.set_xlim(0, shares[-1][0] or 1)
    axes.set_ylim(0, 1)
    in_percent(axes.yaxis)
    _line(axes, *zip(*shares, strict=True), AFTER)
    return plot_of('Interventions',
                 f'Steps that a person commanded, in the last {WINDOW} training episodes.', axes)


def loss_plots(record: RunRecord) -> list[Plot]:
    """Draw the cloning, RL and imitation losses, each on its own scale."""
    plots = []
    if record.cloning.steps:
        axes = new_axes(_HALF, 'gradient steps', 'loss')
        _line(axes, record.cloning.steps, record.cloning.loss, AFTER)
        plots.append(plot_of('Cloning', 'Imitation loss before fine-tuning.', axes))
    steps = [row['env_steps'] for row in record.metrics]
    for key, title, note in (
            ('rl_loss', 'Reinforcement learning', 'Loss of the RL host.'),
            ('il_loss', 'Imitation', 'Loss of the interleaved imitation updates.'),
            ('heldout_il_loss', 'Held-out imitation',
             'On demonstrations that no update has seen: how far the policy moved from them.')):
        values = [row.get(key) for row in record.metrics]
        if any(value is not None for value in values):
            axes = new_axes(_HALF, STEPS, 'loss')
            _line(axes, steps, values, AFTER)
            axes.set_xlim(0, max(steps) or 1)
            plots.append(plot_of(title, note, axes))
    return plots


def timing_plot(title: str, actuation: dict[str, Any]) -> Plot | None:
    """Draw a histogram of the wall-clock time between two control ticks.

    Args:
        title: Name of the stage.
        actuation: ``gap_edges`` [s], ``gap_counts`` (one more than edges: the last bin is open),
            ``period`` [s], ``misses``: 0 in lockstep, where no tick is late.
    """
    edges, counts = actuation.get('gap_edges') or [], actuation.get('gap_counts') or []
    if not any(counts) or len(counts) != len(edges) + 1:
        return None
    period, floor = actuation['period'], 0.1  # a bin with a single tick still has a bar
    axes = new_axes(_THIRD, 'time between two ticks [ms]', 'ticks')
    _use_log_scale(axes)
    axes.set_ylim(floor, max(counts) * 1.5)
    axes.set_xlim(0, len(counts))
    axes.set_xticks(range(1, len(counts), 2), [number(edge * 1e3) for edge in edges[::2]])
    lower_edges = np.array([0.0, *edges])
    late = lower_edges >= _MISS * period * (1 - 1e-6) if actuation.get('misses') else (
        np.zeros(len(counts), bool))
    for chosen, colour, label in ((~late, AFTER, None),
                                  (late, BAD, f'more than {_MISS:g} periods')):
        bins = np.flatnonzero(chosen & (np.array(counts) > 0))
        if len(bins):
            axes.bar(bins, np.array(counts)[bins] - floor, 1.0, floor, align='edge', color=colour,
                     label=label)
    axes.axvline(float(np.interp(period, lower_edges, range(len(counts)))), color=INK,
                 linestyle=(0, (3, 3)), label=f'period, {duration(period)}')
    return plot_of(title, f'Longest: {duration(actuation.get("worst_gap", 0.0))}.', axes)


def weights_plot(record: RunRecord) -> Plot | None:
    """Draw how long each version of the weights took from the learner to the running policy."""
    applied = [(row['published'], row['applied'] - row['published'])
               for row in record.weights if not row.get('refused')
               and None not in (row.get('applied'), row.get('published'))]
    # The policy node doesn't know when a version that it refuses was published.
    refused = [row['published'] if row.get('published') is not None else row['time']
               for row in record.weights if row.get('refused')]
    if not applied and not refused:
        return None
    last = max([at for at, _ in applied] + refused)
    (unit, factor), (small, much) = time_unit(max(last, 2.0)), time_unit(
        max([delay for _, delay in applied], default=0.0))
    applied = [(factor * at, much * delay) for at, delay in applied]
    refused = [factor * at for at in refused]
    axes = new_axes(WIDE, f'time [{unit}]', f'delay [{small}]')
    axes.set_xlim(0, 1.02 * factor * last or 1)
    delays = [delay for _, delay in applied] or [1.0]
    if max(delays) > 20 * max(min(delays), 1e-3):
        _use_log_scale(axes)
    else:
        axes.set_ylim(0, 1.1 * max(delays))
    if applied:
        axes.plot(*zip(*applied, strict=True), 'o', color=AFTER, markersize=6,
                  markeredgewidth=0, alpha=0.75, label='published to applied')
    if refused:
        axes.plot(refused, [axes.get_ylim()[1]] * len(refused), 'o', color=BAD, markersize=6,
                  label='refused')
    return plot_of('Weights on their way', 'One dot per version, at the time it was published.',
                 axes)


def new_axes(size: tuple[int, int], x_label: str, y_label: str) -> Axes:
    """Return axes that fill a figure of this size [pixel]."""
    axes = new_figure(size[0] / 72, size[1] / 72).subplots()
    plain(axes, 12)
    axes.tick_params(pad=5)
    axes.grid(visible=False, axis='x')
    axes.spines['bottom'].set_visible(False)
    axes.set_title(y_label, loc='left', color=SOFT, fontsize=12)
    axes.set_xlabel(x_label, loc='right', color=SOFT, fontsize=12)
    axes.locator_params(nbins=6 if size is WIDE else 5)
    axes.margins(0, tight=False)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(_number)
    return axes


def _add_minutes(axes: Axes, episodes: Sequence[dict[str, Any]]) -> None:
    """Add an axis above with the minutes of the robot, resets included."""
    steps = [0.0, *(float(row['env_steps']) for row in episodes)]
    minutes = [0.0, *(row['robot_minutes'] for row in episodes)]
    for values in (steps, minutes):  # the axis reaches a little beyond the run
        values[:] = [values[0] - values[-1], *values, 2.0 * values[-1]]
    above = axes.secondary_xaxis('top', functions=(
        lambda x: np.interp(x, steps, minutes), lambda x: np.interp(x, minutes, steps)))
    above.spines['top'].set_visible(False)
    above.tick_params(length=0, colors=SOFT, labelsize=12, pad=5)
    above.set_xlabel('minutes of the robot', loc='right', color=SOFT, fontsize=12)
    above.xaxis.set_major_formatter(_number)


def _use_log_scale(axes: Axes) -> None:
    axes.set_yscale('log')
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(_number)


def _line(axes: Axes, xs: Sequence[float], ys: Sequence[float | None] | None, colour: str,
          label: str | None = None) -> None:
    """Draw a line that is broken where a value is None, on a log scale if it spans 50 to 1."""
    if not ys:
        return
    x, y = np.array(xs, float), np.array(ys, float)
    if len(x) > MOST_POINTS:
        groups = [group for group in np.array_split(np.arange(len(x)), MOST_POINTS)
                  if np.isfinite(y[group]).any()]
        x = np.array([x[group].mean() for group in groups])
        y = np.array([np.nanmean(y[group]) for group in groups])
    if np.nanmin(y) > 0 and np.nanmax(y) > 50 * np.nanmin(y):
        _use_log_scale(axes)
    axes.plot(x, y, color=colour, linewidth=2, label=label)


def plot_of(title: str, note: str, axes: Axes) -> Plot:
    """Return a plot as SVG for the page, with what its parts are called."""
    figure = axes.figure
    handles, labels = axes.get_legend_handles_labels()
    if labels:
        figure.legend(handles, labels, loc='outside upper left', frameon=False, fontsize=12,
                      ncols=4 if figure.get_figwidth() > 5 else 1, labelcolor=SOFT,
                      borderaxespad=0, borderpad=0, handlelength=1.4)
    figure.patch.set_visible(False)
    axes.patch.set_visible(False)
    with rc_context({'axes.autolimit_mode': 'round_numbers', 'svg.fonttype': 'none'}):
        axes.autoscale_view()
        text = svg_text(figure, title)
    # Inline in a page: without a prologue, sizes, names of parts, and clipping, which names them.
    text = text[text.index('<svg'):]
    text = re.sub(r'<metadata>.*?</metadata>|<style.*?</style>|<clipPath.*?</clipPath>', '', text,
                  flags=re.DOTALL)
    text = re.sub(r' (clip-path|xmlns|xmlns:xlink|version)="[^"]*"|(?<=<g) id="[^"]*"', '', text)
    text = re.sub(r'(<svg) width="[^"]*" height="[^"]*"', r'\1', text)
    text = re.sub(r'font: ([\d.]+px) [^;"]*', r'font-size: \1', text)
    for colour, name in _VARIABLES.items():
        text = text.replace(colour, f'var(--{name})')
    return Plot(title, note, text)


def _number(value: float, _: int) -> str:
    """Return a tick's label: thousands apart, and a true minus."""
    return f'{value:,.10g}'.replace(',', '\u202f').replace('-', '−')
