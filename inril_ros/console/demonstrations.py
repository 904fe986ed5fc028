# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the page shows of recorded demonstrations, and the edits that a person makes there."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from inril_ros.data.bags.bags import BagError
from inril_ros.data.demonstrations import editing
from inril_ros.data.demonstrations.aligned_cache import aligned_episode
from inril_ros.data.demonstrations.camera_frames import camera_frames
from inril_ros.data.demonstrations.edit_log import Edits
from inril_ros.data.demonstrations.pieces import edits_in
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.episode import EpisodeOutcome
from inril_ros.robot.messages.images import encode_jpeg, resized

_FRAMES = 8
_HEIGHT = 120  # [pixel]


@dataclass(frozen=True)
class Demonstration:
    """A recorded demonstration.

    Attributes:
        seconds: [s] Its duration.
        outcome: How it ended.
        drove: Who commanded (a source of ExecutedAction) for how many ticks, one after the other.
        images: Of each camera: time [s] and JPEG as text of a ``data:`` address.
        problem: Why it can't be read as an episode; empty: it can.
    """

    seconds: float = 0.0
    outcome: str = ''
    drove: tuple[tuple[int, int], ...] = ()
    images: tuple[tuple[str, tuple[tuple[float, str], ...]], ...] = ()
    problem: str = ''


def edits_of_all(folder: Path) -> dict[str, Edits]:
    """Return the edits of each bag of a folder by its name; none if nothing was recorded yet.

    Raises:
        BagError: Edits can't be read.
    """
    return edits_in(folder) if any(folder.glob('*/metadata.yaml')) else {}


def read_demonstration(bag: Path, contract: Contract) -> Demonstration:
    """Return what is shown of a bag, whatever its edits are; takes seconds.

    Raises:
        BagError: An image can't be read.
    """
    images = tuple(
        (camera, tuple((seconds, _address(image)) for seconds, image in shown))
        for camera, shown in camera_frames(bag, contract, _FRAMES).items())
    try:
        episode = aligned_episode(bag, contract)
    except BagError as error:
        return Demonstration(images=images, problem=str(error))
    return Demonstration(
        len(episode.actions) * contract.period,
        EpisodeOutcome(episode.outcome).name.lower().replace('_', ' '),
        tuple((int(source), len(list(ticks))) for source, ticks in groupby(episode.source)),
        images)


class Editor:
    """The edits of one person.

    Args:
        contract: Contract of the demonstrations.
        by: Who edits.
    """

    def __init__(self, contract: Contract, by: str) -> None:
        self._contract, self._by = contract, by

    def drop(self, bag: Path, note: str) -> Edits:
        """Leave a demonstration out; see ``editing.drop``."""
        return editing.drop(bag, self._by, note)

    def restore(self, bag: Path, note: str) -> Edits:
        """Undo all edits; see ``editing.restore``."""
        return editing.restore(bag, self._by, note)

    def success(self, bag: Path, note: str) -> Edits:
        """Call it a success; see ``editing.label``."""
        return editing.label(bag, 'success', self._by, note)

    def failure(self, bag: Path, note: str) -> Edits:
        """Call it a failure; see ``editing.label``."""
        return editing.label(bag, 'failure', self._by, note)

    def trim(self, begin: float, end: float) -> Callable[[Path, str], Edits]:
        """Return what leaves out the ends [s]; see ``editing.trim``."""
        return lambda bag, note: editing.trim(
            bag, self._contract, self._by, self._ticks(begin), self._ticks(end), note)

    def split(self, at: float, first: str) -> Callable[[Path, str], Edits]:
        """Return what makes two of it at a time [s]; see ``editing.split``."""
        return lambda bag, note: editing.split(
            bag, self._contract, self._by, self._ticks(at), first, note=note)

    def _ticks(self, seconds: float) -> int:
        return round(seconds / self._contract.period)


def _address(image: np.ndarray) -> str:
    height, width = image.shape[:2]
    small = resized(image, _HEIGHT, max(1, round(width * _HEIGHT / height)))
    return f'data:image/jpeg;base64,{base64.b64encode(encode_jpeg(small)).decode()}'
