# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The fault matrix as JSON and as a Markdown table."""

from collections.abc import Mapping, Sequence
import json
from pathlib import Path
from typing import Any

from inril_ros.data.record_files import read_json
from inril_ros.faults.row import Row

JSON, MARKDOWN = 'fault_matrix.json', 'fault_matrix.md'
_HEAD = """# Fault matrix

What the graph does when something breaks. Made by `{command}`; it takes a while. Do not edit.

The whole fine-tuning graph runs on the mock arm in real time, each node in a process of its own,
and each fault is done in the middle of an episode that the policy drives. Commands are timed by
the stamp that DDS gives them where they are sent. A relay between learner and policy damages
weights where a fault requires it. Policy, recorder and learner are restarted automatically, as
with `respawn:=true`; a person acts only after the graph had four seconds to recover by itself.

"""
_LEGEND = """
* **gap**: longest time between two commands of an episode, from the fault until the graph had
  recovered; **before**: the same in the undisturbed stretches of the graph up to then, {first:g} s
  at its start and {baseline:g} s before each fault.
* **unsafe**: commands beyond the contract's limits, jumps beyond velocity x time from the command
  before (starting from the measured pose, as each episode does, is no jump), and commands by
  weights that were not sent whole and unaltered.
* **lost**, **twice**: transitions that were ever in the journal and that the learner's checkpoint
  afterwards lacks or has too often, by number and by content. Transitions that were never
  journaled (the rest of an episode whose recorder died) don't count: such an episode is reported
  as discarded.
* **recovery**: from the end of the fault until every node reported, the policy drove, and the
  learner had the journaled transitions; if the learner or its weights were hit, until newer
  weights acted.
* **person**: whether a person had to act; the note says how. Safety demands this where the process
  that commands the arm, or the arm itself, was gone: nothing moves without new consent.

The promises: no unsafe command, nothing lost, nothing twice, recovery without a person unless
safety demands one, and no gap over two periods ({two:g} ms here) unless the undisturbed stretches
had a longer one, because a busy machine makes such gaps too. Faults of the process that sends the
commands, and of the clock that it follows, show in the commands; the last promise excludes them.
"""


def write_report(rows: Sequence[Row], broken: Mapping[str, list[str]],
                 conditions: Mapping[str, Any], command: str,
                 baselines: tuple[float, float], folder: Path) -> Path:
    """Write both files; return the path of the Markdown.

    Args:
        rows: Rows in the order of the table.
        broken: Broken promises by fault.
        conditions: Conditions of the measurement: machine, load, rate.
        command: Command that makes the matrix.
        baselines: [s] Undisturbed stretches at the start of each graph, and before each fault.
        folder: Folder of the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JSON).write_text(json.dumps(
        [row.to_json() for row in rows], indent=1, ensure_ascii=False) + '\n', encoding='utf-8')
    period = next((row.period_ms for row in rows if row.done), 0.0)
    text = _HEAD.format(command=command) + _table(rows, broken) + _LEGEND.format(
        first=baselines[0], baseline=baselines[1], two=2 * period)
    text += '\nMeasured with: ' + ', '.join(f'{key} {value}' for key, value in conditions.items())
    path = folder / MARKDOWN
    path.write_text(text + '.\n', encoding='utf-8')
    return path


def read_rows(folder: Path) -> list[Row]:
    """Return the rows of an existing matrix; none if there is none.

    Raises:
        ValueError: The file is no fault matrix.
    """
    path = folder / JSON
    if not path.exists():
        return []
    try:
        return [Row(**row) for row in read_json(path)]
    except TypeError as error:
        raise ValueError(f'{path} is no fault matrix: {error}') from error


def _table(rows: Sequence[Row], broken: Mapping[str, list[str]]) -> str:
    lines = ['| fault | node | gap [ms] | before [ms] | unsafe | lost | twice | recovery [s] '
             '| person | note |', '|---|---|---|---|---|---|---|---|---|---|']
    for row in rows:
        notes = [f'**BROKEN: {", ".join(broken[row.fault])}**'] if broken.get(row.fault) else []
        person = '' if row.needs_human is None else 'yes' if row.needs_human else 'no'
        lines.append('| ' + ' | '.join([
            row.fault, row.node, _number(row.longest_command_gap_ms),
            _number(row.baseline_gap_ms), _number(row.unsafe_commands),
            _number(row.transitions_lost), _number(row.transitions_duplicated),
            _number(row.recovery_s), person,
            ' '.join([*notes, row.note]).replace('|', '/').replace('\n', ' ')]) + ' |')
    return '\n'.join(lines) + '\n'


def _number(value: float | None) -> str:
    return '' if value is None else f'{value:.1f}' if isinstance(value, float) else str(value)
