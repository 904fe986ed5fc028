# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril demos``: list, check, show, import, export and delete demonstrations."""

from dataclasses import asdict
from functools import partial
import json
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.table import Table
import typer

from inril_ros.cli.demos_check import check
from inril_ros.cli.demos_folder import contract_of, Folder, Json, tell_outdated
from inril_ros.cli.demos_import import import_
from inril_ros.cli.demos_lerobot import import_lerobot_
from inril_ros.cli.demos_repair import repair
from inril_ros.cli.options import ContractName, UsageError

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode='rich',
    help='Demonstrations: folders of bags, one per episode.\n\n'
         'The robot contract is --contract, or contract.yaml in the folder or one above it, where '
         'a run keeps it.\n\n'
         '  [bold]inril demos list runs/demo/demonstrations[/bold]\n\n'
         '  [bold]inril demos import lab.bag --contract arm.yaml --to demos --cut gaps:2[/bold]')

app.command(name='import')(import_)
app.command(name='import-lerobot')(import_lerobot_)


@app.command(name='list')
def list_(folder: Folder, json_output: Json = False) -> None:
    """List the bags of a folder: kept, rejected and unfinished ones."""
    from inril_ros.data.demonstrations.demonstration_set import list_demonstrations

    found = list_demonstrations(folder)
    tell_outdated(folder)
    if json_output:
        typer.echo(json.dumps([asdict(each) for each in found], indent=2, default=str))
        return
    table = Table('bag', 'state', 'outcome', 's', 'messages', 'MB', 'task', 'operator',
                  'contract', 'note')
    table.columns[0].no_wrap = True
    for each in found:
        table.add_row(
            each.path.name, each.state, each.outcome, f'{each.seconds:.1f}', str(each.messages),
            f'{each.size / 1e6:.1f}', each.task, each.operator,
            f'{each.contract} {each.contract_hash[:8]}', each.note)
    Console(highlight=False).print(table)


app.command()(check)


@app.command()
def show(
    bag: Annotated[Path, typer.Argument(help='Bag of one episode.')],
    contract: ContractName = '',
    out: Annotated[Path | None, typer.Option(
        help='Picture to write; default: <bag>.png beside the folder of the bag.')] = None,
) -> None:
    """Show one episode: a table, and a contact sheet of images, curves and events."""
    from inril_ros.cli.contact_sheet import write_contact_sheet
    from inril_ros.data.bags.dry_run import DryRunError
    from inril_ros.data.bags.reading import read_episode
    from inril_ros.data.demonstrations.aligned_cache import aligned_episode

    robot = contract_of(contract, bag.parent)
    try:
        episode = aligned_episode(bag, robot)
    except DryRunError as error:
        typer.echo(str(error))
        episode = read_episode(bag, robot, dry_run=True)
    table = Table('quantity', 'values', 'least', 'mean', 'most')
    start, parts = 0, {}
    for name in robot.policy_observations:
        parts[name] = episode.observations[:, start:start + robot.length(name)]
        start += robot.length(name)
    parts |= {f'{name} (action)': episode.actions[:, robot.action_slice(name)]
              for name in robot.actions}
    for name, part in parts.items():
        table.add_row(name, str(part.shape[1]), *(
            f'{value:.4g}' for value in (part.min(), part.mean(), part.max())))
    Console(highlight=False).print(table)
    out = out or bag.with_name(f'{bag.name}.png')
    write_contact_sheet(bag, episode, robot, out)
    typer.echo(out)


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
