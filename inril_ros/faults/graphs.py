# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The graphs that faults are done to, as context managers."""

from collections.abc import Iterator
from contextlib import contextmanager, ExitStack
import os
import threading
from unittest.mock import patch

from inril_ros.faults.network_link import inside, NetworkLink
from inril_ros.faults.running_graph import RunningGraph
from inril_ros.faults.workplace import Workplace
from inril_ros.graph.description import NodeDescription
from inril_ros.graph.domain import domain_environment, reserve_domain
from inril_ros.graph.supervisor import node_command, Supervisor
from inril_ros.nodes.clients.fault_witness import FaultWitness

_GRACE = 3.0  # [s]
_RESPAWNS = 10_000
#: [s] Ages of weights at which a warning is given, and the arm holds, instead of ten minutes.
STALE_WARNING, STALE_HOLD = 6.0, 12.0
#: One packet per datagram: one of 64 kB, the default, is lost with any of its 44 packets.
TRANSPORT = 'UDPv4?max_msg_size=1400B'


@contextmanager
def main_graph(workplace: Workplace) -> Iterator[RunningGraph]:
    """Yield the graph in real time, with a relay between learner and policy."""
    ages = {'stale_warning': STALE_WARNING, 'stale_hold': STALE_HOLD}
    with _running(workplace, 'main', policy_node=ages) as graph:
        yield graph


@contextmanager
def clocked_graph(workplace: Workplace) -> Iterator[RunningGraph]:
    """Yield the graph with the witness's ``/clock``."""
    with _running(workplace, 'clocked', clock=True) as graph:
        yield graph


@contextmanager
def parted_graph(workplace: Workplace) -> Iterator[RunningGraph]:
    """Yield the graph with the learner at the other end of a network link."""
    with NetworkLink() as link, inside(link.robot), \
            _running(
                workplace, 'network', link=link, learner_node={'publish_every': 20}) as graph:
        yield graph


@contextmanager
def _running(workplace: Workplace, name: str, clock: bool = False,
             link: NetworkLink | None = None, **parameters: dict[str, object],
             ) -> Iterator[RunningGraph]:
    def command(node: NodeDescription, log_level: str) -> list[str]:
        plain = node_command(node, log_level)
        if link is None or node.name != 'learner_node':
            return plain
        return ['nsenter', f'--net=/run/netns/{link.learner}', *plain]

    relayed = not clock and link is None
    with ExitStack() as stack:
        place = stack.enter_context(workplace.for_graph(name))
        domain = stack.enter_context(reserve_domain())
        variables = domain_environment(domain)
        if link is not None:  # two machines share no memory, and find each other in the network
            variables |= {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET',
                          'FASTDDS_BUILTIN_TRANSPORTS': TRANSPORT}
        stack.enter_context(patch.dict(os.environ, variables))  # this process needs them too
        supervisor = stack.enter_context(Supervisor(
            place.graph(relayed, clock, may_use_fifo(), **parameters),
            workplace.folder / 'logs' / name, domain_id=domain, quiet=True, grace=_GRACE,
            max_respawns=_RESPAWNS, gather=0.0, environment=variables, command=command))
        witness = stack.enter_context(FaultWitness(
            place.contract, place.run_id, domain, relayed=relayed, clock=clock,
            pieces=link is None))
        yield RunningGraph(place, supervisor, witness, link)


def may_use_fifo() -> bool:
    """Return whether SCHED_FIFO is allowed, by trying it in a thread of its own."""
    allowed: list[bool] = []

    def attempt() -> None:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        except OSError:
            return
        allowed.append(True)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    return bool(allowed)


GRAPHS = {'main': main_graph, 'clocked': clocked_graph, 'network': parted_graph}
