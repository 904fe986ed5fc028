# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The simulation mapping: the YAML file that ties a robot contract to a simulator.

The contract says what a robot gives and takes; the mapping says where a simulator keeps it and
which tasks there are. So a simulated robot is described without code, as a real one is. It is
plain data: frozen dataclasses, validated when loaded.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
import yaml

from inril_ros.robot.configuration_folder import configuration_folder
from inril_ros.robot.contract.contract import Contract, explain
from inril_ros.sim.gazebo.lift_task import LiftTask

_STRICT = ConfigDict(extra='forbid', strict=False)
_TaskName = Annotated[str, Field(pattern=r'^[a-z][a-z0-9_-]*$')]
_Name = Annotated[str, Field(pattern=r'^[a-z][a-z0-9_]*$')]
_Finite = Annotated[float, Field(allow_inf_nan=False)]
_TimeLimit = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
_Range = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=1)]]


class MappingError(ValueError):
    """A mapping that can't be used, alone or with its contract; the message says what to do."""


@dataclass(frozen=True, config=_STRICT)
class MetaworldTask:
    """A task of Meta-World.

    Attributes:
        environment: Meta-World's name, for example ``pick-place-v3``.
        quaternion_order: Order in which this environment gives an object's orientation: some
            give it scalar first, as MuJoCo does, some last, as SciPy does.
        operator: ``expert``: a scripted operator can be made of Meta-World's scripted policy.
        time_limit: [s] Instead of the contract's.
    """

    environment: str
    quaternion_order: Literal['xyzw', 'wxyz']
    operator: Literal['expert', 'none'] = 'none'
    time_limit: _TimeLimit | None = None


@dataclass(frozen=True, config=_STRICT)
class MetaworldCamera:
    """A camera of Meta-World.

    Attributes:
        camera: Its name in the MuJoCo model.
        upside_down: It hangs upside down: the image is turned by 180 degrees.
    """

    camera: str
    upside_down: bool = False


@dataclass(frozen=True, config=_STRICT)
class MetaworldMapping:
    """Meta-World's Sawyer; where its observations lie is the same in all tasks."""

    simulator: Literal['metaworld']
    contract: str
    tasks: Annotated[dict[_TaskName, MetaworldTask], Field(min_length=1)]
    cameras: dict[_Name, MetaworldCamera] = Field(default_factory=dict)


@dataclass(frozen=True, config=_STRICT)
class GymnasiumTask:
    """A task that is a Gymnasium environment.

    Attributes:
        environment: Gymnasium id.
        make: Keyword arguments of ``gymnasium.make``.
        operator: Gymnasium has no scripted experts.
        time_limit: [s] Instead of the contract's.
    """

    environment: str
    make: dict[str, Any] = Field(default_factory=dict)
    operator: Literal['none'] = 'none'
    time_limit: _TimeLimit | None = None


@dataclass(frozen=True, config=_STRICT)
class Source:
    """Where an observation is found; exactly one of the first three is given.

    Attributes:
        observation: Keys into the environment's observation, joined by dots; empty: all of it.
        info: Keys into its info, joined by dots.
        joints: Joints of its MuJoCo model with one degree of freedom each.
        quantity: ``position`` or ``velocity``, for joints.
        elements: ``[first, end]`` of the array, end excluded; all of it if not given.
        scale: The value is multiplied by it
        offset: and this is added.
    """

    observation: str | None = None
    info: str | None = None
    joints: tuple[str, ...] = ()
    quantity: Literal['position', 'velocity'] = 'position'
    elements: _Range | None = None
    scale: _Finite = 1.0
    offset: _Finite = 0.0

    def __post_init__(self) -> None:
        given = [self.observation is not None, self.info is not None, bool(self.joints)]
        if sum(given) != 1:
            raise ValueError('give exactly one of observation, info, joints')


@dataclass(frozen=True, config=_STRICT)
class Target:
    """Where an action goes in the environment's action.

    Attributes:
        elements: ``[first, end]``, end excluded. Elements that no action sets are 0.
        scale: The action in contract units is multiplied by it
        offset: and this is added.
    """

    elements: _Range
    scale: _Finite = 1.0
    offset: _Finite = 0.0

    def __post_init__(self) -> None:
        if self.elements[0] >= self.elements[1]:
            raise ValueError(f'elements {list(self.elements)} are none: end is excluded')
        if self.scale == 0.0:
            raise ValueError('scale is 0: the action would have no effect')


@dataclass(frozen=True, config=_STRICT)
class Success:
    """What counts as success; exactly one is given.

    Attributes:
        info: Keys into the environment's info, joined by dots; success if the value is true.
        reward: Success if a step's reward is at least this.
        terminated_with_reward: Success if the environment terminates with at least this reward.
    """

    info: str | None = None
    reward: _Finite | None = None
    terminated_with_reward: _Finite | None = None

    def __post_init__(self) -> None:
        given = [self.info, self.reward, self.terminated_with_reward]
        if sum(entry is not None for entry in given) != 1:
            raise ValueError('give exactly one of info, reward, terminated_with_reward')


@dataclass(frozen=True, config=_STRICT)
class GymnasiumCamera:
    """Where an image is found; exactly one is given.

    Attributes:
        observation: Keys into the environment's observation, joined by dots.
        render: Which image of ``render()``, if it returns several; 0 otherwise.
    """

    observation: str | None = None
    render: Annotated[int, Field(ge=0)] | None = None

    def __post_init__(self) -> None:
        if (self.observation is None) == (self.render is None):
            raise ValueError('give exactly one of observation, render')


@dataclass(frozen=True, config=_STRICT)
class GymnasiumMapping:
    """A robot in Gymnasium environments that share their observations and actions.

    Attributes:
        simulator: The kind of simulator.
        contract: File of the contract, relative to the folder ``robots`` beside this one.
        tasks: Tasks by name.
        observations: Source of each observation of the contract.
        actions: Target of each action of the contract.
        success: What counts as success.
        failure: ``terminated``: the environment's end without success; ``never``: nothing.
        reward: ``sparse``: 1 for success, else 0; ``environment``: the environment's own.
        modules: Python modules whose import registers the environments.
        cameras: Source of each camera of the contract that can be shown.
    """

    simulator: Literal['gymnasium']
    contract: str
    tasks: Annotated[dict[_TaskName, GymnasiumTask], Field(min_length=1)]
    observations: dict[_Name, Source]
    actions: dict[_Name, Target]
    success: Success
    failure: Literal['terminated', 'never'] = 'never'
    reward: Literal['sparse', 'environment'] = 'sparse'
    modules: tuple[str, ...] = ()
    cameras: dict[_Name, GymnasiumCamera] = Field(default_factory=dict)


@dataclass(frozen=True, config=_STRICT)
class SdfMapping:
    """An arm that is described for Gazebo, in a world of its own (SDF).

    Attributes:
        simulator: The kind of simulator.
        contract: File of the contract, relative to the folder ``robots`` beside this one.
        world: File of the world, relative to the mapping's folder.
        tasks: Tasks by name.
    """

    simulator: Literal['sdf']
    contract: str
    world: str
    tasks: Annotated[dict[_TaskName, LiftTask], Field(min_length=1)]


Mapping = MetaworldMapping | GymnasiumMapping | SdfMapping
Task = MetaworldTask | GymnasiumTask | LiftTask
_KINDS = {'metaworld': MetaworldMapping, 'gymnasium': GymnasiumMapping, 'sdf': SdfMapping}


def load_mapping(path: str | Path) -> Mapping:
    """Read and check a mapping.

    Raises:
        MappingError: The file is missing, isn't YAML, or breaks a rule; the message says which.
    """
    path = Path(path)
    try:
        data = yaml.safe_load(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise MappingError(f'{path}: cannot be read: {error.strerror}') from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f'{path}: is not YAML: {error}') from error
    return parse_mapping(data, source=str(path))


def parse_mapping(data: object, source: str = 'mapping') -> Mapping:
    """Check a mapping given as plain data; ``source`` is named in errors.

    Raises:
        MappingError: It breaks a rule; the message names the key, the value and what is allowed.
    """
    if not isinstance(data, dict):
        raise MappingError(f'{source}: must be a mapping of keys, got {type(data).__name__}')
    kind = data.get('simulator')
    if not isinstance(kind, str) or kind not in _KINDS:
        raise MappingError(f'{source}:\n  simulator: is {kind!r}, allowed are {sorted(_KINDS)}')
    try:
        return TypeAdapter(_KINDS[kind]).validate_python(data)
    except ValidationError as error:
        lines = '\n'.join(explain(item) for item in error.errors())
        raise MappingError(f'{source}:\n{lines}') from error


def find_task(mapping: Mapping, task: str, source: str = 'mapping') -> Task:
    """Return a task by name.

    Raises:
        MappingError: There is none of that name; the message lists those there are.
    """
    if task not in mapping.tasks:
        raise MappingError(f'{source}: has no task {task!r}; tasks are {sorted(mapping.tasks)}')
    return mapping.tasks[task]


def time_limit_ticks(task: Task, contract: Contract) -> int:
    """Return the longest episode in ticks: the task's own limit, or the contract's."""
    if task.time_limit is None:
        return contract.time_limit_ticks
    return max(1, round(task.time_limit * contract.control_rate))


def contract_file(path: str | Path, mapping: Mapping) -> Path:
    """Return the contract's file of the mapping that was read from ``path``."""
    return Path(path).absolute().parent.parent / 'robots' / mapping.contract


def built_in_mapping(name: str) -> Path:
    """Find a mapping that comes with this copy of the package, for example ``metaworld``.

    Raises:
        MappingError: There is none of that name.
    """
    file = configuration_folder() / 'simulations' / f'{name}.yaml'
    if not file.is_file():
        raise MappingError(f'there is no {file}: the name is wrong, or the '
                           'installation incomplete')
    return file
