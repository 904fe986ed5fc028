# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The file in which a run keeps the products of each imitation event that was measured."""

from collections.abc import Mapping
from pathlib import Path

from inril_ros.data.record_files import JsonLines
from inril_ros.learning.interleave.alignment_events import alignment_event


class AlignmentFile:
    """`alignment.jsonl` in the learner's folder; `alignment_events` describes and pools it.

    It is made with the first event. After a restart the learner takes updates since its last
    checkpoint again, so that their events are there twice.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / 'alignment.jsonl'
        self._lines: JsonLines | None = None

    def add(self, logged: Mapping[str, float]) -> None:
        """Keep the event in the log of an update, if alignment was measured in it."""
        event = alignment_event(logged)
        if event is None:
            return
        if self._lines is None:
            self._lines = JsonLines(self._path)
        self._lines.append(event)

    def close(self) -> None:
        """Close the file. May be called again."""
        if self._lines is not None:
            self._lines.close()
            self._lines = None
