# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A fault: how it is done, to which graph, and what is promised about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from inril_ros.faults.running_graph import RunningGraph


class CannotBeDone(RuntimeError):  # noqa: N818 a reason to skip, not a failure
    """This machine doesn't allow the fault; the message says why."""


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: Name in the matrix and for ``--only``.
        node: Node that it is done to.
        do: Does the fault, and returns a note of its observations when it is over.
        about: Description for people.
        graph: Name of the graph that it is done to.
        gap_promised: Whether it must not show in the commands.
        person_expected: Whether safety demands a person afterwards.
        recovered: Further condition of recovery: returns whether it holds, from the graph and the
            policy's status before the fault.
        short: Whether it is in the short version.
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
