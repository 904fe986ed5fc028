# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Progress of long stages: a bar for people, lines of JSON for programs."""

from collections.abc import Iterator
from contextlib import contextmanager
import json
import time
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Bar:
    """The progress of one stage."""

    def __init__(self, stage: str, total: int, progress: Progress | None, task: TaskID | None
                 ) -> None:
        self._stage = stage
        self._total = total
        self._progress = progress
        self._task = task
        self._began = time.monotonic()
        self._printed = 0.0

    def update(self, done: int, **facts: Any) -> None:
        """Show how much is done, and the given facts."""
        seconds = time.monotonic() - self._began
        rate = done / seconds if seconds > 0 else 0.0
        if self._progress is not None:
            text = '  '.join(f'{name} {_short(value)}' for name, value in facts.items())
            self._progress.update(
                self._task, completed=done, facts=text, rate=f'{rate:.1f}/s')
        elif done >= self._total or time.monotonic() - self._printed >= 1.0:
            self._printed = time.monotonic()
            left = (self._total - done) / rate if rate else None
            print(json.dumps({
                'event': 'progress', 'stage': self._stage, 'done': done, 'total': self._total,
                'rate': round(rate, 3), 'seconds': round(seconds, 1),
                'seconds_left': None if left is None else round(max(left, 0.0), 1), **facts}),
                flush=True)


class Reporter:
    """Reports progress to a person or a program.

    Args:
        json_output: Print lines of JSON on stdout, and nothing else there.
    """

    def __init__(self, json_output: bool = False) -> None:
        self.json_output = json_output
        self.console = Console(stderr=json_output, highlight=False)

    def say(self, text: str, **facts: Any) -> None:
        """Report something that happened."""
        if self.json_output:
            print(json.dumps({'event': 'message', 'text': text, **facts}), flush=True)
        else:
            self.console.print(f'  {text}', markup=False)

    def title(self, text: str) -> None:
        """Begin a stage."""
        if self.json_output:
            print(json.dumps({'event': 'stage', 'stage': text}), flush=True)
        else:
            self.console.print(f'\n[bold]{text}[/bold]')

    @contextmanager
    def bar(self, stage: str, total: int, unit: str) -> Iterator[Bar]:
        """Show the progress of a stage of ``total`` units."""
        if self.json_output:
            yield Bar(stage, total, None, None)
            return
        with Progress(
            TextColumn('  {task.description}'), BarColumn(bar_width=24), MofNCompleteColumn(),
            TextColumn(unit), TextColumn('{task.fields[rate]}'), TimeElapsedColumn(),
            TextColumn('left'), TimeRemainingColumn(), TextColumn('{task.fields[facts]}'),
            console=self.console, refresh_per_second=4,
        ) as progress:
            yield Bar(stage, total, progress,
                      progress.add_task(stage, total=total, facts='', rate=''))


def _short(value: Any) -> str:
    return f'{value:.3g}' if isinstance(value, float) else str(value)
