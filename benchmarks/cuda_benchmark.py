#!/usr/bin/env python3
# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Compares the learner on a GPU with one processor: time of an update of each host.

    benchmarks/cuda_benchmark.py --out docs/studies/cuda

It measures whole updates of the learner's session, including drawing batches and copying them to
the device, on made-up experience: with the default networks and with those of two 84x84 cameras.
Times are medians of wall time, because work on a GPU is no CPU time; the benchmark waits for the
device around each update, and both devices take turns. It also measures the export of the weights.
"""

from collections.abc import Callable
import json
import os
from pathlib import Path
import platform
from statistics import median
import time
from typing import Annotated, Any

import torch
import typer

from inril_ros.bench.cost.host_speed import made_up_session, MadeUpWorld, ON_POLICY
from inril_ros.data.record_files import write_whole
from inril_ros.learning.hosts.catalogue import HOSTS
from inril_ros.learning.session import FineTuningSession

CAMERAS = {'cameras': 2, 'image_height': 84, 'image_width': 84}


def main(
    out: Annotated[Path, typer.Option(help='Folder for cuda.json and cuda.md.')] = Path('.'),
    updates: Annotated[int, typer.Option(min=1, help='Of each host on each, by states.')] = 60,
    seeing: Annotated[int, typer.Option(
        min=1, help='The same with cameras; one takes a processor seconds.')] = 3,
    device: Annotated[str, typer.Option(help='What is compared with the processor.')] = 'cuda',
    host: Annotated[list[str] | None, typer.Option(help='Only these hosts.')] = None,
) -> None:
    """Measure each host with and without cameras, and write the table."""
    torch.set_num_threads(1)
    name = torch.cuda.get_device_name(0) if device == 'cuda' else device
    rows: list[dict[str, Any]] = []
    for sees, model, number in (
            ('state', {}, updates), ('state and two cameras', CAMERAS, seeing)):
        for each in host or HOSTS:
            rows.append({'host': each, 'sees': sees,
                         **_compare(each, model, ('cpu', device), number)})
            print(json.dumps(rows[-1]), flush=True)
    facts = {'device': name, 'processor': _processor(), 'cores': os.cpu_count(),
             'torch': torch.__version__, 'updates': updates, 'seeing': seeing, 'rows': rows}
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / 'cuda.json', json.dumps(facts, indent=1) + '\n')
    write_whole(out / 'cuda.md', _table(facts))


def _compare(
    host: str, model: dict[str, int], devices: tuple[str, str], updates: int,
) -> dict[str, float]:
    """Return the median time of an update on both devices [ms], and of an export [ms]."""
    warm = {'warmup_iterations': 0} if host in ON_POLICY else {
        'warmup_steps': 500, 'warmup_updates': 5}
    sessions = [made_up_session({'name': host, **warm}, model, each) for each in devices]
    worlds = [MadeUpWorld() for _ in sessions]
    took: list[list[float]] = [[] for _ in sessions]
    for update in range(updates + 2):  # the first two warm up
        for session, world, times in zip(sessions, worlds, took):
            world.feed(session)
            seconds = _timed(session, session.update)
            if update > 1:
                times.append(1e3 * seconds)
    exports = [median(_timed(session, session.export) for _ in range(5)) for session in sessions]
    cpu, other = map(median, took)
    return {'cpu_ms': cpu, 'device_ms': other, 'speedup': cpu / other,
            'cpu_export_ms': 1e3 * exports[0], 'device_export_ms': 1e3 * exports[1]}


def _timed(session: FineTuningSession, call: Callable[[], Any]) -> float:
    _wait(session)
    began = time.perf_counter()
    call()
    _wait(session)
    return time.perf_counter() - began


def _wait(session: FineTuningSession) -> None:
    if session.device.type == 'cuda':
        torch.cuda.synchronize(session.device)


def _processor() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
        return next(line.split(':')[1].strip() for line in lines if line.startswith('model name'))
    except (OSError, StopIteration):
        return platform.machine()


def _table(facts: dict[str, Any]) -> str:
    lines = [
        '# Learning on a GPU', '',
        f"Made by `benchmarks/cuda_benchmark.py` on one {facts['device']} beside one thread of "
        f"{facts['processor']}, torch {facts['torch']}. Wall time of whole updates as the learner "
        f"does them, medians of {facts['updates']} by states and of {facts['seeing']} with two "
        '84x84 cameras; export: the weights copied for sending.', '',
        '| host | sees | processor | GPU | ratio | export, processor | export, GPU |',
        '|---|---|---|---|---|---|---|']
    for row in facts['rows']:
        lines.append(
            f"| {row['host']} | {row['sees']} | {row['cpu_ms']:.1f} ms | "
            f"{row['device_ms']:.1f} ms | {row['speedup']:.1f} | {row['cpu_export_ms']:.1f} ms | "
            f"{row['device_export_ms']:.1f} ms |")
    return '\n'.join([*lines, ''])


if __name__ == '__main__':
    typer.run(main)
