#!/usr/bin/env python3
# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Measures what the processes of a robot cost at rest and in an episode, and their start.

The mock arm, the actuation node, the policy node and the recorder run at a given rate, active and
enabled. First no episode begins; then the policy drives one, which is journaled. Beside a second
mock arm, `inril record` waits for a person's consent and `inril teleop` for a key. CPU time is
read from /proc. Several versions of the package run at the same time, so that whatever else the
machine does affects all of them. Each process's start is its CPU time until its modules are
imported, from several trials in turns.

    benchmarks/idle_benchmark.py --out idle
    git worktree add ../before v1.0 && benchmarks/idle_benchmark.py --compare ../before
"""

from collections.abc import Sequence
from contextlib import ExitStack
import json
import os
from pathlib import Path
import platform
import resource
from statistics import median
import subprocess
import sys
import tempfile
import time
from typing import Annotated

from idle_processes import PersonsGraph, RobotGraph, write_model
import typer

ROOT = Path(__file__).resolve().parents[1]
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
    """Measure the graph at rest and in an episode, and the start of each process."""
    versions = {_version(tree): tree.resolve() for tree in (*(compare or ()), ROOT)}
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix='idle_') as temporary:
        folder = Path(temporary)
        write_model(folder / 'model')
        graphs = {}
        for number, (name, tree) in enumerate(versions.items()):
            robot, person = (stack.enter_context(kind(tree, folder / f'{kind.__name__}{number}',
                                                      folder / 'model', rate))
                             for kind in (RobotGraph, PersonsGraph))
            graphs[name] = robot, person
        for each in graphs.values():
            for graph in each:
                graph.wait_ready()
        time.sleep(settle)
        idle = _cost(graphs, seconds, rate)
        for robot, person in graphs.values():
            person.close()
            robot.begin_episode()
        time.sleep(settle)
        busy = _cost({name: each[:1] for name, each in graphs.items()}, seconds, rate)
    starts = {name: {} for name in versions}
    for process, arguments in STARTS.items() if trials else ():
        found = {name: [] for name in versions}
        for _ in range(trials):
            for name, tree in versions.items():
                found[name].append(_start(tree, arguments))
        for name, values in found.items():
            starts[name][process] = round(median(values), 2)
    result = {'rate': rate, 'seconds': seconds, 'cores': os.cpu_count(),
              'machine': platform.machine(), 'python': platform.python_version(),
              'load': round(os.getloadavg()[0], 1), 'idle': idle, 'episode': busy,
              'start': starts}
    out.mkdir(parents=True, exist_ok=True)
    (out / 'idle.json').write_text(json.dumps(result, indent=1) + '\n', encoding='utf-8')
    (out / 'idle.md').write_text(_page(result), encoding='utf-8')
    typer.echo(_page(result))


def _cost(graphs: dict[str, Sequence[RobotGraph | PersonsGraph]], seconds: float, rate: float,
          ) -> dict[str, dict[str, float]]:
    """Return the CPU time of each process per tick [ms], by version, from a time [s] at a rate."""
    def now() -> dict[str, dict[str, float]]:
        return {name: {process: cpu for graph in each for process, cpu in graph.cpu().items()}
                for name, each in graphs.items()}

    before, began = now(), time.monotonic()
    time.sleep(seconds)
    after, ticks = now(), (time.monotonic() - began) * rate
    return {name: {process: round(1e3 * (cpu - before[name][process]) / ticks, 3)
                   for process, cpu in found.items()} for name, found in after.items()}


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
        '# The cost of a robot at rest and in an episode, and of its start', '',
        f'The mock arm at {result["rate"]:g} Hz, {result["seconds"]:g} s each; all versions '
        f'at once on {result["cores"]} cores ({result["machine"]}, Python {result["python"]}), '
        f'load average {result["load"]}.', '',
        '## At rest: milliseconds of CPU time per tick', '', *_table(result['idle'], 2), '',
        '## While the policy drives: milliseconds of CPU time per tick', '',
        *_table(result['episode'], 2)]
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
