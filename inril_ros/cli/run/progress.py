# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Progress of long stages: a bar for people, lines of JSON for programs."""

from collections.abc import Iterator
from contextlib import contextmanager
import json
import time
from typing import Any

from rich import progress as rich
from rich.console import Console


class Bar:
    """The progress of one stage, as a bar or, without one, as lines of JSON."""

    def __init__(self, stage: str, total: int, bar: rich.Progress | None = None) -> None:
        self._stage, self._total, self._bar = stage, total, bar
        self._task = None if bar is None else bar.add_task(stage, total=total, facts='', rate='')
        self._began, self._printed = time.monotonic(), 0.0

    def update(self, done: int, **facts: Any) -> None:
        """Show how much is done, and the given facts."""
        seconds = time.monotonic() - self._began
        rate = done / seconds if seconds > 0 else 0.0
        if self._bar is not None:
            text = '  '.join(f'{name} {value:.3g}' if isinstance(value, float) else
                             f'{name} {value}' for name, value in facts.items())
            self._bar.update(self._task, completed=done, facts=text, rate=f'{rate:.1f}/s')
        elif done >= self._total or time.monotonic() - self._printed >= 1.0:
            self._printed = time.monotonic()
            left = (self._total - done) / rate if rate else None
            print_event('progress', stage=self._stage, done=done, total=self._total,
                        rate=round(rate, 3), seconds=round(seconds, 1),
                        seconds_left=None if left is None else round(max(left, 0.0), 1), **facts)


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
            print_event('message', text=text, **facts)
        else:
            self.console.print(f'  {text}', markup=False)

    def title(self, text: str) -> None:
        """Begin a stage."""
        if self.json_output:
            print_event('stage', stage=text)
        else:
            self.console.print(f'\n[bold]{text}[/bold]')

    @contextmanager
    def bar(self, stage: str, total: int, unit: str) -> Iterator[Bar]:
        """Show the progress of a stage of ``total`` units."""
        if self.json_output:
            yield Bar(stage, total)
            return
        text = rich.TextColumn
        with rich.Progress(
            text('  {task.description}'), rich.BarColumn(bar_width=24), rich.MofNCompleteColumn(),
            text(unit), text('{task.fields[rate]}'), rich.TimeElapsedColumn(), text('left'),
            rich.TimeRemainingColumn(), text('{task.fields[facts]}'), console=self.console,
            refresh_per_second=4,
        ) as bar:
            yield Bar(stage, total, bar)


def print_event(event: str, **facts: Any) -> None:
    """Print an event as a line of JSON."""
    print(json.dumps({'event': event, **facts}), flush=True)
