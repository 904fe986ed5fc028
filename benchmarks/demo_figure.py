#!/usr/bin/env python3
# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Draws the results of runs that differ in their seed: success before, after, and while learning.

    for seed in 0 1 2 3 4; do inril demo --run-dir runs/demo$seed --seed $seed; done
    benchmarks/demo_figure.py runs/demo? --out docs/images/demo.png --rows docs/studies/demo.jsonl

A line is a run; the thick one is the mean. With ``--rows`` the summary of each run is written too.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from inril_ros.bench.plot_style import in_percent, INK, new_figure, plain, SOFT
from inril_ros.data.record_files import write_whole
from inril_ros.data.run.estimates import mean
from inril_ros.data.run.run_record import evaluation_rate, read_run, running_success, WINDOW

_COLOUR = '#1f6f8b'
_STAGES = {'pretrained': 'cloned', 'finetuned': 'fine-tuned'}
_POINTS = 200


def draw(runs: list[Path], out: Path) -> None:
    """Draw finished runs of one task; the format follows from the file's name."""
    records = [read_run(run) for run in runs]
    rates = np.array([[evaluation_rate(record.evaluations[name]).value for name in _STAGES]
                      for record in records])
    figure = new_figure(10, 4)
    before, during = figure.subplots(1, 2, width_ratios=(1, 2.6), sharey=True)
    # Before and after
    before.plot([0, 1], rates.T, '-o', color=_COLOUR, alpha=0.35, linewidth=1.2, markersize=4)
    before.plot([0, 1], rates.mean(axis=0), '-o', color=_COLOUR, linewidth=3, markersize=8)
    for place, (rate, side) in enumerate(zip(rates.mean(axis=0), ('right', 'left'))):
        before.annotate(f'{100 * rate:.0f} %', (place, rate), xytext=(20 * place - 10, 0),
                        textcoords='offset points', ha=side, va='center', color=INK, fontsize=12,
                        fontweight='bold')
    episodes = records[0].evaluations['pretrained']['n']
    before.set_xticks([0, 1], [f'{words}\n{episodes} episodes' for words in _STAGES.values()])
    before.set_xlim(-0.5, 1.5)
    before.set_title(f'{records[0].run["task"]}, {len(runs)} seeds', loc='left', color=INK,
                     fontsize=11, fontweight='bold')
    # While it learns
    curves = [running_success(record.episodes) for record in records]
    for curve in curves:
        during.plot(curve.env_steps, curve.rate, color=_COLOUR, alpha=0.35, linewidth=1.2)
    curves = [curve for curve in curves if len(curve.rate)]
    if curves:
        steps = np.linspace(max(curve.env_steps[0] for curve in curves),
                            min(curve.env_steps[-1] for curve in curves), _POINTS)
        during.plot(steps, np.mean([np.interp(steps, curve.env_steps, curve.rate)
                                    for curve in curves], axis=0), color=_COLOUR, linewidth=3,
                    label=f'last {WINDOW} training episodes, exploring')
    during.axhline(rates[:, 0].mean(), color=SOFT, linestyle='--', label='cloned')
    during.set_title('while it learns', loc='left', color=INK, fontsize=11)
    during.set_xlabel('environment steps', color=SOFT, fontsize=9)
    during.xaxis.set_major_formatter(lambda value, _: f'{value:,.0f}')
    during.set_xlim(0, None)
    during.legend(loc='lower right', frameon=False, fontsize=9, labelcolor=SOFT)
    before.set_ylim(0, 1.02)
    in_percent(before.yaxis)
    for axes in (before, during):
        plain(axes)
    figure.savefig(out, dpi=110)


def table(summaries: list[dict]) -> str:
    """Return the runs as a table in Markdown, and the mean difference with its interval."""
    lines = ['| seed | cloned | fine-tuned | the whole job |', '|---|---|---|---|']
    for row in summaries:
        rates = ' | '.join(f'{100 * row[key]["rate"]:.0f} % [{100 * row[key]["low"]:.0f}, '
                           f'{100 * row[key]["high"]:.0f}]'
                           for key in ('bc_success', 'finetuned_success'))
        lines.append(f'| {row["seed"]} | {rates} | {row["wall_seconds"]["total"]:.0f} s |')
    rise = mean([100 * (row['finetuned_success']['rate'] - row['bc_success']['rate'])
                 for row in summaries])
    interval = '' if rise.low is None else f' [{rise.low:.0f}, {rise.high:.0f}]'
    return '\n'.join([*lines, f'\nMean difference: {rise.value:+.0f} points{interval}, '
                              f'{rise.n} seeds'])


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('runs', type=Path, nargs='+', help='Folders of runs.')
    parser.add_argument('--out', type=Path, required=True, help='File of the figure.')
    parser.add_argument('--rows', type=Path, help='File of the summaries, a line for each run.')
    arguments = parser.parse_args()
    draw(arguments.runs, arguments.out)
    read = [json.loads((run / 'summary.json').read_text()) for run in arguments.runs]
    if arguments.rows:
        write_whole(arguments.rows, ''.join(json.dumps(row) + '\n' for row in read))
    print(table(read))
