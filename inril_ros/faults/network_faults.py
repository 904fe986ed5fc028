# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The network between robot and learner is cut, lossy or slow."""

from functools import partial

from inril_ros.faults.fault import Fault
from inril_ros.faults.process_faults import new_version
from inril_ros.faults.running_graph import NotRecovered, RunningGraph

_SHORT, _LONG = 5.0, 30.0  # [s]; DDS forgets a participant after 20
_BAD = 10.0  # [s]
_PATIENCE = 90.0  # [s]
LOSSES = (1, 5, 20)  # percent


def cut(seconds: float, graph: RunningGraph) -> str:
    """Cut the link for a while."""
    graph.link.cut = True
    try:
        graph.wait(seconds)
    finally:
        graph.link.cut = False
    return f'nothing passed for {seconds:.0f} s'


def degraded(loss: float, delay: float, graph: RunningGraph) -> str:
    """Lose or delay frames for a while, and until a new version has come through."""
    link, before = graph.link, graph.witness.status('policy_node')
    link.loss, link.delay = loss, delay
    try:
        graph.wait(_BAD)
        try:
            graph.until(lambda: new_version(graph, before), 'a version', _PATIENCE)
        except NotRecovered:
            return f'no version of the weights came through in {_BAD + _PATIENCE:.0f} s'
    finally:
        link.loss = link.delay = 0.0
    versions = graph.witness.status('policy_node').weights_version - before.weights_version
    return f'weights still came through: {versions} versions until it ended'


def network_faults() -> tuple[Fault, ...]:
    """Return the faults of the network."""
    def fault(name: str, do: object, about: str) -> Fault:
        return Fault(name, 'network', do, about, graph='network', recovered=new_version)
    return (
        fault('network_cut', partial(cut, _SHORT), f'cut for {_SHORT:.0f} s'),
        fault('network_cut_long', partial(cut, _LONG),
           f'cut for {_LONG:.0f} s: each side takes the other for gone'),
        *(fault(f'network_loss_{percent}', partial(degraded, percent / 100, 0.0),
             f'{percent} % of the packets are lost') for percent in LOSSES),
        fault('network_delay_200ms', partial(degraded, 0.0, 0.2), 'each packet is 200 ms late'),
    )
