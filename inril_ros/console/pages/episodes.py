# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The page *Episodes*: the list as it grows, with who drove."""

from markupsafe import Markup
from nicegui import ui

from inril_ros.console.pages.text import episodes_text
from inril_ros.console.robots import Robots

_PERIOD = 1.0  # [s]
_SHOWN = 200
_LEGEND = Markup('<p class="legend"><i class="by1"></i>policy <i class="by2"></i>person '
                 '<i class="by0"></i>held. Who drove is known of episodes that the console has '
                 'seen. The last {} episodes are shown.</p>').format(_SHOWN)


def episodes_page(robots: Robots) -> None:
    """Make the page."""
    ui.html(_LEGEND, sanitize=False)
    lists = ui.html('', sanitize=False).classes('wide')

    def update() -> None:
        text = Markup('').join(
            (Markup('<h2>{}</h2>').format(name) if name else Markup('')) + episodes_text(
                robots.episodes(name)[:_SHOWN], robots.contract.period)
            for name in robots.names)
        lists.set_content(text)

    update()
    ui.timer(_PERIOD, update)
