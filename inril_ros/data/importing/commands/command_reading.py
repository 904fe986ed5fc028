# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One recorded message as a command: which joints it commands, and their values in time.

A message is read as the robot's controller would: joints by name, some of them or all; the points
of a trajectory at their times. What a controller would refuse is refused here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inril_ros.robot.contract.contract import Action, Observation
from inril_ros.robot.contract.fields import TRAJECTORY
from inril_ros.robot.messages.codecs import (
    CodecError,
    decode,
    follow_path,
    numbers_in,
    POINT_FIELDS,
    stamp_ns,
)
from inril_ros.robot.messages.commands import decode_command, JOINT_JOG, TWIST
from inril_ros.robot.readable import few, quoted

#: [s] A goal of one point that is to be reached within this time, or within a tick, is a set
#: point of a stream: it counts at once. One with more time is followed in its time.
SET_POINT = 0.25
#: [ns] A stamp that is farther ahead of the arrival is one of another clock.
_FARTHEST_START = 10_000_000_000


@dataclass(frozen=True)
class Command:
    """The content of one message.

    Attributes:
        received: When it came [ns].
        start: When its time begins [ns].
        columns: Indices (n,) of the commanded values in the action.
        times: Times (K,) of its points after ``start`` [s]. None for a stop: hold the position.
        points: Values (K, D, n) of the points, followed by their D - 1 derivatives in time.
        zeros: Indices of values that the message doesn't name, which counts as 0.
    """

    received: int
    start: int
    columns: tuple[int, ...]
    times: np.ndarray
    points: np.ndarray
    zeros: tuple[int, ...] = ()

    @property
    def is_stop(self) -> bool:
        """Whether it has no point, as a trajectory that only ends the one before."""
        return not len(self.times)

    @property
    def is_set_point(self) -> bool:
        """Whether it counts at once and for ever."""
        return len(self.times) == 1 and self.times[0] == 0.0

    @property
    def end(self) -> int:
        """When its last point is reached [ns]."""
        return self.start + (0 if self.is_stop else round(self.times[-1] * 1e9))


def read_command(
    message: Any, entry: Action | Observation, received: int, period: float, by_stamp: bool,
    joints: tuple[str, ...] = (),
) -> Command | None:
    """Return the command in a message; None if the message is of other joints.

    Args:
        message: The message.
        entry: The description of the values: an action, or a stream that has an action's values.
        received: When it came [ns].
        period: Duration of a tick [s].
        by_stamp: Whether a trajectory begins at its header's stamp, if it has one.
        joints: The action's joints, for a description that names none.

    Raises:
        CodecError: The message holds no command that a controller would take.
    """
    frame = getattr(entry, 'frame_id', '')
    if frame and entry.type == TWIST and message.header.frame_id not in ('', frame):
        raise CodecError(f'is in the frame {quoted(message.header.frame_id)}, not in {frame!r}, '
                         'which frame_id of the action in the contract says: correct the one, or '
                         'turn the recorded twists')
    names = joint_names(message)
    if names is not None and joints and not entry.joints:  # of the type only the field is known
        return _field(message, entry, names, joints, received)
    if names is None or not entry.joints:
        read = decode_command if isinstance(entry, Action) else decode
        columns, values = tuple(range(entry.length)), read(message, entry)
        return Command(received, received, columns, np.zeros(1), values[None, None])
    if entry.type == TRAJECTORY and not len(message.points):  # how ROS 1 says: stop
        return Command(received, received, tuple(range(entry.length)), np.zeros(0), np.zeros(0))
    if len(set(names)) != len(names):
        raise CodecError(f'names a joint twice: {few(names)}')
    if not set(entry.joints) & set(names):
        return None
    if entry.type == TRAJECTORY:
        return _trajectory(message, entry, received, max(SET_POINT, period), by_stamp)
    columns, order = _named(names, entry)
    if entry.type == JOINT_JOG:
        values = _ordered(message.velocities, names, order, 'velocity')
        return _complete(columns, values[None, None], entry, received, received, np.zeros(1))
    values = _ordered(getattr(message, entry.quantity), names, order, entry.quantity)
    return Command(received, received, columns, np.zeros(1), values[None, None])


def _field(
    message: Any, entry: Action | Observation, names: list[str], joints: tuple[str, ...],
    received: int,
) -> Command:
    """Return the command in a field with the values of named joints, in the order of the names."""
    absent = [joint for joint in joints if joint not in names]
    if absent:
        raise CodecError(f'names {few(names)}, without {absent}')
    values = numbers_in(follow_path(message, entry.field))
    found = _ordered(values, names, [names.index(joint) for joint in joints], entry.field)
    return Command(received, received, tuple(range(len(joints))), np.zeros(1), found[None, None])


def joint_names(message: Any) -> list[str] | None:
    """Return the joints that a message names; None if its type has no names."""
    names = getattr(message, 'joint_names', getattr(message, 'name', None))
    return None if names is None or isinstance(names, str) else list(names)


def _named(
    names: list[str], entry: Action | Observation,
) -> tuple[tuple[int, ...], list[int]]:
    """Return the indices of the named joints in the entry, and in the message."""
    columns = tuple(index for index, joint in enumerate(entry.joints) if joint in names)
    return columns, [names.index(entry.joints[index]) for index in columns]


def _ordered(
    values: Sequence[float], names: list[str], order: list[int], quantity: str,
) -> np.ndarray:
    if len(values) != len(names):
        raise CodecError(f'has {len(values)} values of {quantity} for the {len(names)} joints '
                         f'{names}')
    found = np.asarray(values, np.float64)[order]
    if not np.isfinite(found).all():
        raise CodecError(f'a value is not finite: {found.tolist()}')
    return found


def _complete(
    columns: tuple[int, ...], points: np.ndarray, entry: Action | Observation, received: int,
    start: int, times: np.ndarray,
) -> Command:
    """Return a command of velocities or efforts, in which joints that aren't named have 0.

    MoveIt Servo and the trajectory controllers take them so.
    """
    whole = np.zeros((*points.shape[:2], entry.length))
    whole[..., columns] = points
    everything = range(entry.length)
    return Command(received, start, tuple(everything), times, whole,
                   tuple(index for index in everything if index not in columns))


def _trajectory(
    message: Any, entry: Action | Observation, received: int, set_point: float, by_stamp: bool,
) -> Command:
    """Return the command in a JointTrajectory."""
    stamp = stamp_ns(message) if by_stamp else 0
    start = stamp or received
    if start - received > _FARTHEST_START:
        raise CodecError(f'header.stamp is {(start - received) / 1e9:.3f} s after its arrival: '
                         'that is another clock; command_clock: receive ignores it')
    names = list(message.joint_names)
    columns, order = _named(names, entry)
    times = np.array([point.time_from_start.sec + point.time_from_start.nanosec / 1e9
                      for point in message.points])
    if (np.diff(times) <= 0.0).any() or times[0] < 0.0:
        raise CodecError(f'time_from_start does not increase: {times.tolist()}')
    points = np.stack([_point(point, names, order, entry, _fields(message.points, entry))
                       for point in message.points])
    if len(times) == 1 and times[0] <= set_point:
        start, times, points = max(start, received), np.zeros(1), points[:, :1]
    elif start + times[-1] * 1e9 < received:
        raise CodecError(f'ended {(received - start) / 1e9 - times[-1]:.3f} s before its arrival, '
                         'by its header.stamp; command_clock: receive ignores that')
    if entry.quantity != 'position':
        return _complete(columns, points, entry, received, start, times)
    return Command(received, start, columns, times, points)


def _fields(points: Sequence[Any], entry: Action | Observation) -> list[str]:
    """Return the fields of a trajectory's points that say how it is followed."""
    fields = [POINT_FIELDS[entry.quantity]]
    for name in ('velocities', 'accelerations') if entry.quantity == 'position' else ():
        if not all(len(getattr(point, name)) for point in points):
            break
        fields.append(name)
    return fields


def _point(
    point: Any, names: list[str], order: list[int], entry: Action | Observation,
    fields: list[str],
) -> np.ndarray:
    """Return a point's values and derivatives (D, n)."""
    return np.stack([_ordered(getattr(point, name), names, order, name) for name in fields])


