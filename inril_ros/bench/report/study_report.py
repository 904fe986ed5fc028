# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The report of a study: Markdown tables and figures, made only from the rows of its runs.

It shows losses as plainly as gains, and for each number how many seeds, which interval and which
code it rests on. Missing runs are counted.
"""

from collections.abc import Sequence
from pathlib import Path
import shutil

from inril_ros.bench.estimates import interquartile_mean, mean
from inril_ros.bench.places import json_lines, StudyPlace, write_whole
from inril_ros.bench.report import wording as say
from inril_ros.bench.report.alignment_tables import ALIGNMENT, alignment_by_layer
from inril_ros.bench.report.curves import Curve, curves_of, median_steps, THRESHOLDS
from inril_ros.bench.report.figures import colours, draw_host, draw_overview
from inril_ros.bench.study import load_study, Study, StudyError


def write_report(folder: Path, target: Path | None = None) -> Path:
    """Write ``report.md``, ``results.jsonl`` and ``figures/`` of a study; return the report.

    Args:
        folder: Folder of the study, or one that this function has written.
        target: Folder to write to instead, with a copy of the study: all that is needed to
            publish the report, and to make it again.

    Raises:
        StudyError: The folder holds no study, or no run of it is finished.
        RecordError: A file of results is damaged.
    """
    place = StudyPlace(Path(folder))
    study = load_study(place.study)
    runs = study.runs()
    rows = place.read_rows(runs)
    if not rows:
        raise StudyError(f'{folder}: no run of {study.name!r} is finished; '
                         'inril bench run starts or continues them')
    goal = StudyPlace(Path(target or folder))
    write_whole(goal.results, json_lines(rows))
    if goal.folder.resolve() != place.folder.resolve():
        shutil.copyfile(place.study, goal.study)
    curves = curves_of(rows)
    report = Report(study, curves, len(runs) - len(curves))
    report.draw(goal.folder / 'figures')
    path = goal.folder / 'report.md'
    write_whole(path, report.text())
    return path


class Report:
    """The report on a study and its results."""

    def __init__(self, study: Study, curves: Sequence[Curve], missing: int) -> None:
        self._study, self._curves, self._missing = study, curves, missing
        self._tasks = [task.label for task in study.tasks
                       if any(curve.task == task.label for curve in curves)]
        self._arms = [arm for arm in study.full_arms
                      if any(curve.arm == arm.name for curve in curves)]
        self._hosts = list(dict.fromkeys(arm.host for arm in self._arms))
        self._against = {arm.name: study.reference(arm.name) for arm in self._arms}
        self._palettes = {host: colours(
            [arm.name for arm in self._arms if arm.host == host],
            {arm.name for arm in self._arms
             if arm.host == host and self._against[arm.name] is None}) for host in self._hosts}

    def draw(self, folder: Path) -> None:
        """Draw the curves of each host, and the overview."""
        for host in self._hosts:
            draw_host([curve for curve in self._curves if curve.host == host], self._tasks,
                      self._palettes[host], host, folder, host)
        palette = {arm: colour for each in self._palettes.values()
                   for arm, colour in each.items()}
        draw_overview([(arm.host, arm.name, self._strata(arm.name, 'final'))
                       for arm in self._arms], palette, folder, 'overview')

    def text(self) -> str:
        """Return the report in Markdown."""
        study = self._study
        parts = [f'# {study.name}', study.notes.strip(), self._what_was_run(),
                 '![Success after fine-tuning](figures/overview.svg)',
                 '## Result of each arm', self._results()]
        if len(self._tasks) > 1:
            parts += ['## Over all tasks', self._over_tasks()]
        differences = self._differences()
        if differences:
            parts += ['## Compared with RL alone', differences]
        parts += ['## What interleaving did', self._interleaving(),
                  alignment_by_layer(self._arms, self._curves), '## Curves']
        parts += [f'![{host}](figures/{host}.svg)' for host in self._hosts]
        parts += ['## Cost', self._cost(), '## Each run', self._each_run(),
                  '## How to read this', self._reading(), '## What it rests on',
                  self._provenance()]
        return '\n\n'.join(part for part in parts if part) + '\n'

    def _what_was_run(self) -> str:
        study = self._study
        count = (f'{len(self._curves)} runs' if not self._missing else
                 f'**{self._missing} of {self._missing + len(self._curves)} runs are not finished '
                 'and not in this report**')
        return (f'{count}: {say.listed(self._tasks)} x {len(self._arms)} arms x seeds '
                f'{say.listed(study.seeds)}; {study.env_steps:,} environment steps each; '
                f'{study.evaluation.episodes} episodes per evaluation, on the same initial '
                'states for all.')

    def _results(self) -> str:
        rows = []
        for task in self._tasks:
            for arm in self._arms:
                curves = self._of(arm.name, task)
                if not curves:
                    continue
                finals = [[curve.final for curve in curves]]
                rows.append([
                    task, arm.host, arm.name, str(len(curves)),
                    say.percent(mean([[curve.first for curve in curves]]).value),
                    say.interval(mean(finals)), say.percent(interquartile_mean(finals).value),
                    say.interval(mean([[curve.area for curve in curves]])),
                    *(say.steps(*median_steps(curves, threshold), len(curves))
                      for threshold in THRESHOLDS),
                    say.percent(max(curve.collapse for curve in curves))])
        return say.table(['task', 'host', 'arm', 'seeds', 'clone', 'success, mean [95 %]', 'IQM',
                       'area [95 %]', *(f'steps to {100 * each:.0f} %' for each in THRESHOLDS),
                       'worst collapse'], rows)

    def _over_tasks(self) -> str:
        finals = {arm: self._strata(arm.name, 'final') for arm in self._arms}
        return say.table(
            ['host', 'arm', 'runs', 'success, mean [95 %]', 'IQM [95 %]', 'area [95 %]'],
            [[arm.host, arm.name, str(sum(map(len, strata))), say.interval(mean(strata)),
              say.interval(interquartile_mean(strata)),
              say.interval(mean(self._strata(arm.name, 'area')))]
             for arm, strata in finals.items()])

    def _differences(self) -> str:
        rows = []
        for arm in self._arms:
            other = self._against[arm.name]
            if other is None:
                continue
            for task in [*self._tasks, *(['all'] if len(self._tasks) > 1 else [])]:
                tasks = self._tasks if task == 'all' else [task]
                pairs = [[(mine, theirs) for mine in self._of(arm.name, each)
                          for theirs in self._of(other, each) if mine.seed == theirs.seed]
                         for each in tasks]
                pairs = [each for each in pairs if each]
                if not pairs:
                    continue
                final = mean([[a.final - b.final for a, b in each] for each in pairs])
                area = mean([[a.area - b.area for a, b in each] for each in pairs])
                flat = [a.final - b.final for each in pairs for a, b in each]
                rows.append([
                    arm.host, arm.name, other, task, str(len(flat)), say.points(final),
                    say.points(area), f'{sum(each > 0 for each in flat)} / '
                    f'{sum(each == 0 for each in flat)} / {sum(each < 0 for each in flat)}',
                    say.verdict(final)])
        if not rows:
            return ''
        return ('Paired by task and seed: both began with the same clone and the same '
                'demonstrations. Numbers are percentage points.\n\n' + say.table(
                    ['host', 'arm', 'against', 'task', 'pairs', 'success [95 %]', 'area [95 %]',
                     'better / same / worse', 'so'], rows))

    def _interleaving(self) -> str:
        rows = []
        for arm in self._arms:
            curves = self._of(arm.name)
            last = curves[0].rows[-1]
            losses = [curve.values('heldout_il_loss') for curve in curves]
            rows.append([
                arm.host, arm.name, say.when(last), say.unless(last.get('control'), 'none'),
                last.get('imitated') or '', last.get('separation') or '',
                say.mean_last(curves, 'ratio'), say.mean_last(curves, 'log.dose'),
                *(say.mean_of([each[at] for each in losses]) for at in (0, -1)),
                *(say.mean_last(curves, f'log.{name}') for name in ALIGNMENT)])
        return say.table(['host', 'arm', 'm', 'control', 'imitated', 'separation',
                       'IL per RL update', 'dose', 'held-out IL loss, clone', 'at the end',
                       *ALIGNMENT.values()], rows)

    def _cost(self) -> str:
        columns = ('env_steps', 'rl_updates', 'il_updates', 'cpu_seconds', 'simulation_seconds',
                   'learning_seconds', 'evaluation_seconds')
        rows = [[arm.host, arm.name, *(
            say.mean_last(self._of(arm.name), column, '{:,.0f}') for column in columns)]
            for arm in self._arms]
        return ('Means per run. CPU seconds are those of one thread for simulation and learning, '
                'without evaluation and cloning.\n\n' + say.table(
                    ['host', 'arm', 'env steps', 'RL updates', 'IL updates', 'CPU s',
                     'simulation', 'learning', 'evaluation'], rows))

    def _each_run(self) -> str:
        return say.table(['task', 'arm', 'seed', 'success at each point', 'weights'], [[
            curve.task, curve.arm, str(curve.seed),
            ' '.join(f'{100 * value:.0f}' for value in curve.success),
            f'`{curve.rows[-1]["weights_hash"][:12]}`'] for curve in self._curves])

    def _reading(self) -> str:
        episodes = self._study.evaluation.episodes
        return '\n'.join([
            '- *success*: share of evaluation episodes that succeed after the last update; '
            '*clone*: before the first. One run is known to about '
            f'±{100 * 0.98 / episodes ** 0.5:.0f} points with {episodes} episodes.',
            '- *[95 %]*: percentile bootstrap over seeds, within each task; too narrow with fewer '
            'than five seeds. *IQM*: mean of the middle half of the runs; the mean, if there are '
            'fewer than four.',
            '- *area*: mean success over the environment steps, clone included. *steps to*: '
            'median over seeds of the first evaluation with at least that success; a run that '
            'never reached it counts as the slowest; in brackets: how many did. *collapse*: '
            'largest drop from the best evaluation so far, of the worst seed.',
            '- *dose*: path length of the imitation updates over that of the RL updates, near '
            'the end. *cosine*: between the gradients of RL and IL, corrected for their noise and '
            'pooled over events, with its 95 % interval; *clear of zero*: share of runs whose '
            'interval excludes zero at the end.'])

    def _provenance(self) -> str:
        curves, study = self._curves, self._study
        code = sorted({row['code_hash'][:12] for curve in curves for row in curve.rows})
        lines = [f'- seeds: {say.listed(study.seeds)}; lanes: {study.lanes}',
                 f'- code (SHA-256 of the sources): {say.listed(f"`{each}`" for each in code)}'
                 + ('' if len(code) == 1 else ' — **runs of different code are compared here**'),
                 '- torch ' + say.listed(sorted({curve.rows[-1]['torch'] for curve in curves}))]
        lines += [f'- task {task.label}: {say.knobs(task)}' for task in study.tasks]
        return '\n'.join(lines)

    def _of(self, arm: str, task: str | None = None) -> list[Curve]:
        return [curve for curve in self._curves
                if curve.arm == arm and task in (None, curve.task)]

    def _strata(self, arm: str, number: str) -> list[list[float]]:
        strata = [[getattr(curve, number) for curve in self._of(arm, task)]
                  for task in self._tasks]
        return [each for each in strata if each]
