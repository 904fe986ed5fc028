# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The topics of a bag: types, rates, and some messages of each."""

from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from inril_ros.data.bags.bags import BagError
from inril_ros.data.bags.connection import Connection
from inril_ros.data.bags.recording import open_recording, Recording
from inril_ros.data.video.decoder import decoder_of
from inril_ros.data.video.image_topics import first_images
from inril_ros.robot.draft.image_look import depth_seen, image_size
from inril_ros.robot.draft.roles import IMAGES, IMPORTED_IMAGES
from inril_ros.robot.draft.topic_seen import MOST_MESSAGES, TopicSeen

_LARGE = (*IMAGES, *IMPORTED_IMAGES, 'sensor_msgs/msg/PointCloud2')
_LARGEST = 20_000  # [byte] Of topics with larger messages one is kept
_MOST_FAILURES = 20  # messages of a topic that can't be read, after which no more are tried


def survey_bag(path: Path, most: int = MOST_MESSAGES) -> list[TopicSeen]:
    """Return the topics of a bag of ROS 1 or 2.

    Args:
        path: The bag.
        most: Number of messages of each topic that are kept, spread over the recording. 1: the
            first one.

    Raises:
        BagError: It can't be read.
    """
    with open_recording(path) as reader:
        seconds = max(1e-9, (reader.end_time - reader.start_time) / 1e9)
        kept = {name: _first(reader, found) for name, found in reader.topics.items()}
        if most > 1:
            kept.update(_series(reader, most, {
                name: found for name, found in reader.topics.items()
                if not any(each.msgtype in _LARGE for each in found)}))
        kept.update({name: image for name, found in reader.topics.items()
                     if (image := _first_of_video(reader, found))})
        return [TopicSeen(
            name, ' and '.join(dict.fromkeys(each.msgtype for each in found)), tuple(kept[name]),
            rate=sum(each.msgcount for each in found) / seconds, **_image(kept[name]))
            for name, found in sorted(reader.topics.items())]


def _image(messages: list[tuple[float, Any]]) -> dict[str, Any]:
    if not messages:
        return {}
    return {'size': image_size(messages[0][1]), 'depth': depth_seen(messages[0][1])}


def _first_of_video(
    reader: Recording, connections: list[Connection],
) -> list[tuple[float, Any]]:
    """Return the first image of a topic that an import turns into images; none of other topics."""
    if not all(each.msgtype in (*IMAGES, *IMPORTED_IMAGES) for each in connections):
        return []
    try:
        if all(each.msgtype in IMAGES for each in connections) and not any(
                decoder_of(getattr(message, 'encoding', '') or getattr(message, 'format', ''))
                for _, message in _first(reader, connections)):
            return []
        return [(0.0, message) for message in islice(first_images(reader, connections), 1)]
    except BagError:
        return []


def _first(reader: Recording, connections: list[Connection]) -> list[tuple[float, Any]]:
    """Return the first message of a topic, if it can be read."""
    for connection, time, raw in reader.messages(connections):
        try:
            return [(_seconds(reader, time), reader.deserialize(raw, connection))]
        except BagError:  # an unreadable topic must not hide the others
            return []
    return []


def _series(
    reader: Recording, most: int, topics: dict[str, list[Connection]],
) -> dict[str, list[tuple[float, Any]]]:
    """Return readable messages of topics, spread over the recording."""
    share = {name: most / max(1, sum(each.msgcount for each in found))
             for name, found in topics.items()}
    # By chance: every second message might be that of one of two publishers.
    chance = Random(0)
    failures = dict.fromkeys(topics, 0)
    kept: dict[str, list[tuple[float, Any]]] = {name: [] for name in topics}
    connections = [each for found in topics.values() for each in found]
    for connection, time, raw in reader.messages(connections) if connections else ():
        name = connection.topic
        if (chance.random() >= share[name] or failures[name] > _MOST_FAILURES
                or kept[name] and len(raw) > _LARGEST):
            continue
        try:
            kept[name].append((_seconds(reader, time), reader.deserialize(raw, connection)))
        except BagError:  # an unreadable topic must not hide the others
            failures[name] += 1
    return kept


def _seconds(reader: Recording, time: int) -> float:
    return (time - reader.start_time) / 1e9
