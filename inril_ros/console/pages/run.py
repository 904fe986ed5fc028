# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The page *Run*: each robot, what it does and waits for, and the buttons."""

from collections.abc import Mapping

from markupsafe import Markup
from nicegui import ui
from nicegui.events import KeyEventArguments

from inril_ros.console.pages.text import (
    learning_text,
    mode_text,
    nodes_text,
    presses_text,
    rows_text,
)
from inril_ros.console.robots import in_address, Robots
from inril_ros.console.state import GROUPS
from inril_ros.robot.teleop.person_keys import BY_KEY

_PERIOD = 0.4  # [s]
_KEYS = {'Escape': 'escape', 'Enter': 'enter', 'Backspace': 'backspace'}
_KEY_NAMES = {'escape': 'Esc', 'enter': '⏎', 'backspace': '⌫'}
_COLOURS = {'stop': 'negative', 'failure': 'negative', 'success': 'positive'}
_NOT_THE_ROBOT_S = ('A stop by software: it holds the arm and withdraws consent. It does not '
                    "replace the robot's own e-stop.")
#: A button that had the focus would take keys too.
_NO_FOCUS = '(event) => event.preventDefault()'
_LEARNING = 5  # updates between two looks at what the run has noted
_OLD = 2.0  # [s] age of an image that is told


class RobotCard:
    """One robot on the page.

    Args:
        robots: All robots.
        namespace: Which of them.
    """

    def __init__(self, robots: Robots, namespace: str) -> None:
        self._robots, self._namespace = robots, namespace
        self._looks = 0
        self._buttons: dict[str, ui.button] = {}
        with ui.element('section').classes('robot'):
            self._title = ui.html('', sanitize=False)
            self._mode = ui.html('', sanitize=False)
            with ui.element('div').classes('group stop'):
                self._button('stop')
                ui.label(_NOT_THE_ROBOT_S)
            self._presses = ui.html('', sanitize=False).classes('presses')
            with ui.element('div').classes('sides'):
                with ui.element('div'):
                    for group in GROUPS:
                        with ui.element('div').classes('group'):
                            for meaning in group:
                                self._button(meaning)
                    self._nodes = ui.html('', sanitize=False)
                with ui.element('div'):
                    with ui.element('div').classes('cameras'):
                        self._images = {name: self._camera() for name in robots.cameras}
                    self._rows = ui.html('', sanitize=False)
                    self._learning = ui.html('', sanitize=False)
        self.update()

    def press(self, meaning: str) -> None:
        """Do what a button means."""
        self._robots.press(self._namespace, meaning)
        self.update()

    def update(self) -> None:
        """Show how it is now."""
        page = self._robots.page(self._namespace)
        self._title.set_content(Markup('<h2>{}</h2>').format(page.view.title))
        self._mode.set_content(mode_text(page))
        self._rows.set_content(rows_text(page))
        self._nodes.set_content(nodes_text(page))
        self._presses.set_content(presses_text(page.presses))
        for meaning, button in page.buttons.items():
            made = self._buttons[meaning]
            made.set_enabled(not button.why_not)
            made.classes(**{'add' if button.wanted else 'remove': 'wanted'})
            if made.props.get('title') != button.why_not:
                made.props['title'] = button.why_not
        if self._looks % _LEARNING == 0:
            self._learning.set_content(learning_text(self._robots.learning(self._namespace)))
        self._look(page.cameras)

    def _button(self, meaning: str) -> None:
        button = self._robots.page(self._namespace).buttons[meaning]
        made = ui.button(f'{button.label} · {_KEY_NAMES.get(button.key, button.key)}',
                         on_click=lambda: self.press(meaning),
                         color=_COLOURS.get(meaning, 'primary'))
        made.props(f'no-caps tabindex=-1 data-meaning={meaning}')
        made.on('mousedown', js_handler=_NO_FOCUS)
        self._buttons[meaning] = made

    def _camera(self) -> tuple[ui.interactive_image, ui.label]:
        with ui.element('figure'):
            return ui.interactive_image(), ui.label()

    def _look(self, ages: Mapping[str, float | None]) -> None:
        """Let the browser ask for the newest images; that keeps the console listening to them."""
        self._looks += 1
        for name, (image, label) in self._images.items():
            image.set_source(f'/camera/{in_address(self._namespace)}/{name}?{self._looks}')
            age = ages.get(name)
            image.set_visibility(age is not None)  # an image that isn't there looks broken
            label.set_text(f'{name}: no image has come' if age is None else
                           f'{name}: no image for {age:.0f} s' if age > _OLD else name)


def run_page(robots: Robots) -> None:
    """Make the page."""
    cards: dict[str, RobotCard] = {}
    choice = ui.toggle([]).classes('choice').props('no-caps')
    place = ui.element('div').classes('robots')

    def update() -> None:
        if list(cards) != robots.names:
            place.clear()
            cards.clear()
            with place:
                cards.update({name: RobotCard(robots, name) for name in robots.names})
            choice.set_options({name: f'keys for {name or "the robot"}' for name in cards},
                               value=robots.names[0])
            choice.set_visibility(len(cards) > 1)
        for card in cards.values():
            card.update()

    def on_key(event: KeyEventArguments) -> None:
        key = BY_KEY.get(_KEYS.get(event.key.name, event.key.name))
        held = event.modifiers.ctrl or event.modifiers.alt or event.modifiers.meta
        if not event.action.keydown or event.action.repeat or held or key is None \
                or not key.service:
            return
        # A person's consent or verdict is about one arm; the stop is about all.
        for name in list(cards) if key.meaning == 'stop' else [choice.value]:
            cards[name].press(key.meaning)

    ui.keyboard(on_key, repeating=False, ignore=['input', 'textarea', 'select'])
    update()
    ui.timer(_PERIOD, update)
