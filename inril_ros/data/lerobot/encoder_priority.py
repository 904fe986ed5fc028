# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Undoes what an encoder does to the scheduling of its process.

SVT-AV1 makes the thread that opens it, and its own threads, real-time (SCHED_FIFO, 99) where it
may, as for root in a container. All threads that are made later inherit that, and together they
leave other processes of the machine no time: a robot's control thread among them.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
import os


@contextmanager
def unchanged_priority() -> Iterator[None]:
    """Give all threads of this process the scheduling that this one has before."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        for task in map(int, os.listdir('/proc/self/task')):
            with suppress(ProcessLookupError):  # it has ended
                if os.sched_getscheduler(task) != policy:
                    os.sched_setscheduler(task, policy, parameters)
