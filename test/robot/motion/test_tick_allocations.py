# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A tick allocates little and leaves no garbage, so that the collector need not run in it."""

import gc
import tracemalloc

from joint_arm import action, CONTRACT, PERIOD, Plant, URDF
import numpy as np

from inril_ros.robot.motion.command_path import CommandPath, TickInput

TICKS = 400
PEAK = 20_000  # bytes in use at once in a tick, mostly for the box around the links


def test_ticks_in_a_steady_state_use_constant_memory_of_some_kilobytes():
    path, plant = CommandPath(CONTRACT, URDF, enabled=True), Plant()
    path.begin(plant.observe())
    chunk = np.tile(action((0.4, 0.6)), (4, 1))
    seen = plant.observe()
    now = 0.0

    def tick():
        nonlocal now
        now += PERIOD
        arm = 0.5 + 0.3 * np.sin(now)
        chunk[:, 0] = arm
        path.accept_chunk(path.tick_number, chunk, 1)
        path.tick(TickInput(now, seen, person=None))

    for _ in range(50):  # buffers of the first ticks
        tick()
    peaks = np.zeros(TICKS)
    gc.collect()
    collections = sum(generation['collections'] for generation in gc.get_stats())
    tracemalloc.start()
    for _ in range(100):  # until all state kept between ticks is traced
        tick()
    before, _ = tracemalloc.get_traced_memory()
    for index in range(TICKS):
        tracemalloc.reset_peak()
        start, _ = tracemalloc.get_traced_memory()
        tick()
        peaks[index] = tracemalloc.get_traced_memory()[1] - start
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Less than a byte per tick: any growth is not due to the ticks.
    assert after - before < TICKS
    assert peaks.max() < PEAK, peaks.max()
    assert sum(generation['collections'] for generation in gc.get_stats()) == collections
