#!/usr/bin/env python3
# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Measures what the processes of a robot cost while the arm is at rest, and their start.

The mock arm, the actuation node, the policy node and the recorder run at a given rate, active and
enabled, and no episode begins. Their CPU time is read from /proc. Several versions of the package
run at the same time, so that whatever else the machine does affects all of them. Each process's
start is its CPU time until its modules are imported, from several trials in turns.

    benchmarks/idle_benchmark.py --out idle
    git worktree add ../before v1.0 && benchmarks/idle_benchmark.py --compare ../before
"""

from contextlib import ExitStack
import json
import os
from pathlib import Path
import platform
import resource
import signal
from statistics import median
import subprocess
import sys
import tempfile
import time
from typing import Annotated

import typer

from inril_ros.graph.domain import domain_environment, reserve_domain

ROOT = Path(__file__).resolve().parents[1]
NODES = {
    'mock_arm_node': ('rate:={rate}',), 'actuation_node': ('enable_on_activate:=true',),
    'recorder_node': ('demonstrations:={folder}/demonstrations',), 'policy_node': ()}
# What `inril finetune` loads and reads before it starts a graph.
FINETUNE = """
import inril_ros.cli.main, inril_ros.cli.stages.stages
from inril_ros.nodes.learner.session_file import read_session
read_session('config/finetune.yaml')
"""
STARTS = {'inril --help': ('-m', 'inril_ros.cli.main', '--help'),
          'inril finetune': ('-c', FINETUNE),
          **{f'{name}_node': ('-c', f'import inril_ros.nodes.{name}_node') for name in (
              'sim', 'actuation', 'policy', 'recorder', 'learner')}}
_READY = 120.0  # [s] in which all nodes are active

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    out: Annotated[Path, typer.Option(help='Folder for idle.json and idle.md.')] = Path('idle'),
    rate: Annotated[float, typer.Option(min=1.0, max=500.0, help='Control rate [Hz].')] = 100.0,
    seconds: Annotated[float, typer.Option(min=1.0, help='Measured time.')] = 20.0,
    settle: Annotated[float, typer.Option(min=0.0, help='Time before it.')] = 10.0,
    trials: Annotated[int, typer.Option(min=0, help='Starts of each process.')] = 5,
    compare: Annotated[list[Path] | None, typer.Option(
        help='Folder of another version of this repository; its messages must be those that are '
             'built.')] = None,
) -> None:
    """Measure the graph at rest, and the start of each process."""
    versions = {_version(tree): tree.resolve() for tree in (*(compare or ()), ROOT)}
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix='idle_') as folder:
        graphs = {name: stack.enter_context(Graph(tree, Path(folder, str(number)), rate))
                  for number, (name, tree) in enumerate(versions.items())}
        for graph in graphs.values():
            graph.wait_active()
        time.sleep(settle)
        before, began = {name: graph.cpu() for name, graph in graphs.items()}, time.monotonic()
        time.sleep(seconds)
        passed = time.monotonic() - began
        used = {name: {node: round(1e3 * (cpu - before[name][node]) / (passed * rate), 3)
                       for node, cpu in graph.cpu().items()} for name, graph in graphs.items()}
    starts = {name: {} for name in versions}
    for process, arguments in STARTS.items() if trials else ():
        found = {name: [] for name in versions}
        for _ in range(trials):
            for name, tree in versions.items():
                found[name].append(_start(tree, arguments))
        for name, values in found.items():
            starts[name][process] = round(median(values), 2)
    result = {'rate': rate, 'seconds': round(passed, 1), 'cores': os.cpu_count(),
              'machine': platform.machine(), 'python': platform.python_version(),
              'load': round(os.getloadavg()[0], 1), 'per_tick': used, 'start': starts}
    out.mkdir(parents=True, exist_ok=True)
    (out / 'idle.json').write_text(json.dumps(result, indent=1) + '\n', encoding='utf-8')
    (out / 'idle.md').write_text(_page(result), encoding='utf-8')
    typer.echo(_page(result))


class Graph:
    """The nodes of one version, in a domain of their own."""

    def __init__(self, tree: Path, folder: Path, rate: float) -> None:
        self._tree, self._folder, self._rate = tree, folder, rate
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> 'Graph':
        self._folder.mkdir()
        robots = self._tree / 'config' / 'robots'
        urdf = robots / 'mock_arm' / 'mock_arm.urdf'
        text = (robots / 'mock_arm.yaml').read_text(encoding='utf-8')
        contract = self._folder / 'arm.yaml'
        lines = [f'control_rate: {self._rate}' if line.startswith('control_rate:') else line
                 for line in text.replace('mock_arm/mock_arm.urdf', str(urdf)).splitlines()]
        contract.write_text('\n'.join(lines), encoding='utf-8')
        environment = {**os.environ, **domain_environment(
            self._stack.enter_context(reserve_domain())),
            'PYTHONPATH': str(self._tree), 'OMP_NUM_THREADS': '1'}
        for node, own in NODES.items():
            given = ('contract:={folder}/arm.yaml', 'run_id:=idle', 'autostart:=true', *own)
            arguments = [word for each in given for word in (
                '-p', each.format(folder=self._folder, rate=self._rate))]
            self._processes[node] = subprocess.Popen(
                [sys.executable, '-m', f'inril_ros.nodes.{node}', '--ros-args', *arguments],
                env=environment, cwd=self._tree, stderr=subprocess.STDOUT,
                stdout=self._stack.enter_context(open(self._log(node), 'wb')))
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.send_signal(signal.SIGINT)
        for process in self._processes.values():
            try:
                process.wait(20.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._stack.close()

    def _log(self, node: str) -> Path:
        return self._folder / f'{node}.log'

    def wait_active(self) -> None:
        """Wait until all nodes are active."""
        end = time.monotonic() + _READY
        while waiting := [node for node in NODES if ': active' not in
                          self._log(node).read_text(encoding='utf-8')]:
            for node, process in self._processes.items():
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f'{self._tree}: {waiting} not active:\n'
                                       f'{self._log(node).read_text(encoding="utf-8")}')
            time.sleep(0.2)

    def cpu(self) -> dict[str, float]:
        """Return the CPU time of each process [s]."""
        found = {}
        for node, process in self._processes.items():
            fields = Path(f'/proc/{process.pid}/stat').read_text().rpartition(')')[2].split()
            found[node] = (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
        return found


def _version(tree: Path) -> str:
    done = subprocess.run(['git', '-C', tree, 'rev-parse', '--short', 'HEAD'], check=True,
                          stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def _start(tree: Path, arguments: tuple[str, ...]) -> float:
    """Return the CPU time of a process [s] that runs Python with a version of the package."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *arguments], check=True, cwd=tree, stdout=subprocess.DEVNULL,
        env={**os.environ, 'PYTHONPATH': str(tree), 'OMP_NUM_THREADS': '1'})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _page(result: dict) -> str:
    lines = [
        '# The cost of a robot at rest, and of its start', '',
        f'The mock arm at {result["rate"]:g} Hz, no episode, {result["seconds"]} s; all versions '
        f'at once on {result["cores"]} cores ({result["machine"]}, Python {result["python"]}), '
        f'load average {result["load"]}.', '',
        '## At rest: milliseconds of CPU time per tick', '']
    lines += _table(result['per_tick'], 2)
    if any(result['start'].values()):
        lines += ['', '## Start: seconds of CPU time until all is imported', '',
                  *_table(result['start'], 2)]
    return '\n'.join(lines) + '\n'


def _table(columns: dict[str, dict[str, float]], digits: int) -> list[str]:
    rows = {row: [column[row] for column in columns.values()]
            for row in next(iter(columns.values()))}
    rows['sum'] = [sum(values) for values in zip(*rows.values(), strict=True)]
    return [f'| process | {" | ".join(columns)} |', f'|---|{"---|" * len(columns)}', *(
        f'| {row} | {" | ".join(f"{value:.{digits}f}" for value in values)} |'
        for row, values in rows.items())]


if __name__ == '__main__':
    app()
