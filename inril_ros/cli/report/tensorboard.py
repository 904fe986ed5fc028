# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Fine-tuning records as TensorBoard event files, to compare many runs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from inril_ros.cli.report.people import interventions
from inril_ros.data.run.judgements import judged_versions
from inril_ros.data.run.run_record import (
    read_run,
    running_success,
    RunRecord,
    was_rescued,
    was_success,
)

#: Tag of each metric. The horizontal axis is always environment steps.
TAGS = {
    'rl_loss': 'loss/rl', 'il_loss': 'loss/il', 'heldout_il_loss': 'loss/il_heldout',
    'ratio': 'interleave/il_per_rl', 'dose': 'interleave/dose', 'm': 'interleave/m',
    'alignment_cosine': 'alignment/cosine', 'alignment_c_min': 'alignment/c_min',
    'alignment_low': 'alignment/low', 'alignment_high': 'alignment/high',
    'sign_conflict': 'alignment/sign_conflict',
    'rl_updates': 'progress/rl_updates', 'il_updates': 'progress/il_updates',
    'weights_version': 'progress/weights_version',
    'updates_per_second': 'progress/updates_per_second'}


def write_tensorboard(run_dir: str | Path) -> Path:
    """Write the run's ``tensorboard`` folder and return it.

    Wall times are seconds since the start of fine-tuning, as in the records.

    Raises:
        RunDirectoryError: The folder has no run.
        RecordError: One of its files is damaged.
    """
    return follow_tensorboard(run_dir, lambda: False)


def follow_tensorboard(run_dir: str | Path, goes_on: Callable[[], bool]) -> Path:
    """Write the folder, and add what is new as often as `goes_on` returns true.

    `goes_on` waits between two looks at the run. Raises what `write_tensorboard` raises.
    """
    # Imported here: it needs torch, which takes seconds to import.
    from torch.utils.tensorboard import SummaryWriter

    folder = Path(run_dir) / 'tensorboard'
    record = read_run(run_dir)
    # A second file beside the first would show each point twice.
    for old in folder.glob('events.out.tfevents.*'):
        old.unlink()
    with SummaryWriter(str(folder)) as writer:
        board = _Board(writer)
        board.add(record)
        more = goes_on()
        while more:
            more = goes_on()  # what came until it said no is written too
            board.add(read_run(run_dir))
    return folder


class _Board:
    """Writes each row of a record once, however often the record is read."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self._written: dict[str, int] = {}

    def _new(self, name: str, rows: Sequence[Any]) -> Sequence[Any]:
        first, self._written[name] = self._written.get(name, 0), len(rows)
        return rows[first:]

    def add(self, record: RunRecord) -> None:
        """Write the rows that are new."""
        writer = self._writer
        for row in self._new('metrics', record.metrics):
            for key, tag in TAGS.items():
                if row.get(key) is not None:
                    writer.add_scalar(tag, row[key], row['env_steps'], walltime=row['time'])
        for row in self._new('episodes', record.episodes):
            for tag, value in (('success', was_success(row)), ('rescued', was_rescued(row)),
                               ('ticks', row['ticks']),
                               ('intervention', interventions([row]).step_rate)):
                writer.add_scalar(f'episode/{tag}', float(value), row['env_steps'],
                                  walltime=row['time'])
            for name in ('robot_minutes', 'person_minutes'):
                if name in row:
                    writer.add_scalar(f'progress/{name}', row[name], row['env_steps'],
                                      walltime=row['time'])
        for judged in self._new('judged', judged_versions(record.judgements)):
            writer.add_scalar('evaluation/success', judged.rate.value, judged.env_steps)
            writer.add_scalar('evaluation/low', judged.rate.low, judged.env_steps)
        running = running_success(record.episodes)
        for steps, rate in self._new('running', list(zip(running.env_steps, running.rate,
                                                         strict=True))):
            writer.add_scalar('episode/running_success', rate, int(steps))
        writer.flush()
