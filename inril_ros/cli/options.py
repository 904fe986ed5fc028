# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Options of the commands, in groups: a command takes a group as one object.

A group is a frozen dataclass whose fields are options. ``with_groups`` shows them to Typer as
options of the command, in a panel of the help text that the group's docstring is the title of.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, fields, is_dataclass, MISSING, replace
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from inril_ros.cli.run.given_settings import (
    cloning_settings,
    evaluation_settings,
    given,
    session_settings,
)
from inril_ros.cli.run.progress import Reporter
from inril_ros.cli.run.resources import find_configuration
from inril_ros.cli.run.robot_choice import AskedRobot, FROM_RUN, robot_settings, RobotChoice
from inril_ros.cli.stages.job import JobOptions
from inril_ros.data.run.run_directory import new_settings, RunDirectory, RunSettings
from inril_ros.data.run.settings import DEFAULT, OPTION, part, Setting, Settings, UsageError
from inril_ros.graph.parameter_file import find_parameter_file, parameters_of_file

Config = Annotated[Path | None, typer.Option(
    help='Settings of fine-tuning, and of cloning (YAML); default: those of the run that is '
         'resumed, else config/finetune.yaml.')]
ContractName = Annotated[str, typer.Option(
    '--contract', help='Robot contract: a file, or a name in config/robots.')]
Device = Annotated[str | None, typer.Option(
    help='Where to learn: auto, cpu or cuda.', show_default='auto')]
JsonLines = Annotated[bool, typer.Option(
    '--json', help='Lines of JSON instead of progress bars.')]
Params = Annotated[str | None, typer.Option(
    '--params', help='Parameters of the nodes: a ROS parameter file (YAML), or a name in '
                     'config/parameters.')]
Resume = Annotated[bool, typer.Option('--resume', help='Continue the run in the folder.')]
StartPatience = Annotated[float | None, typer.Option(
    '--start-patience', min=1.0,
    help='Seconds in which a graph that is starting may make no progress.',
    show_default=str(JobOptions.start_patience))]
Simulation = Annotated[str | None, typer.Option(
    help='Simulation mapping: a file, or a name in config/simulations; empty: a real arm. A run '
         'keeps its robot. A new one needs this option with --contract; else it is metaworld.')]
OtherRobot = Annotated[bool, typer.Option(
    '--other-robot', help='This stage runs on another robot than the run, as --simulation says: '
                          'for example in Gazebo.')]

IMITATION_SOURCES = {
    'demos': 'demonstrations', 'own-successes': 'own_successes',
    'interventions': 'interventions', 'both': 'both', 'mixture': 'mixture'}
_SHARES = {'demonstration_share': ('both', 'mixture'), 'intervention_share': ('mixture',)}
"""Sources of imitation that have a share."""


def default_of(name: str) -> str:
    """Return the default of a job's option, for the help text."""
    return str({field.name: field.default for field in fields(JobOptions)}[name])


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with the fields of its option groups in place of the groups."""
    groups: dict[str, Any] = {}
    parameters: list[Parameter] = []
    for each in signature(command).parameters.values():
        if not is_dataclass(each.annotation):
            parameters.append(each.replace(kind=Parameter.KEYWORD_ONLY))
            continue
        groups[each.name] = each.annotation
        title = (each.annotation.__doc__ or '').split('.')[0]
        parameters += [Parameter(
            field.name, Parameter.KEYWORD_ONLY, annotation=_in_panel(field.type, title),
            default=Parameter.empty if field.default is MISSING else field.default)
            for field in fields(each.annotation)]

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

    task: Annotated[str | None, typer.Option(
        help='Task of the simulation, for example pick-place.',
        show_default='pick-place')] = None
    seed: Annotated[int | None, typer.Option(
        min=0, help='Seed of everything random.', show_default='0')] = None
    demos: Annotated[int | None, typer.Option(
        min=1, help='Successful demonstrations to record.',
        show_default=default_of('demonstrations'))] = None
    contract: Annotated[str | None, typer.Option(
        '--contract', help='Robot contract: a file, or a name in config/robots.',
        show_default="the simulation's")] = None
    resume: Resume = False

    def settings(self, folder: Path, robot: AskedRobot) -> RunSettings:
        """Return the settings of a new run; what isn't given is as in the run to resume.

        Args:
            folder: Folder of the run.
            robot: What the options say about the robot.

        Raises:
            UsageError: The options don't say what the robot is, or contradict the run.
        """
        run = None
        if self.resume and (folder / 'run.json').exists():
            run = RunDirectory.open(folder)
        task, seed = (run.settings.task, run.settings.seed) if run else ('pick-place', 0)
        contract = run.contract if run and self.contract is None else find_configuration(
            'robots', self.contract) if self.contract else robot.own_contract()
        asked = new_settings(task if self.task is None else self.task,
                             seed if self.seed is None else self.seed, contract)
        choice = robot.of(run, 'record') if run else robot.of_new_run(asked.task, self.contract)
        return replace(asked, simulation=choice.simulation, gazebo=choice.gazebo)

    def given(self) -> Settings:
        """Return the given options of a job."""
        return given(demonstrations=self.demos)


@dataclass(frozen=True)
class Robot:
    """The robot."""

    simulation: Simulation = None
    gazebo: Annotated[bool, typer.Option(
        '--gazebo', help='Gazebo simulates the mapping, and runs already: gazebo.launch.py '
                         'stage:=none.')] = False
    start_patience: StartPatience = None
    params: Params = None

    def asked(self, other: bool = False) -> AskedRobot:
        """Return what is said about the robot; ``other``: it may differ from the run's."""
        return AskedRobot(self.simulation, self.gazebo, other)

    def of_beginning(self, asked: RunSettings, kept: Settings) -> Settings:
        """Return the options of a job on the robot of a run that begins, or is resumed."""
        return self._given(RobotChoice(asked.simulation or '', asked.gazebo), kept,
                           FROM_RUN if kept else DEFAULT)

    def of_stage(self, run: RunDirectory, stage: str, kept: Settings, other: bool) -> Settings:
        """Return the options of a job on the robot of a stage; ``other`` may it be.

        Raises:
            UsageError: The options contradict the run, or neither says what the robot is.
        """
        return self._given(self.asked(other).of(run, stage), kept, FROM_RUN)

    def _given(self, choice: RobotChoice, kept: Settings, source: str) -> Settings:
        origin = source if self.simulation is None and not self.gazebo else OPTION
        return {**given(start_patience=self.start_patience,
                        params_file=params_path(self.params)),
                **robot_settings(choice, kept, origin)}


@dataclass(frozen=True)
class Cloning:
    """Cloning."""

    clone_steps: Annotated[int | None, typer.Option(
        min=1, help='Gradient steps of behaviour cloning.', show_default='3000')] = None
    heldout_share: Annotated[float | None, typer.Option(
        min=0.0, max=0.5, help='Share of the demonstrations that nothing is learned from, to '
                               'measure the imitation loss on (schedules anchor and model).',
        show_default='0')] = None
    freeze_images: Annotated[bool | None, typer.Option(
        '--freeze-images', help='Fine-tuning keeps the image networks of the clone: an update '
                                'from cameras then costs little more than one without.',
        show_default=False)] = None

    def given(self, config: Path | None) -> Settings:
        """Return the given settings of cloning.

        Args:
            config: Settings file.

        Raises:
            UsageError: A setting is refused.
        """
        return cloning_settings(config, given(**{
            'pretrain.steps': self.clone_steps, 'pretrain.heldout_share': self.heldout_share,
            'model.image_frozen': self.freeze_images}))


@dataclass(frozen=True)
class Learning:
    """Learning. Options that are not given leave the settings file as it is."""

    steps: Annotated[int | None, typer.Option(
        min=1, help='Environment steps of fine-tuning.',
        show_default=default_of('env_steps'))] = None
    config: Config = None
    il: Annotated[str | None, typer.Option(
        '--il', help='What is imitated: demos, own-successes, interventions, both (all three) or '
                     'mixture (a share of each).')] = None
    il_demonstrations: Annotated[float | None, typer.Option(
        '--il-demonstrations', min=0.0, max=1.0,
        help='Share of demonstrations in what is imitated (both, mixture).')] = None
    il_interventions: Annotated[float | None, typer.Option(
        '--il-interventions', min=0.0, max=1.0,
        help='Share of interventions in what is imitated (mixture).')] = None
    m: Annotated[int | None, typer.Option(
        '--m', min=1, help='RL updates (or iterations, as the settings say) per imitation '
                           'event.')] = None
    rl_only: Annotated[bool, typer.Option(
        '--rl-only', help='No imitation updates: m is infinite.')] = False
    reset_seconds: Annotated[float | None, typer.Option(
        min=0.0, help='Time that a reset of the scene takes, for the minutes of robot and person.',
        show_default=default_of('reset_seconds'))] = None
    synchronous: Annotated[bool, typer.Option(
        '--synchronous',
        help='Learn between episodes only: slower, and repeatable bit by bit.')] = False
    device: Device = None
    evaluation_every: Annotated[int | None, typer.Option(
        min=0, help='Environment steps between two blocks of evaluation, which judge the versions '
                    'of the weights; 0: none.')] = None
    evaluation_block: Annotated[int | None, typer.Option(
        min=1, help='Episodes of a block of evaluation.')] = None

    def given(self, kept: Settings | None = None) -> Settings:
        """Return the given options of a job that fine-tunes, and all settings of its session.

        Args:
            kept: Settings of the run that is resumed.

        Raises:
            UsageError: A setting is refused, or an option would have no effect.
        """
        if self.rl_only and self.m is not None:
            raise UsageError(f'--rl-only and --m {self.m} exclude each other')
        if self.il is not None and self.il not in IMITATION_SOURCES:
            raise UsageError(f'--il {self.il}: allowed are {", ".join(IMITATION_SOURCES)}')
        options = given(
            m=self.m, imitation_source=self.il and IMITATION_SOURCES[self.il],
            demonstration_share=self.il_demonstrations, intervention_share=self.il_interventions)
        if self.rl_only:
            options['m'] = Setting(None, OPTION)
        session = session_settings(self.config, part(kept or {}, 'session'), options)
        for name, sources in _SHARES.items():
            source = session['imitation_source'].value
            if name in options and source not in sources:
                raise UsageError(f'--il-{name.removesuffix("_share")}s: what is imitated is '
                                 f'{source}, and only {" and ".join(sources)} have this share')
        evaluation = evaluation_settings(
            self.config, part(kept or {}, 'evaluation'),
            given(every=self.evaluation_every, episodes=self.evaluation_block))
        return {**given(env_steps=self.steps, synchronous=self.synchronous, device=self.device,
                        reset_seconds=self.reset_seconds),
                **{f'session.{name}': setting for name, setting in session.items()},
                **{f'evaluation.{name}': setting for name, setting in evaluation.items()}}


def params_path(name: str | None) -> str | None:
    """Return the path of a parameter file after a check of it; '' or None if none is given.

    Raises:
        ParameterFileError: Something in it is wrong.
    """
    if not name:
        return name
    path = find_parameter_file(name)
    parameters_of_file(path, {})
    return path
