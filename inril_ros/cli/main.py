# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The ``inril`` command."""

import json
import os
from pathlib import Path
import signal
import sys
import time
import traceback
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
import yaml

from inril_ros.cli.bench import app as bench_app
from inril_ros.cli.contract import app as contract_app
from inril_ros.cli.demos import app as demos_app
from inril_ros.cli.doctor import doctor
from inril_ros.cli.faults import faults
from inril_ros.cli.run.progress import Reporter
from inril_ros.cli.run.resources import find_configuration
from inril_ros.cli.run.run_directory import new_settings, RunDirectory, RunDirectoryError
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
Task = Annotated[str, typer.Option(help='Task of the simulation, for example pick-place.')]
Seed = Annotated[int, typer.Option(min=0, help='Seed of everything random.')]
Robot = Annotated[str, typer.Option(
    '--contract', help='Robot contract: a file, or a name in config/robots.')]
Simulation = Annotated[str, typer.Option(
    help='Simulation mapping: a file, or a name in config/simulations; empty: a real robot.')]
Gazebo = Annotated[bool, typer.Option(
    '--gazebo', help='Gazebo simulates the mapping, and runs already: gazebo.launch.py '
                     'stage:=none.')]
Demos = Annotated[int, typer.Option(min=1, help='Successful demonstrations to record.')]
Steps = Annotated[int, typer.Option(min=1, help='Environment steps of fine-tuning.')]
Episodes = Annotated[int, typer.Option(min=1, help='Episodes of each evaluation.')]
CloneSteps = Annotated[int, typer.Option(min=1, help='Gradient steps of behaviour cloning.')]
Source = Annotated[str, typer.Option(
    '--il', help='What is imitated: demos, own-successes or both.')]
M = Annotated[int, typer.Option('--m', min=1, help='RL updates per IL update.')]
RlOnly = Annotated[bool, typer.Option('--rl-only', help='No imitation updates: m is infinite.')]
Config = Annotated[Path | None, typer.Option(
    help='Fine-tuning settings (YAML); default: config/finetune.yaml.')]
Synchronous = Annotated[bool, typer.Option(
    '--synchronous', help='Learn between episodes only: slower, and repeatable bit by bit.')]
Device = Annotated[str, typer.Option(help='Where to learn: auto, cpu or cuda.')]
Resume = Annotated[bool, typer.Option('--resume', help='Go on with the run in the folder.')]
Machine = Annotated[bool, typer.Option('--json', help='Lines of JSON instead of progress bars.')]
Verbose = Annotated[bool, typer.Option('--verbose', '-v', help='Show the output of the nodes.')]

_INTERRUPTED = 130  # exit status after Ctrl-C, as shells have it
_SOURCES = {'demos': 'demonstrations', 'own-successes': 'own_successes', 'both': 'both'}


class UsageError(ValueError):
    """An option that can't be; the message says what is allowed."""


@app.command()
def demo(
    run_dir: Annotated[Path, typer.Option(help='Folder of the run.')] = Path('runs/demo'),
    task: Task = 'pick-place', seed: Seed = 0, demos: Demos = 8,
    clone_steps: CloneSteps = 3000, steps: Steps = 40_000, episodes: Episodes = 50,
    il: Source = 'both', m: M = 4, rl_only: RlOnly = False, config: Config = None,
    synchronous: Synchronous = False, device: Device = 'auto',
    contract: Robot = 'metaworld_sawyer', simulation: Simulation = 'metaworld',
    resume: Resume = False, machine: Machine = False, verbose: Verbose = False,
) -> None:
    """Do the whole job in simulation: record, pretrain, evaluate, fine-tune, evaluate, report."""
    from inril_ros.cli.report.summary import headline
    from inril_ros.cli.stages.stages import run_all

    settings = new_settings(task, seed, find_configuration('robots', contract))
    options = JobOptions(
        simulation=_simulation(simulation, task), demonstrations=demos, env_steps=steps,
        evaluation_episodes=episodes, session=_session(config, il, m, rl_only),
        pretrain={'steps': clone_steps}, synchronous=synchronous, device=device, verbose=verbose)
    reporter = Reporter(machine)
    run = RunDirectory.create(run_dir, settings, resume)
    reporter.say(f'run {run.settings.run_id} in {run.path}: {task}, seed {seed}')
    began = time.monotonic()
    summary = run_all(Job(run, options, reporter))
    if machine:
        print(json.dumps({'event': 'summary', **summary}), flush=True)
        return
    reporter.title('Done')
    reporter.say(headline(summary))
    reporter.say(f'{time.monotonic() - began:.0f} s; numbers in {run.summary}, '
                 f'pictures in {run.report}')


@app.command()
def record(
    run_dir: RunDir, task: Task = 'pick-place', seed: Seed = 0, demos: Demos = 8,
    contract: Robot = 'metaworld_sawyer', simulation: Simulation = 'metaworld',
    gazebo: Gazebo = False, resume: Resume = False, machine: Machine = False,
    verbose: Verbose = False,
) -> None:
    """Begin a run: record demonstrations through the teleop topics, one bag per episode."""
    mapping = _simulation(simulation, task)  # before the folder: a wrong task must not begin a run
    run = RunDirectory.create(run_dir, new_settings(
        task, seed, find_configuration('robots', contract)), resume)
    _stage(run, 'record', machine, simulation=mapping, gazebo=gazebo, demonstrations=demos,
           verbose=verbose)


@app.command()
def pretrain(
    run_dir: RunDir, clone_steps: CloneSteps = 3000, config: Config = None,
    device: Device = 'auto', machine: Machine = False,
) -> None:
    """Clone the recorded demonstrations, as the kind of policy that the settings' host needs."""
    _stage(RunDirectory.open(run_dir), 'pretrain', machine, simulation='', device=device,
           pretrain={'steps': clone_steps}, session=_session(config, 'both', 4, False))


@app.command()
def finetune(
    run_dir: RunDir, steps: Steps = 40_000, il: Source = 'both', m: M = 4,
    rl_only: RlOnly = False, config: Config = None, synchronous: Synchronous = False,
    device: Device = 'auto', simulation: Simulation = 'metaworld', gazebo: Gazebo = False,
    resume: Resume = False, machine: Machine = False, verbose: Verbose = False,
) -> None:
    """Fine-tune the cloned policy on the running arm."""
    run = RunDirectory.open(run_dir)
    if run.finetune.exists() and not resume:
        raise RunDirectoryError(f'{run.finetune} exists: continue it with --resume')
    _stage(run, 'finetune', machine, simulation=_simulation(simulation, run.settings.task),
           gazebo=gazebo,
           env_steps=steps, session=_session(config, il, m, rl_only), synchronous=synchronous,
           device=device, verbose=verbose)


@app.command()
def evaluate(
    run_dir: RunDir,
    model: Annotated[str, typer.Option(help='Which model: pretrained or finetuned.')],
    episodes: Episodes = 50, simulation: Simulation = 'metaworld', gazebo: Gazebo = False,
    machine: Machine = False, verbose: Verbose = False,
) -> None:
    """Measure success on the fixed set of initial states."""
    if model not in ('pretrained', 'finetuned'):
        raise UsageError(f'--model {model}: pretrained or finetuned')
    run = RunDirectory.open(run_dir)
    _stage(run, f'evaluate_{model}', machine,
           simulation=_simulation(simulation, run.settings.task), gazebo=gazebo,
           evaluation_episodes=episodes, verbose=verbose)


@app.command()
def report(run_dir: RunDir) -> None:
    """Write summary.json, report.html and TensorBoard logs of a run again."""
    from inril_ros.cli.stages.stages import conclude

    run = RunDirectory.open(run_dir)
    conclude(Job(run, JobOptions(simulation=''), Reporter()))
    typer.echo(run.report)


@app.command()
def up(
    stage: Annotated[str, typer.Argument(help='simulate, record, evaluate, finetune or learn.')],
    run_dir: Annotated[Path, typer.Option(help='Folder of the run.')],
    simulation: Simulation = 'metaworld',
    real_time: Annotated[bool, typer.Option(
        '--real-time', help='Simulated time runs with the wall clock, not in lockstep.')] = False,
    camera: Annotated[bool, typer.Option('--camera', help='Publish the cameras.')] = False,
    domain: Annotated[int | None, typer.Option(
        help='ROS domain; default: that of the environment.')] = None,
    log_level: Annotated[str, typer.Option(help='debug, info, warn or error.')] = 'info',
) -> None:
    """Start the graph of a stage and keep it up until Ctrl-C; fail if a node dies."""
    from inril_ros.cli.bring_up import bring_up

    bring_up(stage, RunDirectory.open(run_dir), simulation and str(
        find_configuration('simulations', simulation)), real_time, camera, domain, log_level)


def _stage(run: RunDirectory, stage: str, machine: bool, **options: Any) -> None:
    from inril_ros.cli.stages.stages import run_stage

    run_stage(Job(run, JobOptions(**options), Reporter(machine)), stage)


def _simulation(name: str, task: str) -> str:
    """Return the path of the simulation mapping after checking that it has the task."""
    if not name:
        return ''
    from inril_ros.sim.mapping import find_task, load_mapping

    path = find_configuration('simulations', name)
    find_task(load_mapping(path), task, str(path))
    return str(path.resolve())


def _session(config: Path | None, il: str, m: int, rl_only: bool) -> dict[str, Any]:
    """Return the fine-tuning settings: the file's, with the options over them."""
    from inril_ros.learning.session_config import SessionConfig

    if il not in _SOURCES:
        raise UsageError(f'--il {il}: allowed are {", ".join(_SOURCES)}')
    path = config or find_configuration('', 'finetune')
    try:
        settings = yaml.safe_load(path.read_text(encoding='utf-8')) or {}
        if isinstance(settings, dict):
            settings.update(m=None if rl_only else m, imitation_source=_SOURCES[il])
        SessionConfig.from_mapping(settings)
    except (yaml.YAMLError, ValueError) as error:
        raise UsageError(f'{path}: {error}') from error
    return settings


def main() -> None:
    """Run the command; errors that a person can mend are told in their own words."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        status = app(standalone_mode=False) or 0
    except KeyboardInterrupt:
        status = _INTERRUPTED
    except Exception as error:
        _leave(_tell(error))
    if status == _INTERRUPTED:  # Typer returns it where it caught the KeyboardInterrupt itself
        print('\ninterrupted; what was done is kept, --resume goes on (a study: the same command)',
              file=sys.stderr)
        _leave(status)
    sys.exit(status)


def _tell(error: Exception) -> int:
    """Say what went wrong; return the exit status."""
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


def _leave(status: int) -> NoReturn:
    """End the process without taking it down: a client of a graph that broke is still in it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _terminate(number: int, frame: FrameType | None) -> None:
    """Stop as Ctrl-C does: the nodes are shut down in order, what was done is kept."""
    raise KeyboardInterrupt


if __name__ == '__main__':
    main()
