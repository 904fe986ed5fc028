# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The report of a run: one self-contained HTML page.

It gives the result first, then what the result rests on. It is made only from the files of the
run, and names the parts whose files are missing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
import re
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
import numpy as np

from inril_ros.cli.report.drive_strips import drive_strips, DriveStrips
from inril_ros.cli.report.failing_starts import failing_starts, StartGroup
from inril_ros.cli.report.film_strips import Films, films_of
from inril_ros.cli.report.journal_trace import JournalTrace
from inril_ros.cli.report.judge_part import judge_part, JudgePart
from inril_ros.cli.report.people import (
    aborted,
    Discards,
    discards,
    interventions,
    kept_in_part,
)
from inril_ros.cli.report.run_plots import (
    intervention_plot,
    learning_plot,
    loss_plots,
    timing_plot,
    weights_plot,
)
from inril_ros.cli.report.version_timeline import version_timeline
from inril_ros.cli.run.progress import Reporter
from inril_ros.data.run.episode_fates import EpisodeFates
from inril_ros.data.run.estimates import rate_difference, whole_percent
from inril_ros.data.run.judge_record import read_all_judged
from inril_ros.data.run.judgements import best_version, judged_versions
from inril_ros.data.run.ledger import run_ledger
from inril_ros.data.run.run_directory import RunDirectory, STAGES
from inril_ros.data.run.run_record import (
    evaluation_rate,
    read_run,
    RunRecord,
    was_rescued,
    was_success,
)
from inril_ros.data.run.settings import DEFAULT
from inril_ros.data.run.starts import all_control_counts
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.readable import duration

_STAGE_WORDS = {
    'record': 'recording', 'pretrain': 'cloning', 'evaluate_pretrained': 'evaluation before',
    'finetune': 'fine-tuning', 'evaluate_finetuned': 'evaluation after'}


@dataclass(frozen=True)
class Traced:
    """What the report shows of the journal, images aside.

    Attributes:
        strips: Who drove.
        starts: Where failures begin.
        damage: Why the journal could not be read to its end; empty if it could.
    """

    strips: DriveStrips | None = None
    starts: list[StartGroup] | None = None
    damage: str = ''


def write_report(
    run_dir: str | Path, robot: str = '', reporter: Reporter | None = None,
) -> Path:
    """Write ``report.html`` in the folder of a run, and return its path.

    Args:
        run_dir: Folder of the run.
        robot: One of several robots, whose own records and report are meant.
        reporter: Shows the progress.

    Raises:
        RunDirectoryError: The folder has no run.
        RecordError: One of its files is damaged.
    """
    run = RunDirectory.open(run_dir, robot)
    robots = [] if robot else [_robot(run, name) for name in run.robots()]
    record, judged = read_run(run_dir, robot), read_all_judged(run.judge)
    # One classifier judges all robots: its errors are told once.
    judge = None if robot else judge_part(run, judged, record.evaluations)
    reporter, trace = reporter or Reporter(), JournalTrace()
    films = films_of(run, record.episodes, judged, reporter, trace)
    with reporter.bar('who drove', len(record.episodes), 'episodes') as bar:
        trace.read_all(run.journal, lambda done: bar.update(min(done, len(record.episodes))))
    run.report.write_text(render_report(record, robots, films, judge, run_ledger(run), Traced(
        drive_strips(record.episodes, trace),
        failing_starts(record.episodes, trace, load_contract(run.contract)), trace.damage)),
        encoding='utf-8')
    return run.report


def _robot(run: RunDirectory, name: str) -> dict[str, Any]:
    """Return what the report of the run says about one of several robots."""
    own = RunDirectory(run.path, run.settings, name)
    record = read_run(run.path, name)
    return {'name': name, 'link': own.report.relative_to(run.path).as_posix(),
            'episodes': len(record.episodes), 'success': sum(map(was_success, record.episodes)),
            'rescued': sum(map(was_rescued, record.episodes)),
            'account': str(EpisodeFates(record.episodes))}


def render_report(
    record: RunRecord, robots: Sequence[Mapping[str, Any]] = (), films: Films | None = None,
    judge: JudgePart | None = None, ledger: Mapping[str, Any] | None = None,
    traced: 'Traced | None' = None,
) -> str:
    """Return the page as text.

    Args:
        record: The records of the run, or of one of its robots.
        robots: What to say about each of several robots.
        films: What cameras saw in a few episodes.
        judge: The errors of the classifier that judged.
        ledger: What the run cost, and when it succeeded often enough (``run_ledger``).
        traced: What the journal says of each episode.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=StrictUndefined)
    environment.filters |= {'percent': _percent, 'whole_percent': whole_percent,
                            'tenth': lambda number: f'{number:.1f}', 'points': _points,
                            'count': _count, 'duration': _duration}
    page = environment.get_template('page.html.jinja')
    before, after = (record.evaluations.get(name, {}) for name in ('pretrained', 'finetuned'))
    timings = {name: actuation for name, actuation in (
        ('Evaluation before', before.get('actuation')),
        ('Fine-tuning', record.result.get('control') or all_control_counts(
            [start['control'] for start in record.starts])),
        ('Evaluation after', after.get('actuation'))) if actuation}
    judged = judged_versions(record.judgements)
    return page.render(
        record=record, run=record.run, summary=record.summary, **_headline(record),
        pairs=_pairs(record), films=films, judge=judge, ledger=ledger,
        traced=traced or Traced(), timeline=version_timeline(record),
        learning=learning_plot(record),
        outcomes=Counter('rescued by a person' if was_rescued(episode) else episode['outcome']
                         for episode in record.episodes).most_common(),
        interventions=interventions(record.episodes), discards=_discards(record),
        account=str(EpisodeFates(record.episodes)),
        unfinished=[_STAGE_WORDS[stage] for stage in record.unfinished], robots=robots,
        judged=judged, best=best_version(judged) if judged else None,
        intervening=intervention_plot(record), in_part=kept_in_part(record.episodes),
        losses=loss_plots(record), timings=timings,
        timing_plots=list(filter(None, map(timing_plot, timings, timings.values()))),
        weights_plot=weights_plot(record), delays=_delays(record), refusals=Counter(
            row['refused'] for row in record.weights if row.get('refused')).most_common(),
        stages=_stages(record), counters=_counters(record))


def _headline(record: RunRecord) -> dict[str, Any]:
    rates = {name: evaluation_rate(evaluation)
             for name, evaluation in record.evaluations.items() if evaluation['episodes']}
    before, after = rates.get('pretrained'), rates.get('finetuned')
    change, verdict = None, ''
    if before and after:
        change = rate_difference(before, after)
        verdict = ('No clear change in success' if not change.excludes_zero else
                   'Success rose' if change.value > 0 else 'Success fell')
    rescued = {name: sum(bool(episode.get('rescued')) for episode in record.evaluations.get(
        name, {'episodes': []})['episodes']) for name in ('pretrained', 'finetuned')}
    return {'before': before, 'after': after, 'change': change, 'verdict': verdict,
            'rescued': rescued}


def _pairs(record: RunRecord) -> dict[str, Any] | None:
    """Compare the two evaluations state by state, if their initial states are the same."""
    if len(record.evaluations) < 2:
        return None
    before, after = (
        {episode['seed']: bool(episode['success'])
         for episode in record.evaluations[name]['episodes']}
        for name in ('pretrained', 'finetuned'))
    seeds = sorted(before.keys() & after.keys())
    # One may have been continued with more episodes than the other.
    if not seeds or len(seeds) != min(len(before), len(after)):
        return None
    both = [(seed, before[seed], after[seed]) for seed in seeds]
    counts = Counter((was, now) for _, was, now in both)
    # In groups: kept, learned, lost, never.
    order = [(True, True), (False, True), (True, False), (False, False)]
    return {'states': sorted(both, key=lambda state: order.index(state[1:])),
            'kept': counts[True, True], 'learned': counts[False, True],
            'lost': counts[True, False], 'never': counts[False, False]}


def _discards(record: RunRecord) -> list[tuple[str, Discards]]:
    """Return the episodes that were not used, by their kind, where there are any."""
    kinds = {
        'attempts at demonstrations': discards(record.attempts),
        'training episodes': discards(record.episodes),
        **{f'episodes of the {words}': aborted(record.evaluations[name])
           for name, words in (('pretrained', 'evaluation before'),
                               ('finetuned', 'evaluation after'))
           if name in record.evaluations}}
    return [(kind, lost) for kind, lost in kinds.items() if lost.number]


def _delays(record: RunRecord) -> list[tuple[str, float, float, float]]:
    """Return median, 95th percentile and maximum [s] of each step on the weights' way."""
    rows = [row for row in record.weights if not row.get('refused')]
    parts = {
        'published to applied': [row['applied'] - row['published'] for row in rows
                                 if None not in (row.get('applied'), row.get('published'))],
        'receiving': [row.get('receive_seconds') for row in rows],
        'verifying': [row.get('verify_seconds') for row in rows],
        'swapping': [row.get('swap_seconds') for row in rows]}
    known = {name: [value for value in values if value is not None]
             for name, values in parts.items()}
    return [(name, *np.percentile(values, [50, 95, 100]).tolist())
            for name, values in known.items() if values]


def _stages(record: RunRecord) -> list[tuple[str, float, float]]:
    """Return name, wall time [s] and share of the total [percent] of each finished stage."""
    seconds = record.summary.get('wall_seconds') or record.stages
    known = {stage: seconds[stage] for stage in STAGES if seconds.get(stage) is not None}
    total = sum(known.values())
    return [(_STAGE_WORDS[stage], value, 100.0 * value / total if total else 0.0)
            for stage, value in known.items()]


def _counters(record: RunRecord) -> list[tuple[str, str]]:
    """Return the known settings and counters, with their names."""
    summary, run = record.summary, record.run
    rl, il = summary.get('rl_updates'), summary.get('il_updates')
    versions, sent = summary.get('versions') or {}, summary.get('transitions') or {}
    control = summary.get('control') or {}
    judging, spent = summary.get('evaluation') or {}, summary.get('time_spent') or {}
    m = summary.get('m')
    rows = [
        ('demonstrations', _count(summary.get('demos'))),
        ('environment steps', _count(summary.get('env_steps'))),
        ('  of blocks of evaluation, besides', _count(judging.get('steps'))),
        ('  episodes of these blocks', _count(judging.get('episodes'))),
        ('episodes of learning, each with a reset', _count(spent.get('resets'))),
        ('steps that a person commanded', _count(spent.get('person_steps'))),
        ('time per reset', _duration(spent['reset_seconds']) if spent else ''),
        ('steps per second of the robot', f'{spent["rate"]:g}' if spent else ''),
        ('RL updates', _count(rl)),
        ('imitation updates', _count(il)),
        ('RL updates per imitation update (m)', 'no imitation' if m is None and 'm' in summary
         else f'{m:g}' if m is not None else ''),
        ('  measured', f'{rl / il:.2f}' if rl and il else ''),
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
    rows += [(name.removeprefix('session.'), f'{entry["value"]} ({entry["from"]})')
             for name, entry in record.settings.get('finetune', {}).items()
             if entry['from'] != DEFAULT]
    return [(words, value) for words, value in rows if value not in ('', None)]


def _percent(fraction: float) -> str:
    return f'{whole_percent(fraction)}\u202f%'


def _points(fraction: float) -> str:
    return f'{whole_percent(fraction):+d}'.replace('-', '−')


def _count(number: float | None) -> str:
    return '' if number is None else f'{number:,.0f}'.replace(',', '\u202f')


def _duration(seconds: float) -> str:
    return re.sub(r'(?<=\d) (?=[a-zµ])', '\u202f', duration(seconds))
