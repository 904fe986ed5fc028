# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Messages to arrays and back, as the contract says.

Observations are here, commands in ``commands``. The same functions serve messages of rclpy and of
``rosbags``: both have the same attributes, so one code path decodes live topics and recorded ones.
No ROS is imported here; whoever encodes passes in the message types.
"""

from collections.abc import Callable, Iterable, Mapping
import re
from typing import Any

import numpy as np

from inril_ros.robot.contract.contract import Camera, Contract, Observation
from inril_ros.robot.contract.fields import TRAJECTORY, TRANSFORMS

MessageTypes = Callable[[str], Any]
"""Returns the message class of a type name such as ``sensor_msgs/msg/JointState``."""

#: Where a trajectory's point keeps each quantity.
POINT_FIELDS = {'position': 'positions', 'velocity': 'velocities', 'effort': 'effort'}
_VECTOR = ('x', 'y', 'z')
# Of a pose, a transform, a twist, a wrench.
_PARTS = (('position', 'orientation'), ('translation', 'rotation'), ('linear', 'angular'),
          ('force', 'torque'))
_INDEXED = re.compile(r'^(\w+)\[(\d+)\]$')


class CodecError(ValueError):
    """A message that doesn't hold what the contract says it holds."""


def stamp_ns(message: Any) -> int:
    """Return the header stamp [ns] of a message; 0 means the sender set none."""
    return header_stamp_ns(message.header)


def header_stamp_ns(header: Any) -> int:
    """Return the stamp [ns] of a header."""
    return header.stamp.sec * 1_000_000_000 + header.stamp.nanosec


def decode(message: Any, observation: Observation) -> np.ndarray:
    """Read an observation (size,) float64 from a message.

    Raises:
        CodecError: A joint or an element is missing, or a value isn't finite.
    """
    if observation.type == TRAJECTORY:
        values = read_trajectory(message, observation.joints, observation.quantity,
                                 observation.topic)
    elif observation.joints and hasattr(message, 'name'):
        values = _read_joints(message, observation)
    else:
        values = np.array(numbers_in(follow_path(message, observation.field or 'data')),
                          dtype=np.float64)
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
        if entry.type == TRAJECTORY:
            _write_trajectory(message, entry, values[name], types)
        elif entry.type == TRANSFORMS:
            _add_transform(message, entry, values[name], stamp, types)
        elif entry.joints and hasattr(message, 'name'):
            _write_joints(message, entry, values[name])
        else:
            put_at_path(message, entry.field or 'data', values[name], types)
    return list(messages.items())


def encode_image(camera: Camera, image: np.ndarray, stamp: int, types: MessageTypes) -> Any:
    """Return what the camera would send of an RGB image (height, width, 3) uint8.

    A JPEG as CompressedImage, or an Image of encoding rgb8, as the contract says.
    """
    message = types(camera.type)()
    put_stamp(message, stamp, 'camera')
    if camera.type == 'sensor_msgs/msg/Image':
        message.height, message.width = image.shape[:2]
        message.encoding, message.step = 'rgb8', 3 * image.shape[1]
        message.data.frombytes(np.ascontiguousarray(image, np.uint8).tobytes())
        return message
    message.format = 'jpeg'
    message.data.frombytes(encode_jpeg(image))
    return message


def encode_jpeg(image: np.ndarray) -> bytes:
    """Return an RGB image (height, width, 3) uint8 as JPEG; the same image, the same bytes."""
    import cv2  # only where cameras are used: it costs 0.2 s to import

    done, data = cv2.imencode('.jpg', image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    if not done:
        raise CodecError(f'an image of shape {image.shape} could not be encoded')
    return data.tobytes()


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


def read_trajectory(message: Any, joints: tuple[str, ...], quantity: str, topic: str
                    ) -> np.ndarray:
    """Return the values of joints (n,) in the first point of a JointTrajectory.

    Raises:
        CodecError: It has no point, or one that lacks them.
    """
    point = message.points[0] if len(message.points) else None
    values = list(getattr(point, POINT_FIELDS[quantity], []))
    names = list(message.joint_names)
    try:
        return np.array([values[names.index(joint)] for joint in joints], np.float64)
    except (ValueError, IndexError) as error:
        raise CodecError(f'{topic}: no {quantity} for {joints}') from error


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
    """Return the numbers of a pose, twist, wrench, vector, quaternion (x y z w), array, number."""
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
    """Write numbers to where ``follow_path`` reads them, in a message of ROS."""
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
    """Write numbers into what ``numbers_in`` reads."""
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
    """Add numbers to an array, as integers where it holds integers."""
    whole = getattr(sequence, 'typecode', 'd') in 'bBhHiIlLqQ'
    sequence.extend(int(number) if whole else float(number) for number in numbers)


def put_stamp(message: Any, stamp: int, frame_id: str) -> None:
    """Set time [ns] and frame of a message that has a header."""
    if hasattr(message, 'header'):
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 1_000_000_000)
        message.header.frame_id = frame_id
