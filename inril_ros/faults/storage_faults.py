# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Full disks, and files that are damaged while their process is dead."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
import os
from pathlib import Path
import time

from inril_ros.faults.fault import CannotBeDone, Fault
from inril_ros.faults.process_faults import new_version
from inril_ros.faults.running_graph import NotRecovered, RunningGraph

_FULL = 5.0  # [s] for which a disk stays full
_BLOCK = 1_000_000


def recorder_disk_full(graph: RunningGraph) -> str:
    """Fill the disk of the journal for a while."""
    journaled = graph.witness.status('recorder_node').journaled
    with _filled(graph, graph.place.recorder_disk):
        graph.wait(_FULL)
        since = time.time_ns()
        graph.until(lambda: graph.witness.status('recorder_node', since), 'the recorder', 10.0)
        written = graph.witness.status('recorder_node').journaled - journaled
    return f'full for {_FULL:.0f} s; {written} transitions were journaled meanwhile'


def learner_disk_full(graph: RunningGraph) -> str:
    """Fill the disk of the checkpoints until one could not be written."""
    log = graph.supervisor.log_path('learner_node')
    before = log.stat().st_size

    def logged() -> bool:
        with log.open('rb') as text:
            text.seek(before)
            return b'could not be written' in text.read()
    with _filled(graph, graph.place.learner_disk):
        graph.until(logged, 'a checkpoint that could not be written', 60.0)
    return 'full until a checkpoint could not be written, which was logged'


@contextmanager
def _filled(graph: RunningGraph, disk: Path) -> Iterator[None]:
    """Fill a disk to the last block, and make room again.

    Raises:
        CannotBeDone: It isn't a file system of its own.
    """
    if not graph.place.disks:
        raise CannotBeDone('no file system of its own may be mounted here (root may)')
    filler = disk / 'filler'
    try:
        with filler.open('wb', buffering=0) as file:
            for block in (b'0' * _BLOCK, b'0' * 4096, b'0'):
                try:
                    while file.write(block) == len(block):
                        pass
                except OSError:
                    continue
        yield
    finally:
        filler.unlink(missing_ok=True)


def damage_checkpoints(all_of_them: bool, graph: RunningGraph) -> str:
    """Kill the learner and flip a bit in its newest checkpoint, or in all."""
    graph.until(lambda: len(_checkpoints(graph)) > 1, 'two checkpoints', 60.0)
    graph.kill('learner_node')
    os.waitid(os.P_PID, graph.process('learner_node'), os.WEXITED | os.WNOWAIT)
    found = _checkpoints(graph)
    hit = found if all_of_them else found[-1:]
    for folder in hit:
        largest = max(folder.iterdir(), key=lambda path: path.stat().st_size)
        _flip(largest, largest.stat().st_size // 2)
    return f'{len(hit)} of {len(found)} checkpoints damaged'


def damage_journal(graph: RunningGraph) -> str:
    """Kill the recorder and flip a bit in the middle of the journal."""
    segment = _stopped_journal(graph)
    _flip(segment, segment.stat().st_size // 2)
    return 'one bit flipped in transitions that the learner had already'


def torn_journal(graph: RunningGraph) -> str:
    """Kill the recorder and leave the first half of a record at the end of the journal."""
    segment = _stopped_journal(graph)
    content = segment.read_bytes()
    with segment.open('ab') as file:
        file.write(b'\x06' + (5000).to_bytes(8, 'little') + content[-700:])
    return 'half a record at the end'


def _stopped_journal(graph: RunningGraph) -> Path:
    """Kill the recorder when all is acknowledged; return the newest segment."""
    def all_in() -> bool:
        status = graph.witness.status('recorder_node')
        return status.journaled > 0 and status.acknowledged >= status.journaled
    graph.until(all_in, 'all transitions acknowledged', 30.0)
    graph.kill('recorder_node')
    os.waitid(os.P_PID, graph.process('recorder_node'), os.WEXITED | os.WNOWAIT)
    graph.read_journal()  # damaged transitions count as experienced too
    return max(graph.place.journal.glob('*.mcap'))


def _checkpoints(graph: RunningGraph) -> list[Path]:
    return sorted(path for path in graph.place.checkpoints.iterdir() if path.name.isdigit())


def _flip(path: Path, place: int) -> None:
    """Flip a bit in place.

    Raises:
        NotRecovered: The file is empty.
    """
    with path.open('r+b') as file:
        file.seek(place)
        byte = file.read(1)
        if not byte:
            raise NotRecovered(f'{path} is empty')
        file.seek(place)
        file.write(bytes([byte[0] ^ 0x10]))


def storage_faults() -> tuple[Fault, ...]:
    """Return the faults of disks and files."""
    return (
        Fault('recorder_disk_full', 'recorder_node', recorder_disk_full,
              'the disk of the journal is full for a while'),
        Fault('learner_disk_full', 'learner_node', learner_disk_full,
              'the disk of the checkpoints is full for a while', recovered=new_version),
        Fault('newest_checkpoint_damaged', 'learner_node', partial(damage_checkpoints, False),
              'one bit of the newest checkpoint is flipped while the learner is dead',
              recovered=new_version),
        Fault('all_checkpoints_damaged', 'learner_node', partial(damage_checkpoints, True),
              'one bit of each checkpoint is flipped while the learner is dead',
              recovered=new_version),
        Fault('journal_damaged', 'recorder_node', damage_journal,
              'one bit of the journal is flipped while the recorder is dead'),
        Fault('journal_torn', 'recorder_node', torn_journal,
              'the journal ends in the middle of a record'),
    )
