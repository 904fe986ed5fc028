#!/usr/bin/env python3
# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Measures what frozen image networks save: CPU time of an update, and memory of a frame.

    benchmarks/remembered_images.py --out docs/studies/features

It compares updates of the default host from states, from what frozen networks made of two cameras'
frames, and from pixels with networks that learn. One thread; the three take turns, so that other
load on the machine affects all, and a ratio is the median of those of the turns.
"""

import json
import math
from pathlib import Path
from statistics import median
import time
from typing import Annotated, Any

import torch
import typer

from inril_ros.bench.cost.host_speed import EPISODE, LANES, made_up_session, MadeUpWorld
from inril_ros.data.record_files import write_whole
from inril_ros.learning.session import FineTuningSession

_UPDATES = {'state': 20, 'frozen': 20, 'learning': 1}
"""Of a turn."""
_FRAMES = 10_000


def main(
    out: Annotated[Path, typer.Option(help='Folder for features.json.')] = Path('.'),
    pixels: Annotated[int, typer.Option(min=8, help='Height and width of an image.')] = 64,
    cameras: Annotated[int, typer.Option(min=1, help='Number of cameras.')] = 2,
    turns: Annotated[int, typer.Option(min=1, help='Number of turns.')] = 9,
) -> None:
    """Measure, and write features.json."""
    torch.set_num_threads(1)
    seen = {'cameras': cameras, 'image_height': pixels, 'image_width': pixels}
    models: dict[str, dict[str, Any]] = {
        'state': {}, 'frozen': {**seen, 'image_frozen': True}, 'learning': seen}
    world, sessions, rows = MadeUpWorld(), {}, []
    for name, model in models.items():
        session = made_up_session(
            {'name': 'idql', 'warmup_steps': 500, 'warmup_updates': 100_000}, model, m=1,
            alignment_every=0)
        ingest = world.feed(session)
        sessions[name] = session
        rows.append({'sees': name, 'ingest_ms_per_frame': 1e3 * ingest / (LANES * (EPISODE + 1)),
                     'megabytes_of_10000_frames': _FRAMES * _frame_bytes(session) / 1e6})
    took: dict[str, list[float]] = {name: [] for name in sessions}
    for turn in range(turns + 1):  # the first one warms up
        for name, session in sessions.items():
            milliseconds = 1e3 * _seconds(session, _UPDATES[name])
            if turn:
                took[name].append(milliseconds)
    for row in rows:
        times = took[row['sees']]
        row['update_ms'] = median(times)
        row['times_a_state_update'] = median(
            mine / state for mine, state in zip(times, took['state']))
        print(json.dumps(row), flush=True)
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / 'features.json', json.dumps({
        'pixels': pixels, 'cameras': cameras, 'turns': turns, 'torch': torch.__version__,
        'batch': sessions['state'].config.imitation_batch, 'rows': rows}, indent=1) + '\n')


def _seconds(session: FineTuningSession, updates: int) -> float:
    """Return the CPU time of one of so many updates."""
    began = time.process_time()
    for _ in range(updates):
        session.update()
    return (time.process_time() - began) / updates


def _frame_bytes(session: FineTuningSession) -> int:
    """Return the bytes that the images of one observation take in the memories."""
    shape = session.policy.cloned.encoder.remembered_shape
    if shape is None:
        return 0
    return math.prod(shape) * (1 if shape[-1] == 3 else 4)


if __name__ == '__main__':
    typer.run(main)
