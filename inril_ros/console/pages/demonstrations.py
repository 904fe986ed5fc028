# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The page *Demonstrations*: look through them, and drop, label, trim or split them."""

from collections.abc import Callable
from pathlib import Path

from nicegui import run, ui

from inril_ros.console.demonstrations import (
    Demonstration,
    Editor,
    edits_of_all,
    read_demonstration,
)
from inril_ros.console.pages.text import demonstration_text
from inril_ros.console.robots import Robots
from inril_ros.data.demonstrations.edit_log import Edits

_PERIOD = 2.0  # [s] between two looks for new ones
_HINT = ('Edits are kept beside the bags, which are never changed. They are read when a command '
         'or node starts: a learner that runs keeps what it has.')


class DemonstrationsPage:
    """The list, the chosen demonstration, and its edits.

    Args:
        robots: Whose run is shown.
    """

    def __init__(self, robots: Robots) -> None:
        self._folder, self._contract = robots.run.demonstrations, robots.contract
        self._edits: dict[str, Edits] | None = None
        self._chosen: Path | None = None
        self._shown = Demonstration()
        ui.label(_HINT).classes('legend')
        with ui.element('div').classes('sides browse'):
            self._list = ui.element('div').classes('bags')
            with ui.element('div').classes('robot'):
                self._detail = ui.html('Choose a demonstration.', sanitize=False)
                self._tools = ui.element('div')
                self._said = ui.label().classes('presses')
        with self._tools:
            self._make_tools()
        self._tools.set_visibility(False)
        self.update()
        ui.timer(_PERIOD, self.update)

    def update(self) -> None:
        """Show which there are and how they are edited."""
        try:
            edits = edits_of_all(self._folder)
        except (ValueError, RuntimeError, OSError) as error:
            self._say(str(error), good=False)
            return
        if edits == self._edits:
            return
        self._edits = edits
        self._list.clear()
        with self._list:
            if not edits:
                ui.label('Nothing was recorded yet.')
            for name, each in edits.items():
                bag = self._folder / name
                with ui.element('button').classes(
                        'bag' + ' dropped' * bool(each.drop)
                        + ' here' * (bag == self._chosen)).on(
                        'click', lambda bag=bag: self._choose(bag)):
                    ui.label(name)
                    ui.label('; '.join(edit.kind for edit in each.counting)).classes('edits')
        self._show()

    async def _choose(self, bag: Path) -> None:
        self._chosen, self._edits = bag, None
        self._detail.set_content('Reading ...')
        self._said.set_text('')
        self._tools.set_visibility(False)
        self.update()
        try:
            shown = await run.io_bound(read_demonstration, bag, self._contract)
        except (ValueError, RuntimeError, OSError) as error:
            shown = Demonstration(problem=str(error))
        if self._chosen == bag:  # not another one meanwhile
            self._shown = shown
            self._tools.set_visibility(True)
            self._show()

    def _show(self) -> None:
        if self._chosen is not None and self._edits and self._tools.visible:
            self._detail.set_content(demonstration_text(
                self._chosen.name, self._shown, self._edits[self._chosen.name]))

    def _make_tools(self) -> None:
        with ui.element('div').classes('group'):
            by = ui.input('who edits').props('dense outlined')
            note = ui.input('why').props('dense outlined')

        def button(text: str, edit: Callable[[Editor], Callable[[Path, str], Edits]]) -> None:
            ui.button(text, on_click=lambda: self._edit(
                lambda: edit(Editor(self._contract, by.value.strip())), by.value, note.value)
            ).props(f'no-caps data-edit="{text.lower().split()[-1]}"')

        with ui.element('div').classes('group'):
            button('Success', lambda editor: editor.success)
            button('Failure', lambda editor: editor.failure)
            button('Drop', lambda editor: editor.drop)
            button('Restore', lambda editor: editor.restore)
        with ui.element('div').classes('group'):
            begin, end = (ui.number(f'{name} [s]', value=0.0, min=0.0, step=0.1).props(
                'dense outlined') for name in ('at the beginning', 'at the end'))
            button('Trim', lambda editor: editor.trim(begin.value or 0.0, end.value or 0.0))
        with ui.element('div').classes('group'):
            at = ui.number('at [s]', value=0.0, min=0.0, step=0.1).props('dense outlined')
            first = ui.select(['failure', 'success'], value='failure',
                              label='the first part is a').props('dense outlined')
            button('Split', lambda editor: editor.split(at.value or 0.0, first.value))

    async def _edit(self, made: Callable[[], Callable[[Path, str], Edits]], by: str, note: str
                    ) -> None:
        bag = self._chosen
        if bag is None or not by.strip():
            self._say('Not done: say who edits; it is kept with the edit.', good=False)
            return
        try:
            edits = await run.io_bound(made(), bag, note)
        except (ValueError, RuntimeError, OSError) as error:
            self._say(f'Not done: {error}', good=False)
            return
        self._say('The edit is kept.' if edits.counting else 'It is as it was recorded.')
        self.update()

    def _say(self, text: str, good: bool = True) -> None:
        self._said.set_text(text)
        self._said.classes(add='good' if good else 'bad', remove='bad' if good else 'good')
