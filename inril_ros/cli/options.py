# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Options of the commands, in groups: a command takes a group as one object.

A group is a frozen dataclass whose fields are options. ``with_groups`` shows them to Typer as
options of the command, in a panel of the help text that the group's docstring is the title of.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, fields, is_dataclass, MISSING
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
import yaml

from inril_ros.cli.run.progress import Reporter
from inril_ros.cli.run.resources import find_configuration
from inril_ros.cli.run.run_directory import new_settings, RunDirectory

Config = Annotated[Path | None, typer.Option(
    help='Fine-tuning settings (YAML); default: config/finetune.yaml.')]
ContractName = Annotated[str, typer.Option(
    '--contract', help='Robot contract: a file, or a name in config/robots.')]
Device = Annotated[str, typer.Option(help='Where to learn: auto, cpu or cuda.')]
JsonLines = Annotated[bool, typer.Option(
    '--json', help='Lines of JSON instead of progress bars.')]
Resume = Annotated[bool, typer.Option('--resume', help='Continue the run in the folder.')]
Simulation = Annotated[str, typer.Option(
    help='Simulation mapping: a file, or a name in config/simulations; empty: a real robot.')]

IMITATION_SOURCES = {
    'demos': 'demonstrations', 'own-successes': 'own_successes', 'both': 'both'}


class UsageError(ValueError):
    """A value that an option can't have; the message says what is allowed."""


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with the fields of its option groups in place of the groups."""
    groups: dict[str, Any] = {}
    parameters: list[Parameter] = []
    for given in signature(command).parameters.values():
        if not is_dataclass(given.annotation):
            parameters.append(given.replace(kind=Parameter.KEYWORD_ONLY))
            continue
        groups[given.name] = given.annotation
        title = (given.annotation.__doc__ or '').splitlines()[0].rstrip('.')
        parameters += [Parameter(
            field.name, Parameter.KEYWORD_ONLY, annotation=_in_panel(field.type, title),
            default=Parameter.empty if field.default is MISSING else field.default)
            for field in fields(given.annotation)]

    @wraps(command)
    def run(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name)
                                    for field in fields(group)})
        command(**values)

    run.__signature__ = Signature(parameters)
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def _in_panel(annotation: Any, title: str) -> Any:
    kind, option = get_args(annotation)
    option = copy(option)
    option.rich_help_panel = title
    return Annotated[kind, option]


@dataclass(frozen=True)
class Output:
    """Output."""

    json_output: JsonLines = False
    verbose: Annotated[bool, typer.Option(
        '--verbose', '-v', help='Show the output of the nodes.')] = False

    def reporter(self) -> Reporter:
        """Return what reports progress to the user."""
        return Reporter(self.json_output)


@dataclass(frozen=True)
class Start:
    """The run."""

    task: Annotated[str, typer.Option(
        help='Task of the simulation, for example pick-place.')] = 'pick-place'
    seed: Annotated[int, typer.Option(min=0, help='Seed of everything random.')] = 0
    demos: Annotated[int, typer.Option(
        min=1, help='Successful demonstrations to record.')] = 8
    contract: Annotated[str, typer.Option(
        '--contract', help='Robot contract: a file, or a name in config/robots.',
    )] = 'metaworld_sawyer'
    resume: Resume = False

    def run(self, folder: Path) -> RunDirectory:
        """Create the run, or open the one to resume."""
        settings = new_settings(
            self.task, self.seed, find_configuration('robots', self.contract))
        return RunDirectory.create(folder, settings, self.resume)


@dataclass(frozen=True)
class Robot:
    """The robot."""

    simulation: Simulation = 'metaworld'
    gazebo: Annotated[bool, typer.Option(
        '--gazebo', help='Gazebo simulates the mapping, and runs already: gazebo.launch.py '
                         'stage:=none.')] = False

    def job_options(self, task: str) -> dict[str, Any]:
        """Return the options of a job on this robot."""
        return {'simulation': mapping_path(self.simulation, task), 'gazebo': self.gazebo}


@dataclass(frozen=True)
class Learning:
    """Learning."""

    steps: Annotated[int, typer.Option(
        min=1, help='Environment steps of fine-tuning.')] = 40_000
    il: Annotated[str, typer.Option(
        '--il', help='What is imitated: demos, own-successes or both.')] = 'both'
    m: Annotated[int, typer.Option('--m', min=1, help='RL updates per IL update.')] = 4
    rl_only: Annotated[bool, typer.Option(
        '--rl-only', help='No imitation updates: m is infinite.')] = False
    config: Config = None
    synchronous: Annotated[bool, typer.Option(
        '--synchronous',
        help='Learn between episodes only: slower, and repeatable bit by bit.')] = False
    device: Device = 'auto'

    def job_options(self) -> dict[str, Any]:
        """Return the options of a job that fine-tunes.

        Raises:
            UsageError: A setting is refused.
        """
        if self.il not in IMITATION_SOURCES:
            raise UsageError(f'--il {self.il}: allowed are {", ".join(IMITATION_SOURCES)}')
        session = session_settings(
            self.config, m=None if self.rl_only else self.m,
            imitation_source=IMITATION_SOURCES[self.il])
        return {'env_steps': self.steps, 'session': session, 'synchronous': self.synchronous,
                'device': self.device}


def session_settings(config: Path | None, **options: Any) -> dict[str, Any]:
    """Return the fine-tuning settings of a file, overridden by the options.

    Raises:
        UsageError: The file isn't YAML, or a setting is refused.
    """
    from inril_ros.learning.session_config import SessionConfig

    path = config or find_configuration('', 'finetune')
    try:
        settings = yaml.safe_load(path.read_text(encoding='utf-8')) or {}
        if isinstance(settings, dict):
            settings.update(options)
        SessionConfig.from_mapping(settings)
    except (yaml.YAMLError, ValueError) as error:
        raise UsageError(f'{path}: {error}') from error
    return settings


def mapping_path(name: str, task: str) -> str:
    """Return the path of a simulation mapping after checking that it has the task."""
    if not name:
        return ''
    from inril_ros.sim.mapping import find_task, load_mapping

    path = find_configuration('simulations', name)
    find_task(load_mapping(path), task, str(path))
    return str(path.resolve())
