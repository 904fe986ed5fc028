# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril demos``: list, check, show, edit, import, export and delete demonstrations."""

from dataclasses import asdict
from functools import partial
import json
from pathlib import Path
from typing import Annotated, TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table
import typer

from inril_ros.cli.demos.bag_import import import_
from inril_ros.cli.demos.check import check
from inril_ros.cli.demos.edit import drop, label, restore, split, trim
from inril_ros.cli.demos.folder import contract_of, Folder, Json, tell_outdated
from inril_ros.cli.demos.lerobot import import_lerobot_
from inril_ros.cli.demos.repair import repair
from inril_ros.cli.demos.show import show
from inril_ros.cli.demos.whole_table import print_whole
from inril_ros.cli.options import ContractName, UsageError

if TYPE_CHECKING:
    from inril_ros.data.demonstrations.demonstration_set import Demonstration

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode='rich',
    help='Demonstrations: folders of bags, one per episode.\n\n'
         'The robot contract is --contract, or contract.yaml in the folder or one above it, where '
         'a run keeps it.\n\n'
         '  [bold]inril demos list runs/demo/demonstrations[/bold]\n\n'
         '  [bold]inril demos trim runs/demo/demonstrations/0003_1f2e3d4c --end 1.5[/bold]\n\n'
         '  [bold]inril demos import lab.bag --contract arm.yaml --to demos --cut gaps:2[/bold]')

app.command(name='import')(import_)
app.command(name='import-lerobot')(import_lerobot_)


@app.command(name='list')
def list_(folder: Folder, json_output: Json = False) -> None:
    """List the bags of a folder: kept, dropped, rejected and unfinished ones, with their edits."""
    from inril_ros.data.demonstrations.demonstration_set import list_demonstrations

    found = list_demonstrations(folder)
    tell_outdated(folder)
    if json_output:
        typer.echo(json.dumps([asdict(each) for each in found], indent=2, default=str))
        return
    for line in _shared(found):
        typer.echo(line)
    print_whole(_table(found))


def _told(each: 'Demonstration') -> dict[str, str]:
    """Return what is the same for all demonstrations of most folders."""
    return {'task': each.task, 'operator': each.operator,
            'contract': f'{each.contract} {each.contract_hash[:8]}'.strip()}


def _differing(found: 'list[Demonstration]') -> list[str]:
    """Return which of these differ; bags that can't be read say nothing."""
    told = [_told(each) for each in found if each.contract]
    return [name for name in (told[0] if told else ()) if len({each[name] for each in told}) > 1]


def _shared(found: 'list[Demonstration]') -> list[str]:
    told = next((_told(each) for each in found if each.contract), {})
    parts = [f'{name} {text}' for name, text in told.items()
             if text and name not in _differing(found)]
    return [', '.join(parts)] if parts else []


def _table(found: 'list[Demonstration]') -> Table:
    columns = _differing(found)
    table = Table('bag', 'state', 'outcome', 's', 'messages', 'MB', *columns, 'note',
                  box=SIMPLE_HEAD)
    for column in table.columns[:-1]:
        column.no_wrap = True
    for each in found:
        told = _told(each)
        table.add_row(
            each.path.name, each.state, each.outcome, f'{each.seconds:.1f}', str(each.messages),
            f'{each.size / 1e6:.1f}', *(told[name] for name in columns), escape(each.note))
    return table


app.command()(check)


app.command()(show)


@app.command()
def export(
    folder: Folder,
    to: Annotated[Path, typer.Option(help='Folder to write; it must not exist.')],
    contract: ContractName = '',
    form: Annotated[str, typer.Option(
        '--format', help='npz: NumPy archives of aligned episodes. lerobot: a LeRobotDataset '
                         'v3.0.')] = 'npz',
    video: Annotated[str, typer.Option(
        help='lerobot: images as videos, av1 or h264: small, with loss. Default: PNG, without '
             'loss.')] = '',
) -> None:
    """Write the demonstrations for other programs."""
    from inril_ros.data.demonstrations.npz_export import export_npz
    from inril_ros.data.lerobot.export import export_lerobot

    formats = {'npz': export_npz, 'lerobot': partial(
        export_lerobot, video=video, tell=partial(typer.echo, err=True))}
    if form not in formats:
        raise UsageError(f'--format {form}: allowed are {", ".join(formats)}')
    if video and form != 'lerobot':
        raise UsageError(f'--video {video}: only --format lerobot has videos')
    robot = contract_of(contract, folder)
    tell_outdated(folder, robot)
    number = formats[form](folder, robot, to)
    typer.echo(f'{to}: {number} episodes')


app.command()(repair)
for _command in (drop, label, trim, split, restore):
    app.command()(_command)


@app.command()
def delete(
    bags: Annotated[list[Path], typer.Argument(help='Bags of episodes.')],
    forever: Annotated[bool, typer.Option(
        '--forever', help='Delete them from the disk.')] = False,
    yes: Annotated[bool, typer.Option('--yes', help='Do not ask for confirmation.')] = False,
) -> None:
    """Move demonstrations to rejected/, or delete them."""
    from inril_ros.data.demonstrations.demonstration_set import put_aside, remove

    if forever and not yes:
        typer.confirm(f'Delete {len(bags)} bags forever?', abort=True)
    for bag in bags:
        done = 'deleted' if forever else f'moved to {put_aside(bag)}'
        if forever:
            remove(bag)
        typer.echo(f'{bag}: {done}')
