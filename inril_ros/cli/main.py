# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The ``inril`` command."""

import os
from pathlib import Path
import signal
import sys
import time
import traceback
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer

from inril_ros.cli.bench import app as bench_app
from inril_ros.cli.bring_up import up
from inril_ros.cli.contract import app as contract_app
from inril_ros.cli.demos import app as demos_app
from inril_ros.cli.doctor import doctor
from inril_ros.cli.faults import faults
from inril_ros.cli.options import (
    Config,
    Device,
    JsonLines,
    Learning,
    mapping_path,
    Output,
    Resume,
    Robot,
    session_settings,
    Simulation,
    Start,
    UsageError,
    with_groups,
)
from inril_ros.cli.run.progress import print_event, Reporter
from inril_ros.cli.run.run_directory import RunDirectory, RunDirectoryError
from inril_ros.cli.stages.job import Job, JobOptions
from inril_ros.cli.teleop import teleop
from inril_ros.graph.supervisor import NodeDied

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    rich_markup_mode='rich',
    help='Fine-tune a cloned policy on the arm: m RL updates, then one imitation update.\n\n'
         'A run lives in a folder. [bold]inril demo[/bold] does all of it in simulation; the '
         'other commands do one stage each, in the order record, pretrain, evaluate, finetune, '
         'evaluate.')
app.add_typer(bench_app, name='bench')
app.add_typer(contract_app, name='contract')
app.command(name='doctor')(doctor)
app.command(name='faults')(faults)
app.add_typer(demos_app, name='demos')
app.command(name='teleop')(teleop)

RunDir = Annotated[Path, typer.Argument(help='Folder of the run.')]
Episodes = Annotated[int, typer.Option(min=1, help='Episodes of each evaluation.')]
CloneSteps = Annotated[int, typer.Option(min=1, help='Gradient steps of behaviour cloning.')]
HeldoutShare = Annotated[float, typer.Option(
    min=0.0, max=0.5, help='Share of the demonstrations that nothing is learned from, to measure '
                           'the imitation loss on (schedules anchor and model).')]

_INTERRUPTED = 130  # exit status after Ctrl-C, as shells have it


@app.command()
@with_groups
def demo(
    start: Start, learning: Learning, output: Output,
    run_dir: Annotated[Path, typer.Option(help='Folder of the run.')] = Path('runs/demo'),
    clone_steps: CloneSteps = 3000, heldout_share: HeldoutShare = 0.0, episodes: Episodes = 50,
    simulation: Simulation = 'metaworld',
) -> None:
    """Do the whole job in simulation: record, pretrain, evaluate, fine-tune, evaluate, report."""
    from inril_ros.cli.report.summary import headline
    from inril_ros.cli.stages.stages import run_all

    options = JobOptions(
        simulation=mapping_path(simulation, start.task), demonstrations=start.demos,
        evaluation_episodes=episodes, verbose=output.verbose,
        pretrain={'steps': clone_steps, 'heldout_share': heldout_share}, **learning.job_options())
    reporter = output.reporter()
    run = start.run(run_dir)
    reporter.say(f'run {run.settings.run_id} in {run.path}: {start.task}, seed {start.seed}')
    began = time.monotonic()
    summary = run_all(Job(run, options, reporter))
    if output.json_output:
        print_event('summary', **summary)
        return
    reporter.title('Done')
    reporter.say(headline(summary))
    reporter.say(f'{time.monotonic() - began:.0f} s; numbers in {run.summary}, '
                 f'pictures in {run.report}')


@app.command()
@with_groups
def record(run_dir: RunDir, start: Start, robot: Robot, output: Output) -> None:
    """Begin a run: record demonstrations through the teleop topics, one bag per episode."""
    options = robot.job_options(start.task)  # a wrong task must be refused before the run begins
    _stage(start.run(run_dir), 'record', output, **options, demonstrations=start.demos)


@app.command()
def pretrain(
    run_dir: RunDir, clone_steps: CloneSteps = 3000, heldout_share: HeldoutShare = 0.0,
    config: Config = None,
    device: Device = 'auto', json_output: JsonLines = False,
    despite_findings: Annotated[bool, typer.Option(
        '--despite-findings', help='Train although inril demos check calls the demonstrations '
                                   'wrong.')] = False,
) -> None:
    """Clone the recorded demonstrations, as the kind of policy that the settings' host needs."""
    _stage(RunDirectory.open(run_dir), 'pretrain', Output(json_output), simulation='',
           device=device, pretrain={'steps': clone_steps, 'heldout_share': heldout_share},
           session=session_settings(config),
           despite_findings=despite_findings)


@app.command()
@with_groups
def finetune(
    run_dir: RunDir, learning: Learning, robot: Robot, output: Output, resume: Resume = False,
) -> None:
    """Fine-tune the cloned policy on the running arm."""
    run = RunDirectory.open(run_dir)
    if run.finetune.exists() and not resume:
        raise RunDirectoryError(f'{run.finetune} exists: continue it with --resume')
    _stage(run, 'finetune', output, **robot.job_options(run.settings.task),
           **learning.job_options())


@app.command()
@with_groups
def evaluate(
    run_dir: RunDir, robot: Robot, output: Output,
    model: Annotated[str, typer.Option(help='Which model: pretrained or finetuned.')],
    episodes: Episodes = 50,
) -> None:
    """Measure success on the fixed set of initial states."""
    if model not in ('pretrained', 'finetuned'):
        raise UsageError(f'--model {model}: must be pretrained or finetuned')
    run = RunDirectory.open(run_dir)
    _stage(run, f'evaluate_{model}', output, **robot.job_options(run.settings.task),
           evaluation_episodes=episodes)


@app.command()
def report(run_dir: RunDir) -> None:
    """Write summary.json, report.html and TensorBoard logs of a run again."""
    from inril_ros.cli.stages.stages import conclude

    run = RunDirectory.open(run_dir)
    conclude(Job(run, JobOptions(simulation=''), Reporter()))
    typer.echo(run.report)


app.command()(up)


def _stage(run: RunDirectory, stage: str, output: Output, **options: Any) -> None:
    from inril_ros.cli.stages.stages import run_stage

    run_stage(Job(run, JobOptions(verbose=output.verbose, **options), output.reporter()), stage)


def main() -> None:
    """Run the command; errors that a user can correct are reported without a traceback."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        status = app(standalone_mode=False) or 0
    except KeyboardInterrupt:
        status = _INTERRUPTED
    except Exception as error:
        _exit(_show_error(error))
    if status == _INTERRUPTED:  # Typer returns it if it caught the KeyboardInterrupt itself
        print('\ninterrupted; what was done is kept, --resume continues (a study: the same '
              'command)', file=sys.stderr)
        _exit(status)
    sys.exit(status)


def _show_error(error: Exception) -> int:
    """Print what went wrong; return the exit status."""
    if hasattr(error, 'show'):  # click's own: a wrong option
        error.show()
        return 2
    if isinstance(error, NodeDied):
        print(f'\nerror: {error}', file=sys.stderr)
    elif isinstance(error, (ValueError, RuntimeError, OSError)):
        print(f'error: {error}', file=sys.stderr)
    else:
        traceback.print_exception(error)
    return 1


def _exit(status: int) -> NoReturn:
    """End the process without Python's cleanup: it may still be in a graph that broke."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _terminate(number: int, frame: FrameType | None) -> None:
    """Stop as Ctrl-C does: the nodes are shut down in order, what was done is kept."""
    raise KeyboardInterrupt


if __name__ == '__main__':
    main()
