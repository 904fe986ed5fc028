# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Does faults one after the other, and measures their effects."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
import time

from inril_ros.faults.account import newest_checkpoint
from inril_ros.faults.fault import CannotBeDone, Fault
from inril_ros.faults.graphs import GRAPHS
from inril_ros.faults.measurement import (
    episodes,
    longest_gap,
    Span,
    unsafe_motion,
    unsafe_weights,
)
from inril_ros.faults.row import broken_promises, Row
from inril_ros.faults.running_graph import NotRecovered, RunningGraph
from inril_ros.faults.workplace import Workplace

#: [s] Undisturbed stretches at a graph's start, before each fault, and after the recovery.
FIRST_BASELINE, BASELINE, AFTER = 20.0, 3.0, 0.5
_SHOWN = 3  # unsafe commands named in a note


def run_faults(faults: Sequence[Fault], workplace: Workplace,
               on_row: Callable[[Row, list[str]], None]) -> list[Row]:
    """Do faults; a graph that doesn't recover from one is started again for the next.

    Args:
        faults: The faults in order, those of one graph together.
        workplace: The prepared workplace.
        on_row: Called with each row and the promises that it breaks.
    """
    rows, starts = [], 0
    stack, running, name = ExitStack(), None, ''
    with stack:
        for fault in faults:
            try:
                if running is None or name != fault.graph:
                    stack.close()
                    running, starts, name = None, starts + 1, fault.graph
                    place = replace(workplace, folder=_folder(workplace, starts))
                    started = stack.enter_context(GRAPHS[name](place))
                    started.begin()
                    _rest(started, FIRST_BASELINE)
                    started.end()
                    running = started
                row, sound = measure(fault, running)
            except CannotBeDone as reason:
                row, sound = Row(fault.name, fault.node, note=f'skipped: {reason}'), True
            except NotRecovered as error:
                row, sound = Row(fault.name, fault.node, note=f'not done: {error}'), False
            broken = broken_promises(row, fault.gap_promised, fault.person_expected)
            if not sound:
                broken = broken or [row.note]
                stack.close()
                running = None
            rows.append(row)
            on_row(row, broken)
    return rows


def _folder(workplace: Workplace, number: int) -> Path:
    """Return a folder for a start of a graph, with links to what all starts share."""
    folder = workplace.folder / f'{number:02d}'
    folder.mkdir()
    for name in ('demonstrations', 'model', 'settings.yaml'):
        (folder / name).symlink_to(workplace.folder / name)
    return folder


def measure(fault: Fault, graph: RunningGraph) -> tuple[Row, bool]:
    """Do one fault in an episode of its own.

    Returns:
        Its effects, and whether the graph works as before.

    Raises:
        CannotBeDone: This machine doesn't allow it.
        NotRecovered: It could not be done.
    """
    witness = graph.witness
    witness.forget()
    graph.begin()
    graph.by_person.clear()
    _rest(graph, BASELINE)
    graph.read_journal()
    before = witness.status('policy_node')
    struck = time.time_ns()
    note = fault.do(graph)
    over = time.time_ns()
    recovery = None
    try:
        graph.recover(over, lambda: fault.recovered is None or fault.recovered(graph, before))
        recovery = (time.time_ns() - over) / 1e9
        graph.wait(AFTER)
    except NotRecovered as error:
        note = f'{note}; {error}'.lstrip('; ')
    window = Span(struck, time.time_ns())
    by_person = list(dict.fromkeys(graph.by_person))
    lost, twice, sound = None, None, recovery is not None
    try:
        graph.end()
        graph.save()
        graph.read_journal()
        lost, twice = graph.account.compare(newest_checkpoint(graph.place.checkpoints))
    except NotRecovered as error:
        note, sound = f'{note}; afterwards: {error}'.lstrip('; '), False
    unsafe = _unsafe(graph, window)
    return Row(
        fault.name, fault.node, _gap(graph, window), len(unsafe), lost, twice,
        None if recovery is None else round(recovery, 2), bool(by_person),
        graph.undisturbed_gap, 1e3 * graph.place.contract.period,
        '; '.join(filter(None, [note, f'a person: {", ".join(by_person)}' if by_person else '',
                                *unsafe[:_SHOWN]]))), sound


def _rest(graph: RunningGraph, seconds: float) -> None:
    """Wait, and measure the longest gap between commands meanwhile."""
    began = time.time_ns()
    graph.wait(seconds)
    graph.undisturbed_gap = max(
        graph.undisturbed_gap, _gap(graph, Span(began, time.time_ns())))


def _gap(graph: RunningGraph, window: Span) -> float:
    """Return the longest gap [ms] in a window."""
    witness = graph.witness
    running = episodes(witness.events, window.end)
    return round(1e3 * longest_gap(witness.commands, running, window), 1)


def _unsafe(graph: RunningGraph, window: Span) -> list[str]:
    witness = graph.witness
    # Without a relay no version is altered; a slow network may announce only the second of two
    # versions in a row to the witness.
    sound = (range(1, max(witness.announced, default=0) + 1) if witness.relay is None
             else witness.relay.sound)
    return [*unsafe_motion(witness.commands, witness.measured, graph.place.contract, window),
            *unsafe_weights(witness.ticks, sound, window)]
