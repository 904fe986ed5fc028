#!/usr/bin/env python3
# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Draws the result of a run: success before and after, and that of the training episodes.

    python benchmarks/demo_figure.py runs/demo docs/images/demo.png

The bars have Wilson intervals of the evaluation's episodes, the curve those of its window.
"""

import argparse
from pathlib import Path

from inril_ros.bench.plot_style import in_percent, INK, new_figure, plain, SOFT
from inril_ros.cli.report.run_record import evaluation_rate, read_run, running_success, WINDOW

_BARS = (('pretrained', 'cloned', '#8a929a', '//'), ('finetuned', 'fine-tuned', '#1f6f8b', ''))


def draw(run: Path, out: Path) -> None:
    """Draw a finished run; the format follows from the file's name."""
    record = read_run(run)
    figure = new_figure(10, 4)
    before, during = figure.subplots(1, 2, width_ratios=(1, 2.6), sharey=True)
    names = []
    for place, (name, words, colour, hatch) in enumerate(_BARS):
        rate = evaluation_rate(record.evaluations[name])
        before.bar(place, rate.value, 0.62, color=colour, hatch=hatch, edgecolor='white')
        before.vlines(place, rate.low, rate.high, color=INK, linewidth=2)
        before.text(place, 0.02, f' {100 * rate.value:.0f} % ', ha='center', color=INK,
                    fontsize=12, fontweight='bold', bbox={'color': 'white', 'pad': 1})
        names.append(f'{words}\n{rate.n} episodes')
    before.set_xticks(range(len(names)), names)
    before.set_title(f'{record.run["task"]}, seed {record.run["seed"]}', loc='left', color=INK,
                     fontsize=11, fontweight='bold')
    running = running_success(record.episodes)
    during.fill_between(running.env_steps, running.low, running.high, color=_BARS[1][2],
                        alpha=0.16, linewidth=0, label='95 % interval')
    during.plot(running.env_steps, running.rate, color=_BARS[1][2], linewidth=2,
                label=f'last {WINDOW} training episodes, exploring')
    during.axhline(evaluation_rate(record.evaluations['pretrained']).value, color=_BARS[0][2],
                   linestyle='--', label='cloned')
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


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('run', type=Path, help='Folder of a run.')
    parser.add_argument('out', type=Path, help='File to write.')
    arguments = parser.parse_args()
    draw(arguments.run, arguments.out)
