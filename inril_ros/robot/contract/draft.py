# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A first contract for a robot from its topics and one message of each.

A draft can be loaded as it is and moves nothing far: limits are unknown, and therefore small ones
around the measured pose, to be replaced by the real ones.
"""

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from itertools import chain, count
import re
from typing import Any

import numpy as np
import yaml

from inril_ros.robot.contract.fields import JOINT_STATE, TRAJECTORY

_REACH = 0.1  # [rad or m] around the measured position
_SPEED = 0.1  # [rad/s or m/s]
_FIELDS = {
    'geometry_msgs/msg/PoseStamped': 'pose',
    'geometry_msgs/msg/PointStamped': 'point',
    'geometry_msgs/msg/TransformStamped': 'transform',
    'geometry_msgs/msg/TwistStamped': 'twist',
    'geometry_msgs/msg/WrenchStamped': 'wrench',
}
_IMAGES = ('sensor_msgs/msg/CompressedImage', 'sensor_msgs/msg/Image')
_TWIST = 'geometry_msgs/msg/TwistStamped'
_COMMANDS = (TRAJECTORY, 'std_msgs/msg/Float64MultiArray', _TWIST)
_HAND_VELOCITY = {'field': 'twist.linear', 'frame_id': 'base_link', 'hold': 'zero',
                  'minimum': [-_SPEED] * 3, 'maximum': [_SPEED] * 3}


class DraftError(ValueError):
    """No topic can be observed; the message lists the topics."""


@dataclass(frozen=True)
class TopicSeen:
    """A topic of a running graph or of a bag.

    Attributes:
        name: Name with its namespace.
        type: ROS message type.
        sample: One message; None if none came.
        published: Whether it has a publisher.
        awaited: Whether it has a subscriber, and may thus command the robot.
        rate: [Hz] Rate of the messages; 0 if unknown.
        size: (width, height) [pixel] of an image; None if unknown.
    """

    name: str
    type: str
    sample: Any = None
    published: bool = True
    awaited: bool = False
    rate: float = 0.0
    size: tuple[int, int] | None = None


def draft_contract(
    topics: Iterable[TopicSeen], name: str = 'my_robot', control_rate: float = 20.0,
    namespace: str = '/',
) -> str:
    """Return a contract as YAML text, with comments on what to check.

    Args:
        topics: The topics of the robot.
        name: Name of the robot.
        control_rate: [Hz] Number of ticks per second.
        namespace: Namespace of the robot, which is removed from the names of topics.

    Raises:
        DraftError: No topic can be observed.
    """
    seen = sorted(topics, key=lambda topic: topic.name)
    names = _Names(namespace)
    joints = _joint_states(seen)
    observations = _observations(seen, names, joints)
    if not observations:
        raise DraftError(
            'no topic can be observed: a JointState with joint names is needed, or one of '
            f'{sorted(_FIELDS)}. Seen were: '
            f'{", ".join(f"{topic.name} ({topic.type})" for topic in seen) or "no topics"}')
    actions = _actions(seen, names, joints)
    cameras = _cameras(seen, names)
    parts = [
        '# yaml-language-server: $schema=contract.schema.json',
        '# A draft from what was seen. Go through it line by line before anything moves:',
        '# the limits are small ones around the pose at that time, not those of the robot.',
        _text({'name': name, 'control_rate': control_rate}), '',
        _text({'observations': observations}), '',
        '# What the policy gets, in this order.',
        _text({'policy_observations': list(observations)}), '',
        '# What is commanded. minimum and maximum: the range that the policy may use.',
        _text({'actions': actions}), '']
    if cameras:
        parts += ['# Recorded with each episode; policy_images says what the policy sees.',
                  _text({'cameras': cameras}), '']
    parts += [_text({'episode': {'time_limit': 20.0}}), '']
    return '\n'.join(parts)


def image_size(message: Any) -> tuple[int, int] | None:
    """Return (width, height) [pixel] of an image message; None if it is none or can't be read."""
    if hasattr(message, 'width') and hasattr(message, 'encoding'):
        return message.width, message.height
    if not hasattr(message, 'format'):
        return None
    import cv2  # only where cameras are used: it costs 0.2 s to import

    image = cv2.imdecode(np.frombuffer(bytes(message.data), np.uint8), cv2.IMREAD_UNCHANGED)
    return None if image is None else (image.shape[1], image.shape[0])


class _Names:
    """Makes unique keys of a contract from topic names."""

    def __init__(self, namespace: str) -> None:
        self._space = '/' + namespace.strip('/') + '/' if namespace.strip('/') else '/'
        self._taken: set[str] = set()

    def topic(self, name: str) -> str:
        """Return a topic relative to the namespace, or unchanged if it lies elsewhere."""
        return name.removeprefix(self._space) if name.startswith(self._space) else name

    def key(self, name: str, ending: str = '') -> str:
        plain = re.sub(r'[^a-z0-9]+', '_', self.topic(name).lower()).strip('_')
        plain = re.sub(r'^[^a-z]+', '', plain) or 'topic'
        first = plain + ending
        candidates = chain([first], (f'{first}_{number}' for number in count(2)))
        key = next(key for key in candidates if key not in self._taken)
        self._taken.add(key)
        return key


def _joint_states(seen: list[TopicSeen]) -> dict[str, float]:
    """Return the measured positions of the joints of all joint states."""
    positions: dict[str, float] = {}
    for topic in seen:
        if topic.type == JOINT_STATE and topic.published and topic.sample is not None:
            names, values = topic.sample.name, list(topic.sample.position)
            # Without positions (only velocities or efforts) there is nothing that could be held.
            for joint, value in zip(names, values) if len(names) == len(values) else ():
                if joint and abs(value) < 1e6:
                    positions.setdefault(str(joint), float(value))
    return positions


def _observations(
    seen: list[TopicSeen], names: _Names, joints: dict[str, float],
) -> dict[str, dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = {}
    for topic in (topic for topic in seen if topic.published):
        base = {'topic': names.topic(topic.name), 'type': topic.type}
        if topic.rate:
            base['max_age'] = round(max(0.05, 3.0 / topic.rate), 3)
        if topic.type == JOINT_STATE and topic.sample is not None:
            named = list(dict.fromkeys(
                str(joint) for joint in topic.sample.name if str(joint) in joints))
            for quantity in ('position', 'velocity'):
                if named and len(getattr(topic.sample, quantity)) == len(topic.sample.name):
                    entries[names.key(topic.name, f'_{quantity}')] = {
                        **base, 'joints': named, 'quantity': quantity}
        elif topic.type in _FIELDS and not topic.awaited:
            entries[names.key(topic.name)] = {**base, 'field': _FIELDS[topic.type]}
    return entries


def _actions(
    seen: list[TopicSeen], names: _Names, joints: dict[str, float],
) -> dict[str, dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = {}
    for topic in seen:
        if not topic.awaited or topic.type not in _COMMANDS:
            continue
        # A copy: YAML writes a list that two actions share as an alias.
        values = (deepcopy(_HAND_VELOCITY) if topic.type == _TWIST
                  else joints and _positions(joints))
        if values:
            entries[names.key(topic.name)] = {
                'topic': names.topic(topic.name), 'type': topic.type, **values}
    if entries:
        return entries
    if not joints:
        return {'hand_velocity': {
            'topic': 'servo_node/delta_twist_cmds', 'type': _TWIST, **_HAND_VELOCITY}}
    return {'arm': {'topic': 'joint_trajectory_controller/joint_trajectory', 'type': TRAJECTORY,
                    **_positions(joints)}}


def _positions(joints: dict[str, float]) -> dict[str, Any]:
    return {'joints': list(joints), 'quantity': 'position', 'hold': 'last',
            'minimum': [round(value - _REACH, 4) for value in joints.values()],
            'maximum': [round(value + _REACH, 4) for value in joints.values()],
            'max_velocity': [_SPEED]}


def _cameras(seen: list[TopicSeen], names: _Names) -> dict[str, dict[str, Any]]:
    """Return the cameras; an image topic and its compressed version give one entry."""
    found = {topic.name: topic for topic in seen if topic.published and topic.type in _IMAGES
             and not topic.name.endswith(('compressedDepth', 'theora', 'zstd'))}
    entries: dict[str, dict[str, Any]] = {}
    for name, topic in found.items():
        if f'{name}/compressed' in found:
            continue
        width, height = topic.size or (640, 480)
        entries[names.key(name.removesuffix('/compressed').removesuffix('/image_raw'))] = {
            'topic': names.topic(name), 'type': topic.type, 'width': width, 'height': height,
            'rate': round(topic.rate, 1) or 30.0}
    return entries


def _text(data: dict[str, Any]) -> str:
    nested = any(isinstance(value, (dict, list)) for value in data.values())
    return yaml.safe_dump(data, sort_keys=False, default_flow_style=None if nested else False,
                          allow_unicode=True, width=95).rstrip()
