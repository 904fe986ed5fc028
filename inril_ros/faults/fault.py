# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a fault is: how it is done, to which graph, and what is promised of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from inril_ros.faults.running_graph import RunningGraph


class CannotBeDone(RuntimeError):  # noqa: N818 a reason to skip, not a failure
    """A fault that isn't allowed on this machine; the message says why."""


def _always(graph: RunningGraph) -> bool:
    return True


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: In the matrix and for ``--only``.
        node: What it is done to.
        do: Does it, and returns when it is over, with a note of what was seen.
        about: What it is, for people.
        graph: Which of the graphs it is done to.
        gap_promised: It must not be seen in the commands.
        person_expected: Safety demands a person after it.
        recovered: What must be true besides, of the graph and what it was like before, when
            everything works again.
        short: Part of the short version.
    """

    name: str
    node: str
    do: Callable[[RunningGraph], str]
    about: str
    graph: str = 'main'
    gap_promised: bool = True
    person_expected: bool = False
    recovered: Callable[[RunningGraph, Any], bool] | None = None
    short: bool = False
