# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Pieces of HTML of what the page says; whatever came in a message is escaped."""

from collections.abc import Iterable

from markupsafe import Markup

from inril_ros.console.demonstrations import Demonstration
from inril_ros.console.episode_list import EpisodeRow
from inril_ros.console.learning_facts import LearningFacts
from inril_ros.console.state import Press, RobotPage
from inril_ros.data.demonstrations.edit_log import Edits

_OUTCOMES = {'success': 'good', 'failure': 'bad'}
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


def learning_text(facts: LearningFacts) -> Markup:
    """Return how fine-tuning goes, with a curve of success over environment steps."""
    if len(facts.alone) < 2:
        return table(facts.numbers)
    first, last = facts.alone[0][0], facts.alone[-1][0]
    lines = Markup('').join(
        Markup('<polyline class="{}" points="{}"/>').format(name, ' '.join(
            f'{300 * (steps - first) / max(1, last - first):.1f},{100 - 100 * share:.1f}'
            for steps, share in points))
        for name, points in (('helped', facts.helped), ('alone', facts.alone)))
    return table(facts.numbers) + Markup(
        '<figure class="curve"><svg viewBox="-2 -3 304 106" role="img"><path d="M0,0H300M0,50H300'
        'M0,100H300"/>{}</svg><div>success 0 to 100 %, {} to {} steps: <b class="alone">alone</b>,'
        ' <b class="helped">with a person</b></div></figure>').format(lines, first, last)


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


def episodes_text(rows: Iterable[EpisodeRow], period: float) -> Markup:
    """Return a table of episodes.

    Args:
        rows: The episodes.
        period: [s] Time between two ticks.
    """
    return Markup(
        '<table class="list"><thead><tr><th>episode</th><th>outcome</th><th>length</th>'
        '<th>who drove</th><th>version</th><th>record</th><th>why</th></tr></thead>'
        '<tbody>{}</tbody></table>').format(Markup('').join(
            Markup('<tr><td title="{}">{}</td><td class="{}">{}</td><td>{:.1f} s</td><td>{}</td>'
                   '<td>{}</td><td>{}</td><td class="why">{}</td></tr>').format(
                row.episode_id, row.purpose, _OUTCOMES.get(row.outcome, ''),
                row.outcome.replace('_', ' ') or 'runs', row.ticks * period, _strip(row),
                row.version or '', row.fate, row.reason) for row in rows))


def _strip(row: EpisodeRow) -> Markup:
    person = f'{row.person_ticks} of {row.ticks} ticks by a person'
    if not row.drove:
        return Markup('<small>{}</small>').format(person if row.person_ticks else '')
    return _drove(row.drove, person)


def demonstration_text(name: str, shown: Demonstration, edits: Edits) -> Markup:
    """Return what there is to see of a demonstration, and its edits."""
    told = shown.problem or f'{shown.outcome} after {shown.seconds:.1f} s, as it was recorded'
    images = Markup('').join(
        Markup('<h3>{}</h3><div class="film">{}</div>').format(camera, Markup('').join(
            Markup('<figure><img src="{}"><div>{:.1f} s</div></figure>').format(address, seconds)
            for seconds, address in film)) for camera, film in shown.images)
    return Markup('<h2>{}</h2><p class="{}">{}</p>{}{}{}').format(
        name, 'bad' if shown.problem else '', told, _drove(shown.drove), images,
        Markup('').join(Markup('<p class="asked">{}</p>').format(str(edit))
                        for edit in edits.counting))


def _drove(drove: Iterable[tuple[int, int]], title: str = '') -> Markup:
    return Markup('<div class="strip" title="{}">{}</div>').format(title, Markup('').join(
        Markup('<i class="by{}" style="flex:{}"></i>').format(source, ticks)
        for source, ticks in drove))


def table(rows: Iterable[tuple[str, str]]) -> Markup:
    """Return a table of a label and a text per row; rows without a text are left out."""
    return Markup('<table class="rows">{}</table>').format(Markup('').join(
        Markup('<tr><th>{}</th><td>{}</td></tr>').format(label, text)
        for label, text in rows if text))


def _tone(press: Press) -> str:
    if press.done is None:
        return 'asked'
    return 'bad' if not press.done else 'good' if press.shown else 'asked'
