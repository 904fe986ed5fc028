# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Success in tables: every arm at every evaluation point and on every task, and collapses."""

from collections.abc import Sequence

from inril_ros.bench.report import wording as say
from inril_ros.bench.report.contrasts import Contrast, contrast
from inril_ros.bench.report.curves import Curve, median_steps, THRESHOLDS
from inril_ros.bench.report.subject import Subject
from inril_ros.bench.report.training_episodes import training_episodes
from inril_ros.data.run.estimates import mean

_TRAINING = 20


def success_at(subject: Subject, point: int) -> str:
    """Return success at an evaluation point: arms by tasks, their mean, and the difference."""
    rows = []
    for label, curves in _clones(subject):
        rows.append([label, *_by_task(subject, curves, 0),
                     say.interval(mean([curve.first for curve in curves])), str(len(curves)),
                     '', ''])
    for arm in subject.arms:
        curves = [curve for curve in subject.of(arm.name) if curve.at(point) is not None]
        if not curves:
            continue
        paired = contrast(subject.curves, arm, point)
        rows.append([arm.name, *_by_task(subject, curves, point),
                     say.interval(mean([curve.success_at(point) for curve in curves])),
                     str(len(curves)), arm.against or '',
                     '' if paired is None else say.points(paired.estimate)])
    return say.table(['arm', *subject.tasks, *(['all tasks, mean [95 %]'] if len(
        subject.tasks) > 1 else ['mean [95 %]']), 'runs', 'against', 'difference [95 %]'], rows)


def contrast_table(contrasts: Sequence[Contrast]) -> str:
    """Return all contrasts with their corrected p-values; empty if there are none."""
    return say.table(
        ['arm', 'against', 'after steps', 'pairs', 'difference [95 %]', 'better / same / worse',
         'p', 'p, Holm', 'so'],
        [[each.arm, each.against if each.same_clone else f'{each.against} (other clone)',
          f'{each.point:,}', str(len(each.differences)), say.points(each.estimate),
          say.better_same_worse(each.differences), say.probability(each.p),
          say.probability(each.corrected),
          say.verdict(each.estimate, each.corrected, each.distinguishable)]
         for each in contrasts]) if contrasts else ''


def differences_by_task(subject: Subject) -> str:
    """Return the paired differences on each of several tasks at the last point of both arms."""
    rows = []
    for arm in subject.arms:
        if arm.against is None or len(subject.tasks) < 2:
            continue
        last = min(max((curve.rows[-1]['point'] for curve in subject.of(name)), default=0)
                   for name in (arm.name, arm.against))
        paired = [contrast(subject.curves, arm, last, task) for task in subject.tasks]
        rows.append([arm.name, arm.against, f'{last:,}', *(
            '–' if each is None else f'{say.points(each.estimate)} ({len(each.differences)})'
            for each in paired)])
    return say.table(['arm', 'against', 'after steps', *subject.tasks], rows) if rows else ''


def collapses(subject: Subject) -> str:
    """Return the runs that collapsed, with their seeds, and how many of each arm."""
    collapsed = [curve for curve in subject.curves if curve.collapsed]
    if not collapsed:
        return 'None.'
    counts = [f'{arm.name} {sum(curve.collapsed for curve in subject.of(arm.name))} of '
              f'{len(subject.of(arm.name))}' for arm in subject.arms]
    return f'{say.listed(counts)}.\n\n' + say.table(
        ['arm', 'task', 'seed', 'clone', 'best', 'largest fall from the best', 'end'],
        [[curve.arm, curve.task, str(curve.seed), say.percent(curve.first),
          say.percent(float(curve.success.max())), say.percent(curve.collapse),
          say.percent(curve.final)] for curve in collapsed])


def speed(subject: Subject) -> str:
    """Return how soon each arm reached a success, and the area, up to the point of all runs."""
    rows = []
    for arm in subject.arms:
        curves = [curve.until(subject.shared_point) for curve in subject.of(arm.name)]
        last = [episodes[-_TRAINING:] for curve in curves
                if (episodes := training_episodes(curve.rows))]
        rows.append([arm.name, str(len(curves)), say.interval(mean(
            [curve.area for curve in curves])), *(
                say.steps(*median_steps(curves, threshold), len(curves))
                for threshold in THRESHOLDS),
            say.percent(mean([mean([episode.success for episode in run]).value
                              for run in last]).value) if last else ''])
    return say.table(['arm', 'runs', 'area [95 %]', *(
        f'steps to {100 * each:.0f} %' for each in THRESHOLDS),
        f'last {_TRAINING} training episodes, exploring'], rows)


def cost(subject: Subject, points: Sequence[int]) -> str:
    """Return the mean cost of each arm at each evaluation point."""
    columns = {
        'env_steps': 'env steps', 'episodes': 'episodes', 'robot_minutes': 'robot minutes',
        'person_minutes': 'person minutes', 'rl_updates': 'RL updates',
        'il_updates': 'IL updates', 'cpu_seconds': 'CPU s',
        'simulation_seconds': 'simulation', 'learning_seconds': 'learning',
        'evaluation_seconds': 'evaluation'}
    rows = []
    for point in points:
        for arm in subject.arms:
            found = [row for curve in subject.of(arm.name)
                     if (row := curve.at(point)) is not None]
            if found:
                rows.append([f'{point:,}', arm.name, *(
                    say.mean_of([row[name] for row in found if row.get(name) is not None],
                                '{:,.1f}' if name.endswith('minutes') else '{:,.0f}')
                    for name in columns)])
    return say.table(['after steps', 'arm', *columns.values()], rows)


def _clones(subject: Subject) -> list[tuple[str, list[Curve]]]:
    """Return each clone once, by host if hosts have different ones."""
    def once(curves: Sequence[Curve]) -> list[Curve]:
        return list({(curve.task, curve.seed, curve.clone): curve for curve in curves}.values())

    all_of_them = once(subject.curves)
    if len(all_of_them) == len({(curve.task, curve.seed) for curve in subject.curves}):
        return [('clone', all_of_them)]
    hosts = dict.fromkeys(curve.host for curve in subject.curves)
    return [(f'clone ({host})', once(
        [curve for curve in subject.curves if curve.host == host])) for host in hosts]


def _by_task(subject: Subject, curves: Sequence[Curve], point: int) -> list[str]:
    """Return the mean success on each task, if there are several."""
    if len(subject.tasks) < 2:
        return [''] * len(subject.tasks)
    values = [[curve.first if point == 0 else curve.success_at(point) for curve in curves
               if curve.task == task] for task in subject.tasks]
    return [say.interval(mean(each)) if each else '–' for each in values]

