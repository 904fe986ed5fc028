# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The progress of a study: a live table in a terminal, lines for logs and programs."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
import json
import time

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from inril_ros.bench.places import StudyPlace
from inril_ros.bench.pools.status import seconds_left, Status
from inril_ros.bench.report.wording import percent
from inril_ros.robot.readable import duration

_PRINT_SECONDS = 10.0  # between lines, where there is no terminal


class Display:
    """Shows the runs of a study.

    Args:
        console: Console to print on.
        place: Folder of the study, for the logs of failed runs.
        jobs: Processes at the same time.
        json_output: Print lines of JSON on stdout instead.
    """

    def __init__(self, console: Console, place: StudyPlace, jobs: int, json_output: bool) -> None:
        self._console, self._place, self._jobs = console, place, jobs
        self._json_output = json_output
        self._live: Live | None = None
        self._before: dict[str, str] | None = None
        self._printed = 0.0
        self._began = time.monotonic()

    @contextmanager
    def shown(self) -> Iterator['Display']:
        """Show the table while the block runs."""
        if self._json_output or not self._console.is_terminal:
            yield self
            return
        with Live(console=self._console, refresh_per_second=4, transient=True) as self._live:
            yield self

    def __call__(self, statuses: list[Status]) -> None:
        """Show the present state of the runs."""
        now = {status.run.name: status.state for status in statuses}
        # Runs that were finished before this session are counted, and not announced.
        changed = [] if self._before is None else [
            status for status in statuses if now[status.run.name] in ('finished', 'failed')
            and self._before.get(status.run.name) != status.state]
        self._before = now
        for status in changed:
            self._announce(status)
        if self._live is not None:
            self._live.update(self._table(statuses))
        elif time.monotonic() - self._printed >= _PRINT_SECONDS:
            self._printed = time.monotonic()
            self._print(statuses)

    def _announce(self, status: Status) -> None:
        if self._json_output:
            print(json.dumps({
                'event': status.state, 'run': status.run.name, 'success': status.success,
                'exit_code': status.exit_code, 'seconds': round(status.seconds, 1)}), flush=True)
        elif status.state == 'failed':
            log = self._place.run(status.run).log
            self._console.print(Text(
                f'failed    {status.run.name} (exit code {status.exit_code}): see {log}', 'red'),
                soft_wrap=True)
        else:
            self._console.print(Text(
                f'finished  {status.run.name}  {percent(status.success)}  '
                f'{duration(status.seconds)}'), soft_wrap=True)

    def _print(self, statuses: list[Status]) -> None:
        if self._json_output:
            left = seconds_left(statuses, self._jobs)
            print(json.dumps({
                'event': 'progress', **Counter(status.state for status in statuses),
                'total': len(statuses), 'seconds_left': None if left is None else round(left, 1),
                'running_now': {status.run.name: {
                    'doing': status.doing, 'env_steps': status.env_steps,
                    'rate': status.rate} for status in statuses if status.state == 'running'}}),
                flush=True)
        else:
            self._console.print(Text(self._headline(statuses)))

    def _headline(self, statuses: list[Status]) -> str:
        counts = Counter(status.state for status in statuses)
        failed = f', {counts["failed"]} failed' if counts['failed'] else ''
        return (f'{counts["finished"]} of {len(statuses)} runs done{failed}, '
                f'{counts["running"]} running, {duration(time.monotonic() - self._began)}; left: '
                f'{duration(seconds_left(statuses, self._jobs))}')

    def _table(self, statuses: list[Status]) -> Table:
        table = Table('task', 'arm', 'seed', 'doing', 'env steps', 'per s', 'success',
                      title=self._headline(statuses), title_justify='left', title_style='bold',
                      box=None, pad_edge=False)
        for column in (2, 4, 5, 6):
            table.columns[column].justify = 'right'
        for status in statuses:
            if status.state == 'running':
                table.add_row(
                    status.run.task.label, status.run.arm.name, str(status.run.seed),
                    status.doing, f'{status.env_steps:,} / {status.run.env_steps:,}',
                    '' if status.rate is None else f'{status.rate:.0f}', percent(status.success))
        return table
