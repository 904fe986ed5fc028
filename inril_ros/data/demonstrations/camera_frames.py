# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A few images of each camera of an episode for a person to view, the last one among them."""

from pathlib import Path
from typing import Any

import numpy as np

from inril_ros.data.bags.bags import EXECUTED_TOPIC
from inril_ros.data.bags.reading import robot_namespace
from inril_ros.data.bags.recording import open_recording, Recording
from inril_ros.data.demonstrations.pieces import Piece
from inril_ros.robot.contract.contract import Camera, Contract
from inril_ros.robot.contract.topic_names import absolute_topic
from inril_ros.robot.messages.images import rgb_of_compressed, rgb_of_image

Shown = list[tuple[float, np.ndarray]]
"""Time since the episode began [s] and image (height, width, 3) uint8 RGB, for each image."""


def camera_frames(
    path: Path, contract: Contract, number: int, piece: Piece | None = None,
) -> dict[str, Shown]:
    """Return a number of images of each recorded camera; the last is its last one.

    Args:
        path: The bag.
        contract: The robot's contract.
        number: How many.
        piece: The part of it that is shown; None: all of it, whatever its edits are.

    Raises:
        BagError: The bag or an image can't be read.
    """
    with open_recording(path) as reader:
        namespace = robot_namespace(path, reader.topics)
        actions = [connection for connection in reader.connections
                   if connection.topic == namespace + EXECUTED_TOPIC]
        ticks = [time for _, time, _ in reader.messages(actions)] if actions else []
        span = (ticks[0], ticks[-1]) if ticks else (reader.start_time, reader.end_time)
        stop = reader.end_time + 1
        if piece is not None and piece.ticks is not None and ticks:
            unread = max(0, len(ticks) - piece.ticks)  # before the first valid observation
            last = len(ticks) - 1 if piece.until is None else unread + piece.until
            span = (ticks[min(unread + piece.first, len(ticks) - 1)],
                    ticks[min(last, len(ticks) - 1)])
            stop = stop if piece.until is None else span[1] + 1
        return {name: shown for name, camera in contract.cameras.items()
                if (shown := _images(reader, camera, namespace, number, span, stop))}


def _images(
    reader: Recording, camera: Camera, namespace: str, number: int, span: tuple[int, int],
    stop: int,
) -> Shown:
    topic = absolute_topic(camera.topic, namespace)
    connections = [connection for connection in reader.connections if connection.topic == topic]
    if not connections:
        return []
    def read(connection: Any, time: int, raw: bytes) -> tuple[float, np.ndarray]:
        message = reader.deserialize(raw, connection)
        decode = rgb_of_image if hasattr(message, 'encoding') else rgb_of_compressed
        return (time - span[0]) / 1e9, decode(message, camera)

    wanted = list(np.linspace(*span, number)[:-1])
    shown: Shown = []
    last = None
    for last in reader.messages(connections, span[0], stop):
        if not wanted or last[1] < wanted[0]:
            continue
        while wanted and wanted[0] <= last[1]:
            wanted.pop(0)
        shown.append(read(*last))
        last = None  # it is shown
    return [*shown, *([read(*last)] if last is not None else [])]
