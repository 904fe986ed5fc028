# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril faults``: break the running graph in all ways known, and report what came of it."""

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

from inril_ros.cli.run.progress import Reporter
from inril_ros.cli.run.resources import find_configuration

if TYPE_CHECKING:
    from inril_ros.faults.row import Row

_RATE = 20.0  # [Hz]
_MEMORY = '/dev/shm'  # where it is writable: how busy a disk is must not be seen in the figures


def faults(
    out: Annotated[Path, typer.Option(
        help='Folder for fault_matrix.md and fault_matrix.json.')] = Path('faults'),
    only: Annotated[list[str] | None, typer.Option(
        help='Only this fault, or those whose names have this in them; may be given again. In a '
             'matrix that is there, these rows are replaced.')
    ] = None,
    short: Annotated[bool, typer.Option(
        '--short', help='The handful that takes less than a minute.')] = False,
    rate: Annotated[float, typer.Option(
        min=5.0, max=100.0, help='Commands per second. The nodes and whoever watches them need '
                                 'about two cores at 50.')] = _RATE,
    list_: Annotated[bool, typer.Option('--list', help='Only say what there is.')] = False,
    keep: Annotated[Path | None, typer.Option(
        help='Keep logs, journals and checkpoints in this new folder.')] = None,
    machine: Annotated[bool, typer.Option(
        '--json', help='Lines of JSON instead of progress bars.')] = False,
) -> None:
    """Break the running graph in all ways known, and report what came of each.

    The graph of fine-tuning runs on the mock arm, in ROS domains of its own: no robot hears of it.
    The exit code is 1 if a promise was broken. Faults that this machine doesn't allow are skipped
    with a message: for the network and for full disks one must be root.
    """
    from inril_ros.faults.catalogue import chosen

    picked = chosen(only or [], short)
    apart = [fault for fault in picked if fault.graph == 'network']
    if list_:
        for fault in picked:
            typer.echo(json.dumps({'fault': fault.name, 'node': fault.node, 'about': fault.about})
                       if machine else f'{fault.name:<30} {fault.about}')
        return
    reporter = Reporter(machine)
    # Fast DDS looks up the addresses of its machine once per process: who spoke in one network is
    # not heard in another.
    here = [fault for fault in picked if fault not in apart] or apart
    if keep is not None:
        keep.mkdir(parents=True)
        broken = _run(here, keep.resolve(), out, rate, reporter)
    else:
        memory = _MEMORY if os.access(_MEMORY, os.W_OK) else None
        with tempfile.TemporaryDirectory(prefix='inril_faults_', dir=memory) as folder:
            broken = _run(here, Path(folder), out, rate, reporter)
    if apart and here is not apart:
        broken |= _run_apart(apart, keep and keep / 'network', out, rate, reporter)
    if broken:
        raise typer.Exit(1)


def _run(picked: list, folder: Path, out: Path, rate: float, reporter: Reporter) -> bool:
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
    workplace = prepare(folder, find_configuration('robots', 'mock_arm'), rate)
    rows: dict[str, Row] = {}
    broken: dict[str, list[str]] = {}
    former = {row.fault: row for row in read_rows(out)} if len(picked) < len(FAULTS) else {}
    load = 0.0

    def told(row: 'Row', promises: list[str]) -> None:
        nonlocal load
        load = max(load, os.getloadavg()[0])
        rows[row.fault] = row
        broken.update({row.fault: promises} if promises else {})
        reporter.say(_sentence(row, promises), **row.to_json(), broken=promises)
        bar.update(len(rows), broken=len(broken))
        _write()

    def _write() -> None:
        all_rows = {**former, **rows}
        before = {fault.name: broken_promises(
            former[fault.name], fault.gap_promised, fault.person_expected)
            for fault in FAULTS if fault.name in former}
        write_report([all_rows[fault.name] for fault in FAULTS if fault.name in all_rows], {
            **before, **{name: broken.get(name, []) for name in rows}}, {
            'cores': len(os.sched_getaffinity(0)), 'highest load average': f'{load:.1f}',
            'machine': platform.machine(), 'kernel': platform.release(),
            'Python': platform.python_version(), 'commands per second': f'{rate:g}',
            'control thread under SCHED_FIFO': 'yes' if may_use_fifo() else 'no',
        }, _command(out, rate), (FIRST_BASELINE, BASELINE), out)

    with reporter.bar('faults', len(picked), 'faults') as bar:
        run_faults(picked, workplace, told)
    reporter.say(f'{len(rows)} faults, {sum(not row.done for row in rows.values())} skipped, '
                 f'{len(broken)} broke a promise; {out / "fault_matrix.md"}')
    return bool(broken)


def _run_apart(picked: list, keep: Path | None, out: Path, rate: float,
               reporter: Reporter) -> bool:
    """Do faults in a process of their own, which adds its rows to the report."""
    arguments = [part for fault in picked for part in ('--only', fault.name)]
    if keep is not None:
        arguments += ['--keep', str(keep)]
    command = [sys.executable, '-m', 'inril_ros.cli.main', 'faults', '--json', '--out', str(out),
               '--rate', f'{rate:g}', *arguments]
    done = 0
    with reporter.bar('faults of the network', len(picked), 'faults') as bar, \
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            event = json.loads(line)
            if 'fault' in event:
                done += 1
                del event['event']
                reporter.say(event.pop('text'), **event)
                bar.update(done)
    return process.returncode != 0


def _command(out: Path, rate: float) -> str:
    """Return the command that does all of it again."""
    more = [] if rate == _RATE else ['--rate', f'{rate:g}']
    return shlex.join(['inril', 'faults', '--out', out.name, *more])


def _sentence(row: 'Row', promises: list[str]) -> str:
    if not row.done:
        return f'{row.fault}: {row.note}'
    recovered = 'never' if row.recovery_s is None else f'after {row.recovery_s:.1f} s'
    text = (f'{row.fault}: gap {row.longest_command_gap_ms:.0f} ms, unsafe {row.unsafe_commands}, '
            f'lost {row.transitions_lost}, twice {row.transitions_duplicated}, recovered '
            f'{recovered}{", with a person" if row.needs_human else ""}')
    return f'{text}  BROKEN: {", ".join(promises)}' if promises else text
