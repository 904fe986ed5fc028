# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril camera``: whether cameras have the view that they had in the demonstrations."""

from pathlib import Path
from typing import Annotated

import typer

from inril_ros.cli.run.progress import Reporter
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.data.run.settings import UsageError
from inril_ros.robot.contract.contract import Contract, load_contract

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode='rich',
    help='Compare cameras with the view that they had in the demonstrations.\n\n'
         'The policy does not act on the images of a camera that was moved: put the camera back, '
         'or accept its view.\n\n'
         '  [bold]inril camera check RUN[/bold]   whether all demonstrations have one view\n\n'
         '  [bold]inril camera renew RUN[/bold]   accept the view that was refused last')

_Run = Annotated[Path, typer.Argument(help='Folder of the run.')]


@app.command()
def check(run_dir: _Run) -> None:
    """Compare the first images of the demonstrations with the reference views.

    A run without reference views gets them. Exit code 1 if a camera was moved between them.
    """
    from inril_ros.cli.run.reference_views import findings_in, make_views, tell_blind
    from inril_ros.data.audit.finding import summed_up, verdict_of
    from inril_ros.data.cameras.view_check import ViewBounds
    from inril_ros.data.cameras.view_folder import ViewFolder

    run, contract, reporter = _opened(run_dir)
    folder = ViewFolder(run.cameras)
    known = folder.record.exists()
    views, first = make_views(run, contract, reporter, write=not known)
    if known:
        views = folder.read(contract)
        tell_blind(views, reporter)
    findings = findings_in(first, views, ViewBounds())
    for each in summed_up(findings):
        reporter.say(str(each))
    if verdict_of(findings) == 'wrong':
        raise typer.Exit(1)
    for name, view in views.items():
        if view.places:
            reporter.say(f'camera {name}: {len(first[name])} demonstrations have its reference '
                         f'view, {folder.path / name}.png')


@app.command()
def renew(
    run_dir: _Run,
    demonstrations: Annotated[bool, typer.Option(
        '--demonstrations', help='Make the views from the demonstrations again.')] = False,
) -> None:
    """Accept the view that was refused last: from now on it is the reference.

    A policy that waits for it goes on. It has learned from the former view all the same.
    """
    from inril_ros.cli.run.reference_views import make_views
    from inril_ros.data.cameras.reference_view import renewed
    from inril_ros.data.cameras.view_folder import ViewFolder

    run, contract, reporter = _opened(run_dir)
    folder = ViewFolder(run.cameras)
    if demonstrations:
        make_views(run, contract, reporter)
        return
    images = folder.refused(contract)
    if not images:
        raise UsageError(f'{folder.path}: no view was refused since the reference views were made')
    views = folder.read(contract)
    folder.write({name: renewed(view, images[name]) for name, view in views.items()}, contract,
                 'the view that was refused, accepted by a person')
    reporter.say(f'the reference views are those of now: {folder.path}')


def _opened(run_dir: Path) -> tuple[RunDirectory, Contract, Reporter]:
    run = RunDirectory.open(run_dir)
    contract = load_contract(run.contract)
    if not contract.policy_cameras:
        raise UsageError(f'contract {contract.name!r} has no policy_images: its policies look '
                         'through no camera')
    return run, contract, Reporter()
