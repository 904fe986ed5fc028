# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The report of a run: one HTML page that needs nothing but itself.

It says first what came out, then what that rests on. It is made from the files of the run alone,
and says of each part it has no file for that it is missing.
"""

from collections import Counter
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
import numpy as np

from inril_ros.bench.estimates import Estimate, rate_difference, whole_percent
from inril_ros.cli.report.run_plots import learning_plot, loss_plots, timing_plot, weights_plot
from inril_ros.cli.report.run_record import evaluation_rate, read_run, RunRecord
from inril_ros.cli.run.run_directory import STAGES

_STAGE_WORDS = {
    'record': 'recording', 'pretrain': 'cloning', 'evaluate_pretrained': 'evaluation before',
    'finetune': 'fine-tuning', 'evaluate_finetuned': 'evaluation after'}


def write_report(run_dir: str | Path) -> Path:
    """Write ``report.html`` into the folder of a run, anew each time, and return its path.

    Raises:
        RunDirectoryError: The folder holds no run.
        RecordError: One of its files is damaged.
    """
    path = Path(run_dir) / 'report.html'
    path.write_text(render_report(read_run(run_dir)), encoding='utf-8')
    return path


def render_report(record: RunRecord) -> str:
    """Return the page as text."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=StrictUndefined)
    environment.filters |= {'percent': _percent, 'whole_percent': whole_percent,
                            'points': _points, 'count': _count, 'duration': _duration,
                            'milliseconds': _milliseconds}
    page = environment.get_template('page.html.jinja')
    timings = {
        'Evaluation before': record.evaluations.get('pretrained', {}).get('actuation'),
        'Fine-tuning': record.result.get('control'),
        'Evaluation after': record.evaluations.get('finetuned', {}).get('actuation')}
    timings = {name: actuation for name, actuation in timings.items() if actuation}
    timing_plots = [timing_plot(name, actuation) for name, actuation in timings.items()]
    return page.render(
        record=record, run=record.run, summary=record.summary, **_headline(record),
        pairs=_pairs(record), outcomes=_outcomes(record), learning=learning_plot(record),
        losses=loss_plots(record), timings=timings,
        timing_plots=[plot for plot in timing_plots if plot],
        weights_plot=weights_plot(record), delays=_delays(record), refusals=_refusals(record),
        stages=_stages(record), counters=_counters(record))


def _headline(record: RunRecord) -> dict[str, Any]:
    rates = {name: evaluation_rate(evaluation)
             for name, evaluation in record.evaluations.items() if evaluation['episodes']}
    before, after = rates.get('pretrained'), rates.get('finetuned')
    change = rate_difference(before, after) if before and after else None
    return {'before': before, 'after': after, 'change': change, 'verdict': _verdict(change)}


def _verdict(change: Estimate | None) -> str:
    if change is None:
        return ''
    if change.low > 0:
        return 'Success rose'
    if change.high < 0:
        return 'Success fell'
    return 'No clear change in success'


def _pairs(record: RunRecord) -> dict[str, Any] | None:
    """Compare the two evaluations state by state, where they began from the same ones."""
    if len(record.evaluations) < 2:
        return None
    before, after = (
        {episode['seed']: bool(episode['success'])
         for episode in record.evaluations[name]['episodes']}
        for name in ('pretrained', 'finetuned'))
    seeds = sorted(before.keys() & after.keys())
    if not seeds or len(seeds) != len(before) or len(seeds) != len(after):
        return None
    both = [(seed, before[seed], after[seed]) for seed in seeds]
    counts = Counter((was, now) for _, was, now in both)
    # Alike next to alike: kept, learned, lost, never.
    order = [(True, True), (False, True), (True, False), (False, False)]
    return {'states': sorted(both, key=lambda state: order.index(state[1:])),
            'kept': counts[True, True], 'learned': counts[False, True],
            'lost': counts[True, False], 'never': counts[False, False]}


def _outcomes(record: RunRecord) -> list[tuple[str, int]]:
    return Counter(episode['outcome'] for episode in record.episodes).most_common()


def _delays(record: RunRecord) -> list[tuple[str, float, float, float]]:
    """Return median, 95th percentile and maximum [s] of each leg of the way of the weights."""
    rows = [row for row in record.weights if not row.get('refused')]
    legs = {
        'published to applied': [row['applied'] - row['published'] for row in rows
                                 if None not in (row.get('applied'), row.get('published'))],
        'receiving': [row.get('receive_seconds') for row in rows],
        'verifying': [row.get('verify_seconds') for row in rows],
        'swapping': [row.get('swap_seconds') for row in rows]}
    known = {name: [value for value in values if value is not None]
             for name, values in legs.items()}
    return [(name, *np.percentile(values, [50, 95, 100]).tolist())
            for name, values in known.items() if values]


def _refusals(record: RunRecord) -> list[tuple[str, int]]:
    return Counter(row['refused'] for row in record.weights if row.get('refused')).most_common()


def _stages(record: RunRecord) -> list[tuple[str, float, float]]:
    """Return words, wall time [s] and share of the whole [percent] of each finished stage."""
    seconds = record.summary.get('wall_seconds') or record.stages
    known = {stage: seconds[stage] for stage in STAGES if seconds.get(stage) is not None}
    total = sum(known.values())
    return [(_STAGE_WORDS[stage], value, 100.0 * value / total if total else 0.0)
            for stage, value in known.items()]


def _counters(record: RunRecord) -> list[tuple[str, str]]:
    """Return settings and counters, in words; what the summary doesn't have is left out."""
    summary, run = record.summary, record.run
    rl, il = summary.get('rl_updates'), summary.get('il_updates')
    versions, sent = summary.get('versions') or {}, summary.get('transitions') or {}
    control = summary.get('control') or {}
    m = summary.get('m')
    rows = [
        ('demonstrations', _count(summary.get('demos'))),
        ('environment steps', _count(summary.get('env_steps'))),
        ('RL updates', _count(rl)),
        ('imitation updates', _count(il)),
        ('RL updates per imitation update (m)', 'no imitation' if m is None and 'm' in summary
         else f'{m:g}' if m is not None else ''),
        ('  as it came out', f'{rl / il:.2f}' if rl and il else ''),
        ('what is imitated', summary.get('il_source', '')),
        ('versions published', _count(versions.get('published'))),
        ('versions applied', _count(versions.get('applied'))),
        ('versions refused', _count(versions.get('refused'))),
        ('transitions sent', _count(sent.get('sent'))),
        ('transitions acknowledged', _count(sent.get('acknowledged'))),
        ('transitions journaled', _count(sent.get('journaled'))),
        ('control ticks', _count(control.get('ticks'))),
        ('control ticks missed', _count(control.get('misses'))),
        ('device of the learner', summary.get('device', '')),
        ('repeatable', {True: 'yes: same seed, same result', False: 'no'}.get(
            summary.get('repeatable'), '')),
        ('seed', str(run.get('seed', ''))),
        ('robot contract', Path(run.get('contract', '')).name),
        ('  SHA-256', run.get('contract_hash', '')[:16]),
        ('run', run.get('run_id', '')),
        ('inril_ros', run.get('package_version', '')),
    ]
    return [(words, value) for words, value in rows if value not in ('', None)]


def _percent(fraction: float) -> str:
    return f'{whole_percent(fraction)}\u202f%'


def _points(fraction: float) -> str:
    return f'{whole_percent(fraction):+d}'.replace('-', '−')


def _count(number: float | None) -> str:
    return '' if number is None else f'{number:,.0f}'.replace(',', '\u202f')


def _milliseconds(seconds: float) -> str:
    return f'{1e3 * seconds:.3g}\u202fms'


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f'{hours}\u202fh {minutes:02d}\u202fmin'
    return f'{minutes}\u202fmin {rest:02d}\u202fs' if minutes else f'{seconds:.3g}\u202fs'
