# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The matrix as JSON for machines and as a table for people."""

from collections.abc import Mapping, Sequence
import json
from pathlib import Path
from typing import Any

from inril_ros.faults.row import Row

JSON, MARKDOWN = 'fault_matrix.json', 'fault_matrix.md'
_HEAD = """# Fault matrix

What the graph does when something breaks. Made by `{command}`; it takes a while. Do not edit.

The whole graph of fine-tuning runs on the mock arm in real time, and each fault is done in the
middle of an episode that the policy drives. Nodes are processes. Whoever watches times commands by
the stamp that DDS gives them where they are sent. A relay stands between learner and policy and
damages weights where a fault says so. Policy, recorder and learner come back by themselves, as
with `respawn:=true`; what a person can do is done only after the graph had four seconds alone.

"""
_LEGEND = """
* **gap**: longest time between two commands of an episode, from the fault until the graph had
  recovered; **before**: the same in the undisturbed stretches of the graph up to then, {first:g} s
  at its start and {baseline:g} s before each fault.
* **unsafe**: commands beyond the contract's limits, jumps beyond velocity x time from the command
  before (to take up from where the arm is measured to be, as each beginning does, is none), and
  commands by weights that were not sent whole and unaltered.
* **lost**, **twice**: of everything that was ever in the journal, what the learner's checkpoint
  lacks or has too often afterwards, by number and by content. What was never journaled (the rest
  of an episode whose recorder died) is not counted: such an episode is told as discarded.
* **recovery**: from the end of the fault until every node spoke, the policy drove, and the learner
  had what was journaled; where the learner or its weights were hit, until newer weights acted.
* **person**: whether one had to do something; the note says what. Safety demands one where the
  process that commands the arm, or the arm itself, was gone: nothing moves until somebody says so.

Promised are no unsafe command, nothing lost, nothing twice, recovery without a person unless
safety demands one, and no gap over two periods ({two:g} ms here) unless the undisturbed stretches
had a longer one: a machine that is busy with other things makes such gaps too. Faults of the
process that sends the commands, and of the clock that it follows, are seen in the commands: that
last promise is not made for them.
"""


def write_report(rows: Sequence[Row], broken: Mapping[str, list[str]],
                 conditions: Mapping[str, Any], command: str,
                 baselines: tuple[float, float], folder: Path) -> Path:
    """Write both files; return the one for people.

    Args:
        rows: In the order of the table.
        broken: Promises that were broken, by fault.
        conditions: What the figures depend on: machine, load, rate.
        command: That makes them.
        baselines: [s] Undisturbed stretches: of each graph, before each fault.
        folder: Where to.
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
    """Return the rows of a matrix that was written before, none if there is none.

    Raises:
        ValueError: What is there is no matrix.
    """
    path = folder / JSON
    if not path.exists():
        return []
    try:
        return [Row(**row) for row in json.loads(path.read_text(encoding='utf-8'))]
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
