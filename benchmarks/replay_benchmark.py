#!/usr/bin/env python3
# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Measures batches with images per second of the replay buffers, and memory per transition.

    benchmarks/replay_benchmark.py --out docs/studies/replay

Two cameras of 128x128 pixels, batches of 256 rows with the images of both observations: 50 MB.
For comparison: a plain copy of the same bytes, an upper bound on any machine, and `numpy.stack`,
the usual way. Repetitions are interleaved; rates are per second of CPU time, one thread.
"""

import argparse
from collections.abc import Callable
import json
import os
from pathlib import Path
from statistics import median
import sys
import time

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from inril_ros.learning.experience import Episode  # noqa: E402
from inril_ros.learning.replay import Origin  # noqa: E402
from inril_ros.learning.replays.step_replay import StepReplay  # noqa: E402
from inril_ros.learning.replays.window_replay import WindowReplay  # noqa: E402

_SHAPE = (2, 128, 128, 3)
_STEPS, _OBSERVATION, _ACTION, _CHUNK, _BATCH = 200, 20, 7, 4, 256


def an_episode(random: np.random.Generator) -> Episode:
    """Return an episode of random content."""
    return Episode(random.normal(size=(_STEPS + 1, _OBSERVATION)).astype(np.float32),
                   random.uniform(-1, 1, (_STEPS, _ACTION)).astype(np.float32),
                   np.zeros(_STEPS, np.float32), True, True,
                   images=random.integers(0, 256, (_STEPS + 1, *_SHAPE), np.uint8))


def memory() -> int:
    """Return the memory of this process [byte]."""
    pages = int(Path('/proc/self/statm').read_text(encoding='utf-8').split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE')


def measure(ways: dict[str, Callable[[], None]], repetitions: int) -> dict[str, float]:
    """Return the batches per second of CPU time of each way, medians."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for repetition in range(repetitions + 1):
        for name, way in ways.items():
            began = time.process_time()
            for _ in range(5):
                way()
            if repetition:  # the first one warms up
                times[name].append((time.process_time() - began) / 5)
    return {name: 1.0 / median(found) for name, found in times.items()}


def main() -> None:
    """Fill the replays, measure, print and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--episodes', type=int, default=20, help='of 200 steps, 20 MB each')
    parser.add_argument('--repetitions', type=int, default=15)
    parser.add_argument('--out', type=Path, help='folder for replay.json and replay.md')
    options = parser.parse_args()
    random = np.random.default_rng(0)
    window = WindowReplay(_OBSERVATION, _ACTION, _CHUNK, 1, 0.99, _SHAPE)
    step = StepReplay(_OBSERVATION, _ACTION, (_ACTION,), _CHUNK, _CHUNK, 0.99,
                      options.episodes * (_STEPS + 1))
    made, sizes = [], []
    for _ in range(options.episodes):
        episode = an_episode(random)
        window.add(episode, np.zeros((_STEPS + 1, 1, _CHUNK, _ACTION), np.float32), Origin.ONLINE)
        step.add(episode, np.zeros((_STEPS + 1, _ACTION), np.float32))
        made.append(episode)
        sizes.append(memory())
    half = options.episodes // 2  # then all constant memory is allocated
    size = (sizes[-1] - sizes[half]) / ((options.episodes - 1 - half) * _STEPS)
    images = [image for episode in made for image in episode.images]
    source = np.full((2 * _BATCH, *_SHAPE), 7, np.uint8)
    target = source.copy()

    def stack() -> None:
        for _ in range(2):
            np.stack([images[row] for row in random.integers(0, len(images), _BATCH)])

    rates = measure({
        'WindowReplay': lambda: window.batch(random.choice(window.online_rows, _BATCH)),
        'StepReplay': lambda: step.batch(random.choice(step.rows, _BATCH)),
        'images by numpy.stack': stack,
        'a copy of as many bytes': lambda: np.copyto(target, source),
    }, options.repetitions)
    result = {'transitions': options.episodes * _STEPS, 'batch': _BATCH, 'images': _SHAPE,
              'bytes_per_transition_in_both': size, 'batches_per_cpu_second': rates}
    print(table(result))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / 'replay.json').write_text(json.dumps(result, indent=2) + '\n',
                                                 encoding='utf-8')
        (options.out / 'replay.md').write_text(table(result), encoding='utf-8')


def table(result: dict) -> str:
    """Return the results as Markdown."""
    rates = result['batches_per_cpu_second']
    fastest = rates['a copy of as many bytes']
    rows = ''.join(f'| {name} | {rate:.0f} | {rate / fastest:.2f} |\n'
                   for name, rate in rates.items())
    return (f'# Batches with images\n\nMade by `benchmarks/replay_benchmark.py`: batches of '
            f'{result["batch"]} rows with the images of two 128x128 cameras at both observations, '
            f'{result["transitions"]} transitions.\n\n'
            f'| | batches per second of CPU time | of a plain copy |\n|---|---|---|\n{rows}\n'
            f'A transition costs {result["bytes_per_transition_in_both"] / 1000:.1f} kB, held by '
            'both replays at once: they refer to the same images.\n')


if __name__ == '__main__':
    main()
