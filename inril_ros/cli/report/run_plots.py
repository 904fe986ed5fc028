# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The plots of the report, each made from the records of a run; None where there are none."""

from typing import Any

import numpy as np

from inril_ros.cli.report.plots import (
    Axis,
    band,
    bars,
    dots,
    fitting_axis,
    Layer,
    line,
    linear_axis,
    log_axis,
    Plot,
    rule,
)
from inril_ros.cli.report.run_record import evaluation_rate, running_success, RunRecord, WINDOW

STEPS = 'environment steps'
_MISS = 1.5  # periods; a later tick counts as missed (see ActuationStatus)


def learning_plot(record: RunRecord) -> Plot | None:
    """Success of the training episodes over environment steps, between the two evaluations."""
    if not record.episodes:
        return None
    running = running_success(record.episodes)
    last = record.episodes[-1]['env_steps']
    margin = 0.015 * last  # the evaluations stand at the ends: their dots need room
    x = linear_axis(STEPS, [], low=-margin, high=last + margin, ticks=6)
    y = linear_axis('success', [], low=0.0, high=1.0, suffix=' %', scale=100.0)
    layers = [
        band(x, y, running.env_steps, running.low, running.high, 'after', '95 % interval'),
        line(x, y, running.env_steps, running.rate, 'after',
             f'last {WINDOW} training episodes'),
    ]
    for name, at, role, words in (('pretrained', 0, 'before', 'evaluation before'),
                                  ('finetuned', last, 'strong', 'evaluation after')):
        if name in record.evaluations:
            rate = evaluation_rate(record.evaluations[name])
            layers.append(rule(x, y, (at, rate.low), (at, rate.high), role))
            layers.append(dots(x, y, [(at, rate.rate)], f'{role} big', words))
    return Plot('Success while it learns',
                'Training episodes explore, so they may succeed less often than the policy does '
                'when it is evaluated.' + ('' if len(running.rate) else
                                      f' Fewer than {WINDOW} episodes: there is no curve yet.'),
                x, y, tuple(layers))


def loss_plots(record: RunRecord) -> list[Plot]:
    """Cloning, RL and imitation losses, each on a scale of its own."""
    plots = []
    if record.pretrain.get('steps'):
        steps = record.pretrain['steps']
        x = linear_axis('gradient steps', [*steps, 0], ticks=4)
        curves = [(record.pretrain.get('loss') or [], 'after', 'training'),
                  (record.pretrain.get('heldout_loss') or [], 'before', 'held out')]
        y = fitting_axis('loss', [value for values, _, _ in curves for value in values])
        layers = [line(x, y, steps, values, role, label) for values, role, label in curves
                  if values]
        plots.append(Plot('Cloning', 'Imitation loss before fine-tuning.', x, y, tuple(layers)))
    steps = [row['env_steps'] for row in record.metrics]
    for key, title, note in (
            ('rl_loss', 'Reinforcement learning', 'Loss of the RL host.'),
            ('il_loss', 'Imitation', 'Loss of the interleaved imitation updates.'),
            ('heldout_il_loss', 'Held-out imitation',
             'On demonstrations that no update has seen: how far the policy moved from them.')):
        values = [row.get(key) for row in record.metrics]
        if any(value is not None for value in values):
            x = linear_axis(STEPS, steps, low=0, high=max(steps), ticks=4)
            y = fitting_axis('loss', values)
            plots.append(Plot(title, note, x, y, (line(x, y, steps, values, 'after'),)))
    return plots


def timing_plot(title: str, actuation: dict[str, Any]) -> Plot | None:
    """Histogram of the wall-clock time between two control ticks.

    Args:
        title: Of the stage.
        actuation: ``gap_edges`` [s], ``gap_counts`` (one more than edges: the last bin is open),
            ``period`` [s], ``misses``: 0 in lockstep, where no tick is late.
    """
    edges, counts = actuation.get('gap_edges') or [], actuation.get('gap_counts') or []
    if not any(counts) or len(counts) != len(edges) + 1:
        return None
    period = actuation['period']
    x = Axis('time between two ticks [ms]', 0, len(counts),
             tuple((number + 1, f'{edge * 1e3:.3g}') for number, edge in enumerate(edges)))
    # From a tenth of a tick, so that a bin with a single tick in it still has a bar.
    decades = log_axis('ticks', [1.0, max(counts)])
    y = Axis('ticks', 0.1, max(counts) * 1.5,
             tuple(tick for tick in decades.ticks if tick[0] <= max(counts) * 1.5), log=True)
    lower_edges = [0.0, *edges]
    late = _MISS * period * (1 - 1e-6) if actuation.get('misses') else float('inf')
    heights = [(number, number + 1, count) for number, count in enumerate(counts)]
    nominal = float(np.interp(period, lower_edges, range(len(lower_edges))))
    layers = [bars(x, y, [bar for bar in heights if lower_edges[bar[0]] < late], 'after'),
              bars(x, y, [bar for bar in heights if lower_edges[bar[0]] >= late], 'bad',
                   f'more than {_MISS:g} periods'),
              rule(x, y, (nominal, y.low), (nominal, y.high), 'limit',
                   f'period, {period * 1e3:.3g} ms')]
    return Plot(title, f'Longest: {actuation.get("worst_gap", 0.0) * 1e3:.3g} ms.', x, y,
                tuple(layer for layer in layers if layer.path))


def weights_plot(record: RunRecord) -> Plot | None:
    """How long each version of the weights took from the learner to the running policy."""
    applied = [(row['published'], 1e3 * (row['applied'] - row['published']))
               for row in record.weights if not row.get('refused')
               and None not in (row.get('applied'), row.get('published'))]
    # The policy node can't tell when a version that it refuses was published.
    refused = [row['published'] if row.get('published') is not None else row['time']
               for row in record.weights if row.get('refused')]
    if not applied and not refused:
        return None
    times = [0.0, *(time for time, _ in applied), *refused]
    x = linear_axis('time [s]', times, high=max(times), ticks=6)
    delays = [delay for _, delay in applied] or [1.0]
    y = log_axis('delay [ms]', delays) if max(delays) > 20 * max(min(delays), 1e-3) else (
        linear_axis('delay [ms]', [0.0, *delays], ticks=4))
    layers: list[Layer] = [dots(x, y, applied, 'after', 'published to applied')]
    if refused:
        layers.append(dots(x, y, [(time, y.high) for time in refused], 'bad', 'refused'))
    return Plot('Weights on their way', 'One dot per version, at the time it was published.',
                x, y, tuple(layer for layer in layers if layer.path))
