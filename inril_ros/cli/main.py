# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The ``inril`` command."""

from collections.abc import Callable
from dataclasses import replace
import os
from pathlib import Path
import signal
import sys
import time
import traceback
from types import FrameType
from typing import Annotated, NoReturn

import typer

from inril_ros.cli.bench import app as bench_app
from inril_ros.cli.bring_up import up
from inril_ros.cli.camera import app as camera_app
from inril_ros.cli.console import console
from inril_ros.cli.contract import app as contract_app
from inril_ros.cli.demos.demos import app as demos_app
from inril_ros.cli.demos.rest_options import Rest
from inril_ros.cli.doctor import doctor
from inril_ros.cli.evidence.evidence import app as evidence_app
from inril_ros.cli.failures import failures
from inril_ros.cli.faults import faults
from inril_ros.cli.options import (
    Cloning,
    Config,
    default_of,
    Device,
    JsonLines,
    Learning,
    OtherRobot,
    Output,
    Params,
    Resume,
    Robot,
    Simulation,
    Start,
    StartPatience,
    with_groups,
)
from inril_ros.cli.reward.reward import app as reward_app
from inril_ros.cli.run.given_settings import given
from inril_ros.cli.run.progress import print_event, Reporter
from inril_ros.cli.run.resources import find_configuration
from inril_ros.cli.stages.job import Job, JobOptions
from inril_ros.cli.stages.job_settings import check_heldout, job_options, kept_for
from inril_ros.cli.teleop import app as teleop_app
from inril_ros.cli.views.views import views
from inril_ros.data.run.run_directory import RunDirectory, RunDirectoryError
from inril_ros.data.run.settings import DEFAULT, kept_settings, Setting, Settings, UsageError
from inril_ros.graph.supervisor import NodeDied

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    rich_markup_mode='rich',
    help='Fine-tune a cloned policy on the arm: m RL updates, then one imitation update.\n\n'
         'A run lives in a folder. [bold]inril demo[/bold] does all of it in simulation; the '
         'other commands do one stage each, in the order record, pretrain, evaluate, finetune, '
         'evaluate.')
app.add_typer(bench_app, name='bench')
app.add_typer(camera_app, name='camera')
app.command(name='console')(console)
app.add_typer(contract_app, name='contract')
app.command(name='doctor')(doctor)
app.add_typer(evidence_app, name='evidence')
app.command(name='failures')(failures)
app.command(name='faults')(faults)
app.add_typer(demos_app, name='demos')
app.add_typer(reward_app, name='reward')
app.add_typer(teleop_app, name='teleop')
app.command(name='views')(views)

RunDir = Annotated[Path, typer.Argument(help='Folder of the run.')]
Episodes = Annotated[int | None, typer.Option(
    min=1, help='Episodes of each evaluation.', show_default=default_of('evaluation_episodes'))]

_FOLLOW_SECONDS = 5.0  # between two looks at a run that goes on
_INTERRUPTED = 130  # exit status after Ctrl-C, as shells have it


@app.command()
@with_groups
def demo(
    start: Start, cloning: Cloning, rest: Rest, learning: Learning, output: Output,
    run_dir: Annotated[Path, typer.Option(help='Folder of the run.')] = Path('runs/demo'),
    episodes: Episodes = None, simulation: Simulation = None,
    start_patience: StartPatience = None, params: Params = None,
    cameras: Annotated[bool, typer.Option(
        '--cameras', help='From pixels, judged by a classifier: other defaults, for a task that '
                          'is learned in a quarter of an hour (config/cameras.yaml).')] = False,
) -> None:
    """Do the whole job in simulation: record, pretrain, evaluate, fine-tune, evaluate, report.

    With --cameras the policy sees the object in two cameras only, and a classifier that the job
    trains judges; the simulator only says how often it erred.
    """
    from inril_ros.cli.report.summary import headline
    from inril_ros.cli.reward.job_judge import prepare_judge
    from inril_ros.cli.reward.judged_live import tell_judged_live
    from inril_ros.cli.stages.stages import run_all

    if cameras and not (start.resume and (run_dir / 'run.json').exists()):
        start = replace(start, task=start.task or 'button-press', demos=start.demos or 3,
                        contract=start.contract or 'metaworld_sawyer_judged')
        learning = replace(learning, steps=learning.steps or 4000,
                           config=learning.config or find_configuration('', 'cameras'))
        simulation = simulation or 'metaworld_cameras'
    robot = Robot(simulation, start_patience=start_patience, params=params)
    asked = start.settings(run_dir, robot.asked())
    kept = kept_settings(run_dir) if start.resume else {}
    settings = {**kept, **start.given(), **cloning.given(learning.config), **rest.given(),
                **given(evaluation_episodes=episodes), **robot.of_beginning(asked, kept),
                **learning.given(kept)}
    check_heldout(settings)
    options = job_options(settings, output.verbose)
    reporter = output.reporter()
    run = RunDirectory.create(run_dir, asked, start.resume)
    reporter.say(f'run {run.settings.run_id} in {run.path}: {asked.task}, seed {asked.seed}')
    began = time.monotonic()
    summary = run_all(Job(run, options, reporter), prepare_judge)
    if output.json_output:
        print_event('summary', **summary)
        return
    reporter.title('Done')
    reporter.say(headline(summary))
    tell_judged_live(run, reporter)
    reporter.say(f'{time.monotonic() - began:.0f} s; numbers in {run.summary}, '
                 f'pictures in {run.report}')


@app.command()
@with_groups
def record(
    run_dir: RunDir, start: Start, robot: Robot, output: Output,
    dry: Annotated[bool, typer.Option(
        '--dry-run', help='Compute, check and show everything, and send nothing to the robot, '
                          'until Ctrl-C. Nothing of it is learned from: it gets a folder of its '
                          'own in RUN_DIR.')] = False,
) -> None:
    """Begin a run: record demonstrations through the teleop topics, one bag per episode."""
    from inril_ros.cli.stages.record import dry_run
    from inril_ros.cli.stages.stages import run_stage

    if dry and start.resume:
        raise UsageError('--dry-run begins anew each time: leave --resume out')
    folder = run_dir / time.strftime('%Y%m%d_%H%M%S') if dry else run_dir
    asked = start.settings(folder, robot.asked())
    kept = kept_settings(run_dir) if start.resume else {}
    # A wrong task must be refused before the run begins.
    options = job_options({**kept, **start.given(), **robot.of_beginning(asked, kept)},
                          output.verbose)
    if dry and options.simulation:
        raise UsageError('--dry-run is for a real arm: a simulated one may be moved')
    job = Job(RunDirectory.create(folder, asked, start.resume), options, output.reporter())
    if dry:
        dry_run(job)
    run_stage(job, 'record')


@app.command()
@with_groups
def pretrain(
    run_dir: RunDir, cloning: Cloning, rest: Rest, config: Config = None, device: Device = None,
    json_output: JsonLines = False,
    despite_findings: Annotated[bool, typer.Option(
        '--despite-findings', help='Train although inril demos check calls the demonstrations '
                                   'wrong.')] = False,
) -> None:
    """Clone the recorded demonstrations, as the kind of policy that the settings' host needs."""
    def options(run: RunDirectory, kept: Settings) -> Settings:
        settings = {'simulation': Setting('', DEFAULT), **kept,  # it runs none
                    **cloning.given(config), **rest.given(),
                    **given(despite_findings=despite_findings),
                    **Learning(config=config, device=device).given(kept)}
        check_heldout(settings)
        return settings

    _stage(run_dir, 'pretrain', Output(json_output), options)


@app.command()
@with_groups
def finetune(
    run_dir: RunDir, learning: Learning, robot: Robot, output: Output, resume: Resume = False,
    other_robot: OtherRobot = False,
    starts: Annotated[Path | None, typer.Option(
        help='List of starts to practise, from inril failures; success is measured on all '
             'afterwards.')] = None,
) -> None:
    """Fine-tune the cloned policy on the run's robot."""
    run = RunDirectory.open(run_dir)
    if run.finetune.exists() and not resume:
        raise RunDirectoryError(f'{run.finetune} exists: continue it with --resume')
    _stage(run_dir, 'finetune', output, lambda run, kept: {
        **robot.of_stage(run, 'finetune', kept, other_robot), **learning.given(kept),
        **given(starts=starts and str(starts.absolute()))})
    if starts is not None:
        _stage(run_dir, 'evaluate_finetuned', output, lambda run, kept: robot.of_stage(
            run, 'evaluate_finetuned', kept, other_robot))


@app.command()
@with_groups
def evaluate(
    run_dir: RunDir, robot: Robot, output: Output,
    model: Annotated[str, typer.Option(help='Which model: pretrained or finetuned.')],
    episodes: Episodes = None, resume: Resume = False, other_robot: OtherRobot = False,
) -> None:
    """Measure success on the fixed set of initial states; more episodes add to those there are."""
    if model not in ('pretrained', 'finetuned'):
        raise UsageError(f'--model {model}: must be pretrained or finetuned')
    del resume  # an evaluation always goes on with the episodes that it has
    stage = f'evaluate_{model}'
    _stage(run_dir, stage, output, lambda run, kept: {
        **robot.of_stage(run, stage, kept, other_robot), **given(evaluation_episodes=episodes)})


@app.command()
def report(
    run_dir: RunDir,
    follow: Annotated[bool, typer.Option(
        '--follow', help='Write only the TensorBoard logs, and what comes while the run goes '
                         'on, until it has ended or Ctrl-C.')] = False,
) -> None:
    """Write summary.json, report.html and TensorBoard logs of a run, at any time of it."""
    from inril_ros.cli.report.tensorboard import follow_tensorboard
    from inril_ros.cli.stages.stages import conclude

    run = RunDirectory.open(run_dir)
    if follow:
        def goes_on() -> bool:
            time.sleep(_FOLLOW_SECONDS)
            return 'evaluate_finetuned' not in run.finished_stages()

        typer.echo(f'writing {run.path / "tensorboard"} while the run goes on: '
                   f'tensorboard --logdir {run.path} shows it')
        follow_tensorboard(run.path, goes_on)
        return
    summary = conclude(Job(run, JobOptions(simulation=''), Reporter()))
    typer.echo(run.report)
    if summary['unfinished']:
        typer.echo(f'not finished yet: {", ".join(summary["unfinished"])}')


app.command()(up)


def _stage(run_dir: Path, stage: str, output: Output,
           options: Callable[[RunDirectory, Settings], Settings]) -> None:
    """Do a stage of an existing run.

    Args:
        run_dir: Folder of the run.
        stage: Name of the stage.
        output: Where to report.
        options: Returns the given options for the run and its kept settings.
    """
    from inril_ros.cli.stages.stages import run_stage

    run = RunDirectory.open(run_dir)
    kept = kept_for(run, stage)
    settings = {**kept, **options(run, kept)}
    run_stage(Job(run, job_options(settings, output.verbose), output.reporter()), stage)


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
