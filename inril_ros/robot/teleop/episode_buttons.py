# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a person says about the episode by pressing a button of the teleop device."""

from inril_ros.robot.contract.rules import Teleoperation


class EpisodeButtons:
    """Reports each press once, when the button goes down."""

    def __init__(self, rules: Teleoperation) -> None:
        self._meaning = [(getattr(rules, f'{name}_button'), name)
                         for name in ('success', 'failure', 'discard', 'ready', 'start')]
        self._down: set[str] | None = None

    def begin(self) -> None:
        """Start anew: a button that is already held down is no press."""
        self._down = None

    def pressed(self, buttons: list[int]) -> list[str]:
        """Return the meanings of the buttons that went down since the last call.

        They are success, failure, discard, ready and start.
        """
        down = {name for index, name in self._meaning
                if 0 <= index < len(buttons) and buttons[index]}
        new = [] if self._down is None else [
            name for _, name in self._meaning if name in down - self._down]
        self._down = down
        return new
