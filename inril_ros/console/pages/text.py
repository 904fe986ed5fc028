# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Pieces of HTML of what the page says; whatever came in a message is escaped."""

from collections.abc import Iterable

from markupsafe import Markup

from inril_ros.console.state import Press, RobotPage

_TONES = {'held': 'wait', 'a person drives': 'person', 'the policy drives': 'policy'}


def mode_text(page: RobotPage) -> Markup:
    """Return who drives the arm and why, what is waited for, and what to do."""
    view = page.view
    if page.lost:
        return Markup('<div class="mode alarm"><b>No connection to the robot</b>'
                      '<div>{}</div></div>').format(page.lost)
    tone = 'alarm' if view.alarm else _TONES.get(view.mode, '')
    text = Markup('<div class="mode {}"><b>{}</b><div>{}</div></div>').format(
        tone, view.mode, view.reason)
    if view.wait:
        text += Markup('<div class="mode wait"><b>Waiting: {}</b><div>{}</div></div>').format(
            view.wait.reason, f'Press: {page.to_do}' if page.to_do else
            'It goes on by itself once this is over.')
    return text


def rows_text(page: RobotPage) -> Markup:
    """Return the rows that a terminal shows too, and the numbers."""
    view = page.view
    told = [('stage', page.stage), ('episode', view.episode), ('last', view.last),
            ('so far', view.tally), ('person', view.interventions), ('weights', view.weights),
            ('learning', view.learning), ('record', view.record), *page.numbers]
    return table(told)


def nodes_text(page: RobotPage) -> Markup:
    """Return how each node is."""
    return Markup('<table class="rows">{}</table>').format(Markup('').join(
        Markup('<tr><th>{}</th><td class="{}">{} {}</td></tr>').format(
            name, 'good' if good else 'bad', '●' if good else '▲', text)
        for name, text, good in page.nodes))


def presses_text(presses: Iterable[Press]) -> Markup:
    """Return what became of what was pressed."""
    return Markup('').join(
        Markup('<div class="{}">{}</div>').format(_tone(press), str(press)) for press in presses)


def table(rows: Iterable[tuple[str, str]]) -> Markup:
    """Return a table of a label and a text per row; rows without a text are left out."""
    return Markup('<table class="rows">{}</table>').format(Markup('').join(
        Markup('<tr><th>{}</th><td>{}</td></tr>').format(label, text)
        for label, text in rows if text))


def _tone(press: Press) -> str:
    if press.done is None:
        return 'asked'
    return 'bad' if not press.done else 'good' if press.shown else 'asked'
