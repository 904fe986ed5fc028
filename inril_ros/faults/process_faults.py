# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Nodes that are killed, stopped and restarted, at any moment and at the worst one."""

from collections.abc import Callable
from functools import partial
import os
import signal
import subprocess
import time

from inril_ros.faults.fault import Fault
from inril_ros.faults.running_graph import NotRecovered, RunningGraph
from inril_ros.graph.description import NodeDescription
from inril_ros.graph.supervisor import node_command

_FROZEN = 3.0  # [s]
NODES = ('learner_node', 'recorder_node', 'policy_node', 'actuation_node', 'mock_arm_node')
# Faults of these nodes show in the commands.
_SEEN = ('actuation_node',)


def kill(node: str, graph: RunningGraph) -> str:
    """End a node by SIGKILL."""
    graph.kill(node)
    return ''


def freeze(node: str, graph: RunningGraph) -> str:
    """Stop a node for a while."""
    os.kill(graph.process(node), signal.SIGSTOP)
    try:
        graph.wait(_FROZEN)
    finally:
        os.kill(graph.process(node), signal.SIGCONT)
    return f'stopped for {_FROZEN:.0f} s'


def restart(node: str, graph: RunningGraph) -> str:
    """End a node in an orderly way, and start it again."""
    graph.supervisor.restart(node)
    return ''


def new_version(graph: RunningGraph, before: object) -> bool:
    """Return whether newer weights act than before."""
    policy = graph.witness.status('policy_node')
    return policy is not None and policy.weights_version > before.weights_version


def kill_in_publish(graph: RunningGraph) -> str:
    """Kill the learner when the first piece of a version is on the wire."""
    struck: list[int] = []
    process = graph.process('learner_node')

    def strike(piece: object) -> None:
        if not struck and piece.chunk_index == 0 and piece.chunk_count > 1:
            struck.append(piece.version)
            os.kill(process, signal.SIGKILL)
    graph.witness.on_piece = strike
    try:
        graph.until(lambda: struck, 'a piece of weights', 60.0, supervise=False)
    finally:
        graph.witness.on_piece = None
    graph.wait(0.3)
    named = struck[0] in graph.witness.announced
    return (f'killed after the first piece of version {struck[0]}, '
            f'{"its manifest was out already" if named else "before its manifest"}')


def kill_in_checkpoint(graph: RunningGraph) -> str:
    """Kill the learner while a checkpoint is not yet renamed to its final name."""
    folder, process = graph.place.checkpoints, graph.process('learner_node')

    def written() -> bool:
        return any(path.name.startswith('.') for path in folder.iterdir())
    deadline = time.monotonic() + 60.0
    while not written():
        if time.monotonic() > deadline:
            raise NotRecovered('no checkpoint was written')
        time.sleep(0.0005)
    os.kill(process, signal.SIGKILL)
    left = [path.name for path in folder.iterdir() if path.name.startswith('.')]
    return f'left behind: {left[0] if left else "nothing, it was renamed just then"}'


def kill_in_ingest(graph: RunningGraph) -> str:
    """Let transitions pile up, and kill the learner when it has ingested the first of them."""
    process = graph.process('learner_node')
    before = graph.witness.status('learner_node').sequence
    struck: list[int] = []

    def strike(sequence: int) -> None:
        if not struck and sequence > before:
            struck.append(sequence)
            os.kill(process, signal.SIGKILL)
    os.kill(process, signal.SIGSTOP)
    graph.wait(2.0)
    graph.witness.on_acknowledged = strike
    os.kill(process, signal.SIGCONT)
    try:
        graph.until(lambda: struck, 'an acknowledgement', 30.0, supervise=False)
    finally:
        graph.witness.on_acknowledged = None
    journaled = graph.witness.status('recorder_node').journaled
    return f'killed when it had {struck[0]} of at least {journaled}'


def kill_in_write(graph: RunningGraph) -> str:
    """Kill the recorder at the moment at which the journal grows."""
    process = graph.process('recorder_node')

    def size() -> int:
        return sum(path.stat().st_size for path in graph.place.journal.glob('*.mcap'))
    before, deadline = size(), time.monotonic() + 30.0
    while (now := size()) == before:
        if time.monotonic() > deadline:
            raise NotRecovered('the journal did not grow')
        time.sleep(0.0002)
    os.kill(process, signal.SIGKILL)
    return f'killed while it forced {now - before} bytes to the disk'


def second_learner(own_folder: bool, graph: RunningGraph) -> str:
    """Start another learner of the same run beside the first one."""
    supervisor = graph.supervisor
    first = supervisor.graph.node('learner_node')
    parameters = dict(first.parameters)
    if own_folder:
        parameters['run_dir'] = str(graph.place.folder / f'second_{time.monotonic_ns()}')
    node = NodeDescription(first.executable, 'second_learner', parameters=parameters)
    refused = graph.witness.status('policy_node').refused
    log = graph.place.folder / 'second_learner.log'
    with log.open('ab') as out:
        process = subprocess.Popen(
            ['setpriv', '--pdeathsig', 'KILL', '--', *node_command(node)],
            env=supervisor.environment, stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT)
        try:
            return _second_learner_lives(graph, process, own_folder, refused)
        finally:
            process.kill()
            process.wait()


def _second_learner_lives(graph: RunningGraph, process: subprocess.Popen, own_folder: bool,
                          refused: int) -> str:
    if not own_folder:
        graph.until(lambda: process.poll() is not None, 'its end', 60.0)
        return f'it ended with status {process.returncode}: the folder is in use'
    graph.until(lambda: 'second' in graph.witness.status('policy_node').refusal
                and graph.witness.status('policy_node').refused > refused, 'a refusal', 90.0)
    return graph.witness.status('policy_node').refusal


def _of(node: str, name: str, what: str, do: Callable[[str, RunningGraph], str],
        short: bool = False) -> Fault:
    killed_or_back = do is not freeze
    return Fault(
        f'{node.removesuffix("_node")}_{name}', node, partial(do, node), f'{node} {what}',
        gap_promised=node not in _SEEN, short=short,
        person_expected=node == 'mock_arm_node' or (node == 'actuation_node' and killed_or_back),
        recovered=new_version if node == 'learner_node' else None)


def process_faults() -> tuple[Fault, ...]:
    """Return the faults of processes."""
    found = []
    for node in NODES:
        found += [
            _of(node, 'killed', 'is killed (SIGKILL)', kill,
                short=node == 'learner_node'),
            _of(node, 'stopped', f'stands still for {_FROZEN:.0f} s (SIGSTOP, SIGCONT)', freeze),
            _of(node, 'restarted', 'is ended in an orderly way and started again', restart)]
    return (
        *found,
        Fault('learner_killed_in_publish', 'learner_node', kill_in_publish,
              'killed between the first piece of a version and its manifest',
              recovered=new_version),
        Fault('learner_killed_in_checkpoint', 'learner_node', kill_in_checkpoint,
              'killed while a checkpoint is being written', recovered=new_version),
        Fault('learner_killed_in_ingest', 'learner_node', kill_in_ingest,
              'killed while it ingests transitions that had piled up', recovered=new_version),
        Fault('recorder_killed_in_write', 'recorder_node', kill_in_write,
              'killed while a transition is forced to the disk'),
        Fault('second_learner_same_folder', 'learner_node', partial(second_learner, False),
              'another learner is started on the same folder'),
        Fault('second_learner_own_folder', 'learner_node', partial(second_learner, True),
              'another learner of the run, with a folder of its own, beside the first'),
    )
