# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a bag holds of a contract: joints and commands over time, and what can't be read."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
import math
from pathlib import Path
from typing import Any

import numpy as np

from inril_ros.data.bags.bags import BagError
from inril_ros.data.bags.connection import Connection
from inril_ros.data.bags.recording import open_recording, Recording
from inril_ros.data.frames.rejections import Rejections
from inril_ros.data.importing.commands.command_reading import read_command
from inril_ros.data.raw.image_types import FOREIGN_IMAGES
from inril_ros.data.video.image_topics import first_images
from inril_ros.robot.contract.contract import Camera, Contract, Observation
from inril_ros.robot.contract.fields import JOINT_STATE, TRANSFORMS
from inril_ros.robot.contract.topic_names import absolute_topic
from inril_ros.robot.messages.codecs import CodecError, decode
from inril_ros.robot.messages.images import decode_image, encoded_image

_MOST = 20_000  # messages per topic that are decoded, evenly spread
_GOLDEN = 0.6180339887498949
_IMAGES = 5  # that are tried of a camera
_UNREADABLE = (CodecError, AttributeError, TypeError, ValueError, IndexError)
Series = tuple[np.ndarray, np.ndarray]
"""Times [s] and values."""


@dataclass
class Track:
    """Values over time, as they are collected."""

    times: list[float] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def series(self) -> Series:
        """Return the times (N,) [s], each once, and the values (N, ...)."""
        times, first = np.unique(np.array(self.times), return_index=True)
        return times, np.array(self.values, np.float64)[first]


@dataclass
class BagValues:
    """What a bag holds of a contract.

    Attributes:
        connections: The connections of the bag.
        types: Types of each topic of the bag.
        namespace: Namespace that was put before the contract's relative topics.
        times: Times [s] of all messages by the contract's topic.
        joints: Positions of each joint of JointState messages, by the contract's topic and name.
        observed: Values by observation.
        commands: Set points by action (n,), joints that a message doesn't name as before.
        points: All commanded values by action (n,), those of trajectories too; NaN for joints
            that a message doesn't name.
        names: Joint names in messages, by the contract's topic.
        images: Cameras of which an image was decoded.
        frames: Parent of each frame of TF, by the contract's topic.
        rejections: What couldn't be read, by ``observations.<name>``, ``actions.<name>``,
            ``cameras.<name>``.
    """

    connections: list[Connection]
    types: dict[str, set[str]]
    namespace: str
    times: dict[str, list[float]] = field(default_factory=dict)
    joints: dict[tuple[str, str], Track] = field(default_factory=dict)
    observed: dict[str, Track] = field(default_factory=dict)
    commands: dict[str, Track] = field(default_factory=dict)
    points: dict[str, list[np.ndarray]] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)
    frames: dict[str, dict[str, str]] = field(default_factory=dict)
    images: set[str] = field(default_factory=set)
    rejections: Rejections = field(default_factory=Rejections)

    def in_bag(self, topic: str) -> str:
        """Return the bag's name of a topic of the contract."""
        return absolute_topic(topic, self.namespace)


def read_bag_values(path: Path, contract: Contract, namespace: str = '/') -> BagValues:
    """Read what a bag of ROS 1 or 2 holds of a contract.

    Raises:
        BagError: It can't be read.
    """
    with open_recording(path) as reader:
        types: dict[str, set[str]] = {}
        for connection in reader.connections:
            types.setdefault(connection.topic, set()).add(connection.msgtype)
        found = BagValues(reader.connections, types,
                          f'/{namespace.strip("/")}/'.replace('//', '/'))
        wanted = {**contract.observation_topics(), **contract.action_topics()}
        topics = {connection.id: topic for topic, kind in wanted.items()
                  for connection in reader.connections
                  if (connection.topic, connection.msgtype) == (found.in_bag(topic), kind)}
        for topic, time, message in _messages(reader, topics, found):
            _add(found, contract, topic, time, message)
        for name, camera in contract.cameras.items():
            _try_images(reader, found, name, camera)
    return found


def _messages(
    reader: Recording, topics: dict[int, str], found: BagValues,
) -> Iterator[tuple[str, float, Any]]:
    """Yield (topic, time [s], message) of some of the messages; note the times of all."""
    connections = [connection for connection in reader.connections if connection.id in topics]
    counts: dict[str, int] = {}
    for connection in connections:
        topic = topics[connection.id]
        counts[topic] = counts.get(topic, 0) + connection.msgcount
    for connection, time, raw in reader.messages(connections):
        topic = topics[connection.id]
        times = found.times.setdefault(topic, [])
        times.append((time - reader.start_time) / 1e9)
        # Evenly spread, but by no fixed step: publishers may take turns on a topic.
        if len(times) * _GOLDEN % 1.0 >= _MOST / counts[topic]:
            continue
        try:
            message = reader.deserialize(raw, connection)
        except BagError as error:
            found.rejections.add(topic, str(error))
            continue
        yield topic, times[-1], message


def _add(found: BagValues, contract: Contract, topic: str, time: float, message: Any) -> None:
    names = getattr(message, 'joint_names', None) or getattr(message, 'name', None)
    if isinstance(names, list):
        found.names.setdefault(topic, set()).update(names)
    if hasattr(message, 'transforms'):
        frames = found.frames.setdefault(topic.removesuffix('_static'), {})
        frames.update((one.child_frame_id.lstrip('/'), one.header.frame_id.lstrip('/'))
                      for one in message.transforms)
        return
    if getattr(message, '__msgtype__', '') == JOINT_STATE:
        for joint, position in zip(message.name, message.position):
            if math.isfinite(position):  # else an observation of it says so
                track = found.joints.setdefault((topic, joint), Track())
                track.times.append(time)
                track.values.append(position)
    for name, entry in contract.observations.items():
        if entry.topic == topic and entry.type != TRANSFORMS:
            _observe(found, name, time, message, entry)
    for name, entry in contract.actions.items():
        if entry.topic == topic:
            _command(found, contract, name, time, message)


def _observe(
    found: BagValues, name: str, time: float, message: Any, entry: Observation,
) -> None:
    if getattr(message, '__msgtype__', '') == JOINT_STATE and not set(entry.joints) <= set(
            message.name):
        return  # of another publisher on this topic, or of an arm without the joint: see names
    try:
        values = decode(message, entry)
    except _UNREADABLE as error:
        found.rejections.add(f'observations.{name}', str(error))
        return
    track = found.observed.setdefault(name, Track())
    track.times.append(time)
    track.values.append(values)


def _command(
    found: BagValues, contract: Contract, name: str, time: float, message: Any,
) -> None:
    entry = contract.actions[name]
    try:
        command = read_command(message, entry, 0, contract.period, by_stamp=False)
    except _UNREADABLE as error:
        found.rejections.add(f'actions.{name}', str(error))
        return
    if command is None or command.is_stop:
        return
    columns = list(command.columns)
    for point in command.points[:, 0]:
        values = np.full(entry.length, np.nan)
        values[columns] = point
        found.points.setdefault(name, []).append(values)
    track = found.commands.setdefault(name, Track())
    if command.is_set_point:
        before = track.values[-1] if track.values else np.full(entry.length, np.nan)
        track.times.append(time)
        track.values.append(np.where(np.isnan(values), before, values))


def _try_images(reader: Recording, found: BagValues, name: str, camera: Camera) -> None:
    """Decode an image of a camera; note why none of the first ones can be."""
    connections = [connection for connection in reader.named(found.in_bag(camera.topic))
                   if connection.msgtype in (camera.type, *FOREIGN_IMAGES)]
    try:
        for message in islice(first_images(reader, connections), _IMAGES):
            try:
                decode_image(encoded_image(message, camera), camera)
            except CodecError as error:
                found.rejections.add(f'cameras.{name}', str(error))
                continue
            found.images.add(name)
            return
    except BagError as error:
        found.rejections.add(f'cameras.{name}', str(error))
