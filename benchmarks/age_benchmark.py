#!/usr/bin/env python3
# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Measures what a learner costs against its age: time, memory and disk.

    benchmarks/age_benchmark.py --steps 1000000 --out docs/studies/age
    benchmarks/age_benchmark.py --steps 100000 --cameras 2 --out docs/studies/age_images

A session of the default host experiences made-up episodes of 100 steps, and a checkpoint is
written at each age that is measured, and between them as often as a learner would. The time of
the updates is of a few; no updates are taken between the ages. A second process continues from
the last checkpoint of each age. Times are CPU times of one thread; that of continuing includes
the new session.
"""

import argparse
from dataclasses import asdict, dataclass
import json
import os
from pathlib import Path
from statistics import median
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from inril_ros.bench.plot_style import new_figure, plain, svg_text  # noqa: E402
from inril_ros.learning.experience import Episode, Transition  # noqa: E402
from inril_ros.learning.policies.best_of_n import BestOfN  # noqa: E402
from inril_ros.learning.policies.model_config import ModelConfig  # noqa: E402
from inril_ros.learning.session import FineTuningSession  # noqa: E402
from inril_ros.learning.session_config import SessionConfig  # noqa: E402
from inril_ros.nodes.learner.run_checkpoints import RunCheckpoints  # noqa: E402

_OBSERVATION, _ACTION, _STEPS, _DECISION = 20, 4, 100, 4
_UPDATES, _STEPS_PER_CHECKPOINT = 20, 3000
_QUANTITIES = {
    'update_ms': 'one update [CPU ms]',
    'transitions_per_cpu_second': 'transitions ingested per CPU s',
    'snapshot_ms': 'snapshot, in learning [CPU ms]',
    'checkpoint_mb': 'written by a checkpoint [MB]', 'memory_mb': 'memory of the process [MB]',
    'disk_mb': 'on the disk [MB]', 'resume_s': 'until it continues [CPU s]'}


@dataclass
class Age:
    """Measurements at one age."""

    steps: int
    update_ms: float
    transitions_per_cpu_second: float
    snapshot_ms: float
    checkpoint_mb: float
    memory_mb: float
    disk_mb: float
    resume_s: float


def images(random: np.random.Generator, steps: int, shape: tuple | None) -> np.ndarray | None:
    """Return images of one camera picture, shifted; made quickly."""
    if shape is None:
        return None
    picture = random.integers(0, 256, shape, np.uint8)
    return np.stack([np.roll(picture, step, axis=2) for step in range(steps)])


def begun(options: argparse.Namespace, checkpoints: RunCheckpoints) -> FineTuningSession:
    """Return a new session with demonstrations."""
    torch.manual_seed(0)
    sizes = ({} if not options.cameras else
             {'cameras': options.cameras, 'image_height': options.pixels,
              'image_width': options.pixels, 'image_channels': 8, 'image_stages': 1,
              'image_blocks': 1, 'image_features': 16})
    policy, random = BestOfN(ModelConfig(_OBSERVATION, _ACTION, **sizes)), np.random.default_rng(1)
    shape = policy.config.image_shape
    shown = [Episode(random.normal(size=(_STEPS + 1, _OBSERVATION)),
                     random.uniform(-1, 1, (_STEPS, _ACTION)), np.eye(_STEPS)[-1], True, True,
                     images=images(random, _STEPS + 1, shape)) for _ in range(10)]
    return FineTuningSession(SessionConfig(), policy, shown, 0, 'cpu',
                             store=checkpoints.experience)


def live(session: FineTuningSession, number: int) -> tuple[int, float]:
    """Ingest an episode, every second of which succeeds; return transitions and CPU time [s]."""
    random = np.random.default_rng(1000 + number)
    state = random.normal(size=(_STEPS + 1, _OBSERVATION)).astype(np.float32)
    pictures = images(random, _STEPS + 1, session.policy.config.image_shape)
    pieces = []
    for first in range(0, _STEPS, _DECISION):
        after = first + _DECISION
        last, success = after == _STEPS, after == _STEPS and number % 2 == 0
        pieces.append(Transition(
            str(number), first, state[first:after + 1],
            random.uniform(-1, 1, (_DECISION, _ACTION)), np.eye(_DECISION)[-1] * success,
            np.ones(_DECISION), success, last and not success, success,
            images=None if pictures is None else pictures[first:after + 1]))
    began = time.process_time()
    for piece in pieces:
        session.ingest(piece)
    return len(pieces), time.process_time() - began


def size(folder: Path) -> float:
    """Return the bytes of all files in a folder [MB]."""
    return sum(path.stat().st_size for path in folder.rglob('*') if path.is_file()) / 1e6


def memory() -> float:
    """Return the memory of this process that the system can't take back [MB]."""
    text = Path('/proc/self/status').read_text(encoding='utf-8')
    return float(text.split('RssAnon:')[1].split()[0]) / 1e3


def opened(folder: Path) -> RunCheckpoints:
    """Return the checkpoints in a folder."""
    return RunCheckpoints(folder, 3, {'run_id': 'age', 'contract_hash': 'age'})


def write(checkpoints: RunCheckpoints, session: FineTuningSession) -> float:
    """Write a checkpoint; return the CPU time of the calling thread [ms]."""
    began = time.thread_time()
    checkpoints.begin(session, {'robot': session.intake.transitions}, 1)
    spent = time.thread_time() - began
    checkpoints.finished(wait=True)
    return 1e3 * spent


def resume(options: argparse.Namespace) -> None:
    """Continue from the newest checkpoint, and print the CPU time that it took [s]."""
    checkpoints = opened(options.folder)
    began = time.process_time()
    checkpoints.restore(checkpoints.newest(), begun(options, checkpoints), lambda done, of: None)
    print(time.process_time() - began)
    os._exit(0)


def measure(options: argparse.Namespace, folder: Path) -> list[Age]:
    """Return the measurements at each age."""
    checkpoints = opened(folder)
    session = begun(options, checkpoints)
    ages, number, episodes = [], 0, options.steps // _STEPS
    points = sorted({max(1, round(episodes ** (share / options.points)))
                     for share in range(1, options.points + 1)} | {min(15, episodes)})
    for point in [each for each in points if each >= min(15, episodes)]:
        transitions, seconds = 0, 0.0
        while number < point:
            count, spent = live(session, number)
            transitions, seconds, number = transitions + count, seconds + spent, number + 1
            if number % (_STEPS_PER_CHECKPOINT // _STEPS) == 0:
                write(checkpoints, session)
        updates = []
        for _ in range(_UPDATES if session.updates_due else 0):
            began = time.thread_time()
            session.update()
            updates.append(1e3 * (time.thread_time() - began))
        write(checkpoints, session)
        live(session, number)
        number += 1
        before = size(folder)
        spent = write(checkpoints, session)
        newest = max((folder / 'checkpoints').glob('0*'))
        again = subprocess.run([sys.executable, __file__, *sys.argv[1:], '--folder', str(folder),
                                '--resume'], capture_output=True, text=True, check=True)
        ages.append(Age(
            number * _STEPS, median(updates) if updates else float('nan'),
            transitions / seconds if seconds else float('nan'), spent,
            max(size(folder) - before, 0.0) + size(newest), memory(), size(folder),
            float(again.stdout)))
        print(json.dumps(asdict(ages[-1])), flush=True)
    checkpoints.close()
    return ages


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--steps', type=int, default=1_000_000, help='age at the end')
    parser.add_argument('--points', type=int, default=8, help='ages that are measured')
    parser.add_argument('--cameras', type=int, default=0)
    parser.add_argument('--pixels', type=int, default=64)
    parser.add_argument('--folder', type=Path, help='for the files; default: a temporary one')
    parser.add_argument('--out', type=Path, help='folder for age.json and age.svg')
    parser.add_argument('--resume', action='store_true', help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.resume:
        resume(options)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        ages = measure(options, Path(folder))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        document = {'cameras': options.cameras, 'pixels': options.pixels,
                    'ages': [asdict(age) for age in ages]}
        (options.out / 'age.json').write_text(json.dumps(document, indent=1) + '\n',
                                              encoding='utf-8')
        (options.out / 'age.svg').write_text(drawn(ages), encoding='utf-8')
        (options.out / 'age.md').write_text(written(ages, options), encoding='utf-8')


def written(ages: list[Age], options: argparse.Namespace) -> str:
    """Return a page with a table of all quantities, in Markdown."""
    seen = (f'{options.cameras} cameras of {options.pixels}x{options.pixels} pixels'
            if options.cameras else 'states only')
    rows = [f'| {age.steps:,} | ' + ' | '.join(
        f'{getattr(age, name):,.4g}' for name in _QUANTITIES) + ' |' for age in ages]
    return '\n'.join([
        f'# What age costs: {seen}', '',
        f'`benchmarks/age_benchmark.py`, the default host, which remembers up to '
        f'{SessionConfig().host.remembered_steps:,} steps. {_UPDATES} updates and one checkpoint '
        'at each age; the first checkpoint has all weights of the beginning.', '',
        f'| steps | {" | ".join(_QUANTITIES.values())} |', '|---' * (len(_QUANTITIES) + 1) + '|',
        *rows, '', '![the same against age](age.svg)', ''])


def drawn(ages: list[Age]) -> str:
    """Return a plot of all quantities against age, as SVG."""
    figure = new_figure(9.0, 6.0)
    for place, (name, label) in enumerate(_QUANTITIES.items(), start=1):
        axes = figure.add_subplot(2, 4, place)
        values = [getattr(age, name) for age in ages]
        axes.plot([age.steps for age in ages], values, 'o-')
        axes.set(xscale='log', ylim=(0, 1.1 * max(values)))
        axes.set_title(label, fontsize=8)
        axes.set_xlabel('steps', fontsize=7)
        plain(axes, labelsize=7)
    return svg_text(figure, 'age')


if __name__ == '__main__':
    main()
