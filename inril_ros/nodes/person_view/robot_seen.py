# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What one robot's nodes have said so far, and how long ago."""

from collections.abc import Callable
from dataclasses import replace
import time
from typing import Any

from inril_ros.msg import (
    ActuationStatus,
    EpisodeEvent,
    LearnerStatus,
    PolicyStatus,
    RecorderStatus,
)
from inril_ros.nodes.person_view.episodes_seen import EpisodesSeen
from inril_ros.nodes.person_view.view import SILENT, Statuses

_FIELDS = {ActuationStatus: 'actuation', PolicyStatus: 'policy', LearnerStatus: 'learner',
           RecorderStatus: 'recorder'}
_CONDUCTOR = 'conductor'


class RobotSeen:
    """The last status of each node, and the episodes.

    Args:
        clock: Returns the time [s].

    Attributes:
        episodes: The episodes.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._statuses = Statuses()
        self._began = clock()
        self._heard: dict[str, float] = {}  # time of the last status, by node
        self.episodes = EpisodesSeen()

    def listen(self, status: Any) -> None:
        """Take a status of a node."""
        field = _FIELDS[type(status)]
        self._heard[field] = self._clock()
        self._statuses = replace(self._statuses, **{field: status})

    def on_event(self, event: EpisodeEvent) -> None:
        """Take an event of an episode."""
        self.episodes.add(event)

    def on_conductor(self, status: Any) -> None:
        """Take a status of the conductor."""
        self._heard[_CONDUCTOR] = self._clock()
        self._statuses = replace(self._statuses, conductor={
            each.key: each.value for each in status.values})

    @property
    def statuses(self) -> Statuses:
        """The last statuses, as far as they say how it is now."""
        now = self._clock()
        silent = now - self._heard.get('actuation', self._began)
        unheard = now - self._heard.get(_CONDUCTOR, self._began) > SILENT
        return replace(self._statuses, silent=silent,
                       **({'conductor': {}} if unheard else {}))

    @property
    def ages(self) -> dict[str, float]:
        """Time [s] since the last status of each node that has sent one, the conductor's too."""
        now = self._clock()
        return {name: now - heard for name, heard in self._heard.items()}
