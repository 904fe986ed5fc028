# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Progress of long stages: a bar for people, lines for a log file, lines of JSON for programs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import json
from math import inf
import time
from typing import Any

from rich import progress as rich
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.text import Text

from inril_ros.robot.readable import facts_in_words

_JSON_PERIOD, _LINE_PERIOD = 1.0, 10.0  # [s] between two lines
_BETWEEN = '  '  # two facts
_NARROW = 76  # columns below which only numbers are shown


class Bar:
    """The progress of one stage, as a bar or, without one, as lines.

    Args:
        stage: Name of the stage.
        total: What there is to do.
        done: How much of it was done before.
        bar: Shows it; None: ``write`` does.
        write: Called now and then with progress as plain data.
        period: [s] Least time between two calls.
        clock: Returns the time [s].
    """

    def __init__(
        self, stage: str, total: int, done: int = 0, bar: rich.Progress | None = None,
        write: Callable[[dict[str, Any]], None] | None = None, period: float = _JSON_PERIOD,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stage, self._total, self._before, self._bar = stage, total, done, bar
        self._write = write or (lambda facts: print_event('progress', **facts))
        self._period, self._clock = period, clock
        self._task = None if bar is None else bar.add_task(
            stage, total=total, completed=done, facts='', rate='')
        self._began, self._printed, self._told = clock(), -inf, -1

    def update(self, done: int, **facts: Any) -> None:
        """Show how much is done, and the given facts."""
        seconds = self._clock() - self._began
        rate = (done - self._before) / seconds if seconds > 0 else 0.0
        if self._bar is not None:
            self._bar.update(self._task, completed=done, facts=facts_in_words(facts, _BETWEEN),
                             rate=f'{rate:.1f}/s')
        elif (done >= self._total and done != self._told
              or self._clock() - self._printed >= self._period):
            self._printed, self._told = self._clock(), done
            left = (self._total - done) / rate if rate else None
            self._write({
                'stage': self._stage, 'done': done, 'total': self._total,
                'rate': round(rate, 3), 'seconds': round(seconds, 1),
                'seconds_left': None if left is None else round(max(left, 0.0), 1), **facts})


class Reporter:
    """Reports progress to a person or a program.

    Args:
        json_output: Print lines of JSON on stdout, and nothing else there.
    """

    def __init__(self, json_output: bool = False) -> None:
        self.json_output = json_output
        self.console = Console(stderr=json_output, highlight=False)
        # A log file has no width to wrap at.
        self.console.soft_wrap = not self.console.is_terminal
        self._shown: list[RenderableType] = []
        self._live: Live | None = None

    @property
    def is_live(self) -> bool:
        """Whether lines can be drawn again: on a terminal, for a person."""
        return not self.json_output and self.console.is_terminal \
            and not self.console.is_dumb_terminal

    @contextmanager
    def shown(self, content: RenderableType) -> Iterator[None]:
        """Show something below all lines, and what is shown later below it, while it lasts."""
        self._shown.append(content)
        try:
            if self._live is not None:
                yield
                return
            with Live(console=self.console, get_renderable=lambda: Group(*self._shown),
                      transient=True, refresh_per_second=4) as self._live:
                try:
                    yield
                finally:
                    self._live = None
        finally:
            self._shown.remove(content)

    def refresh(self) -> None:
        """Draw what is shown again, now."""
        live = self._live
        if live is not None:
            live.refresh()

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
    def bar(self, stage: str, total: int, unit: str, done: int = 0) -> Iterator[Bar]:
        """Show the progress of a stage of ``total`` units, of which ``done`` were done before."""
        if self.json_output:
            yield Bar(stage, total, done)
            return
        if not self.is_live:  # a bar would be drawn once, cut off at a width
            yield Bar(stage, total, done, period=_LINE_PERIOD,
                      write=lambda facts: self.say(_line(unit, facts)))
            return
        text = rich.TextColumn
        columns = [text('  {task.description}'), rich.BarColumn(bar_width=None),
                   rich.MofNCompleteColumn(), text(unit), text('{task.fields[rate]}'),
                   rich.TimeElapsedColumn(), text('left'), rich.TimeRemainingColumn()]
        if self.console.width < _NARROW:
            del columns[5:7], columns[1]
        bar = rich.Progress(*columns, expand=True)
        shown = _BarWithFacts(bar)
        try:
            with self.shown(shown):
                yield Bar(stage, total, done, bar)
        finally:
            self.console.print(shown)


class _BarWithFacts:
    """A bar, and below it the facts, in as many lines as they need."""

    def __init__(self, bar: rich.Progress) -> None:
        self._bar = bar

    def __rich__(self) -> RenderableType:
        facts = '  '.join(task.fields['facts'] for task in self._bar.tasks)
        return Group(self._bar, Padding(Text(facts), (0, 0, 0, 2))) if facts else self._bar


def _line(unit: str, progress: dict[str, Any]) -> str:
    """Return progress in one line of a log."""
    facts = dict(progress)
    stage, done, total, rate, _, left = (facts.pop(name) for name in (
        'stage', 'done', 'total', 'rate', 'seconds', 'seconds_left'))
    ends = f', {left:.0f} s left' if left else ''
    told = facts_in_words(facts, _BETWEEN)
    return f'{stage}: {done} of {total} {unit}, {rate:.1f}/s{ends}  {told}'.rstrip()


def print_event(event: str, **facts: Any) -> None:
    """Print an event as a line of JSON."""
    print(json.dumps({'event': event, **facts}), flush=True)
