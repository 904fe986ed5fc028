# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A study as data: tasks x arms x seeds, read from one YAML file and checked before a run begins.

Runs take minutes, so every mistake is reported here, with the file and the key. A study expands to
runs; a run is plain data with a hash, and the same hash always means the same computation.
"""

from collections import Counter
from dataclasses import asdict, replace
from functools import cached_property
import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from inril_ros.bench.evaluation import Evaluation
from inril_ros.bench.robot_time import RobotTime
from inril_ros.bench.task import Count, Label, STRICT, StudyError, Task
from inril_ros.learning.configuration import from_mapping
from inril_ros.learning.policies.image_settings import image_sizes
from inril_ros.learning.policies.model_config import model_config, ModelConfig
from inril_ros.learning.pretrain import PretrainConfig
from inril_ros.learning.session_config import DEFAULT_HOST, SessionConfig
from inril_ros.robot.settings_check import checked
from inril_ros.robot.yaml_file import load_yaml


@dataclass(frozen=True, config=STRICT)
class Arm:
    """One way to fine-tune.

    Attributes:
        name: Name in results.
        session: Settings of SessionConfig; ``host`` is a name, or a mapping with its name and
            settings.
        pretrain: Settings of PretrainConfig.
        model: Settings of ModelConfig, without the sizes of observation, images and action.
        against: Name of the arm that the report compares it with; default: the first arm with
            the same host, m: null and no control.
        env_steps: Environment steps of its runs, if they are shorter than the study's. Such an
            arm is compared with others only at the points that it reaches.
    """

    name: Label
    session: dict[str, Any] = Field(default_factory=dict)
    pretrain: dict[str, Any] = Field(default_factory=dict)
    model: dict[str, Any] = Field(default_factory=dict)
    against: str | None = None
    env_steps: Count | None = None

    @cached_property
    def session_config(self) -> SessionConfig:
        """The checked settings; ValueError if they are wrong."""
        return SessionConfig.from_mapping(self.session)

    @cached_property
    def pretrain_config(self) -> PretrainConfig:
        """The checked settings; ValueError if they are wrong."""
        return from_mapping(PretrainConfig, self.pretrain)

    def model_config(
        self, observation_size: int, action_size: int,
        image_shape: tuple[int, int, int, int] | None = None,
    ) -> ModelConfig:
        """Return the configuration of the cloned model; ValueError if its settings are wrong."""
        fixed = {'observation_size', 'action_size', 'kind', *image_sizes((0, 0, 0, 3))}
        taken = fixed & self.model.keys()
        if taken:
            raise ValueError(f'ModelConfig: {sorted(taken)} follow from the task and the host')
        return model_config(self.session_config.host.POLICY_KIND, observation_size, action_size,
                            self.model, image_shape)

    def check_heldout(self) -> None:
        """Check that the schedule has the held-out demonstrations that it needs.

        Raises:
            ValueError: It hasn't.
        """
        schedule = self.session_config.schedule
        if schedule in ('anchor', 'model') and not self.pretrain_config.heldout_share:
            raise ValueError(f'schedule {schedule} needs demonstrations that nothing is learned '
                             'from: give pretrain: {heldout_share: 0.2}')

    @property
    def host(self) -> str:
        """Name of the RL algorithm."""
        return self.session_config.to_mapping()['host']['name']


@dataclass(frozen=True, config=STRICT)
class Run:
    """One task, one arm, one seed."""

    study: Label
    task: Task
    arm: Arm
    seed: Annotated[int, Field(ge=0)]
    env_steps: Count
    evaluation: Evaluation
    lanes: Annotated[int, Field(ge=1, le=1000)]
    robot: RobotTime = Field(default_factory=RobotTime)

    @property
    def document(self) -> dict[str, Any]:
        """The run as plain data, for ``parse_run``."""
        return {**asdict(self), 'task': self.task.document}

    @cached_property
    def hash(self) -> str:
        """SHA-256 of all that decides the result, which names and the robot's time don't."""
        document = self.document
        del document['study'], document['arm'], document['task']['name'], document['robot']
        evaluation = document['evaluation']
        # Absent in older runs, which were evaluated from the states of tuning.
        if evaluation['states'] == 'tuning':
            del evaluation['states']
        del evaluation['every' if evaluation['at'] else 'at']
        # With all defaults: a changed default makes another run.
        document |= {'session': self.arm.session_config.to_mapping(),
                     'pretrain': asdict(self.arm.pretrain_config),
                     'model': asdict(self.arm.model_config(1, 1))}
        text = json.dumps(document, sort_keys=True, separators=(',', ':'))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def name(self) -> str:
        """File name: readable, and unique for each configuration."""
        return f'{self.task.label}--{self.arm.name}--seed{self.seed}--{self.hash[:8]}'

    @property
    def evaluation_steps(self) -> list[int]:
        """Environment steps at which success is measured."""
        return self.evaluation.steps(self.env_steps)


@dataclass(frozen=True, config=STRICT)
class Study:
    """Tasks x arms x seeds.

    Attributes:
        name: Name of the study.
        tasks: Tasks.
        arms: Ways to fine-tune.
        seeds: Seeds of everything random except the initial states of evaluation.
        env_steps: Environment steps of a run; it finishes its last round of episodes.
        evaluation: When success is measured.
        lanes: Simulations that a run steps in turn, with one policy call for all of them.
        robot: Rate and time per reset of a real arm, to convert steps to minutes.
        session: Session settings of all arms; those of an arm override them. So do the settings
            of ``host``, one by one, unless the arm names another host.
        pretrain: Pretraining settings of all arms, likewise overridden.
        model: Model settings of all arms, likewise overridden.
        notes: Text for the report: the question, and the expected result.
    """

    name: Label
    tasks: Annotated[tuple[Task, ...], Field(min_length=1)]
    arms: Annotated[tuple[Arm, ...], Field(min_length=1)]
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    env_steps: Count
    evaluation: Evaluation = Field(default_factory=Evaluation)
    lanes: Annotated[int, Field(ge=1, le=1000)] = 8
    robot: RobotTime = Field(default_factory=RobotTime)
    session: dict[str, Any] = Field(default_factory=dict)
    pretrain: dict[str, Any] = Field(default_factory=dict)
    model: dict[str, Any] = Field(default_factory=dict)
    notes: str = ''

    def __post_init__(self) -> None:
        _no_duplicates('tasks', [task.label for task in self.tasks])
        _no_duplicates('arms', [arm.name for arm in self.arms])
        _no_duplicates('seeds', list(self.seeds))
        at = self.evaluation.at
        if at is not None and at[-1] != self.env_steps:
            raise ValueError(f'evaluation.at: the last point is {at[-1]}, the run ends at '
                             f'env_steps {self.env_steps}: let them be the same')
        names = [arm.name for arm in self.arms]
        for arm in self.full_arms:
            try:
                _ = arm.session_config, arm.pretrain_config, arm.model_config(1, 1)
                arm.check_heldout()
                self.evaluation.until(arm.env_steps or self.env_steps)
                if (arm.env_steps or 0) > self.env_steps:
                    raise ValueError(f'env_steps {arm.env_steps} are more than the '
                                     f'{self.env_steps} of the study')
            except ValueError as error:
                raise ValueError(f'arm {arm.name}: {error}') from error
            if arm.against is not None and arm.against not in names:
                raise ValueError(f'arm {arm.name}: against {arm.against!r} is none of {names}')

    @property
    def full_arms(self) -> tuple[Arm, ...]:
        """The arms, with the settings of the study where they have none of their own."""
        return tuple(replace(
            arm, session=_with_defaults(arm.session, self.session),
            pretrain={**self.pretrain, **arm.pretrain}, model={**self.model, **arm.model})
            for arm in self.arms)

    def runs(self) -> list[Run]:
        """Return all runs, those of one clone far apart, so that few wait for each other."""
        return [Run(self.name, task, arm, seed, steps, self.evaluation.until(steps), self.lanes,
                    self.robot)
                for arm in self.full_arms for steps in [arm.env_steps or self.env_steps]
                for task in self.tasks for seed in self.seeds]


def load_study(path: str | Path) -> Study:
    """Read and check a study.

    Raises:
        StudyError: The file is missing, isn't YAML, or breaks a rule; the message says which.
    """
    data, lines = load_yaml(path, StudyError)
    return checked(Study, data, str(path), StudyError, lines)


def parse_study(data: object, source: str = 'study') -> Study:
    """Check a study given as plain data; ``source`` is named in errors.

    Raises:
        StudyError: It breaks a rule; the message names the key, the value and what is allowed.
    """
    return checked(Study, data, source, StudyError)


def parse_run(data: object, source: str = 'run') -> Run:
    """Read what ``Run.document`` wrote; StudyError if it isn't that."""
    return checked(Run, data, source, StudyError)


def _with_defaults(session: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """Return an arm's session settings, and where it has none those that all arms share."""
    merged = {**shared, **session}
    host, default = (
        {'name': values['host']} if isinstance(values.get('host'), str) else values.get('host')
        for values in (session, shared))
    if isinstance(host, dict) and isinstance(default, dict):
        name = default.get('name', DEFAULT_HOST)
        if host.get('name', name) == name:
            merged['host'] = {**default, **host}
    return merged


def _no_duplicates(key: str, names: list) -> None:
    duplicates = [name for name, count in Counter(names).items() if count > 1]
    if duplicates:
        raise ValueError(f'{key}: {duplicates} occur twice; tasks may have a name of their own')
