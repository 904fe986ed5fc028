# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril demos check``: an audit of demonstrations, to be read before training."""
import json
from pathlib import Path
from typing import Annotated, TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
import typer

from inril_ros.cli.demos.folder import contract_of, Folder, Json, tell_outdated
from inril_ros.cli.demos.rest_options import Rest
from inril_ros.cli.demos.whole_table import print_whole
from inril_ros.cli.options import ContractName, with_groups

if TYPE_CHECKING:
    from inril_ros.data.audit.audit import Audit, ValueSummary

_COLOURS = {'fine': 'green', 'look at this': 'yellow', 'wrong': 'red', 'not checked': 'dim'}


@with_groups
def check(
    folder: Folder, rest: Rest, contract: ContractName = '', json_output: Json = False,
    out: Annotated[Path | None, typer.Option(
        help='Picture of all episodes to write; default: check.png in the folder.')] = None,
) -> None:
    """Audit demonstrations before training: exit code 1 if training on them would be wrong.

    Each demonstration is read as training will read it, without the rest at its ends. Units,
    limits, order of joints, commands that are the measured pose, lag, wraps and flips, streams
    and cameras that have stopped, and episodes that differ from the others are looked for.
    """
    from inril_ros.cli.demos.audit_sheet import write_audit_sheet
    from inril_ros.data.audit.audit import audit, read_folder
    from inril_ros.data.audit.rest import all_without_rest

    robot = contract_of(contract, folder)
    tell_outdated(folder, robot)
    rules = rest.rules()
    episodes, errors = read_folder(folder, robot)
    episodes, left_out = all_without_rest(episodes, robot, rules)
    result = audit(episodes, robot, errors, left_out)
    if json_output:
        typer.echo(json.dumps(result.plain(), indent=2))
    else:
        _show(result)
    if episodes and (out is not None or not json_output):
        picture = out or folder / 'check.png'
        try:
            write_audit_sheet(result, episodes, robot, f'{folder.resolve().name}, {robot.name}',
                              picture)
            typer.echo(picture, err=json_output)
        except OSError as error:
            if out is not None:
                raise
            typer.echo(f'{picture}: no picture: {error.strerror}; --out FILE', err=True)
    if result.verdict == 'wrong':
        raise typer.Exit(1)


def _show(result: 'Audit') -> None:
    """Print the tables, the findings and the verdict."""
    from inril_ros.data.audit.finding import summed_up

    console = Console(highlight=False)
    print_whole(_episodes(result.episodes))
    if result.values:
        print_whole(_values(result.values))
    for finding in summed_up(result.findings):
        console.print(str(finding), style=_COLOURS[finding.verdict], markup=False, soft_wrap=True)
    number = len(result.episodes)
    unread = sum('error' in row for row in result.episodes)
    console.print(f'{number} demonstrations: {result.verdict}' + (
        f'; {unread} cannot be used: inril demos delete moves them to rejected/' if unread
        else ''), style=f'bold {_COLOURS[result.verdict]}', markup=False, soft_wrap=True)


def _episodes(rows: list[dict]) -> Table:
    table = Table('bag', 'verdict', 'ticks', 's', 'rest left\nout, s', 'age, skew,\ngap, ms',
                  'range\nused', 'held', box=SIMPLE_HEAD)
    for column in table.columns:
        column.no_wrap = True
    for row in rows:
        verdict = f'[{_COLOURS[row["verdict"]]}]{row["verdict"]}'
        if 'error' in row:
            table.add_row(row['bag'], verdict)
            continue
        table.add_row(
            row['bag'], verdict, str(row['ticks']), f'{row["seconds"]:.1f}',
            ' + '.join(f'{seconds:.1f}' for seconds in row['rest_left_out'].values())
            if 'rest_left_out' in row else '',
            ', '.join(f'{1000 * row[name]:.0f}'
                      for name in ('worst_age', 'worst_skew', 'worst_gap')),
            f'{100 * row["action_range"]:.0f} %', f'{100 * row["held"]:.0f} %')
    return table


def _values(values: 'list[ValueSummary]') -> Table:
    table = Table('action', 'limits', 'commanded', 'measured', 'lag', box=SIMPLE_HEAD)
    for column in table.columns:
        column.no_wrap = True
    for value in values:
        measured = '' if value.measured is None else _ends(value.measured)
        lag = '' if value.lag is None else f'{value.lag:g} ticks, {value.lag_ms:.0f} ms'
        table.add_row(value.name.replace('[', r'\['), _ends(value.limits),
                      _ends(value.commanded), measured, lag)
    return table


def _ends(ends: tuple[float, float]) -> str:
    return f'{ends[0]:.4g} .. {ends[1]:.4g}'
