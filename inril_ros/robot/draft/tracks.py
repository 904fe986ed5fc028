# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Joints over time: what joint states measured, and what commands asked for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from inril_ros.robot.contract.fields import JOINT_STATE, TRAJECTORY
from inril_ros.robot.messages.codecs import POINT_FIELDS

_LARGEST = 1e6  # No joint is there; a driver that has no value writes such numbers
_MOST_NUMBERS = 64  # An array of more numbers commands no arm
#: What a joint_trajectory_controller says it commands, also for goals of its action.
CONTROLLER_STATE = 'control_msgs/msg/JointTrajectoryControllerState'
QUANTITIES = ('position', 'velocity', 'effort')
Messages = Sequence[tuple[float, Any]]


@dataclass(frozen=True)
class Track:
    """One value over time.

    Attributes:
        times: [s] (N,), not decreasing.
        values: (N,) float64.
    """

    times: np.ndarray
    values: np.ndarray

    @property
    def span(self) -> float:
        """Difference of the highest and the lowest value."""
        return float(np.ptp(self.values))

    def at(self, times: np.ndarray) -> np.ndarray:
        """Return the values at times, interpolated; before and after it, the nearest value."""
        return np.interp(times, self.times, self.values)

    def rate_of_change(self) -> 'Track':
        """Return the change per second, between samples at least 20 ms apart."""
        steps = _spread(self.times, 0.02)
        times, values = self.times[steps], self.values[steps]
        if len(times) < 2:
            return Track(times[:1], np.zeros(len(times[:1])))
        return Track((times[1:] + times[:-1]) / 2, np.diff(values) / np.diff(times))


@dataclass(frozen=True)
class CommandSeries:
    """The commands on one topic, all of the same number of values.

    Attributes:
        times: [s] (N,) When they were received.
        values: (N, n) float64.
        field: Path of the values in the message; empty for types with joint names.
        joints: Names that the messages have for the values; empty if they have none.
        quantity: What the names say that is commanded; empty if the messages don't say.
        partial: Whether the messages name different joints.
        unread: Number of messages that hold no such values.
    """

    times: np.ndarray
    values: np.ndarray
    field: str = ''
    joints: tuple[str, ...] = ()
    quantity: str = ''
    partial: bool = False
    unread: int = 0

    def tracks(self) -> list[Track]:
        """Return the finite values of each place; each one has some."""
        return [Track(self.times[good], self.values[good, place])
                for place in range(self.values.shape[1])
                for good in [np.isfinite(self.values[:, place])]]

    def by_joint(self) -> dict[str, Track]:
        """Return the tracks by the names of the joints; empty if the messages have none."""
        return dict(zip(self.joints, self.tracks()))


def measured_tracks(messages: Messages, quantity: str) -> dict[str, Track]:
    """Return a quantity of each joint of a JointState topic, in the order of the first messages.

    Several publishers may send, each one its part of the joints.
    """
    rows: dict[str, list[tuple[float, float]]] = {}
    for time, message in messages:
        names, values = _listed(message, 'name'), _listed(message, quantity)
        if len(names) != len(values):
            continue  # without this quantity, or not a whole message
        for joint, value in zip(names, values):
            if joint and _is_number(value):
                rows.setdefault(str(joint), []).append((time, float(value)))
    return {joint: Track(*np.array(track).T) for joint, track in rows.items()}


def speeds(positions: Mapping[str, Track], velocities: Mapping[str, Track]) -> dict[str, Track]:
    """Return the speed of each joint: the measured one, or the change of its position.

    Many drivers send velocities that are always 0.
    """
    return {joint: velocities[joint] if joint in velocities and velocities[joint].span > 0.0
            else track.rate_of_change() for joint, track in positions.items()}


def commanded(messages: Messages, kind: str) -> CommandSeries | None:
    """Return the commands in messages of any type; None if they hold no numbers."""
    if kind == TRAJECTORY:
        return _named(messages, 'joint_names', _trajectory_values)
    if kind == 'control_msgs/msg/JointJog':
        return _named(messages, 'joint_names', lambda message: (
            'velocity', [_listed(message, 'velocities')]))
    if kind == JOINT_STATE:
        return _named(messages, 'name', _state_values)
    if kind == CONTROLLER_STATE:
        return _of_controller(messages)
    return _unnamed(messages)


def _trajectory_values(message: Any) -> tuple[str, list[list]]:
    points = _listed(message, 'points')
    for quantity, field in POINT_FIELDS.items():
        rows = [_listed(point, field) for point in points]
        if any(rows):
            return quantity, rows
    return '', []


def _state_values(message: Any) -> tuple[str, list[list]]:
    return next(((quantity, [values]) for quantity in QUANTITIES
                 if (values := _listed(message, quantity))), ('', []))


def _of_controller(messages: Messages) -> CommandSeries | None:
    """Return the commands that a trajectory controller tells: ``desired`` before ROS 2 Iron."""
    part = next((part for part in ('reference', 'desired')
                 if any(hasattr(message, part) for _, message in messages)), '')
    series = _named(messages, 'joint_names', lambda message: (
        'position', [_listed(getattr(message, part, None), 'positions')]))
    return None if series is None else replace(series, field=f'{part}.positions')


def _named(messages: Messages, names_field: str, values_of: Any) -> CommandSeries | None:
    """Return commands whose messages name their joints; NaN where a message leaves one out."""
    rows: list[tuple[float, str, dict[str, float]]] = []
    order: dict[str, None] = {}
    groups, unread = set(), 0
    longest: list[str] = []
    for time, message in messages:
        names = [str(name) for name in _listed(message, names_field)]
        quantity, points = values_of(message)
        good = [dict(zip(names, map(float, values))) for values in points
                if len(values) == len(names) > 0 and all(map(_is_number, values))
                and all(names) and len(set(names)) == len(names)]
        unread += not good
        if not good:
            continue
        groups.add(frozenset(names))
        longest = max(longest, names, key=len)
        order.update(dict.fromkeys(names))
        rows += [(time, quantity, values) for values in good]
    if not rows:
        return None
    quantity = rows[0][1]
    rows = [row for row in rows if row[1] == quantity]
    joints = [joint for joint in dict.fromkeys([*longest, *order])
              if any(joint in values for _, _, values in rows)]
    return CommandSeries(
        np.array([time for time, _, _ in rows]),
        np.array([[values.get(joint, np.nan) for joint in joints] for _, _, values in rows]),
        joints=tuple(joints), quantity=quantity, partial=len(groups) > 1, unread=unread)


def _unnamed(messages: Messages) -> CommandSeries | None:
    """Return the numbers in the first field that holds an array of numbers, or a number.

    A text beside them is taken for the name of what is commanded, if it is always the same.
    """
    field = next((name for _, message in messages for name in _number_fields(message)), '')
    if not field:
        return None
    rows = [(time, np.atleast_1d(getattr(message, field)), _label(message))
            for time, message in messages if field in _number_fields(message)]
    if len({len(values) for _, values, _ in rows}) != 1 or len({row[2] for row in rows}) != 1:
        return None  # not one group of joints
    return CommandSeries(
        np.array([time for time, _, _ in rows]), np.array([row[1] for row in rows], np.float64),
        field=field, joints=(rows[0][2],) if rows[0][2] and len(rows[0][1]) == 1 else (),
        unread=len(messages) - len(rows))


def _number_fields(message: Any) -> list[str]:
    """Return the fields with numbers, arrays first: a single number may be a mode or a count."""
    fields = [name for name in _field_names(message) if name not in ('header', 'layout')]
    arrays = [name for name in fields if 0 < len(_listed(message, name)) <= _MOST_NUMBERS
              and all(map(_is_number, _listed(message, name)))]
    return arrays + [name for name in fields
                     if isinstance(getattr(message, name), (float, np.floating))
                     and _is_number(getattr(message, name))]


def _label(message: Any) -> str:
    return next((value for name in _field_names(message)
                 if isinstance(value := getattr(message, name), str)), '')


def _field_names(message: Any) -> list[str]:
    """Return the names of a message's fields, of rosbags, rclpy, or a plain object."""
    if hasattr(message, 'get_fields_and_field_types'):
        return list(message.get_fields_and_field_types())
    return [name for name in getattr(message, '__dict__', {}) if not name.startswith('_')]


def _listed(message: Any, field: str) -> list:
    """Return an array of a message as a list; empty if there is none."""
    value = getattr(message, field, ())
    if value is None or isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        return []
    return list(value)


def _is_number(value: Any) -> bool:
    return (isinstance(value, (int, float, np.integer, np.floating))
            and not isinstance(value, bool) and abs(value) < _LARGEST)


def _spread(times: np.ndarray, apart: float) -> list[int]:
    """Return indices of samples that are at least ``apart`` [s] from each other."""
    kept: list[int] = []
    for index, time in enumerate(times):
        if not kept or time - times[kept[-1]] >= apart:
            kept.append(index)
    return kept
