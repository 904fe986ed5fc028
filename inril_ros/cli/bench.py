# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""``inril bench``: studies in simulation, without ROS."""

import os
from pathlib import Path
import shutil
from typing import Annotated, TYPE_CHECKING

from rich.console import Console
import typer

from inril_ros.cli.run.progress import print_event
from inril_ros.cli.run.resources import find_configuration
from inril_ros.data.run.settings import UsageError

if TYPE_CHECKING:
    from inril_ros.bench.places import StudyPlace
    from inril_ros.bench.pools.status import Status
    from inril_ros.bench.progress import Display
    from inril_ros.bench.study import Run

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode='rich',
    help='Run studies in simulation, without ROS, and report on them.\n\n'
         'A study is a YAML file of tasks x arms x seeds; config/studies has some to begin with. '
         'Each run is one process with one thread, and learns as the learner node does. A study '
         'that was interrupted continues when it is started again.\n\n'
         '  [bold]inril bench run quick[/bold]                 a study of config/studies\n\n'
         '  [bold]inril bench report runs/bench/quick[/bold]   its tables and curves\n\n'
         '  [bold]inril bench list[/bold]                      what a study may name')

_MEASURED_UPDATES = 300  # of each host
_JsonLines = Annotated[bool, typer.Option('--json', help='Lines of JSON instead of a table.')]


@app.command()
def run(
    study: Annotated[str, typer.Argument(
        help='Study: a YAML file, or a name in config/studies.')],
    jobs: Annotated[int, typer.Option(
        min=0, help='Runs at the same time, one core each; 0: as many as there are cores.')] = 0,
    out: Annotated[Path | None, typer.Option(
        help='Folder of the study; default: runs/bench/<name>.')] = None,
    log: Annotated[list[str] | None, typer.Option(
        help='Also tell the values of each run while it runs to tensorboard (in the folder of the '
             'run), wandb or mlflow, if installed. May be given several times.')] = None,
    ray: Annotated[str | None, typer.Option(
        help='Do the runs on a Ray cluster, one core each: its address, such as auto, or local '
             'for one on this machine. Needs inril_ros[ray].')] = None,
    json_output: _JsonLines = False,
) -> None:
    """Do the runs of a study that aren't finished yet, then write its report.

    Ctrl-C ends the processes; the same command continues from their checkpoints. If a run fails,
    its log is named, the others continue, and the exit code is 1. A study that is changed keeps
    the finished runs that the change doesn't affect.
    """
    from inril_ros.bench.live_log import check_loggers
    from inril_ros.bench.places import StudyPlace
    from inril_ros.bench.pools.processes import run_all
    from inril_ros.bench.progress import Display
    from inril_ros.bench.robots import bench_of
    from inril_ros.bench.study import load_study

    path = find_configuration('studies', study)
    parsed = load_study(path)
    check_loggers(log or ())
    if log and ray is not None:
        raise UsageError('--log and --ray exclude each other: the values of a run that is done '
                         'elsewhere are not passed on')
    for task in parsed.tasks:
        bench_of(task)  # report a task that can't be made before any run begins
    place = StudyPlace(out or Path('runs/bench') / parsed.name)
    place.folder.mkdir(parents=True, exist_ok=True)
    if path.resolve() != place.study.resolve():
        shutil.copyfile(path, place.study)
    jobs = jobs or len(os.sched_getaffinity(0))
    runs = parsed.runs()
    console = Console(highlight=False)
    display = Display(console, place, jobs, json_output)
    if not json_output:
        console.print(f'{parsed.name}: {len(parsed.tasks)} tasks x {len(parsed.arms)} arms x '
                      f'{len(parsed.seeds)} seeds, {jobs} at a time, in {place.folder}')
    with display.shown():
        ended = (run_all(runs, place, jobs, display, log or ()) if ray is None
                 else _on_ray(runs, place, ray, display))
    failed = [status for status in ended if status.state == 'failed']
    if len(failed) < len(ended):
        _report([place.folder], None, None, json_output)
    if failed:
        raise typer.Exit(1)


@app.command()
def report(
    folders: Annotated[list[Path], typer.Argument(
        help='Folder of a study, or of one that was published; several are reported as one.')],
    to: Annotated[Path | None, typer.Option(
        help='Write what is to be published there: study, results, report, pictures.')] = None,
    against: Annotated[str | None, typer.Option(
        help='Arm to compare all others with; default: what the study says, or RL only.')] = None,
    json_output: _JsonLines = False,
) -> None:
    """Write the report of all finished runs: report.md, results.jsonl, figures.

    Its tables have every arm at every evaluation point and on every task, paired differences with
    intervals and corrected p-values, collapsed runs, and the cost.
    """
    _report(folders, to, against, json_output)


@app.command(name='list')
def list_() -> None:
    """List what a study may name: tasks, hosts, settings with their defaults, studies."""
    from inril_ros.bench.catalogue import catalogue
    from inril_ros.robot.configuration_folder import configuration_folder

    typer.echo(catalogue(configuration_folder()))


@app.command()
def speed(
    task: Annotated[str, typer.Argument(help='Task of Meta-World.')] = 'pick-place',
    lanes: Annotated[int, typer.Option(min=1, help='Simulations in one process.')] = 8,
    hosts: Annotated[bool, typer.Option(
        help='Also measure the updates of each host: a minute or two.')] = True,
) -> None:
    """Measure the CPU time of simulation, alone and through the bench, and of updates."""
    from inril_ros.bench.cost.host_speed import host_costs, MEASURED
    from inril_ros.bench.cost.speed import measure

    for name, value, unit, note in measure(task, lanes):
        typer.echo(f'{name:<44}{value:>10,.0f} {unit:<8}{note}')
    if hosts:
        typer.echo(f'\n{"host":<16}{"RL update":>12}{"IL step":>12}{"IL, m = 10":>14}'
                   f'{"alignment":>12}')
        for each in (host_costs(host, _MEASURED_UPDATES) for host in MEASURED):
            typer.echo(f'{each.host:<16}{each.rl:>9.2f} ms{each.il:>9.2f} ms'
                       f'{100 * each.il_share:>12.1f} %{100 * each.alignment_share:>10.1f} %')


def _on_ray(runs: list['Run'], place: 'StudyPlace', address: str,
            display: 'Display') -> list['Status']:
    try:
        from inril_ros.bench.pools.on_ray import run_all_on_ray
    except ModuleNotFoundError as error:
        raise UsageError(f"--ray: {error}; pip install 'inril_ros[ray]'") from error
    return run_all_on_ray(runs, place, address, display)


def _report(
    folders: list[Path], to: Path | None, against: str | None, json_output: bool,
) -> None:
    from inril_ros.bench.report.study_report import write_report

    path = write_report(folders, to, against)
    if json_output:
        print_event('report', path=str(path))
    else:
        typer.echo(path)
