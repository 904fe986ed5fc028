#!/usr/bin/env python3
# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Measures how regularly commands reach the arm while a learner saturates the machine.

Real processes: the mock arm, the policy and the actuation node, or one of the two common ways to
pace a policy (timing_baselines.py), beside as many fine-tuning sessions as there are cores. The
ways take turns in short blocks, so that other load on the machine affects all of them.
"""

from contextlib import ExitStack
import os
from pathlib import Path
import platform
import shutil
import tempfile
from typing import Annotated

from rich.console import Console
from timing_blocks import Blocks, may_use_fifo
from timing_report import Block, Findings
import typer

from inril_ros.graph.domain import reserve_domain
from inril_ros.graph.supervisor import NodeDied
from inril_ros.nodes.clients.conductor import GraphStalled

TITLES = {
    'actuation': 'policy_node and actuation_node: absolute deadlines, inference elsewhere',
    'actuation_fifo': 'the same, the control thread under SCHED_FIFO (realtime_priority)',
    'timer': 'one node, the inference in the callback of an rclpy timer',
    'sleep': 'one node, delay pacing: work, then sleep for a period',
}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    out: Annotated[Path, typer.Option(
        help='Folder for timing.json, timing.md and timing.png.')] = Path('timing'),
    minutes: Annotated[float, typer.Option(
        min=0.01, help='Measured time of each way at each rate.')] = 10.0,
    seconds: Annotated[float, typer.Option(
        min=1.0, help='Length of a block. Shorter blocks share the machine more evenly; each '
                      'costs ten seconds more to start its processes.')] = 60.0,
    rates: Annotated[str, typer.Option(help='Control rates in Hz, with commas.')] = '50,100',
    ways: Annotated[str, typer.Option(
        help=f'What is compared: {", ".join(TITLES)}.')] = ','.join(TITLES),
    load: Annotated[int, typer.Option(
        min=-1, help='Fine-tuning sessions that run meanwhile, one thread each; -1: one per '
                     'core.')] = -1,
    niceness: Annotated[int, typer.Option(
        min=0, max=19, help='Of those; 5 is what `inril` gives the learner.')] = 5,
    push_every: Annotated[float, typer.Option(
        min=0.0, help='Seconds between two versions of the weights; 0: none.')] = 5,
    log_lines: Annotated[float, typer.Option(
        min=0.0, help='Lines per second that the sending process logs meanwhile.')] = 10.0,
) -> None:
    """Compare ways of pacing commands while learners use every core.

    For example, in a quarter of an hour: timing_benchmark.py --minutes 1 --seconds 15

    Ctrl-C writes the measurements so far. The way actuation_fifo needs the right to use SCHED_FIFO
    and is left out without it. A result holds for this machine and this load only: run it on the
    computer that will drive the arm.
    """
    chosen = [name for name in ways.split(',') if name]
    unknown = sorted(set(chosen) - set(TITLES))
    if unknown or not chosen:
        raise typer.BadParameter(f'--ways {ways}: {unknown} is none of {list(TITLES)}')
    if 'actuation_fifo' in chosen and not may_use_fifo():
        chosen.remove('actuation_fifo')
    number = len(os.sched_getaffinity(0)) if load < 0 else load
    frequencies = [float(rate) for rate in rates.split(',')]
    console = Console(highlight=False)
    findings = Findings(
        {'cores': len(os.sched_getaffinity(0)), 'machine': platform.machine(),
         'kernel': platform.release(), 'Python': platform.python_version(),
         'fine-tuning sessions meanwhile': number, 'their niceness': niceness,
         'seconds between weights': push_every, 'log lines per second': log_lines,
         'minutes per way and rate': minutes, 'seconds per block': seconds,
         'highest load average': 0.0, 'blocks that failed': 0},
        {name: TITLES[name] for name in TITLES if name in chosen})
    rounds = max(1, round(60.0 * minutes / seconds))
    scratch = Path(tempfile.mkdtemp(prefix='timing_benchmark_'))
    with reserve_domain() as domain:
        blocks = Blocks(scratch, domain, log_lines)
        try:
            for turn in range(rounds):
                shift = turn % len(chosen)  # so that none is always first
                for rate in frequencies:
                    with ExitStack() as learners:  # their weights are for one contract and rate
                        blocks.start_load(learners, number, push_every, niceness, rate, seconds)
                        for way in chosen[shift:] + chosen[:shift]:
                            _measure(blocks, findings, way, rate, seconds, console)
                findings.conditions['minutes measured'] = round((turn + 1) * seconds / 60.0, 2)
                if findings.blocks:
                    findings.write(out)
        except KeyboardInterrupt:
            console.print('interrupted')
            if findings.blocks:
                findings.write(out)
    shutil.rmtree(scratch, ignore_errors=True)
    if not findings.blocks:
        raise typer.Exit(1)
    typer.echo((out / 'timing.md').read_text(encoding='utf-8'))


def _measure(blocks: Blocks, findings: Findings, way: str, rate: float, seconds: float,
             console: Console) -> None:
    """Run one block; if it fails, report it and continue."""
    try:
        block = blocks.block(way, rate, seconds)
    except (GraphStalled, NodeDied, TimeoutError) as error:
        console.print(f'{way} at {rate:g} Hz failed: {error}', soft_wrap=True)
        findings.conditions['blocks that failed'] += 1
        return
    findings.blocks.append(block)
    findings.conditions['highest load average'] = max(
        findings.conditions['highest load average'], round(os.getloadavg()[0], 1))
    console.print(_line(block), soft_wrap=True)


def _line(block: Block) -> str:
    one = Findings({}, {block.way: ''}, [block]).rows()
    if not one:
        return f'{block.way} at {block.rate:g} Hz: nothing was heard'
    return (f'{block.rate:g} Hz {block.way:<15} p99 error '
            f'{1e3 * one[0]["error_p99"]:6.2f} ms, worst {1e3 * one[0]["worst"]:6.1f} ms, '
            f'misses {one[0]["misses"]} of {one[0]["gaps"]} {one[0]["causes"] or ""}')


if __name__ == '__main__':
    app()
