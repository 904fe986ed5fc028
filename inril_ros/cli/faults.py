# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril faults``: break the running graph in every known way, and report the effects."""

from dataclasses import dataclass
import json
import os
from pathlib import Path
import platform
import shlex
import subprocess
import sys
import tempfile
from typing import Annotated, TYPE_CHECKING

import typer

from inril_ros.cli.options import with_groups
from inril_ros.cli.run.progress import Reporter
from inril_ros.cli.run.resources import find_configuration

if TYPE_CHECKING:
    from inril_ros.faults.fault import Fault
    from inril_ros.faults.row import Row

_RATE = 20.0  # [Hz]
_MEMORY = '/dev/shm'  # used if it is writable: a busy disk must not change the figures


@dataclass(frozen=True)
class Selection:
    """The faults."""

    only: Annotated[list[str] | None, typer.Option(
        help='Only this fault, or those whose names contain this; may be repeated. In an existing '
             'matrix, these rows are replaced.')] = None
    short: Annotated[bool, typer.Option(
        '--short', help='A few faults that take less than a minute.')] = False
    list_: Annotated[bool, typer.Option('--list', help='List the faults and do none.')] = False

    def faults(self) -> 'list[Fault]':
        """Return the selected faults, in the catalogue's order."""
        from inril_ros.faults.catalogue import chosen

        return chosen(self.only or [], self.short)


@dataclass(frozen=True)
class Measurement:
    """The measurement."""

    out: Annotated[Path, typer.Option(
        help='Folder for fault_matrix.md and fault_matrix.json.')] = Path('faults')
    rate: Annotated[float, typer.Option(
        min=5.0, max=100.0, help='Commands per second. The nodes and what watches them need '
                                 'about two cores at 50.')] = _RATE
    keep: Annotated[Path | None, typer.Option(
        help='Keep logs, journals and checkpoints in this new folder.')] = None
    json_output: Annotated[bool, typer.Option(
        '--json', help='Lines of JSON instead of progress bars.')] = False


@with_groups
def faults(selection: Selection, measurement: Measurement) -> None:
    """Break the running graph in every known way, and report the effect of each fault.

    The graph of fine-tuning runs on the mock arm, in ROS domains of its own: no robot is reached.
    The exit code is 1 if a promise was broken. Faults that this machine doesn't allow are skipped
    with a message: those of the network and of full disks need root.
    """
    selected, keep = selection.faults(), measurement.keep
    network = [fault for fault in selected if fault.graph == 'network']
    if selection.list_:
        for fault in selected:
            typer.echo(json.dumps({'fault': fault.name, 'node': fault.node, 'about': fault.about})
                       if measurement.json_output else f'{fault.name:<30} {fault.about}')
        return
    reporter = Reporter(measurement.json_output)
    # Fast DDS looks up the machine's addresses once per process, so a process that has used one
    # network can't be reached in another.
    here = [fault for fault in selected if fault not in network] or network
    if keep is not None:
        keep.mkdir(parents=True)
        broken = _run(here, keep.resolve(), measurement, reporter)
    else:
        memory = _MEMORY if os.access(_MEMORY, os.W_OK) else None
        with tempfile.TemporaryDirectory(prefix='inril_faults_', dir=memory) as folder:
            broken = _run(here, Path(folder), measurement, reporter)
    if network and here is not network:
        broken |= _run_in_own_process(network, measurement, reporter)
    if broken:
        raise typer.Exit(1)


def _run(selected: 'list[Fault]', folder: Path, measurement: Measurement, reporter: Reporter,
         ) -> bool:
    """Do the faults and write the report; return whether a promise was broken."""
    import torch

    from inril_ros.faults.catalogue import FAULTS
    from inril_ros.faults.graphs import may_use_fifo
    from inril_ros.faults.report import read_rows, write_report
    from inril_ros.faults.row import broken_promises
    from inril_ros.faults.run import BASELINE, FIRST_BASELINE, run_faults
    from inril_ros.faults.workplace import prepare

    torch.set_num_threads(1)
    reporter.title('Faults, one after the other')
    workplace = prepare(folder, find_configuration('robots', 'mock_arm'), measurement.rate)
    rows: dict[str, Row] = {}
    broken: dict[str, list[str]] = {}
    former = {} if len(selected) == len(FAULTS) else {
        row.fault: row for row in read_rows(measurement.out)}
    load = 0.0

    def on_row(row: 'Row', promises: list[str]) -> None:
        nonlocal load
        load = max(load, os.getloadavg()[0])
        rows[row.fault] = row
        if promises:
            broken[row.fault] = promises
        reporter.say(_sentence(row, promises), **row.to_json(), broken=promises)
        bar.update(len(rows), broken=len(broken))
        all_rows = {**former, **rows}
        before = {fault.name: broken_promises(
            former[fault.name], fault.gap_promised, fault.person_expected)
            for fault in FAULTS if fault.name in former}
        write_report([all_rows[fault.name] for fault in FAULTS if fault.name in all_rows], {
            **before, **{name: broken.get(name, []) for name in rows}}, {
            'cores': len(os.sched_getaffinity(0)), 'highest load average': f'{load:.1f}',
            'machine': platform.machine(), 'kernel': platform.release(),
            'Python': platform.python_version(), 'commands per second': f'{measurement.rate:g}',
            'control thread under SCHED_FIFO': 'yes' if may_use_fifo() else 'no',
        }, _command(measurement), (FIRST_BASELINE, BASELINE), measurement.out)

    with reporter.bar('faults', len(selected), 'faults') as bar:
        run_faults(selected, workplace, on_row)
    reporter.say(f'{len(rows)} faults, {sum(not row.done for row in rows.values())} skipped, '
                 f'{len(broken)} broke a promise; {measurement.out / "fault_matrix.md"}')
    return bool(broken)


def _run_in_own_process(selected: 'list[Fault]', measurement: Measurement, reporter: Reporter,
                        ) -> bool:
    """Do faults in another process, which adds its rows to the report."""
    arguments = [part for fault in selected for part in ('--only', fault.name)]
    if measurement.keep is not None:
        arguments += ['--keep', str(measurement.keep / 'network')]
    command = [sys.executable, '-m', 'inril_ros.cli.main', 'faults', '--json', '--out',
               str(measurement.out), '--rate', f'{measurement.rate:g}', *arguments]
    done = 0
    with reporter.bar('faults of the network', len(selected), 'faults') as bar, \
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            event = json.loads(line)
            if 'fault' in event:
                done += 1
                del event['event']
                reporter.say(event.pop('text'), **event)
                bar.update(done)
    return process.returncode != 0


def _command(measurement: Measurement) -> str:
    """Return the command that repeats the whole measurement."""
    rate = [] if measurement.rate == _RATE else ['--rate', f'{measurement.rate:g}']
    return shlex.join(['inril', 'faults', '--out', measurement.out.name, *rate])


def _sentence(row: 'Row', promises: list[str]) -> str:
    if not row.done:
        return f'{row.fault}: {row.note}'
    recovered = 'never' if row.recovery_s is None else f'after {row.recovery_s:.1f} s'
    text = (f'{row.fault}: gap {row.longest_command_gap_ms:.0f} ms, unsafe {row.unsafe_commands}, '
            f'lost {row.transitions_lost}, twice {row.transitions_duplicated}, recovered '
            f'{recovered}{", with a person" if row.needs_human else ""}')
    return f'{text}  BROKEN: {", ".join(promises)}' if promises else text
