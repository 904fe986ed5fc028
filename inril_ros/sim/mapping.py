# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The simulation mapping: the YAML file that ties a robot contract to a simulator.

The contract says what a robot gives and takes; the mapping says where a simulator has it, and
lists the tasks. A simulated robot is thus described without code, as a real one is.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from inril_ros.robot.configuration_folder import configuration_folder
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.contract.rules import STRICT
from inril_ros.robot.settings_check import checked
from inril_ros.robot.yaml_file import Lines, load_yaml
from inril_ros.sim.gazebo.lift_task import LiftTask

_TaskName = Annotated[str, Field(pattern=r'^[a-z][a-z0-9_-]*$')]
_Name = Annotated[str, Field(pattern=r'^[a-z][a-z0-9_]*$')]
_Finite = Annotated[float, Field(allow_inf_nan=False)]
_TimeLimit = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
_Range = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=1)]]


class MappingError(ValueError):
    """A mapping can't be used, alone or with its contract; the message says what to do."""


@dataclass(frozen=True, config=STRICT)
class MetaworldTask:
    """A task of Meta-World.

    Attributes:
        environment: Meta-World's name, for example ``pick-place-v3``.
        quaternion_order: Order of an object's orientation in this environment: in some the scalar
            comes first, as in MuJoCo, in some last, as in SciPy.
        operator: ``expert`` if Meta-World's scripted policy can be used as an operator.
        time_limit: [s] Time limit in place of the contract's.
    """

    environment: str
    quaternion_order: Literal['xyzw', 'wxyz']
    operator: Literal['expert', 'none'] = 'none'
    time_limit: _TimeLimit | None = None


@dataclass(frozen=True, config=STRICT)
class MetaworldCamera:
    """A camera of Meta-World.

    Attributes:
        camera: Its name in the MuJoCo model.
        upside_down: Whether it hangs upside down; the image is turned by 180 degrees.
    """

    camera: str
    upside_down: bool = False


@dataclass(frozen=True, config=STRICT)
class MetaworldMapping:
    """Meta-World's Sawyer; its observations are the same in all tasks.

    Attributes:
        simulator: Kind of simulator.
        contract: File of the contract, relative to the folder ``robots`` beside this one.
        tasks: Tasks by name.
        cameras: Cameras of Meta-World by their names in the contract.
        success_lasts: [s] How long the task must stay done to be a success. A person who watches
            waits a moment before the button; Meta-World calls it one at the first step.
    """

    simulator: Literal['metaworld']
    contract: str
    tasks: Annotated[dict[_TaskName, MetaworldTask], Field(min_length=1)]
    cameras: dict[_Name, MetaworldCamera] = Field(default_factory=dict)
    success_lasts: Annotated[float, Field(ge=0.0, le=60.0)] = 0.0


@dataclass(frozen=True, config=STRICT)
class GymnasiumTask:
    """A task that is a Gymnasium environment.

    Attributes:
        environment: Gymnasium id.
        make: Keyword arguments of ``gymnasium.make``.
        operator: ``none``: Gymnasium has no scripted experts.
        time_limit: [s] Time limit in place of the contract's.
    """

    environment: str
    make: dict[str, Any] = Field(default_factory=dict)
    operator: Literal['none'] = 'none'
    time_limit: _TimeLimit | None = None


def _check_one_is_given(**entries: object) -> None:
    if sum(entry is not None for entry in entries.values()) != 1:
        raise ValueError(f'give exactly one of {", ".join(entries)}')


@dataclass(frozen=True, config=STRICT)
class Source:
    """Source of an observation; exactly one of the first three is given.

    Attributes:
        observation: Keys into the environment's observation, joined by dots; empty for all of it.
        info: Keys into the environment's info, joined by dots.
        joints: Joints of its MuJoCo model, of one degree of freedom each.
        quantity: ``position`` or ``velocity``, for joints.
        elements: ``[first, end]`` of the array, end excluded; by default all of it.
        scale: Factor of the value.
        offset: Added to the scaled value.
    """

    observation: str | None = None
    info: str | None = None
    joints: tuple[str, ...] = ()
    quantity: Literal['position', 'velocity'] = 'position'
    elements: _Range | None = None
    scale: _Finite = 1.0
    offset: _Finite = 0.0

    def __post_init__(self) -> None:
        _check_one_is_given(observation=self.observation, info=self.info,
                            joints=self.joints or None)


@dataclass(frozen=True, config=STRICT)
class Target:
    """Place of an action in the environment's action.

    Attributes:
        elements: ``[first, end]``, end excluded. Elements that no action sets are 0.
        scale: Factor of the action in contract units.
        offset: Added to the scaled action.
    """

    elements: _Range
    scale: _Finite = 1.0
    offset: _Finite = 0.0

    def __post_init__(self) -> None:
        if self.elements[0] >= self.elements[1]:
            raise ValueError(f'elements {list(self.elements)} are none: end is excluded')
        if self.scale == 0.0:
            raise ValueError('scale is 0: the action would have no effect')


@dataclass(frozen=True, config=STRICT)
class Success:
    """Condition of success; exactly one is given.

    Attributes:
        info: Keys into the environment's info, joined by dots, of a value that is true.
        reward: Lowest reward of a successful step.
        terminated_with_reward: Lowest reward of a successful step that terminates the episode.
    """

    info: str | None = None
    reward: _Finite | None = None
    terminated_with_reward: _Finite | None = None

    def __post_init__(self) -> None:
        _check_one_is_given(info=self.info, reward=self.reward,
                            terminated_with_reward=self.terminated_with_reward)


@dataclass(frozen=True, config=STRICT)
class GymnasiumCamera:
    """Source of an image; exactly one is given.

    Attributes:
        observation: Keys into the environment's observation, joined by dots.
        render: Index of the image among those that ``render()`` returns.
    """

    observation: str | None = None
    render: Annotated[int, Field(ge=0)] | None = None

    def __post_init__(self) -> None:
        _check_one_is_given(observation=self.observation, render=self.render)


@dataclass(frozen=True, config=STRICT)
class GymnasiumMapping:
    """A robot in Gymnasium environments that share their observations and actions.

    Attributes:
        simulator: Kind of simulator.
        contract: File of the contract, relative to the folder ``robots`` beside this one.
        tasks: Tasks by name.
        observations: Source of each observation of the contract.
        actions: Place of each action of the contract.
        success: Condition of success.
        failure: ``terminated`` if the environment's end without success is a failure, else
            ``never``.
        reward: ``sparse`` for 1 on success, else 0; ``environment`` for the environment's own.
        modules: Python modules whose import registers the environments.
        cameras: Sources of the contract's cameras.
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


@dataclass(frozen=True, config=STRICT)
class SdfMapping:
    """An arm that is described by a Gazebo world (SDF).

    Attributes:
        simulator: Kind of simulator.
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
    data, lines = load_yaml(path, MappingError)
    return parse_mapping(data, str(path), lines)


def parse_mapping(
    data: object, source: str = 'mapping', lines: Lines | None = None,
) -> Mapping:
    """Check a mapping given as plain data; errors name the ``source`` and the lines.

    Raises:
        MappingError: It breaks a rule; the message names the key, the value and what is allowed.
    """
    if not isinstance(data, dict):
        raise MappingError(f'{source}: must be a mapping of keys, got {type(data).__name__}')
    kind = data.get('simulator')
    if not isinstance(kind, str) or kind not in _KINDS:
        raise MappingError(f'{source}:\n  simulator: is {kind!r}, allowed are {sorted(_KINDS)}')
    return checked(_KINDS[kind], data, source, MappingError, lines)


def find_task(mapping: Mapping, task: str, source: str = 'mapping') -> Task:
    """Return a task by name.

    Raises:
        MappingError: There is no task of that name; the message lists all.
    """
    if task not in mapping.tasks:
        raise MappingError(f'{source}: has no task {task!r}; tasks are {sorted(mapping.tasks)}')
    return mapping.tasks[task]


def time_limit_ticks(task: Task, contract: Contract) -> int:
    """Return the longest episode in ticks, by the task's limit or else the contract's."""
    if task.time_limit is None:
        return contract.time_limit_ticks
    return max(1, round(task.time_limit * contract.control_rate))


def contract_file(path: str | Path, mapping: Mapping) -> Path:
    """Return the file of the contract that the mapping in file ``path`` names."""
    return Path(path).absolute().parent.parent / 'robots' / mapping.contract


def built_in_mapping(name: str) -> Path:
    """Return the file of a mapping that comes with the package, for example ``metaworld``.

    Raises:
        MappingError: There is no mapping of that name.
    """
    file = configuration_folder() / 'simulations' / f'{name}.yaml'
    if not file.is_file():
        raise MappingError(f'there is no {file}: wrong name, or incomplete installation')
    return file
