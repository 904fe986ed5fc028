# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What happens to the arm itself: its motors."""

from inril_ros.faults.fault import Fault
from inril_ros.faults.running_graph import NotRecovered, RunningGraph

_SET = 20.0  # [s]
_SOON = 20.0  # [s] the policy has pressed by then


def stall(graph: RunningGraph) -> str:
    """Block a joint until the load limit of the contract holds the arm.

    Raises:
        NotRecovered: It doesn't, or not with the limit's name.
    """
    def set_to(fault: str) -> None:
        graph.until(graph.witness.set_arm_fault(fault), f'the arm with fault {fault!r}', _SET)

    def latched() -> str:
        return graph.witness.status('actuation_node').latched
    set_to('stall')
    try:
        held = graph.until(latched, 'a hold for a stalled servo', _SOON)
    finally:
        set_to('')
    if not held.startswith('stall: '):
        raise NotRecovered(f'held for another reason: {held}')
    return f'held: {held}'


def arm_faults() -> tuple[Fault, ...]:
    """Return the faults of the arm."""
    return (Fault('arm_stalls', 'mock_arm_node', stall, 'a joint is blocked and its servo presses',
                  person_expected=True, short=True),)
