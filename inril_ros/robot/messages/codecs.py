# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Observations in ROS messages: messages to arrays and back, by the contract.

The same functions serve messages of rclpy and of ``rosbags``, which have the same attributes: live
and recorded topics are decoded by the same code. No ROS is imported: message types are passed in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
import re
from typing import Any

import numpy as np

from inril_ros.robot.contract.contract import Action, Contract, Observation
from inril_ros.robot.contract.fields import TRAJECTORY, TRANSFORMS
from inril_ros.robot.readable import few
from inril_ros.robot.rotations import check_unit

MessageTypes = Callable[[str], Any]
"""Returns the message class for a type name such as ``sensor_msgs/msg/JointState``."""

#: Field of each quantity in a point of a trajectory.
POINT_FIELDS = {'position': 'positions', 'velocity': 'velocities', 'effort': 'effort'}
_VECTOR = ('x', 'y', 'z')
# The two parts of a pose, a transform, a twist, a wrench.
_PARTS = (('position', 'orientation'), ('translation', 'rotation'), ('linear', 'angular'),
          ('force', 'torque'))
_INDEXED = re.compile(r'^(\w+)\[(\d+)\]$')


class CodecError(ValueError):
    """A message doesn't hold what the contract says."""


def stamp_ns(message: Any) -> int:
    """Return the header stamp [ns] of a message; 0 if the sender set none."""
    return header_stamp_ns(message.header)


def header_stamp_ns(header: Any) -> int:
    """Return the stamp [ns] of a header."""
    return header.stamp.sec * 1_000_000_000 + header.stamp.nanosec


def decode(message: Any, observation: Observation) -> np.ndarray:
    """Read an observation (size,) float64 from a message.

    Raises:
        CodecError: A joint or an element is missing, a value isn't finite, or a quaternion isn't
            of length 1.
    """
    if observation.comes_by_joint:
        return checked_values(_read_joints(message, observation), observation)
    part = follow_path(message, observation.field or 'data')
    values = checked_values(numbers_in(part), observation)
    if observation.has_quaternion:
        try:
            check_unit(values[-4:])
        except ValueError as error:
            raise CodecError(f'{observation.topic}: {observation.field}: {error}') from error
    elif _has_quaternion(part):
        raise CodecError(f'{observation.topic}: {observation.field} ends with a quaternion, which '
                         'its name does not say: write quaternion: true in the contract')
    return values


def _has_quaternion(part: Any) -> bool:
    """Return whether part of a message is a quaternion, or a pose."""
    return hasattr(part, 'w') or any(
        hasattr(getattr(part, second), 'w') for first, second in _PARTS if hasattr(part, second))


def checked_values(values: Sequence[float], entry: Action | Observation) -> np.ndarray:
    """Return the values (size,) float64 of a message.

    Raises:
        CodecError: Their number is wrong, or one isn't finite.
    """
    values = np.asarray(values, np.float64)
    if values.size != entry.length:
        raise CodecError(f'{entry.topic}: {values.size} values, {entry.length} needed')
    check_finite(values, entry.topic)
    return values


def check_finite(values: np.ndarray, topic: str) -> None:
    """Check the values of a message.

    Raises:
        CodecError: One isn't finite.
    """
    if not np.isfinite(values).all():
        raise CodecError(f'{topic}: a value is not finite: {values.tolist()}')


def encode_observations(
    contract: Contract, values: Mapping[str, np.ndarray], stamp: int, types: MessageTypes,
) -> list[tuple[str, Any]]:
    """Return the (topic, message) pairs of a simulated robot's observations.

    Args:
        contract: The robot's contract.
        values: Each observation of the contract by name, (size,).
        stamp: [ns] Time of the observation.
        types: Returns message classes.
    """
    messages: dict[str, Any] = {}
    for name, entry in contract.observations.items():
        message = messages.get(entry.topic)
        if message is None:
            message = messages[entry.topic] = types(entry.type)()
            put_stamp(message, stamp, 'base')
        if entry.type == TRAJECTORY:
            _write_trajectory(message, entry, values[name], types)
        elif entry.type == TRANSFORMS:
            _add_transform(message, entry, values[name], stamp, types)
        elif entry.joints and hasattr(message, 'name'):
            _write_joints(message, entry, values[name])
        else:
            put_at_path(message, entry.field or 'data', values[name], types)
    return list(messages.items())


def joint_arrays(
    message: Any, message_type: str, quantities: Iterable[str],
) -> tuple[Sequence[str], dict[str, Sequence[float]]]:
    """Return the joint names in a JointState or JointTrajectory, and its values by quantity.

    A trajectory has those of its first point. A quantity that the message doesn't give is empty.
    """
    if message_type != TRAJECTORY:
        return message.name, {quantity: getattr(message, quantity) for quantity in quantities}
    point = message.points[0] if len(message.points) else None
    return message.joint_names, {
        quantity: getattr(point, POINT_FIELDS[quantity], ()) for quantity in quantities}


def joint_values(message: Any, observation: Observation) -> dict[str, float]:
    """Return the values in a message of those of an observation's joints that it has.

    Raises:
        CodecError: It has some values, but not one for each name.
    """
    names, arrays = joint_arrays(message, observation.type, (observation.quantity,))
    values = arrays[observation.quantity]
    if len(values) not in (0, len(names)):
        raise CodecError(f'{observation.topic}: {len(values)} values of {observation.quantity} '
                         f'for {len(names)} joints')
    found = dict(zip(names, values))
    return {joint: float(found[joint]) for joint in observation.joints if joint in found}


def _read_joints(message: Any, observation: Observation) -> list[float]:
    values = joint_values(message, observation)
    missing = [joint for joint in observation.joints if joint not in values]
    if missing:
        names, _ = joint_arrays(message, observation.type, ())
        raise CodecError(f'{observation.topic}: {observation.quantity} of the joints {missing} '
                         f'is missing; the message names {few(names)}')
    return list(values.values())


def read_trajectory(message: Any, entry: Action | Observation) -> list[float]:
    """Return the joints' values (n) in the first point of a JointTrajectory.

    Raises:
        CodecError: It has no point, or the point lacks them.
    """
    point = message.points[0] if len(message.points) else None
    return named_values(
        message.joint_names, getattr(point, POINT_FIELDS[entry.quantity], ()), entry)


def named_values(
    names: Sequence[str], values: Sequence[float], entry: Action | Observation,
) -> list[float]:
    """Return the values (n) of the entry's joints from values with names.

    Raises:
        CodecError: A joint has none.
    """
    try:
        return [values[list(names).index(joint)] for joint in entry.joints]
    except (ValueError, IndexError) as error:
        raise CodecError(f'{entry.topic}: no {entry.quantity} for {entry.joints}') from error


def _write_trajectory(
    message: Any, observation: Observation, values: np.ndarray, types: MessageTypes,
) -> None:
    if not message.points:
        message.points.append(types('trajectory_msgs/msg/JointTrajectoryPoint')())
    message.joint_names.extend(
        joint for joint in observation.joints if joint not in message.joint_names)
    put_numbers(getattr(message.points[0], POINT_FIELDS[observation.quantity]), values)


def _add_transform(
    message: Any, observation: Observation, values: np.ndarray, stamp: int, types: MessageTypes,
) -> None:
    transform = types('geometry_msgs/msg/TransformStamped')()
    put_stamp(transform, stamp, observation.parent)
    transform.child_frame_id = observation.child
    put_numbers(follow_path(transform, observation.field), values)
    message.transforms.append(transform)


def _write_joints(message: Any, observation: Observation, values: np.ndarray) -> None:
    for joint, value in zip(observation.joints, values, strict=True):
        if joint not in message.name:
            message.name.append(joint)
            message.position.append(0.0)
            message.velocity.append(0.0)
            message.effort.append(0.0)
        getattr(message, observation.quantity)[message.name.index(joint)] = float(value)


def follow_path(message: Any, path: str, types: MessageTypes | None = None) -> Any:
    """Return the part of a message at a path such as ``poses[1].position``.

    With ``types`` missing poses are added.
    """
    value = message
    for part in path.split('.'):
        match = _INDEXED.match(part)
        if match is None:
            value = getattr(value, part)
            continue
        sequence, index = getattr(value, match[1]), int(match[2])
        while types is not None and len(sequence) <= index:
            sequence.append(types('geometry_msgs/msg/Pose')())
        if len(sequence) <= index:
            raise CodecError(f'{match[1]} has {len(sequence)} elements, index {index} is needed')
        value = sequence[index]
    return value


def numbers_in(value: Any) -> list[float]:
    """Return the numbers in a pose, twist, wrench, vector, quaternion (x y z w), array, number."""
    if isinstance(value, (bool, int, float, np.generic)):
        return [float(value)]
    for first, second in _PARTS:
        if hasattr(value, first):
            return numbers_in(getattr(value, first)) + numbers_in(getattr(value, second))
    if hasattr(value, 'x'):
        xyz = [value.x, value.y, value.z]
        return [*xyz, value.w] if hasattr(value, 'w') else xyz
    return list(value)


def put_at_path(message: Any, path: str, numbers: np.ndarray, types: MessageTypes) -> None:
    """Write numbers to a path, see ``follow_path``, of a ROS message."""
    above, _, last = path.rpartition('.')
    owner = follow_path(message, above, types) if above else message
    match = _INDEXED.match(last)
    if match is not None and match[1] != 'poses':
        sequence, index = getattr(owner, match[1]), int(match[2])
        _extend(sequence, [0.0] * (index + 1 - len(sequence)))
        del sequence[index:]
        _extend(sequence, numbers)
    elif isinstance(getattr(owner, last, None), (bool, int, float)):
        setattr(owner, last, type(getattr(owner, last))(numbers[0]))
    else:
        put_numbers(follow_path(message, path, types), numbers)


def put_numbers(value: Any, numbers: np.ndarray) -> None:
    """Write numbers to an object that ``numbers_in`` reads."""
    numbers = [float(number) for number in numbers]
    for first, second in _PARTS:
        if hasattr(value, first):
            put_numbers(getattr(value, first), numbers[:3])
            put_numbers(getattr(value, second), numbers[3:])
            return
    if hasattr(value, 'x'):
        for axis, number in zip((*_VECTOR, 'w'), numbers, strict=False):
            setattr(value, axis, number)
        return
    _extend(value, numbers)


def _extend(sequence: Any, numbers: Iterable[float]) -> None:
    """Append numbers to an array, as integers if it holds integers."""
    whole = getattr(sequence, 'typecode', 'd') in 'bBhHiIlLqQ'
    sequence.extend(int(number) if whole else float(number) for number in numbers)


def put_stamp(message: Any, stamp: int, frame_id: str) -> None:
    """Set time [ns] and frame of a message, if it has a header."""
    if hasattr(message, 'header'):
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 1_000_000_000)
        message.header.frame_id = frame_id
