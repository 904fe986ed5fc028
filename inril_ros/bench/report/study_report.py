# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The report of a study: Markdown tables and figures, made only from the rows of its runs.

It shows losses as plainly as gains, and for each number how many runs, which interval and which
code it rests on. Missing runs are counted, collapsed ones are listed.
"""

from collections.abc import Sequence
from pathlib import Path
import shutil

import yaml

from inril_ros.bench.places import json_lines, StudyPlace
from inril_ros.bench.report import success_tables as tables
from inril_ros.bench.report import wording as say
from inril_ros.bench.report.alignment_tables import ALIGNMENT, alignment_by_layer
from inril_ros.bench.report.contrasts import Contrast, contrasts
from inril_ros.bench.report.figures import draw_arms, draw_tasks
from inril_ros.bench.report.subject import read_subject, Subject
from inril_ros.bench.task import StudyError
from inril_ros.data.record_files import write_whole
from inril_ros.data.run.estimates import LEAST_VALUES, RECOMMENDED_VALUES


def write_report(
    folders: Path | Sequence[Path], target: Path | None = None, against: str | None = None,
) -> Path:
    """Write ``report.md``, ``results.jsonl`` and ``figures/`` of a study; return the report.

    Args:
        folders: Folder of a study, or one that this function has written; or several, which are
            reported as one study.
        target: Folder to write to instead, with a copy of the study: all that is needed to
            publish the report, and to make it again. Several folders need it.
        against: Arm to compare all others with, instead of those that the study names.

    Raises:
        StudyError: A folder holds no results, or several folders can't be reported as one.
        RecordError: A file of results is damaged.
    """
    folders = [Path(folders)] if isinstance(folders, str | Path) else [*map(Path, folders)]
    if target is None and len(folders) > 1:
        raise StudyError('several studies are reported as one: say where to with --to')
    goal = StudyPlace(Path(target or folders[0]))
    subject = read_subject(folders, goal.folder.resolve().name, against)
    write_whole(goal.results, json_lines(subject.rows))
    source = StudyPlace(folders[0]).study
    if len(folders) > 1 or (target is not None and against is not None):
        write_whole(goal.study, yaml.safe_dump(dict(subject.document), sort_keys=False))
    elif source.exists() and source.resolve() != goal.study.resolve():
        shutil.copyfile(source, goal.study)
    figures = goal.folder / 'figures'
    draw_arms(subject, figures / 'arms.svg')
    draw_tasks(subject, figures / 'tasks.svg')
    path = goal.folder / 'report.md'
    write_whole(path, report_text(subject))
    return path


def report_text(subject: Subject) -> str:
    """Return the report in Markdown."""
    found = contrasts(subject.curves, subject.arms, subject.points)
    parts = [f'# {subject.name}', subject.notes, _what_was_run(subject, found),
             '![Success of each arm at each budget](figures/arms.svg)']
    for point in subject.points:
        parts += [f'## Success after {point:,} environment steps',
                  tables.success_at(subject, point)]
    if found:
        parts += ['## Can the differences be told from chance?',
                  'Paired by task and seed, over all tasks, in percentage points. All these '
                  "contrasts are one family for Holm's correction.",
                  tables.contrast_table(found)]
    by_task = tables.differences_by_task(subject)
    if by_task:
        parts += ['## Differences by task', 'At the last evaluation of both, in percentage '
                  'points, with the number of pairs. They are descriptions and not tested.',
                  by_task]
    parts += ['## Collapses', 'Runs whose success fell by more than 20 points from its best, or '
              "ended below the clone's: " + tables.collapses(subject),
              '## On each task', '![Success on each task](figures/tasks.svg)',
              '## How soon', _shared(subject), tables.speed(subject),
              '## What interleaving did', _interleaving(subject),
              alignment_by_layer(subject.arms, subject.curves),
              '## Cost', 'Means per run, up to the evaluation. CPU seconds are those of one '
              'thread for simulation and learning, without evaluation and cloning.'
              + _minutes(subject),
              tables.cost(subject, subject.points), '## Each run', _each_run(subject),
              '## How to read this', _reading(subject), '## What it rests on',
              _provenance(subject)]
    return '\n\n'.join(part for part in parts if part) + '\n'


def _what_was_run(subject: Subject, found: Sequence[Contrast]) -> str:
    curves = subject.curves
    seeds = sorted({curve.seed for curve in curves})
    episodes = sorted({row['n'] for row in subject.rows})
    states = sorted({str(row['states']) for row in subject.rows if row.get('states')})
    runs = f'{len(curves)} runs'
    if subject.missing:
        runs = (f'**{subject.missing} of {subject.missing + len(curves)} runs are not finished '
                'and not in this report**')
    where = ('on the same initial states for all' + (f' ({states[0]})' if states else '')
             if len(states) < 2 else f'**initial states differ: {say.listed(states)}**')
    text = (f'{runs}: {say.listed(subject.tasks)} x {len(subject.arms)} arms x seeds '
            f'{say.listed(seeds)}; up to {max(row["point"] for row in subject.rows):,} '
            f'environment steps; {say.listed(episodes)} episodes per evaluation, {where}.')
    kinds = {frozenset((curve.task, curve.seed) for curve in subject.of(arm.name))
             for arm in subject.arms}
    if len(kinds) > 1:
        text += (' Not all arms have runs of the same tasks and seeds: compare them by their '
                 'paired differences, not by their means.')
    pairs = max((len(each.differences) for each in found), default=len(seeds))
    if pairs < RECOMMENDED_VALUES:
        text += (f'\n\n**A look, not a claim:** at most {pairs} '
                 f'{"pairs per contrast" if found else "runs"}; a claim needs '
                 f'{RECOMMENDED_VALUES} or more.')
    return text


def _shared(subject: Subject) -> str:
    if len({curve.rows[-1]['point'] for curve in subject.curves}) == 1:
        return ''
    return (f'Runs end at different points. All figures of this table are of the first '
            f'{subject.shared_point:,} environment steps, which every run has.')


def _minutes(subject: Subject) -> str:
    if not any('episodes' in row for row in subject.rows):
        return ''
    return (f' Minutes assume {subject.robot.rate:g} environment steps per second and '
            f'{subject.robot.reset_seconds:g} s of a person per episode to reset the scene; '
            'demonstrations and evaluation are not counted.')


def _interleaving(subject: Subject) -> str:
    rows = []
    for arm in subject.arms:
        curves = subject.of(arm.name)
        last = curves[0].rows[-1]
        losses = [curve.values('heldout_il_loss') for curve in curves]
        rows.append([
            arm.host, arm.name, say.when(last), say.unless(last.get('control'), 'none'),
            last.get('imitated') or '', last.get('separation') or '',
            say.mean_last(curves, 'ratio'), say.mean_last(curves, 'log.dose'),
            say.mean_last(curves, 'phase'),
            *(say.mean_of([each[at] for each in losses]) for at in (0, -1)),
            *(say.mean_last(curves, f'log.{name}') for name in ALIGNMENT)])
    return say.table(['host', 'arm', 'm', 'control', 'imitated', 'separation',
                      'IL per RL update', 'dose', 'phase', 'held-out IL loss, clone', 'at the end',
                      *ALIGNMENT.values()], rows)


def _each_run(subject: Subject) -> str:
    return say.table(['task', 'arm', 'seed', 'success [%] at each point', 'weights'], [[
        curve.task, curve.arm, str(curve.seed),
        ' '.join(f'{100 * value:.0f}' for value in curve.success),
        f'`{curve.rows[-1]["weights_hash"][:12]}`'] for curve in subject.curves])


def _reading(subject: Subject) -> str:
    episodes = min(row['n'] for row in subject.rows)
    return '\n'.join([
        '- *success*: share of evaluation episodes that succeed; *clone*: before the first '
        'update, each clone counted once. One run is known to about '
        f'±{100 * 0.98 / episodes ** 0.5:.0f} points with {episodes} episodes, so a small fall '
        'below the clone is noise.',
        f"- *[95 %]*: Student's t interval over runs or pairs (task, seed); none below "
        f'{LEAST_VALUES}. It says what to expect of other seeds and tasks like these; with few '
        'tasks it says little of others.',
        '- *difference*: success of the arm minus that of the arm it is compared with, for the '
        'same task and seed: same demonstrations, same initial states, and the same clone unless '
        'stated. *distinguishable*: the p-value of the t-test, corrected by Holm for the number '
        'of contrasts, is below 0.05.',
        '- *area*: mean success over the environment steps, clone included. *steps to*: median '
        'over runs of the first evaluation with at least that success; a run that never reached '
        'it counts as the slowest; in brackets: how many did.',
        '- *dose*: path length of the imitation updates over that of the RL updates, near the '
        'end. *phase*: RL units since the last imitation event over m, at the last evaluation. '
        '*cosine*: between the gradients of RL and IL, corrected for their noise and pooled '
        'over events, with its 95 % interval; *clear of zero*: share of runs whose interval '
        'excludes zero at the end.'])


def _provenance(subject: Subject) -> str:
    code = sorted({row['code_hash'][:12] for row in subject.rows})
    lines = [f'- code (SHA-256 of the sources): {say.listed(f"`{each}`" for each in code)}'
             + ('' if len(code) == 1 else ' — **runs of different code are compared here**'),
             '- torch ' + say.listed(sorted({row['torch'] for row in subject.rows}))]
    lines += [f'- task {label}: {text}' for label, text in subject.conditions.items()]
    return '\n'.join(lines)
