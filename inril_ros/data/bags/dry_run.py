# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Recordings of dry runs, in which nothing was sent to the robot.

They show what would have been commanded, to an arm that did not follow: no demonstration. The
recorder marks their metadata (``dry_run``); the ticks themselves say it in any recording.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inril_ros.data.bags.bags import BagError
from inril_ros.data.bags.recording import open_recording, Recording
from inril_ros.robot.motion.tick import DRY_RUN

#: Why such a recording is not used.
REASON = ('recorded in a dry run: nothing was sent to the robot, so this is no demonstration')
_EXECUTED = 'inril_ros/msg/ExecutedAction'
_LATEST = 2**63 - 1  # [ns]


class DryRunError(BagError):
    """A bag of a dry run, where a demonstration is needed."""


def is_dry(executed: Any) -> bool:
    """Return whether an ExecutedAction message is of a dry run."""
    return DRY_RUN in getattr(executed, 'reasons', ())


def has_dry_ticks(recording: Recording, start: int = 0, stop: int = _LATEST) -> bool:
    """Return whether a tick between two times [ns] of a recording is of a dry run.

    Raises:
        BagError: A tick can't be read.
    """
    return any(_dry_ticks(recording, start, stop))


def is_demonstration(bag: Path) -> bool:
    """Return whether the bag of an episode is of no dry run, as far as it can be read.

    Only its first tick is read: the actuation node is in a dry run for as long as it is up.
    """
    try:
        with open_recording(bag) as recording:
            return not next(_dry_ticks(recording), False)
    except BagError:
        return True  # who reads it will say what is wrong


def _dry_ticks(
    recording: Recording, start: int = 0, stop: int = _LATEST,
) -> Iterator[bool]:
    """Yield for each tick between two times [ns] whether it is of a dry run."""
    ticks = [each for each in recording.connections if each.msgtype == _EXECUTED]
    for connection, _, raw in recording.messages(ticks, start, stop) if ticks else ():
        yield is_dry(recording.deserialize(raw, connection))
