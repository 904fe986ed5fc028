# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A few images of each policy camera of episodes in the journal of rollouts."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from inril_ros.cli.report.journal_trace import JournalTrace
from inril_ros.data.demonstrations.camera_frames import Shown
from inril_ros.data.frames.transition_images import unpack_images
from inril_ros.nodes.learner.transition_messages import journaled, packed_images
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.messages.images import decode_image


def journaled_frames(
    folder: Path, contract: Contract, episodes: Mapping[str, int], number: int,
    progress: Callable[[int], None] = lambda done: None,
    trace: JournalTrace | None = None,
) -> dict[str, dict[str, Shown]]:
    """Return evenly spaced images of each policy camera, by episode and camera.

    An episode of which the journal has nothing, or nothing any more, is left out; one of which a
    part is missing has fewer images.

    Args:
        folder: Folder of the journal.
        contract: The robot's contract.
        episodes: The number of executed actions of each wanted episode, by its id.
        number: Number of images per camera, those of the first and the last observation included.
        progress: Called with the number of episodes that were read: the journal may be large.
        trace: Gets all that is read.

    Raises:
        ValueError: A record or an image can't be read.
    """
    cameras = contract.policy_cameras
    wanted = {episode: np.linspace(0, ticks, number).round().astype(int).tolist()
              for episode, ticks in episodes.items()}
    encoded: dict[str, dict[int, list[bytes]]] = {}
    seen: set[str] = set()
    for message in journaled(folder):
        if trace is not None:
            trace.add(message)
        if message.episode_id not in seen:
            seen.add(message.episode_id)
            progress(len(seen))
        if message.episode_id not in wanted or not message.steps:
            continue
        rows = unpack_images(packed_images(message), message.steps + 1, len(cameras))
        for tick in wanted[message.episode_id]:
            if rows and 0 <= tick - message.first_tick <= message.steps:
                encoded.setdefault(message.episode_id, {})[tick] = rows[tick - message.first_tick]
    return {episode: {
        name: [(tick * contract.period, decode_image(images[column], camera))
               for tick, images in found.items()]
        for column, (name, camera) in enumerate(cameras.items())}
        for episode, found in encoded.items()}
