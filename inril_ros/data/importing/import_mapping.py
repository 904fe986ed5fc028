# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The mapping of a foreign bag: its names of topics, and where it has the commands.

A bag that was recorded with the contract's topics needs none. The contract describes the robot; a
mapping describes how one recording of it differs, so it is not part of the contract's hash.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from inril_ros.robot.contract.contract import Contract, Observation
from inril_ros.robot.contract.fields import has_no_header, TRANSFORMS
from inril_ros.robot.settings_check import checked
from inril_ros.robot.yaml_file import load_yaml

_STRICT = ConfigDict(extra='forbid', strict=False)
# As it is in the bag: with a namespace, and with characters that a contract doesn't allow.
_BagTopic = Annotated[str, Field(min_length=1)]
_GOALS = 'control_msgs/action/GripperCommand'


class MappingError(ValueError):
    """A mapping that can't be used; the message names file, key, value and what is allowed."""


@dataclass(frozen=True, config=_STRICT)
class ActionSource:
    """The source of an action's commands in a bag; exactly one is given.

    Attributes:
        recorded: A stream with the action's values, described as an observation of a contract: for
            example the JointState of a leader arm.
        next: An observation of the contract, whose value one tick later is the command.
    """

    recorded: Observation | None = None
    next: str | None = None

    def __post_init__(self) -> None:
        if (self.recorded is None) == (self.next is None):
            raise ValueError('give exactly one of recorded, next')


@dataclass(frozen=True, config=_STRICT)
class ImportMapping:
    """The differences between a bag and the contract.

    Attributes:
        topics: The bag's name of each topic of the contract that has another name in it.
        actions: The source of the commands of each action that is not recorded on the topic of the
            contract.
        stamps: What is added to the stamps of a topic whose sender had another clock [s]; or
            ``receive``, for stamps that are replaced by when the messages were received.
        command_age: Age from which a commanded velocity counts as zero [s], as for the
            controllers, which stop the arm then.
        position_age: Age, counted from the end of a trajectory, from which a joint may not move
            away from its last commanded position any more [s].
        command_clock: When a trajectory begins: at its ``header`` stamp, if it has one, or when it
            was ``receive``d.
        unreadable_commands: What is done with an episode in which a message can't be read as a
            command: ``refuse`` it, or ``skip`` such messages.
        hold_until_commanded: Names of actions whose joints stand still until their first command,
            so that an episode may begin before it: a gripper that is commanded once, for example.
    """

    topics: dict[str, _BagTopic] = Field(default_factory=dict)
    actions: dict[str, ActionSource] = Field(default_factory=dict)
    stamps: dict[str, Literal['receive'] | Annotated[float, Field(ge=-2**31, le=2**31)]] = Field(
        default_factory=dict)
    command_age: Annotated[float, Field(gt=0.0, le=60.0)] = 0.5
    position_age: Annotated[float, Field(gt=0.0, le=3600.0)] = 3.0
    command_clock: Literal['header', 'receive'] = 'header'
    unreadable_commands: Literal['refuse', 'skip'] = 'refuse'
    hold_until_commanded: tuple[str, ...] = ()

    def remapped(self, names: dict[str, str]) -> 'ImportMapping':
        """Return the same with further topics renamed."""
        return replace(self, topics={**self.topics, **names})


def load_mapping(path: Path) -> ImportMapping:
    """Read a mapping from a YAML file.

    Raises:
        MappingError: It can't be read, or breaks a rule; the message says which.
    """
    data, lines = load_yaml(path, MappingError)
    return checked(ImportMapping, {} if data is None else data, str(path), MappingError, lines)


def check_mapping(mapping: ImportMapping, contract: Contract) -> None:
    """Check a mapping against the contract.

    Raises:
        MappingError: It names what the contract hasn't, or an action whose command can't be in a
            bag is not mapped.
    """
    topics = {*contract.observation_topics(), *contract.action_topics(),
              *(camera.topic for camera in contract.cameras.values())}
    for topic in mapping.topics:
        if topic not in topics:
            raise MappingError(f'topics names {topic!r}, which the contract has not; it has '
                               f'{sorted(topics)}')
    stamped = {source.topic for source in (*contract.observations.values(),
                                           *contract.cameras.values())
               if source.type != TRANSFORMS and not has_no_header(source.type)}
    for topic in mapping.stamps:
        if topic not in stamped:
            raise MappingError(f'stamps names {topic!r}, which is no topic with a header of an '
                               f'observation or a camera; those are {sorted(stamped)}')
    for name, source in mapping.actions.items():
        if name not in contract.actions:
            raise MappingError(f'actions names {name!r}, which is none of '
                               f'{sorted(contract.actions)}')
        size = contract.actions[name].length
        if source.recorded is not None and source.recorded.length != size:
            raise MappingError(f'actions.{name}.recorded has {source.recorded.length} values, '
                               f'{size} are needed')
        if source.next is None:
            continue
        if source.next not in contract.observations:
            raise MappingError(f'actions.{name}.next is {source.next!r}, which is none of '
                               f'{sorted(contract.observations)}')
        if contract.length(source.next) != size:
            raise MappingError(f'actions.{name}.next: {source.next!r} has '
                               f'{contract.length(source.next)} values, {size} are needed')
    for name in mapping.hold_until_commanded:
        if name not in contract.actions or not contract.actions[name].commands_positions:
            positions = [other for other, action in contract.actions.items()
                         if action.commands_positions]
            raise MappingError(f'hold_until_commanded names {name!r}, which is none of the '
                               f'actions that command positions, {positions}')
    for name, action in contract.actions.items():
        if action.type == _GOALS and name not in mapping.actions:
            raise MappingError(
                f'actions.{name}: goals of an action ({_GOALS}) are in no bag. Say in a mapping '
                f'where it is found, for example  actions: {{{name}: {{next: <the observation of '
                'its joint>}}')
