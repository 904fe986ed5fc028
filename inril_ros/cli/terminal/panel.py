# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A robot's view as text of any width: what doesn't fit ends with an ellipsis."""

from collections.abc import Callable, Iterator

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from inril_ros.nodes.clients.person_wait import Wait
from inril_ros.nodes.person_view.view import View
from inril_ros.robot.teleop.person_keys import BY_MEANING, PERSON_KEYS

_MOST_LINES = 3  # of one text
_TITLE_FRAME = 8  # columns around the title
_LABEL = len('learning')
_NARROW = 50  # columns below which a label stands in its text


class Shortened:
    """A text in at most so many lines; control characters in it are shown as blanks."""

    def __init__(self, text: str, style: str = '', lines: int = _MOST_LINES) -> None:
        self._text = Text(printable(text), style=style)
        self._lines = lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = list(self._text.wrap(console, options.max_width, overflow='fold'))
        if len(lines) > self._lines:
            for line in lines:
                line.rstrip()
            rest = Text(' ').join(lines[self._lines - 1:])
            rest.truncate(options.max_width, overflow='ellipsis')
            lines[self._lines - 1:] = [rest]
        yield from lines

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, options.max_width)


class RobotPanel:
    """Shows what ``view`` returns each time that it is drawn.

    Args:
        view: Returns what is shown.
        keys: Whether the terminal has keys; if not, services are named.
    """

    def __init__(self, view: Callable[[], View], keys: bool = True) -> None:
        self._view = view
        self._keys = keys

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        view = self._view()
        narrow = options.max_width < _NARROW
        table = Table.grid(padding=(0, 1), expand=True)
        if not narrow:
            table.add_column(style='dim', no_wrap=True, width=_LABEL)
        table.add_column(ratio=1)
        for label, text, style in rows(view, self._keys):
            if narrow:
                table.add_row(Shortened(f'{label}: {text}', style))
            else:
                table.add_row(label, Shortened(text, style))
        title = Text(printable(view.title), style='bold')
        title.truncate(max(1, options.max_width - _TITLE_FRAME), overflow='ellipsis')
        yield Panel(table, title=title, title_align='left',
                    border_style='red' if view.alarm else 'yellow' if view.wait else 'dim')


def rows(view: View, keys: bool = True) -> Iterator[tuple[str, str, str]]:
    """Yield label, text and style of each row."""
    yield 'mode', ': '.join(filter(None, (view.mode, view.reason))), _mode_style(view)
    if view.wait:
        yield 'waiting', _with_answer(view.wait) if keys else str(view.wait), 'bold yellow'
    for label, text, style in (
            ('episode', view.episode, ''), ('last', view.last, ''), ('so far', view.tally, ''),
            ('person', view.interventions, ''), ('weights', view.weights, ''),
            ('learning', view.learning, ''), ('record', view.record, ''),
            ('faults', view.faults, 'red')):
        if text:
            yield label, text, style
    if keys:
        yield 'keys', '   '.join(
            f'{BY_MEANING[each].key}: {BY_MEANING[each].says}' for each in view.offers), 'cyan'


def help_lines() -> list[str]:
    """Return what each key does, one line each."""
    width = max(len(each.key) for each in PERSON_KEYS)
    return [f'{each.key:>{width}}  {each.says}' for each in PERSON_KEYS]


def printable(text: str) -> str:
    """Return a text without control characters: what came in a message moves no cursor."""
    return ''.join(letter if letter.isprintable() else ' ' for letter in text)


def _mode_style(view: View) -> str:
    if view.alarm:
        return 'bold red'
    return {'held': 'yellow', 'a person drives': 'magenta', 'the policy drives': 'green'}.get(
        view.mode, '')


def _with_answer(wait: Wait) -> str:
    if not wait.action:
        return wait.reason
    key = BY_MEANING[wait.action]
    return f'{wait.reason}: press {key.key} ({key.says})'
