# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Messages to arrays and back, as the contract says.

Observations are here, commands in ``commands``. The same functions serve messages of rclpy and of
``rosbags``: both have the same attributes, so one code path decodes live topics and recorded ones.
No ROS is imported here; whoever encodes passes in the message types.
"""

from collections.abc import Callable, Mapping
import re
from typing import Any

import numpy as np

from inril_ros.robot.contract import Camera, Contract, Observation

MessageTypes = Callable[[str], Any]
"""Returns the message class of a type name such as ``sensor_msgs/msg/JointState``."""

_VECTOR = ('x', 'y', 'z')
_PARTS = {
    'geometry_msgs/msg/Pose': ('position', 'orientation'),
    'geometry_msgs/msg/Twist': ('linear', 'angular'),
    'geometry_msgs/msg/Wrench': ('force', 'torque'),
}
_INDEXED = re.compile(r'^(\w+)\[(\d+)\]$')


class CodecError(ValueError):
    """A message that doesn't hold what the contract says it holds."""


def stamp_ns(message: Any) -> int:
    """Return the header stamp [ns] of a message; 0 means the sender set none."""
    stamp = message.header.stamp
    return stamp.sec * 1_000_000_000 + stamp.nanosec


def decode(message: Any, observation: Observation) -> np.ndarray:
    """Read an observation (size,) float64 from a message.

    Raises:
        CodecError: A joint or an element is missing, or a value isn't finite.
    """
    if observation.joints:
        values = _read_joints(message, observation)
    else:
        values = np.array(numbers_in(follow_path(message, observation.field)), dtype=np.float64)
    if values.size != observation.length:
        raise CodecError(f'{observation.topic}: {values.size} values, {observation.length} needed')
    if not np.isfinite(values).all():
        raise CodecError(f'{observation.topic}: a value is not finite: {values.tolist()}')
    return values


def encode_observations(
    contract: Contract, values: Mapping[str, np.ndarray], stamp: int, types: MessageTypes,
) -> list[tuple[str, Any]]:
    """Return the (topic, message) pairs of a simulated robot's observations.

    Args:
        contract: The robot.
        values: Each observation of the contract by name, (size,).
        stamp: [ns] Time of the observation.
        types: Gives message classes.
    """
    messages: dict[str, Any] = {}
    for name, entry in contract.observations.items():
        message = messages.get(entry.topic)
        if message is None:
            message = messages[entry.topic] = types(entry.type)()
            put_stamp(message, stamp, 'base')
        if entry.joints:
            _write_joints(message, entry, values[name])
        else:
            put_numbers(follow_path(message, entry.field, types), values[name])
    return list(messages.items())


def encode_image(camera: Camera, image: np.ndarray, stamp: int, types: MessageTypes) -> Any:
    """Return a JPEG CompressedImage of an RGB image (height, width, 3) uint8."""
    import cv2  # only where cameras are used: it costs 0.2 s to import

    done, data = cv2.imencode('.jpg', image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    if not done:
        raise CodecError(f'{camera.topic}: an image of shape {image.shape} could not be encoded')
    message = types(camera.type)()
    put_stamp(message, stamp, 'camera')
    message.format = 'jpeg'
    message.data.frombytes(data.tobytes())
    return message


def _read_joints(message: Any, observation: Observation) -> np.ndarray:
    values = getattr(message, observation.quantity)
    index = {name: position for position, name in enumerate(message.name)}
    missing = [joint for joint in observation.joints if joint not in index]
    if missing:
        raise CodecError(f'{observation.topic}: joints {missing} are missing; '
                         f'the message has {list(message.name)}')
    if len(values) < len(message.name):
        raise CodecError(f'{observation.topic}: {len(values)} values of {observation.quantity} '
                         f'for {len(message.name)} joints')
    return np.array([values[index[joint]] for joint in observation.joints], dtype=np.float64)


def _write_joints(message: Any, observation: Observation, values: np.ndarray) -> None:
    for joint, value in zip(observation.joints, values, strict=True):
        if joint not in message.name:
            message.name.append(joint)
            message.position.append(0.0)
            message.velocity.append(0.0)
            message.effort.append(0.0)
        getattr(message, observation.quantity)[message.name.index(joint)] = float(value)


def follow_path(message: Any, path: str, types: MessageTypes | None = None) -> Any:
    """Return the part of a message that a path such as ``poses[1].position`` names."""
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
    """Return the numbers of a pose, twist, wrench, vector, quaternion (x y z w) or array."""
    if hasattr(value, 'position'):
        return numbers_in(value.position) + numbers_in(value.orientation)
    if hasattr(value, 'linear'):
        return numbers_in(value.linear) + numbers_in(value.angular)
    if hasattr(value, 'force'):
        return numbers_in(value.force) + numbers_in(value.torque)
    if hasattr(value, 'x'):
        xyz = [value.x, value.y, value.z]
        return [*xyz, value.w] if hasattr(value, 'w') else xyz
    return list(value)


def put_numbers(value: Any, numbers: np.ndarray) -> None:
    """Write numbers into what ``numbers_in`` reads."""
    numbers = [float(number) for number in numbers]
    for first, second in _PARTS.values():
        if hasattr(value, first):
            put_numbers(getattr(value, first), numbers[:3])
            put_numbers(getattr(value, second), numbers[3:])
            return
    if hasattr(value, 'x'):
        for axis, number in zip((*_VECTOR, 'w'), numbers, strict=False):
            setattr(value, axis, number)
        return
    value.extend(numbers)


def put_stamp(message: Any, stamp: int, frame_id: str) -> None:
    """Set time [ns] and frame of a message that has a header."""
    if hasattr(message, 'header'):
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 1_000_000_000)
        message.header.frame_id = frame_id
