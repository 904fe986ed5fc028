# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A first contract for a robot from what it says: its topics, and one message of each.

A draft can be loaded as it is and moves nothing far: where a limit can't be known, it is a small
one around what was measured. Whoever uses it puts the real limits in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
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
_COMMANDS = (TRAJECTORY, 'std_msgs/msg/Float64MultiArray', 'geometry_msgs/msg/TwistStamped')


class DraftError(ValueError):
    """Nothing that a contract could observe was found; the message says what there was."""


@dataclass(frozen=True)
class TopicSeen:
    """A topic of a running graph or of a bag.

    Attributes:
        name: With its namespace.
        type: ROS message type.
        sample: One message, or None if none came.
        published: Somebody sends on it.
        awaited: Somebody listens on it: it may be how the robot is commanded.
        rate: [Hz] 0: not known.
        size: (width, height) [pixel] of an image, if it is known.
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
    """Return a contract as YAML text with comments on what to look at.

    Args:
        topics: What there is.
        name: Of the robot.
        control_rate: [Hz]
        namespace: Of the robot; it is taken off the names of topics.

    Raises:
        DraftError: There is no topic that can be observed.
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
    """Keys of a contract, each once, made of topic names."""

    def __init__(self, namespace: str) -> None:
        self._space = '/' + namespace.strip('/') + '/' if namespace.strip('/') else '/'
        self._taken: set[str] = set()

    def topic(self, name: str) -> str:
        """Return a topic relative to the namespace, or as it is if it lies elsewhere."""
        return name.removeprefix(self._space) if name.startswith(self._space) else name

    def key(self, name: str, ending: str = '') -> str:
        plain = re.sub(r'[^a-z0-9]+', '_', self.topic(name).lower()).strip('_')
        plain = re.sub(r'^[^a-z]+', '', plain) or 'topic'
        key = first = plain + ending
        count = 1
        while key in self._taken:
            count += 1
            key = f'{first}_{count}'
        self._taken.add(key)
        return key


def _joint_states(seen: list[TopicSeen]) -> dict[str, float]:
    """Return the measured position of each joint, of all joint states."""
    positions: dict[str, float] = {}
    for topic in seen:
        if topic.type == JOINT_STATE and topic.published and topic.sample is not None:
            values = list(topic.sample.position)
            if len(values) != len(topic.sample.name):
                continue  # only velocities or efforts: nothing that could be held
            for joint, value in zip(topic.sample.name, values, strict=True):
                if joint and abs(value) < 1e6:
                    positions.setdefault(str(joint), float(value))
    return positions


def _observations(
    seen: list[TopicSeen], names: _Names, joints: dict[str, float],
) -> dict[str, dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = {}
    for topic in seen:
        base = {'topic': names.topic(topic.name), 'type': topic.type}
        if topic.rate:
            base['max_age'] = round(max(0.05, 3.0 / topic.rate), 3)
        if not topic.published:
            continue
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
        base = {'topic': names.topic(topic.name), 'type': topic.type}
        if topic.type == 'geometry_msgs/msg/TwistStamped':
            entries[names.key(topic.name)] = {
                **base, 'field': 'twist.linear', 'frame_id': 'base_link',
                'minimum': [-_SPEED] * 3, 'maximum': [_SPEED] * 3, 'hold': 'zero'}
        elif joints:
            entries[names.key(topic.name)] = {**base, **_positions(joints)}
    if entries or not joints:
        return entries or {'hand_velocity': {
            'topic': 'servo_node/delta_twist_cmds', 'type': 'geometry_msgs/msg/TwistStamped',
            'field': 'twist.linear', 'frame_id': 'base_link',
            'minimum': [-_SPEED] * 3, 'maximum': [_SPEED] * 3, 'hold': 'zero'}}
    return {'arm': {'topic': 'joint_trajectory_controller/joint_trajectory', 'type': TRAJECTORY,
                    **_positions(joints)}}


def _positions(joints: dict[str, float]) -> dict[str, Any]:
    return {'joints': list(joints), 'quantity': 'position', 'hold': 'last',
            'minimum': [round(value - _REACH, 4) for value in joints.values()],
            'maximum': [round(value + _REACH, 4) for value in joints.values()],
            'max_velocity': [_SPEED]}


def _cameras(seen: list[TopicSeen], names: _Names) -> dict[str, dict[str, Any]]:
    """Return the cameras; one entry for an image topic and its compressed twin."""
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
