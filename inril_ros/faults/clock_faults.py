# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The clock that the nodes follow (``/clock``, never the machine's) stands still, or is set."""

from functools import partial

from inril_ros.faults.fault import Fault
from inril_ros.faults.running_graph import RunningGraph

_STOPPED = 3.0  # [s]


def stopped(graph: RunningGraph) -> str:
    """Stop the clock for a while; it continues with the time that has passed."""
    graph.witness.clock_stopped = True
    try:
        graph.wait(_STOPPED)
    finally:
        graph.witness.clock_stopped = False
    return f'stood for {_STOPPED:.0f} s, then continued with the time that had passed'


def stepped(seconds: float, graph: RunningGraph) -> str:
    """Set the clock forward or back for good."""
    graph.witness.clock_offset += seconds
    graph.wait(1.0)
    return f'set by {seconds:+g} s'


def clock_faults() -> tuple[Fault, ...]:
    """Return the faults of the clock."""
    faults = (
        ('clock_stopped', stopped, f'/clock stands still for {_STOPPED:.0f} s'),
        ('clock_set_forward', partial(stepped, 2.0), '/clock is set forward by 2 s'),
        ('clock_set_far_forward', partial(stepped, 60.0), '/clock is set forward by a minute'),
        ('clock_set_back', partial(stepped, -2.0), '/clock is set back by 2 s'))
    return tuple(Fault(name, 'all', do, about, graph='clocked', gap_promised=False)
                 for name, do, about in faults)
