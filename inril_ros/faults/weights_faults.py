# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Weights that are damaged, forged or withheld on their way from the learner to the policy."""

from functools import partial

from inril_ros.faults.fault import Fault
from inril_ros.faults.forged_weights import TAMPERS
from inril_ros.faults.graphs import STALE_HOLD
from inril_ros.faults.process_faults import new_version
from inril_ros.faults.running_graph import NotRecovered, RunningGraph
from inril_ros.msg import PolicyStatus
from inril_ros.nodes.clients.weights_relay import Tamper

_PATIENCE = 120.0  # [s] for the next version to come
_ATTEMPTS = 3  # an earlier fault may make a version be refused for another reason


def tampered(name: str, graph: RunningGraph) -> str:
    """Tamper with the next version, and check that it is refused if it must be.

    Raises:
        NotRecovered: It was not refused, or no version came.
    """
    tamper, reason, _ = TAMPERS[name]
    for attempt in range(_ATTEMPTS):
        before = _tamper(tamper, graph)
        if not reason:
            return 'nothing to refuse'
        try:
            return f'refused: {_refusal(reason, before, graph)}'
        except NotRecovered:
            if attempt == _ATTEMPTS - 1:
                raise


def _tamper(tamper: Tamper, graph: RunningGraph) -> int:
    """Tamper with the next version; return how many had been refused before."""
    relay = graph.witness.relay
    done, refused = relay.done, graph.witness.status('policy_node').refused
    relay.arm(tamper)
    graph.next_version(lambda: relay.done > done, _PATIENCE)
    return refused


def _refusal(reason: str, before: int, graph: RunningGraph) -> str:
    """Wait for a refusal because of ``reason`` after the first ``before``; return its text."""
    reasons: list[str] = []

    def was_refused() -> bool:
        status = graph.witness.status('policy_node')
        if status.refused > before and reason in status.refusal:
            reasons.append(status.refusal)
        return bool(reasons)
    graph.until(was_refused, f'a refusal because of {reason!r}', _PATIENCE / _ATTEMPTS)
    return reasons[0]


def withheld(graph: RunningGraph) -> str:
    """Withhold weights until the acting ones are too old, and check that the arm holds."""
    relay, witness = graph.witness.relay, graph.witness
    relay.withheld = True
    try:
        graph.until(lambda: witness.status('policy_node').freshness == PolicyStatus.TOO_OLD,
                    'weights that are too old', 3 * _PATIENCE)
        graph.wait(2.0)
        if graph.driven_lately():
            raise NotRecovered('the policy went on driving with weights that are too old')
    finally:
        relay.release()
    return (f'the age at which weights no longer act is {STALE_HOLD:.0f} s here instead of ten '
            'minutes; the arm was held')


def weights_faults() -> tuple[Fault, ...]:
    """Return the faults of the weights."""
    return (
        *(Fault(name, 'learner_node', partial(tampered, name), about, recovered=new_version,
                short=name in ('weights_flipped_byte', 'weights_nan'))
          for name, (_, _, about) in TAMPERS.items()),
        Fault('learner_far_behind', 'learner_node', withheld,
              'the weights are much older than the learner', recovered=new_version),
    )
