# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Checks that the parts of a contract fit together: names that must exist, equal lengths."""

from itertools import combinations

from inril_ros.robot.contract.load_limits import check_load_limit
from inril_ros.robot.contract.measurement import check_commanded_once
from inril_ros.robot.contract.parts import ContractParts
from inril_ros.robot.contract.rules import CLASSIFIER
from inril_ros.robot.contract.streams import Derived

# Types whose messages don't name what they carry.
_ONE_ACTION = ('std_msgs/msg/Float64MultiArray', 'control_msgs/action/GripperCommand')


def check_references(contract: ContractParts) -> None:
    """Check that the parts of a contract fit together.

    Raises:
        ValueError: A name is used that isn't defined, or lengths don't fit.
    """
    observed = contract.observations
    if not observed or not contract.actions or not contract.policy_observations:
        raise ValueError('observations, actions and policy_observations must not be empty')
    both = observed.keys() & contract.derived.keys()
    if both:
        raise ValueError(f'{sorted(both)} named both in observations and in derived')
    known = observed.keys() | contract.derived.keys()
    _check_derived(contract)
    _check_instants(contract)
    for name in contract.policy_observations:
        if name not in known:
            raise ValueError(f'policy_observations has {name!r}, which is none of {sorted(known)}')
    _check_policy_images(contract)
    if contract.episode.classifier_judges and contract.policy_images is None:
        raise ValueError(f'episode.judge: {CLASSIFIER} sees success in the cameras of '
                         'policy_images, and there are none')
    _check_topics(contract)
    _check_shared_commands(contract)
    _check_positions_are_observed(contract)
    check_commanded_once(contract.actions, {name: contract.places(name)
                                            for name in contract.actions})
    _check_home(contract)
    _check_workspace(contract)
    _check_teleoperation(contract)
    _check_load_limits(contract)


def _check_workspace(contract: ContractParts) -> None:
    box = contract.workspace
    if box is None:
        return
    if not all(low < high for low, high in zip(box.minimum, box.maximum, strict=True)):
        raise ValueError(f'workspace.minimum {box.minimum} is not below {box.maximum}')
    if box.links and contract.kinematics is None:
        raise ValueError('workspace.links needs kinematics: where the URDF is')
    if box.action:
        _check_reference('workspace.observation', box.observation, contract.observations, 3)
        _check_reference('workspace.action', box.action, contract.actions, 3)
        if contract.actions[box.action].hold != 'zero':
            raise ValueError(f'workspace.action: {box.action!r} is a velocity; its hold must be '
                             'zero, or a held arm would leave the box')


def _check_teleoperation(contract: ContractParts) -> None:
    rules = contract.teleoperation
    for key, length in (('twist_action', 3), ('rotation_action', 3), ('gripper_action', 1)):
        if getattr(rules, key):
            _check_reference(
                f'teleoperation.{key}', getattr(rules, key), contract.actions, length)
    action = contract.actions.get(rules.joint_action)
    if rules.joint_action and (action is None or not action.commands_positions):
        raise ValueError(f'teleoperation.joint_action is {rules.joint_action!r}, which is no '
                         'action that commands joint positions')


def _check_load_limits(contract: ContractParts) -> None:
    for name, rule in contract.load_limits.items():
        key = f'load_limits.{name}'
        check_load_limit(key, rule, contract.observations)
        for action in contract.relieved(name):
            entry = contract.actions.get(action)
            if entry is None or not entry.commands_positions:
                raise ValueError(f'{key}.relieve names {action!r}, which is no action that '
                                 'commands joint positions')


def _check_derived(contract: ContractParts) -> None:
    known = contract.observations.keys() | contract.derived.keys()
    for name, derived in contract.derived.items():
        for source in derived.inputs:
            if source not in known:
                raise ValueError(f'derived.{name} uses {source!r}, which is none of '
                                 f'{sorted(known - {name})}')
    for name in contract.derived:
        _check_no_circle(contract, name, ())
    for name, derived in contract.derived.items():
        if len({contract.length(source) for source in derived.inputs}) != 1:
            raise ValueError(f'derived.{name} subtracts quantities of different length')
        for source in derived.inputs:
            turned = contract.has_quaternion(source)
            if derived.relative and not (turned and contract.length(source) == 7):
                raise ValueError(f'derived.{name}.relative: {source!r} is no pose (position and '
                                 'quaternion, 7 values)')
            if derived.part:
                _check_part(contract, name, derived)
            if derived.rotation_6d and not turned:
                raise ValueError(f'derived.{name}.rotation_6d: {source!r} is no orientation or '
                                 'pose')
            if derived.cos_sin and turned:
                raise ValueError(f'derived.{name}.cos_sin: {source!r} has a quaternion, no '
                                 'angles: use rotation_6d')
        if contract.length(name) > 65536:
            raise ValueError(f'derived.{name} has {contract.length(name)} values: too many')


def _check_part(contract: ContractParts, name: str, derived: Derived) -> None:
    length = contract.length(derived.part)
    if max(derived.indices) >= length:
        raise ValueError(f'derived.{name}.indices: {derived.part!r} has {length} values, '
                         f'indices 0 to {length - 1}')
    if contract.has_quaternion(derived.part) and max(derived.indices) >= length - 4:
        raise ValueError(f'derived.{name}.indices: a quaternion is taken as a whole: observe the '
                         'orientation by its own field, or use rotation_6d')


def _check_no_circle(contract: ContractParts, name: str, above: tuple[str, ...]) -> None:
    if name in above:
        raise ValueError(f'derived.{name} is computed from itself: '
                         f'{" <- ".join((*above[above.index(name):], name))}')
    if name in contract.derived:
        for source in contract.derived[name].inputs:
            _check_no_circle(contract, source, (*above, name))


def check_lockstep(contract: ContractParts, file: str) -> None:
    """Check that a simulation can run in lockstep under a contract.

    Args:
        contract: The robot's contract.
        file: Its file, for the message.

    Raises:
        ValueError: The contract has an observation_delay: the simulation would wait for ever for
            the answer to an observation that the policy must not see yet.
    """
    if contract.observation_delay > 0.0:
        raise ValueError(
            f'{file}: observation_delay is {contract.observation_delay:g} s, which is not '
            'possible in lockstep: a tick is answered from its own observation. Run in real time '
            '(lockstep false), or set observation_delay: 0 and align: hold')


def _check_instants(contract: ContractParts) -> None:
    """Check that values can be aligned: interpolation needs a later sample."""
    for name, entry in contract.observations.items():
        if entry.align != 'hold' and contract.observation_delay == 0.0:
            raise ValueError(
                f'observations.{name}.align: {entry.align} needs observation_delay: at the tick '
                'itself the next sample has not come. Give the contract a delay of at least one '
                'period of this topic, for example observation_delay: 0.02, or use align: hold')
        if entry.latched and entry.clock == 'receive':
            raise ValueError(f'observations.{name}: a latched value was sent before it is '
                             'received: clock must be header')


def _check_policy_images(contract: ContractParts) -> None:
    wanted = contract.policy_images
    for name in () if wanted is None else wanted.cameras:
        if name not in contract.cameras:
            raise ValueError(f'policy_images.cameras has {name!r}, which is none of '
                             f'{sorted(contract.cameras)}')
        period = 1.0 / contract.cameras[name].rate
        if wanted.max_age < period:
            raise ValueError(f'policy_images.max_age is {wanted.max_age} s, but {name!r} gives '
                             f'one image every {period:g} s')
    topics = [camera.topic for camera in contract.policy_cameras.values()]
    if len(set(topics)) != len(topics):
        raise ValueError(f'policy_images.cameras share a topic: {topics}')


def _check_home(contract: ContractParts) -> None:
    places: dict[str, list[tuple[str, float, float]]] = {}  # full name and limits, by both names
    for name, action in contract.actions.items():
        for joint, low, high in zip(action.joints, action.minimum, action.maximum):
            if action.commands_positions:
                for key in (joint, f'{name}.{joint}'):
                    places.setdefault(key, []).append((f'{name}.{joint}', low, high))
    named: dict[str, str] = {}
    for key, position in contract.episode.home.items():
        found = places.get(key, [])
        if not found:
            joints = sorted({joint for action in contract.actions.values()
                             if action.commands_positions for joint in action.joints})
            raise ValueError(f'episode.home names {key!r}, which is none of the joints that are '
                             f'commanded by position: {joints}')
        if len(found) > 1:
            raise ValueError(f'episode.home names {key!r}, which is a joint of several actions: '
                             f'write {" and ".join(full for full, _, _ in found)}')
        (full, low, high), = found
        if full in named:
            raise ValueError(f'episode.home names one joint twice: {named[full]!r} and {key!r}')
        named[full] = key
        if not low <= position <= high:
            raise ValueError(f'episode.home puts {key!r} at {position}, which is not within '
                             f'{low}..{high}')


def _check_positions_are_observed(contract: ContractParts) -> None:
    observed = {joint for entry in contract.observations.values()
                if entry.quantity == 'position' for joint in entry.joints}
    for name, action in contract.actions.items():
        missing = () if contract.places(name) else (
            sorted(set(action.joints) - observed) or list(action.joints))
        if missing and action.commands_positions:
            raise ValueError(f'actions.{name} commands positions of {missing}, which no '
                             'observation measures: they could not be held')
        if missing and action.position_minimum:
            raise ValueError(f'actions.{name} limits positions of {missing}, which no '
                             'observation measures')


def _check_reference(key: str, name: str, table: dict, length: int) -> None:
    if name not in table:
        raise ValueError(f'{key} is {name!r}, which is none of {sorted(table)}')
    if table[name].length != length:
        raise ValueError(f'{key}: {name!r} has {table[name].length} values, {length} are needed')


def _check_topics(contract: ContractParts) -> None:
    types: dict[str, str] = {}
    entries = [*contract.observations.values(), *contract.actions.values()]
    for entry in [*entries, *contract.cameras.values()]:
        if types.setdefault(entry.topic, entry.type) != entry.type:
            raise ValueError(
                f'topic {entry.topic!r} has two types: {types[entry.topic]} and {entry.type}')


def _check_shared_commands(contract: ContractParts) -> None:
    """Check that actions on one topic fit into one message, without writing a value twice."""
    for (name, first), (other, second) in combinations(contract.actions.items(), 2):
        if first.topic != second.topic:
            continue
        both = f'actions.{name} and actions.{other} share {first.topic!r}'
        if first.frame_id != second.frame_id:
            raise ValueError(f'{both}, but not the frame_id: {first.frame_id!r}, '
                             f'{second.frame_id!r}')
        if first.type in _ONE_ACTION:
            raise ValueError(f'{both}: a {first.type} carries one action')
        if max(first.horizon, second.horizon) > 1:
            raise ValueError(f'{both}: a horizon needs a topic of its own')
        if first.quantity != second.quantity or set(first.joints) & set(second.joints):
            raise ValueError(f'{both}: they need the same quantity and no joint in common')
        short, long = sorted((f'{first.field}.', f'{second.field}.'), key=len)
        if not first.joints and long.startswith(short):
            raise ValueError(f'{both}, and one overwrites the other: {first.field!r}, '
                             f'{second.field!r}')
