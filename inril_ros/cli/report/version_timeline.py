# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which version of the weights acted when, and how blocks of evaluation judged versions."""

from inril_ros.cli.report.run_plots import (
    AFTER,
    BAD,
    new_axes,
    Plot,
    plot_of,
    STEPS,
    STRONG,
    WIDE,
)
from inril_ros.data.run.estimates import whole_percent
from inril_ros.data.run.judgements import best_version, judged_versions
from inril_ros.data.run.run_record import RunRecord

_MOST_NAMED = 12  # judged versions that are written beside their mark


def version_timeline(record: RunRecord) -> Plot | None:
    """Draw the acting version of each training episode, and judged versions with intervals."""
    if not record.episodes:
        return None
    steps = [row['env_steps'] for row in record.episodes]
    versions = [row['weights_version'] for row in record.episodes]
    judged = judged_versions(record.judgements)
    best = best_version(judged) if judged else None
    axes = new_axes(WIDE, STEPS, 'version')
    last = max(*steps, *(each.env_steps for each in judged), 1)
    axes.set_xlim(-0.015 * last, 1.12 * last)  # room for the words of the last one
    axes.set_ylim(0, 1.18 * max(*versions, *(each.version for each in judged), 1))
    axes.step(steps, versions, where='pre', color=AFTER, linewidth=2, label='acted')
    back = [(at, version) for at, before, version in zip(steps[1:], versions, versions[1:])
            if version < before]
    if back:
        axes.plot(*zip(*back, strict=True), 'v', color=BAD, markersize=8,
                  label='an older one again')
    step = -(-len(judged) // _MOST_NAMED) if judged else 1
    for index, each in enumerate(judged):
        kept = each == best
        axes.plot(each.env_steps, each.version, 'D', color=STRONG, markersize=10 if kept else 6,
                  markerfacecolor=STRONG if kept else 'none', markeredgewidth=1.5,
                  label={True: 'judged and kept', False: None}[kept])
        if index % step == 0 or kept:
            value, low, high = map(whole_percent, (
                each.rate.value, each.rate.low, each.rate.high))
            axes.annotate(f'{value} % [{low}, {high}]', (each.env_steps, each.version),
                          xytext=(8, 6), textcoords='offset points', fontsize=11, color=STRONG)
    return plot_of('Versions that acted, and how they were judged',
                   'A mark is a block of evaluation, with success and its 95 % interval.', axes)
