# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""To whom a stage reports: a terminal, a log, or a program."""

from contextlib import AbstractContextManager
from typing import Any, Protocol, TYPE_CHECKING

if TYPE_CHECKING:
    from inril_ros.nodes.clients.conductor_status import ConductorStatus


class Bar(Protocol):
    """The progress of one stage."""

    def update(self, done: int, **facts: Any) -> None:
        """Show how much is done, and facts of the stage."""


class Reporter(Protocol):
    """Reports what a stage does."""

    def say(self, text: str, **facts: Any) -> None:
        """Report something that happened."""

    def bar(self, stage: str, total: int, unit: str, done: int = 0
            ) -> AbstractContextManager[Bar]:
        """Show the progress of a stage of ``total`` units, of which ``done`` were done before."""


class ShownBar:
    """Progress that a reporter and the conductor's status show.

    Args:
        bar: That of the reporter.
        status: The conductor's status.
    """

    def __init__(self, bar: Bar, status: 'ConductorStatus') -> None:
        self._bar, self._status = bar, status

    def update(self, done: int, **facts: Any) -> None:
        """Show how much is done, and facts of the stage."""
        self._bar.update(done, **facts)
        self._status.progress(done, facts)
