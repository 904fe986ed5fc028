# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The robot contract: the one YAML file that says what a robot gives and takes.

Recording, training and acting all read the same contract, so that a number means the same thing
in a bag, in a checkpoint and on the wire. It is plain data: frozen dataclasses, validated when
loaded, hashed by content. Two contracts with the same hash are interchangeable.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cached_property
import hashlib
import json
from pathlib import Path
import re
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
import yaml

from inril_ros.robot.contract_checks import check_motion_limits, check_references
from inril_ros.robot.contract_rules import (
    ChunkRules,
    EpisodeRules,
    Kinematics,
    NotNegative,
    Positive,
    SafetyRules,
    STRICT,
    Teleoperation,
    Topic,
    Workspace,
)
from inril_ros.robot.fields import ACTION_TYPES, field_size, OBSERVATION_TYPES

_Name = Annotated[str, Field(pattern=r'^[a-z][a-z0-9_]*$')]
# Commands are float32 on their way; far beyond any SI value the conversion would overflow.
_Limit = Annotated[float, Field(ge=-1e9, le=1e9)]


class ContractError(ValueError):
    """A contract that can't be used; the message names file, key, value and what is allowed."""


@dataclass(frozen=True, config=STRICT)
class Observation:
    """One quantity read from one topic.

    Attributes:
        topic: Topic it is read from, relative to the robot's namespace.
        type: ROS message type, for example ``geometry_msgs/msg/PoseStamped``.
        field: Where in the message, for example ``pose.position``. Not for JointState.
        joints: Joint names, for JointState: values are looked up by name, never by order.
        quantity: ``position``, ``velocity`` or ``effort``, for JointState.
        align: How a value is found at the tick. ``hold``: the newest one at or before it.
        max_age: [s] An older value makes the frame invalid.
        size: Number of values; only for arrays whose length the type doesn't tell.
        frozen_after: [s] In real time, values that are the same to the bit for longer are a fault.
            0: never, since an arm without noise at rest is one of those.
    """

    topic: Topic
    type: Literal[OBSERVATION_TYPES]
    field: str = ''
    joints: tuple[str, ...] = ()
    quantity: Literal['position', 'velocity', 'effort'] = 'position'
    align: Literal['hold'] = 'hold'
    max_age: Positive = 0.1
    size: Annotated[int, Field(ge=0, le=1024)] = 0
    frozen_after: NotNegative = 0.0

    def __post_init__(self) -> None:
        field_size(self.type, self.field, self.joints, self.size)

    @property
    def length(self) -> int:
        """Number of values."""
        return field_size(self.type, self.field, self.joints, self.size)


@dataclass(frozen=True, config=STRICT)
class Derived:
    """A quantity computed from observations; exactly one of the three forms is given.

    Attributes:
        difference: ``[a, b]`` gives a - b, both of equal length.
        change: ``a`` gives its change since the previous tick; 0 at the first tick.
        previous: ``a`` gives its value at the previous tick; the present one at the first tick.
        scale: Factor. A normaliser has a floor under its deviations: what is small by nature,
            such as a change within one tick, would vanish below it.
    """

    difference: tuple[str, str] | None = None
    change: str | None = None
    previous: str | None = None
    scale: Positive = 1.0

    def __post_init__(self) -> None:
        given = [name for name in ('difference', 'change', 'previous') if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(
                f'has {given or "nothing"}: give exactly one of difference, change, previous')

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the observations it is computed from."""
        return self.difference or (self.change or self.previous,)


@dataclass(frozen=True, config=STRICT)
class Camera:
    """A camera that is recorded.

    Attributes:
        topic: Topic of the images.
        width: [pixel]
        height: [pixel]
        rate: [Hz] Nominal rate.
    """

    topic: Topic
    width: Annotated[int, Field(gt=0, le=4096)]
    height: Annotated[int, Field(gt=0, le=4096)]
    rate: Positive = 30.0
    type: Literal['sensor_msgs/msg/CompressedImage'] = 'sensor_msgs/msg/CompressedImage'


@dataclass(frozen=True, config=STRICT)
class Action:
    """One part of the command, sent on one topic.

    Attributes:
        topic: Topic the command is sent on.
        type: ROS message type.
        field: Where the values go, for example ``twist.linear``. Not for types read by joint.
        joints: Joint names, for JointTrajectory, JointJog and GripperCommand; for a
            Float64MultiArray, the joints in the controller's order.
        quantity: What the values are, where there are joints.
        minimum: Lowest value the robot may be sent, in the unit of the message.
        maximum: Highest value, likewise. The policy's -1..1 is mapped to minimum..maximum.
        max_velocity: [rad/s or m/s] For joint positions: one value, or one per joint.
        max_acceleration: [/s] Highest change of a velocity command, or of joint velocities; none
            given: a velocity command may change at once.
        max_jerk: [/s^2] Likewise of the acceleration; none given: unlimited for a velocity.
        max_lead: [rad or m] How far a joint position command may be ahead of the measured one.
        horizon: Points per JointTrajectory: the step that is due and those that follow it.
        max_effort: [N or N m] For GripperCommand.
        hold: What holds the arm: ``zero`` (velocities, efforts) or ``last`` (the last command).
        frame_id: Frame of the command, where the message has a header.
    """

    topic: Topic
    type: Literal[ACTION_TYPES]
    minimum: tuple[_Limit, ...]
    maximum: tuple[_Limit, ...]
    field: str = ''
    joints: tuple[str, ...] = ()
    quantity: Literal['position', 'velocity', 'effort'] = 'position'
    max_velocity: tuple[Positive, ...] = ()
    max_acceleration: tuple[Positive, ...] = ()
    max_jerk: tuple[Positive, ...] = ()
    max_lead: Positive = 0.3
    horizon: Annotated[int, Field(ge=1, le=1000)] = 1
    max_effort: NotNegative = 0.0
    hold: Literal['zero', 'last'] = 'zero'
    frame_id: str = ''

    def __post_init__(self) -> None:
        size = field_size(self.type, self.field, self.joints, len(self.minimum))
        if len(self.minimum) != size or len(self.maximum) != size:
            raise ValueError(
                f'minimum has {len(self.minimum)} and maximum {len(self.maximum)} values: '
                f'{self.type} {self.field or list(self.joints)} needs {size} of each')
        for low, high in zip(self.minimum, self.maximum, strict=True):
            if not low < high:
                raise ValueError(f'minimum {low} is not below maximum {high}')
            if self.hold == 'zero' and not low <= 0.0 <= high:
                raise ValueError(f'hold is zero, which is not within {low}..{high}')
        if self.hold == 'zero' and self.commands_positions:
            raise ValueError('hold is zero, which would move the joints to position 0: '
                             'positions are held by last')
        check_motion_limits(self)

    @property
    def commands_positions(self) -> bool:
        """Whether the values are positions of joints."""
        return bool(self.joints) and self.quantity == 'position'

    @property
    def length(self) -> int:
        """Number of values."""
        return len(self.minimum)


@dataclass(frozen=True, config=STRICT)
class Contract:
    """All that recording, training and acting need to know about a robot."""

    name: _Name
    control_rate: Annotated[float, Field(ge=0.01, le=1000.0)]
    observations: dict[_Name, Observation]
    actions: dict[_Name, Action]
    policy_observations: tuple[str, ...]
    episode: EpisodeRules
    derived: dict[_Name, Derived] = Field(default_factory=dict)
    cameras: dict[_Name, Camera] = Field(default_factory=dict)
    workspace: Workspace | None = None
    kinematics: Kinematics | None = None
    teleoperation: Teleoperation = Field(default_factory=Teleoperation)
    chunks: ChunkRules = Field(default_factory=ChunkRules)
    safety: SafetyRules = Field(default_factory=SafetyRules)

    def __post_init__(self) -> None:
        check_references(self)

    @property
    def period(self) -> float:
        """[s] One control tick."""
        return 1.0 / self.control_rate

    @property
    def period_ns(self) -> int:
        """[ns] One control tick."""
        return round(1e9 / self.control_rate)

    @property
    def time_limit_ticks(self) -> int:
        """Longest episode, in ticks."""
        return max(1, round(self.episode.time_limit * self.control_rate))

    @property
    def action_size(self) -> int:
        """A, the length of all actions one after the other."""
        return sum(action.length for action in self.actions.values())

    @property
    def observation_size(self) -> int:
        """O, the length of the policy observation."""
        return sum(self.length(name) for name in self.policy_observations)

    def length(self, name: str) -> int:
        """Return the number of values of an observation or derived quantity."""
        if name in self.observations:
            return self.observations[name].length
        return self.length(self.derived[name].inputs[0])

    @cached_property
    def action_minimum(self) -> np.ndarray:
        """Lower limits (A,), in the units of the actions."""
        return np.concatenate([action.minimum for action in self.actions.values()])

    @cached_property
    def action_maximum(self) -> np.ndarray:
        """Upper limits (A,), in the units of the actions."""
        return np.concatenate([action.maximum for action in self.actions.values()])

    def measured(self, joints: tuple[str, ...], values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the observed positions of joints (len(joints),).

        Raises:
            KeyError: One is not observed; no contract commands the position of such a one.
        """
        positions = {
            joint: values[name][index] for name, entry in self.observations.items()
            if entry.quantity == 'position' for index, joint in enumerate(entry.joints)
            if joint in joints}
        return np.array([positions[joint] for joint in joints])

    def action_slice(self, name: str) -> slice:
        """Return where an action lies in the vector of all actions (A,)."""
        start = 0
        for other, action in self.actions.items():
            if other == name:
                return slice(start, start + action.length)
            start += action.length
        raise KeyError(f'no action {name!r} in contract {self.name!r}')

    def normalise_action(self, action: np.ndarray) -> np.ndarray:
        """Map actions (..., A) from their units to -1..1."""
        low, high = self.action_minimum, self.action_maximum
        return (2.0 * (action - low) / (high - low) - 1.0).astype(np.float32)

    def denormalise_action(self, action: np.ndarray) -> np.ndarray:
        """Map actions (..., A) from -1..1 to their units."""
        low, high = self.action_minimum, self.action_maximum
        share = 0.5 * (np.asarray(action, np.float64) + 1.0)
        return (low + share * (high - low)).astype(np.float32)

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the content, independent of comments and of the order of keys.

        Only the order of the actions counts: it is that of the action vector.
        """
        text = json.dumps(_content(self), sort_keys=True, separators=(',', ':'))
        return hashlib.sha256(text.encode()).hexdigest()

    def observation_topics(self) -> dict[str, str]:
        """Return the type of each topic that observations are read from."""
        return {entry.topic: entry.type for entry in self.observations.values()}

    def action_topics(self) -> dict[str, str]:
        """Return the type of each topic that commands are sent on."""
        return {entry.topic: entry.type for entry in self.actions.values()}


def load_contract(path: str | Path) -> Contract:
    """Read and check a contract.

    Raises:
        ContractError: The file is missing, isn't YAML, or breaks a rule; the message says which.
    """
    path = Path(path)
    try:
        data = yaml.safe_load(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise ContractError(f'{path}: cannot be read: {error.strerror}') from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # 2024-13-45 is a ValueError
        raise ContractError(f'{path}: is not YAML: {error}') from error
    return parse_contract(data, source=str(path))


def parse_contract(data: object, source: str = 'contract') -> Contract:
    """Check a contract given as plain data; ``source`` is named in errors.

    Raises:
        ContractError: It breaks a rule; the message names the key, the value and what is allowed.
    """
    if not isinstance(data, dict):
        raise ContractError(f'{source}: must be a mapping of keys, got {type(data).__name__}')
    try:
        return TypeAdapter(Contract).validate_python(data)
    except ValidationError as error:
        lines = '\n'.join(explain(item) for item in error.errors())
        raise ContractError(f'{source}:\n{lines}') from error


def contract_schema() -> dict:
    """Return the JSON Schema of a contract, for editors."""
    return TypeAdapter(Contract).json_schema()


def describe_difference(ours: Contract, theirs: Contract) -> str:
    """Say in which keys two contracts differ, one line each; empty if they are equal."""
    left, right = dict(_flatten(_content(ours))), dict(_flatten(_content(theirs)))
    return '\n'.join(
        f'  {key}: {left.get(key, "(absent)")!r} here, {right.get(key, "(absent)")!r} there'
        for key in sorted(left.keys() | right.keys()) if left.get(key) != right.get(key))


def _content(contract: Contract) -> dict:
    return {**asdict(contract), 'order of actions': list(contract.actions)}


def _flatten(value: object, key: str = '') -> Iterable[tuple[str, object]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _flatten(item, f'{key}.{name}' if key else name)
    else:
        yield key, value


def explain(item: dict) -> str:
    """Return one line about one error of pydantic: key, what is allowed, value."""
    key = '.'.join(str(part) for part in item['loc']) or '(whole file)'
    message = re.sub(r'^Value error, ', '', item['msg'])
    if item['type'] in ('unexpected_keyword_argument', 'extra_forbidden'):
        return f'  {key}: unknown key'
    if item['type'] in ('missing', 'missing_argument'):
        return f'  {key}: missing'
    return f'  {key}: {message} (value: {str(item["input"])[:120]!r})'
